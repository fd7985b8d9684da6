"""One run: its id, the lock on its work folder, and the summary it leaves in `runs/<run id>.json`.

Each flow works inside `open_run`. The first one opens the run; flows that it calls join it. So `retail_pipeline`
leaves one summary with everything, and a flow that runs alone leaves its own.
"""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from prefect import get_run_logger
from prefect.context import FlowRunContext
from prefect.exceptions import TerminationSignal

from flows.errors import LoadError, RetailError
from flows.run.events import tell_finished
from flows.run.full_disk import naming_full_disk
from flows.run.interruption import (
    find_cause,
    has_timed_out,
    heed_signals,
    help_to_stop,
    is_stop,
    raise_if_stopped,
    stop_run,
)
from flows.run.json_lines import naming_run, use_log_format
from flows.run.limit import limit_run
from flows.run.origins import tell_origins
from flows.run.privacy import close_to_others, private_files
from flows.run.retention import sweep_loaded, sweep_summaries
from flows.run.settings import Settings
from flows.run.state import State
from flows.run.summary_text import describe_done
from flows.run.target import open_state, open_warehouse
from flows.run.told_once import leave_out_tracebacks
from flows.warehouse.base import Warehouse
from flows.warehouse.lock import check_inside, hold_work_dir
from flows.warehouse.waiting import Patience, describe_holder
from reports.archive import clear_leftovers

_UNFINISHED = re.compile(r"\A\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.json\.tmp\Z")
_CURRENT: ContextVar[Run | None] = ContextVar("current_run", default=None)


@dataclass
class Run:
    """What a run knows of itself; `summary` becomes the run summary (see DESIGN: fixed names).

    `name` is what Prefect calls its flow run, `warehouse` the one it holds (`hold_warehouse`), `holder` what other runs
    are told of it; `end_as` is its status if it ends well; `shown_as` has the artifact that shows it.
    """

    run_id: str
    settings: Settings
    name: str | None = None
    warehouse: Warehouse | None = None
    end_as: str = "completed"
    holder: str = ""
    state: State | None = None
    started: float = field(default_factory=time.monotonic)
    begun_at_utc: datetime = field(default_factory=lambda: datetime.now(UTC))
    shown_as: list[UUID] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def summary_path(self) -> Path:
        """Where the summary is written."""
        return self.settings.runs_dir / f"{self.run_id}.json"

    def find_blockers(self) -> list[str]:
        """Who of others locks what this run may wait for, a sentence each."""
        return self.warehouse.find_blockers() if self.warehouse else []

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

    def note_usage(self, warehouse: Warehouse) -> None:
        """Note what Redshift Serverless has charged since the run began, where that can be told."""
        charged = warehouse.read_usage(math.ceil(time.monotonic() - self.started))
        if charged is not None:
            usd = self.settings.rpu_hour_usd * charged / 3600
            self.summary["usage"] = {"rpu_seconds": charged, "usd": f"{usd:.2f}"}

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

    def save_done(self) -> None:
        """Write the summary of a run that did all it had to.

        Raises:
            LoadError: the disk is full or not writable; the message says what stands all the same.
        """
        try:
            self.save()
        except LoadError as error:
            raise LoadError(f"{error}\n{describe_done(self.summary)}") from error

    def save_failed(self, error: BaseException) -> None:
        """Note why the run failed; where even that cannot be written, what went wrong first is what counts."""
        why = f"{type(error).__name__}: {error}"
        self.summary.update(status="failed", error=why[:4000])
        with suppress(LoadError):
            self.save()
        self.publish_failed()

    def show(self) -> None:
        """Save what the summary says so far as an artifact, one for the whole run, for people who watch."""
        from flows.run.overview import publish_overview  # whose artifacts look for the run that is open

        publish_overview(self.summary, self.begun_at_utc, self.shown_as)

    def save_stopped(self) -> None:
        """Note that somebody stopped the run, or why it stopped itself."""
        if cause := find_cause():
            self.summary.update(status="timed_out" if has_timed_out() else "failed", error=cause)
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
        with heed_signals(), _stopped_where_told(), naming_full_disk(settings.work_dir, current.summary):
            yield current
        return
    use_log_format()
    leave_out_tracebacks()
    tell_origins(settings)
    run = _new_run(settings)
    with (
        naming_run(run.run_id),
        private_files(),
        hold_work_dir(settings.work_dir, run.holder, _patience(settings)),
        heed_signals(run.save_stopped),
        limit_run(settings.run_timeout_s, run.find_blockers),
    ):
        close_to_others(settings.work_dir)
        check_inside(settings.work_dir, settings.runs_dir.name)
        _remove_leftovers(settings)
        token = _CURRENT.set(run)
        try:
            with _stopped_where_told(), naming_full_disk(settings.work_dir, run.summary):
                yield run
            run.sweep()
            run.summary["status"] = run.end_as
            run.save_done()
            run.publish()
            run.show()
            tell_finished(run.summary, settings)
        except BaseException as error:
            if is_stop(error) or find_cause():
                run.save_stopped()
                run.publish_failed()
                run.show()
            else:
                run.save_failed(error)
                run.show()
                tell_finished(run.summary, settings)
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


def find_run() -> Run | None:
    """The run that is open, if one is: that of the outermost flow, not of those that it calls."""
    return _CURRENT.get()


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
    warehouse.tell_lost = stop_run
    try:
        with (
            help_to_stop(warehouse.interrupt, warehouse.let_go),
            warehouse.hold(run.run_id, run.holder, _patience(settings)),
        ):
            run.warehouse = warehouse
            with run.remembering():
                yield warehouse
            run.note_usage(warehouse)
    finally:
        run.warehouse = None
        warehouse.close()


def _patience(settings: Settings) -> Patience:
    return Patience(settings.wait_s, lambda text: find_logger().info("%s", text))


def _new_run(settings: Settings) -> Run:
    context = FlowRunContext.get()
    flow_run = context.flow_run if context else None
    run_id = str(flow_run.id) if flow_run else str(uuid4())
    return Run(
        run_id,
        settings,
        name=flow_run.name if flow_run else None,
        holder=describe_holder(run_id, flow_run.name if flow_run else ""),
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
            "usage": None,
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
