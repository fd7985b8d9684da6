"""The analysis notebook: opened in JupyterLab on the warehouse that `make run` made, or run and saved.

`python infra/notebook.py --write` runs it from top to bottom and saves it with its outputs: after a change to it, to a
KPI or to the data. Every other option goes to JupyterLab, for instance `--no-browser`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flows.run.settings import PROJECT, load_settings

NOTEBOOK = PROJECT / "reports" / "analysis_notebook.ipynb"
CELL_SECONDS = 600
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="run the notebook and save it with its outputs")
    options, of_jupyter = parser.parse_known_args()
    settings = load_settings()
    if settings.target == "local" and not settings.duckdb_path.is_file():
        print("There is no warehouse yet. Make one first: make run", file=sys.stderr)
        return 1
    if not options.write:  # the server's root is the project: the drawings lie beside the notebook's folder
        folder = f"--ServerApp.root_dir={PROJECT}"
        os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", folder, *of_jupyter, str(NOTEBOOK)])  # noqa: S606
    save_notebook(run_notebook(read_notebook(), os.environ), NOTEBOOK)
    print(f"{NOTEBOOK.relative_to(PROJECT)}: {NOTEBOOK.stat().st_size / 1e6:.2f} MB with its outputs")
    return 0


def read_notebook() -> NotebookNode:
    """The notebook as it is kept."""
    return nbformat.read(NOTEBOOK, as_version=4)


def run_notebook(notebook: NotebookNode, environment: Mapping[str, str]) -> NotebookNode:
    """The notebook with the outputs of a run from top to bottom, in a process of its own.

    Raises:
        CellExecutionError: a cell failed; the message holds it and what it said.
    """
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name=METADATA["kernelspec"]["name"],
        record_timing=False,
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
    )
    return client.execute(env=dict(environment))


def save_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write the notebook; nothing in it says when, where or by whom it was run."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = NotebookNode()
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    sys.exit(main())
