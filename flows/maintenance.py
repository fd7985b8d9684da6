"""What runs leave behind, tidied: what is older than the settings keep it, and what killed runs left of files.

Each run does this for what it touches. A warehouse whose source brings nothing for weeks, or whose runs fail, has
nobody who does; this flow does it, and reads no source. It holds the work folder and the warehouse as every run does.
"""

from __future__ import annotations

from flows.run.maintenance_command import read_command

if __name__ == "__main__":
    OPTIONS = read_command()  # the imports below take seconds

import sys
from typing import Any

from prefect import flow, get_run_logger

from flows.ingest import run_as_task
from flows.lake.contracts import CONTRACTS
from flows.run.artifacts import markdown_table, publish
from flows.run.command_line import run_with_options
from flows.run.retention import sweep_orphans
from flows.run.settings import Target, load_settings
from flows.run.summary import Run, hold_warehouse, open_run
from flows.warehouse.base import Warehouse
from reports.archive import clear_old


@flow(name="maintenance")
def maintenance(
    work_dir: str | None = None,
    target: Target | None = None,
    rewrite: bool = False,
) -> dict[str, Any]:
    """Remove what is older than the settings keep it, and what killed runs left behind.

    Args:
        work_dir: Folder of everything that runs write. Empty: RETAIL_WORK_DIR, else data/work.
        target: The warehouse: local (an embedded DuckDB file) or redshift.
        rewrite: Free the space of deleted rows now. Redshift does so by itself, some time; a DuckDB file never shrinks.
    """
    settings = load_settings(work_dir=work_dir, target=target)
    with open_run(settings) as run, run.timed("maintenance"), hold_warehouse(run, settings) as warehouse:
        tidy(run, warehouse, rewrite=rewrite)
    return run.summary


def tidy(run: Run, warehouse: Warehouse, *, rewrite: bool) -> None:
    """Sweep warehouse, stage, lake, quarantine and reports; the summary's `swept` says what went."""
    settings, log = run.settings, get_run_logger()
    if (staged := run_as_task("clear stage", warehouse.clear_stage)) is not None:
        run.summary["swept"]["stage"] = {"files": len(staged), "bytes": sum(staged)}
    run_as_task("prepare warehouse", lambda: warehouse.prepare(CONTRACTS.values()))
    run.summary["swept"] |= run_as_task("remove orphans", lambda: sweep_orphans(settings, warehouse.read_ledger, log))
    run_as_task("remove what is old", lambda: run.sweep(warehouse))
    gone = run_as_task("remove old reports", lambda: clear_old(settings.reports_dir, settings.keep_reports))
    run.summary["swept"]["reports"] = gone
    if rewrite:
        run_as_task("free the space of deleted rows", warehouse.rewrite)
    rows = [(kind, each["files"], each["bytes"]) for kind, each in run.summary["swept"].items()]
    publish("maintenance", "What was removed", markdown_table(("kind", "files", "bytes"), rows))


if __name__ == "__main__":
    sys.exit(run_with_options("maintenance", maintenance, OPTIONS))
