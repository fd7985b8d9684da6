"""One run: its id, the lock on its work folder, and the summary it leaves in `runs/<run id>.json`.

Each flow works inside `open_run`. The first one opens the run; flows that it calls join it. So `retail_pipeline`
leaves one summary with everything, and a flow that runs alone leaves its own.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from prefect import get_run_logger
from prefect.context import FlowRunContext
from prefect.exceptions import TerminationSignal

from flows.errors import LoadError, RetailError
from flows.run.interruption import find_cause, heed_signals, is_stop, raise_if_stopped
from flows.run.privacy import close_to_others, private_files
from flows.run.retention import sweep_loaded, sweep_summaries
from flows.run.settings import Settings
from flows.run.state import State
from flows.run.target import open_state, open_warehouse
from flows.run.told_once import leave_out_tracebacks
from flows.warehouse.base import Warehouse
from flows.warehouse.lock import check_inside, hold_work_dir
from reports.archive import clear_leftovers

_UNFINISHED = re.compile(r"\A\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.json\.tmp\Z")
_CURRENT: ContextVar[Run | None] = ContextVar("current_run", default=None)


@dataclass
class Run:
    """What a run knows of itself; `summary` becomes the run summary (see DESIGN: fixed names).

    `warehouse` is the one it holds (`hold_warehouse`).
    """

    run_id: str
    settings: Settings
    warehouse: Warehouse | None = None
    state: State | None = None
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def summary_path(self) -> Path:
        """Where the summary is written."""
        return self.settings.runs_dir / f"{self.run_id}.json"

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """With RETAIL_STATE: bring the work folder up to what is remembered, and remember what the run leaves there.

        Raises:
            LoadError: S3 cannot be read or written.
        """
        self.state = open_state(self.settings)
        if self.state is None:
            yield
            return
        find_logger().info("%d files restored from %s", self.state.restore(), self.state.address)
        try:
            yield
        except BaseException:
            self.publish_failed()
            raise
        find_logger().info("%d files sent to %s", self.state.publish(), self.state.address)

    def publish(self) -> None:
        """Remember the summary, too, and what else changed since `remembering` ended."""
        state = self.state or open_state(self.settings)
        if state is not None:
            state.publish(only=self.summary_path)

    def publish_failed(self) -> None:
        """Remember what a failed run leaves; what went wrong first is what counts."""
        try:
            self.publish()
        except RetailError as error:
            find_logger().warning("%s", error)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Note how many seconds a step took, whether or not it succeeded."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.summary["seconds"][step] = round(time.monotonic() - start, 3)

    def sweep(self, warehouse: Warehouse | None = None) -> None:
        """Remove what is older than the settings keep it: of files that the warehouse has loaded, else of runs."""
        log = find_logger()
        if warehouse is not None:
            self.summary["swept"] |= sweep_loaded(self.settings, warehouse.read_ledger, log)
        else:
            self.summary["swept"] |= sweep_summaries(self.settings, self.summary_path, log)

    def save(self) -> None:
        """Write the summary, whole or not at all.

        Raises:
            LoadError: the disk is full or not writable.
        """
        beside = self.summary_path.with_name(f".{self.summary_path.name}.tmp")
        try:
            self.settings.runs_dir.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(self.summary, indent=2) + "\n", encoding="utf-8")
            beside.replace(self.summary_path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise LoadError(
                f"{self.summary_path}: cannot be written ({error.strerror}). Free space or rights, then run again."
            ) from error

    def save_failed(self, error: BaseException) -> None:
        """Note why the run failed; where even that cannot be written, what went wrong first is what counts."""
        why = find_cause() or f"{type(error).__name__}: {error}"
        self.summary.update(status="failed", error=why[:4000])
        with suppress(LoadError):
            self.save()
        self.publish_failed()

    def save_stopped(self) -> None:
        """Note that somebody stopped the run, or why it stopped itself."""
        if cause := find_cause():
            self.summary.update(status="failed", error=cause)
        else:
            self.summary.update(status="cancelled", error=None)
        with suppress(LoadError):
            self.save()


def find_logger() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    """The logger of the flow that runs, if one does."""
    return logging.getLogger(__name__) if FlowRunContext.get() is None else get_run_logger()


@contextmanager
def open_run(settings: Settings) -> Iterator[Run]:
    """The run that this flow belongs to: a new one, or the one of the flow that called it.

    Raises:
        ConfigError: the work folder cannot be used.
        LoadError: another run holds the work folder, or the summary cannot be written.
    """
    current = _CURRENT.get()
    if current is not None and current.settings.work_dir == settings.work_dir:
        with heed_signals(), _stopped_where_told():
            yield current
        return
    leave_out_tracebacks()
    run = _new_run(settings)
    with private_files(), hold_work_dir(settings.work_dir, run.run_id), heed_signals(run.save_stopped):
        close_to_others(settings.work_dir)
        check_inside(settings.work_dir, settings.runs_dir.name)
        _remove_leftovers(settings)
        token = _CURRENT.set(run)
        try:
            with _stopped_where_told():
                yield run
            run.sweep()
            run.summary["status"] = "completed"
            run.save()
            run.publish()
        except BaseException as error:
            if is_stop(error):
                run.save_stopped()
                run.publish_failed()
            else:
                run.save_failed(error)
            raise
        finally:
            _CURRENT.reset(token)


@contextmanager
def _stopped_where_told() -> Iterator[None]:
    """Once the run is told to stop, no other error counts, and nothing goes on: code of others may swallow a signal."""
    try:
        yield
    except (KeyboardInterrupt, TerminationSignal):
        raise
    except BaseException:
        raise_if_stopped()
        raise
    raise_if_stopped()


def find_run_id() -> UUID | None:
    """The flow run that this run is, if one is open: the outermost flow, not those that it calls."""
    current = _CURRENT.get()
    return UUID(current.run_id) if current else None


@contextmanager
def hold_warehouse(run: Run, settings: Settings) -> Iterator[Warehouse]:
    """The warehouse, held by this run; flows that a flow calls join in what it holds. No connection is left open.

    Raises:
        ConfigError: a setting is missing or wrong.
        LoadError: another run holds it.
    """
    if run.warehouse is not None:
        try:
            yield run.warehouse
        finally:
            run.warehouse.close()
        return
    warehouse = open_warehouse(settings)
    try:
        with warehouse.hold(run.run_id):
            run.warehouse = warehouse
            with run.remembering():
                yield warehouse
    finally:
        run.warehouse = None
        warehouse.close()


def _new_run(settings: Settings) -> Run:
    context = FlowRunContext.get()
    run_id = str(context.flow_run.id) if context and context.flow_run else str(uuid4())
    return Run(
        run_id,
        settings,
        summary={
            "run_id": run_id,
            "target": settings.target,
            "currency": settings.currency,
            "as_of": settings.as_of.isoformat() if settings.as_of else None,
            "status": "running",
            "files": [],
            "ignored": [],
            "dbt": None,
            "report": None,
            "swept": {},
            "seconds": {},
        },
    )


def _remove_leftovers(settings: Settings) -> None:
    """Remove what killed runs left of a summary or a report; whoever ingests removes what they left of files."""
    for path in settings.runs_dir.glob(".*.json.tmp"):
        if _UNFINISHED.match(path.name):
            path.unlink(missing_ok=True)
    if not settings.reports_dir.is_symlink():
        clear_leftovers(settings.reports_dir)


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
        amounts = dbt.get("amounts_usd", {})
        for finding, count in dbt.get("findings", {}).items():
            money = f" ({float(amounts[finding]):,.2f} {summary['currency']})" if finding in amounts else ""
            lines.append(f"          counted {count:,} {finding}{money}")
        for each in dbt.get("freshness", []):
            if each["status"] != "pass":
                told = each["message"] or f"last loaded {each['max_loaded_at'] or 'never'}"
                lines.append(f"          {each['source']}: {told}")
    if summary["report"]:
        lines.append(f"  report  {summary['report']} (as of {summary['as_of']})")
    if summary.get("files_loaded_since_build"):
        lines.append("          files loaded since the build are not in it; build anew: python -m flows.transform")
    return "\n".join(lines)


def _describe_files(files: list[dict[str, Any]]) -> list[str]:
    statuses = [file["status"] for file in files]
    counted = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
    rows = {key: sum(file[key] for file in files) for key in ("rows_in", "rows_loaded", "rows_quarantined")}
    return [
        f"  files   {len(files)} ({counted})",
        f"  rows    {rows['rows_in']:,} in = {rows['rows_loaded']:,} loaded + {rows['rows_quarantined']:,} quarantined",
    ]
