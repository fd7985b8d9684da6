"""Where the processor's time goes in a conversion, stage by stage, one block after another.

The time is that of all threads; what a stage calls that is a stage itself is not counted twice.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl

from flows.lake import blocks, convert, gathering, reading, records
from flows.lake.contracts import CONTRACTS
from tests.benchmarks.measure import Cost, Section, run_action, table

NAMES = ("stages",)
ORDERS = 2_000_000

STAGES = (
    (reading.Hashing, "readinto", "read and hash the source"),
    (reading.Hashing, "read", "read and hash the source"),
    (reading.CsvReader, "_cut", "find where records end, check UTF-8"),
    (blocks, "find_odd", "structure of the records"),
    (records, "_parse", "parse CSV (polars)"),
    (blocks, "read_values", "cast and check values (polars)"),
    (blocks, "examine", "judge and explain the doubtful"),
    (gathering, "examine", "judge and explain the doubtful"),
    (gathering, "convert_block", "filter, number"),
    (pl.DataFrame, "write_parquet", "write Parquet (polars)"),
    (gathering, "write_part", "flush, read back, hash the parts"),
    (gathering.Quarantine, "add", "quarantine"),
    (gathering.Quarantine, "finish", "quarantine"),
    (convert, "convert_csv", "the rest"),
)


class Clock:
    """CPU seconds by stage; the time of an inner stage is taken off the outer one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inner = [0.0]

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            start = time.process_time()
            self._inner.append(0.0)
            try:
                return function(*args, **options)
            finally:
                spent = time.process_time() - start
                self.seconds[stage] = self.seconds.get(stage, 0.0) + spent - self._inner.pop()
                self._inner[-1] += spent

        return run


class OneAfterAnother:
    """Stands in for the pool of threads: what is submitted is done at once."""

    def __init__(self, _workers: int) -> None:
        pass

    def __enter__(self) -> OneAfterAnother:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, function: Callable[..., Any], *args: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*args, **options))
        return future


def measure(source: Path) -> dict[str, float]:
    """CPU seconds of each stage of one conversion."""
    clock = Clock()
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        stack.enter_context(patch.object(convert, "ThreadPoolExecutor", OneAfterAnother))
        for owner, name, stage in STAGES:
            stack.enter_context(patch.object(owner, name, clock.timed(stage, getattr(owner, name))))
        convert.convert_csv(source, CONTRACTS["raw_orders"], Path(folder))
    return clock.seconds


def compare(folder: Path) -> Section:
    """Convert a clean file and a dirty one, each in a process of its own: the table, and the figures of each."""
    runs: dict[str, Cost] = {}
    for kind in ("clean", "dirty"):
        source = folder / f"raw_orders_{ORDERS}_{kind}.csv"
        run_action("make_orders", source, folder)
        runs[kind] = run_action("stages", source, folder)
    columns: list[dict[str, float]] = [run.report["stages"] for run in runs.values()]
    titles = dict.fromkeys(stage for _, _, stage in STAGES)
    lines = [(stage, *(f"{column.get(stage, 0):.2f}" for column in columns)) for stage in titles]
    lines.append(("all", *(f"{sum(column.values()):.2f}" for column in columns)))
    title = f"### Where the processor time of a conversion goes, {ORDERS:,} orders\n\n"
    return title + table(("CPU s", *runs), lines), [{"file": kind, **vars(run)} for kind, run in runs.items()]
