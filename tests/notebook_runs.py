"""The analysis notebook, run for tests: what its cells show, and the KPI frames it had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from infra.notebook import read_notebook, run_notebook


@dataclass(frozen=True)
class Ran:
    """The notebook after a run, and the KPI frames that it had in the end."""

    notebook: NotebookNode
    frames: dict[str, pl.DataFrame]


def run_and_keep_frames(folder: Path, environment: Mapping[str, str]) -> Ran:
    """Run the notebook with this environment; the folder, which is empty, is where its frames pass through."""
    notebook = read_notebook()
    keep = f"for name, frame in frames.items():\n    frame.write_parquet({str(folder)!r} + f'/{{name}}.parquet')"
    notebook.cells.append(new_code_cell(keep))
    ran = run_notebook(notebook, environment)
    ran.cells.pop()
    return Ran(ran, {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")})


def read_outputs(notebook: NotebookNode) -> dict[str, list[dict[str, str]]]:
    """Cell → what it shows, without the pixels of its pictures."""
    return {
        cell.id: [
            {kind: content for kind, content in {**output.get("data", {}), "text": output.get("text")}.items()
             if kind != "image/png"}
            for output in cell.outputs
        ]
        for cell in notebook.cells
        if cell.cell_type == "code"
    }  # fmt: skip
