"""The analysis notebook runs from top to bottom, says what the report says, and is kept with the outputs of today."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from nbclient.exceptions import CellExecutionError

from infra.notebook import NOTEBOOK, read_notebook, run_notebook, save_notebook
from reports.kpis import KPIS
from tests.conftest import PROJECT, Finished
from tests.notebook_runs import Ran, read_outputs, run_and_keep_frames

CURE = "run python infra/notebook.py --write"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def ran(shipped_run: Finished, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The notebook run on a copy of the shipped run's warehouse."""
    work_dir = tmp_path_factory.mktemp("notebook")
    shutil.copy(shipped_run.work_dir / "warehouse.duckdb", work_dir)
    frames = tmp_path_factory.mktemp("frames")
    return run_and_keep_frames(frames, os.environ | {"RETAIL_WORK_DIR": str(work_dir)})


def test_notebook_has_the_kpis_of_the_report(ran: Ran, shipped_run: Finished) -> None:
    assert set(ran.frames) == set(KPIS)
    for name, frame in ran.frames.items():
        assert frame.equals(pl.read_parquet(shipped_run.report / f"{name}.parquet")), name


def test_notebook_is_kept_with_the_outputs_of_this_run(ran: Ran) -> None:
    assert read_outputs(read_notebook()) == read_outputs(ran.notebook), CURE


def test_notebook_shows_every_kpi_with_its_answer_chart_and_query(ran: Ran) -> None:
    outputs = next(cell.outputs for cell in ran.notebook.cells if cell.id == "kpis")
    shown = "\n".join(output.data.get("text/markdown", "") for output in outputs)
    assert sum("image/png" in output.data for output in outputs) == len(KPIS)
    for kpi in KPIS.values():
        assert f"### {kpi.title}" in shown
        assert f"The query of <code>{kpi.name}</code>" in shown
    assert shown.count("```sql\nwith ") == len(KPIS)
    assert "{{" not in shown
    assert "{currency}" not in "\n".join(output.data.get("text/html", "") for output in outputs)
    assert "{" not in "".join(line for line in shown.splitlines() if line.startswith(("Orders", "###")))


def test_kept_notebook_is_small_whole_and_of_no_machine() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < MEGABYTE
    notebook = read_notebook()
    numbers = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert numbers == list(range(1, len(numbers) + 1)), CURE
    outputs = json.dumps([cell.outputs for cell in notebook.cells if cell.cell_type == "code"])
    assert not re.search(r"(?<![\w.<])/(?:home|root|tmp|work|Users|usr|opt|var)/|[A-Z]:\\\\\\\\", outputs)
    assert {"error", "stream"}.isdisjoint(
        output.output_type for cell in notebook.cells for output in cell.get("outputs", [])
    )


def test_links_and_pictures_of_the_notebook_exist() -> None:
    texts = "\n".join(cell.source for cell in read_notebook().cells if cell.cell_type == "markdown")
    headings = {heading.replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", texts, flags=re.MULTILINE)}
    links = re.findall(r"\]\(([^)]+)\)", texts)
    assert len(links) >= 9
    for link in links:
        assert link[1:] in headings if link.startswith("#") else (NOTEBOOK.parent / link).exists(), link


def test_saved_notebook_says_nothing_of_its_run(tmp_path: Path) -> None:
    notebook = read_notebook()
    notebook.metadata["language_info"]["version"] = "3.11.7"
    notebook.cells[0].metadata["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00Z"}
    save_notebook(notebook, tmp_path / "saved.ipynb")
    assert (tmp_path / "saved.ipynb").read_bytes() == NOTEBOOK.read_bytes()


def test_notebook_without_a_tested_warehouse_stops_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match=r"Build it first: python -m flows\.transform"):
        run_notebook(read_notebook(), os.environ | {"RETAIL_WORK_DIR": str(tmp_path)})


def test_make_notebook_without_a_warehouse_says_how_to_make_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "infra/notebook.py"],
        cwd=PROJECT,
        env=os.environ | {"RETAIL_WORK_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (1, "There is no warehouse yet. Make one first: make run")
