"""One run: its id, the lock on its work folder, and the summary it leaves in `runs/<run id>.json`.

Each flow works inside `open_run`. The first one opens the run; flows that it calls join it. So `retail_pipeline`
leaves one summary with everything, and a flow that runs alone leaves its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from prefect.context import FlowRunContext

from flows.errors import ConfigError, LoadError
from flows.settings import Settings
from flows.warehouse.base import Warehouse
from flows.warehouse.duckdb import DuckDBWarehouse

_CURRENT: ContextVar[Run | None] = ContextVar("current_run", default=None)


@dataclass
class Run:
    """What a run knows of itself; `summary` becomes the run summary (see DESIGN: fixed names)."""

    run_id: str
    settings: Settings
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def summary_path(self) -> Path:
        """Where the summary is written."""
        return self.settings.runs_dir / f"{self.run_id}.json"

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Note how many seconds a step took, whether or not it succeeded."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.summary["seconds"][step] = round(time.monotonic() - start, 3)

    def save(self) -> None:
        """Write the summary, whole or not at all."""
        self.settings.runs_dir.mkdir(parents=True, exist_ok=True)
        beside = self.summary_path.with_suffix(".tmp")
        beside.write_text(json.dumps(self.summary, indent=2) + "\n", encoding="utf-8")
        beside.replace(self.summary_path)


@contextmanager
def open_run(settings: Settings) -> Iterator[Run]:
    """The run that this flow belongs to: a new one, or the one of the flow that called it.

    Raises:
        LoadError: another run holds the work folder.
    """
    current = _CURRENT.get()
    if current is not None and current.settings.work_dir == settings.work_dir:
        yield current
        return
    run = _new_run(settings)
    with _locked(settings.work_dir, run.run_id):
        token = _CURRENT.set(run)
        try:
            yield run
            run.summary["status"] = "completed"
        except BaseException as error:
            run.summary.update(status="failed", error=f"{type(error).__name__}: {error}"[:4000])
            raise
        finally:
            _CURRENT.reset(token)
            run.save()


def open_warehouse(settings: Settings) -> Warehouse:
    """The warehouse that the target names.

    Raises:
        ConfigError: raw files cannot be loaded into it.
    """
    if settings.target == "local":
        return DuckDBWarehouse(settings.duckdb_path)
    raise ConfigError(
        "target redshift: this version cannot load files into Redshift yet; the dbt project runs there already. "
        "Use --target local."
    )


def _new_run(settings: Settings) -> Run:
    context = FlowRunContext.get()
    run_id = str(context.flow_run.id) if context and context.flow_run else str(uuid4())
    return Run(
        run_id,
        settings,
        {
            "run_id": run_id,
            "target": settings.target,
            "as_of": settings.as_of.isoformat() if settings.as_of else None,
            "status": "running",
            "files": [],
            "ignored": [],
            "dbt": None,
            "report": None,
            "seconds": {},
        },
    )


@contextmanager
def _locked(work_dir: Path, run_id: str) -> Iterator[None]:
    """Hold the work folder. The kernel releases the lock when the process ends, however it ends."""
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        lock = (work_dir / ".lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{work_dir}: the work folder cannot be written ({error.strerror}). "
            "Name another with --work-dir or RETAIL_WORK_DIR."
        ) from error
    with lock:
        _acquire(lock, work_dir)
        lock.truncate(0)
        lock.write(f"run {run_id}, process {os.getpid()}")
        lock.flush()
        yield


def _acquire(lock: IO[str], work_dir: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        raise LoadError(
            f"{work_dir}: another run is at work here ({lock.read(200) or 'just starting'}). "
            "Wait until it has ended, then run again."
        ) from error


def describe(summary: dict[str, Any]) -> str:
    """A run summary in a few lines for a person."""
    lines = ["", f"Run {summary['run_id']} {summary['status']}"]
    if summary["files"]:
        lines += _describe_files(summary["files"])
    if summary["dbt"]:
        dbt = summary["dbt"]
        lines.append(
            f"  dbt     {dbt['nodes']} nodes: {dbt['success']} succeeded, {dbt['error']} failed, "
            f"{dbt['skipped']} skipped ({dbt['seconds']:.0f} s)"
        )
    if summary["report"]:
        lines.append(f"  report  {summary['report']} (as of {summary['as_of']})")
    return "\n".join(lines)


def _describe_files(files: list[dict[str, Any]]) -> list[str]:
    statuses = [file["status"] for file in files]
    counted = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
    rows = {key: sum(file[key] for file in files) for key in ("rows_in", "rows_loaded", "rows_quarantined")}
    return [
        f"  files   {len(files)} ({counted})",
        f"  rows    {rows['rows_in']:,} in = {rows['rows_loaded']:,} loaded + {rows['rows_quarantined']:,} quarantined",
    ]
