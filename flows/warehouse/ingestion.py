"""Source files in, loaded rows and a true ledger out: the order of an ingest, written once.

plan (hash, look up) → note what is new → convert it → refuse all if one is refused → load, file by file → sweep.
The flow runs each step as a Prefect task; here nothing knows Prefect, so that it can be killed and measured alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import polars as pl

from flows.errors import DataError, LoadError, RetailError
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion
from flows.lake.forms import Form
from flows.lake.parts import part_name, stem, sweep, version_sha256
from flows.lake.quarantine import count_reasons
from flows.lake.sources import SourceFile
from flows.lake.terms import DEFAULT_TERMS, Terms
from flows.warehouse.base import Warehouse
from flows.warehouse.conversion import Converted, Converter, Order, Step, Threads
from flows.warehouse.ledger import LedgerRow
from flows.warehouse.lock import check_inside
from flows.warehouse.outcomes import (
    FileOutcome,
    describe_bad_records,
    describe_cure,
    describe_failed_load,
    describe_refusal,
    mark_not_loaded,
    mark_waiting,
)
from flows.warehouse.plan import PlannedFile, find_lost, find_renamed_objects, plan_files
from flows.warehouse.told import Log, tell_converted, tell_loaded

TOP_FOLDERS = ("lake", "quarantine", "staged")
T = TypeVar("T")


Result = tuple[FileOutcome, Conversion | None]


def run_directly(_name: str, function: Callable[[], T]) -> T:
    """The step runner of whoever has none of their own."""
    return function()


@dataclass
class Ingestion:
    """One ingest into `warehouse`. `outcomes` is complete as soon as everything is converted, also on a refusal."""

    warehouse: Warehouse
    work_dir: Path
    run_id: str
    max_quarantined_ratio: float = 0.05
    terms: Terms = DEFAULT_TERMS
    forms: Mapping[str, Form] = field(default_factory=dict)  # by table, where files are not in the shipped form
    converter: Converter = field(default_factory=Threads)
    is_again: bool = False  # the files are loaded also where nothing of them has changed
    step: Step = run_directly
    log: Log = field(default=logging.getLogger(__name__))
    outcomes: list[FileOutcome] = field(default_factory=list)

    def convert(self, files: Sequence[SourceFile]) -> list[Conversion]:
        """Plan and convert; return what is to be loaded.

        Raises:
            ConfigError: a folder to write into lies outside the work folder.
            DataError: files were refused; the message names each with its cure, and nothing is to be loaded.
            LoadError: the warehouse or the disk failed; nothing is to be loaded.
        """
        check_inside(self.work_dir, *(name for top in TOP_FOLDERS for name in (top, *_table_folders(top))))
        self.step("prepare warehouse", lambda: self.warehouse.prepare(CONTRACTS.values()))
        self.terms = replace(self.terms, forgotten=self.warehouse.read_forgotten())
        with self._tidied():
            lost = self.step("compare with the ledger", lambda: find_lost(self.warehouse))
            anew = lost.union(self.warehouse.read_ledger() if self.is_again else ())
            planned = self.step("plan files", lambda: self._plan(files, anew))
            unchanged = sum(file.is_unchanged for file in planned)
            self.log.info("%d files found, %d of them unchanged", len(planned), unchanged)
            arrived = [file.version for file in planned if not (file.is_unchanged or file.fault)]
            self.step("note deliveries", lambda: self.warehouse.note_deliveries(arrived, self.run_id))
            results = self._convert_all(planned)
            self.outcomes = [outcome for outcome, _ in results] + (
                [] if self.is_again else self._refuse_lost(files, lost)
            )
            if any(outcome.status == "refused" for outcome in self.outcomes):
                self.outcomes = mark_not_loaded(self.outcomes)
                raise DataError(describe_refusal(self.outcomes))
        return [conversion for _, conversion in results if conversion is not None]

    def _plan(self, files: Sequence[SourceFile], anew: Set[LedgerRow]) -> list[PlannedFile]:
        look = partial(self.converter.look, tell=self.log.info)
        planned = plan_files(files, self.warehouse, anew, self.forms, look)
        if renamed := find_renamed_objects(planned):
            self.warehouse.note_objects(renamed)
        return planned

    def load(self, conversions: Sequence[Conversion]) -> None:
        """Load each file in one transaction, small files together; leave in the lake what the ledger names.

        Raises:
            LoadError: files were not loaded; the message and `outcomes` say which.
        """
        waiting = {(conversion.table, conversion.file_name) for conversion in conversions}
        try:
            with self._tidied():
                self._load_tables(conversions, waiting)
        except BaseException as error:
            self.outcomes = mark_waiting(self.outcomes, waiting, f"not loaded: {error}")
            if isinstance(error, LoadError):
                raise LoadError(describe_failed_load(error, conversions, waiting)) from error
            raise
        self._sweep()

    def _refuse_lost(self, files: Sequence[SourceFile], lost: Set[LedgerRow]) -> list[FileOutcome]:
        """What is lost from the warehouse is loaded anew from the source; without that, only a person can help."""
        delivered = {(file.table, file.name) for file in files}
        return [
            FileOutcome(
                row.table_name,
                row.file_name,
                row.file_sha256,
                "refused",
                error=f"{row.file_name}: raw.{row.table_name} does not hold the {row.rows_loaded:,} rows that were "
                "loaded from it, and the source has it no more. Put the file back into the source, or delete its "
                "rows there and in ops.load_ledger.",
            )
            for row in sorted(lost, key=lambda row: (row.table_name, row.file_name))
            if (row.table_name, row.file_name) not in delivered
        ]

    def _convert_all(self, planned: Sequence[PlannedFile]) -> list[Result]:
        """Convert what is not loaded already; a refused file is an outcome, not an exception."""
        results: list[Result] = []
        new = [file for file in planned if not (file.fault or file.is_unchanged)]
        with closing(self.converter.convert(new, self._order, self.step)) as converted:
            for table, group in _by_table(planned, lambda file: file.source.table):
                told = [self._find_outcome(file, converted) for file in group]
                tell_converted(self.log, table, told)
                results += told
        return results

    def _find_outcome(self, file: PlannedFile, converted: Iterator[Converted]) -> Result:
        """What becomes of one file; what was converted is taken in its order."""
        table, name = file.source.table, file.source.name
        if file.fault:
            return FileOutcome(table, name, file.sha256, "refused", error=file.fault), None
        if file.loaded and file.is_unchanged:
            return self._unchanged(file.loaded), None
        conversion = next(converted)
        if isinstance(conversion, DataError):
            return FileOutcome(table, name, file.sha256, "refused", error=str(conversion)), None
        fault = self._judge(conversion)
        outcome = FileOutcome(
            table,
            name,
            file.sha256,
            "refused" if fault else "replaced" if file.loaded else "loaded",
            conversion.rows_in,
            0 if fault else conversion.rows_loaded,
            conversion.rows_quarantined,
            conversion.reasons,
            fault,
            list(conversion.extra_columns),
        )
        return outcome, None if fault else replace(conversion, object_sha256=file.source.object_sha256)

    @property
    def _order(self) -> Order:
        return Order(self.work_dir, self.terms, self.forms)

    def _judge(self, conversion: Conversion) -> str | None:
        """Why the file is refused for its bad records, if it is."""
        if conversion.quarantined_ratio > self.max_quarantined_ratio:
            return (
                f"{describe_bad_records(conversion)}\n  That is {conversion.quarantined_ratio:.1%}; at most "
                f"{self.max_quarantined_ratio:.1%} may be bad. {describe_cure(conversion)}"
            )
        return None

    def _unchanged(self, row: LedgerRow) -> FileOutcome:
        quarantine = self.work_dir / "quarantine" / row.table_name / part_name(row.file_name, row.read_sha256)
        reasons = {}
        if row.rows_quarantined and quarantine.is_file():
            reasons = count_reasons(pl.read_parquet(quarantine, columns=["reason"], glob=False)["reason"])
        rows = (row.rows_in, row.rows_loaded, row.rows_quarantined)
        return FileOutcome(row.table_name, row.file_name, row.file_sha256, "unchanged", *rows, reasons)

    def _load_tables(self, conversions: Sequence[Conversion], waiting: set[tuple[str, str]]) -> None:
        """Load the tables, as many at once as the warehouse takes; all have ended before a failure is raised."""
        loads = [
            (f"load {table}", partial(self._load_table, table, group, waiting))
            for table, group in _by_table(conversions, lambda conversion: conversion.table)
        ]
        if self.warehouse.parallel_loads == 1:
            for name, load in loads:
                self.step(name, load)
            return
        with ThreadPoolExecutor(self.warehouse.parallel_loads) as pool:
            futures = [pool.submit(copy_context().run, self.step, name, load) for name, load in loads]
            try:
                wait(futures)
            except BaseException:  # the run was stopped: what has not begun does not
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        for future in futures:
            future.result()

    def _load_table(self, table: str, conversions: Sequence[Conversion], waiting: set[tuple[str, str]]) -> None:
        loaded: list[tuple[str, int]] = []
        try:
            for batch in self._batches(conversions):
                for row in self.warehouse.load_files(CONTRACTS[table], batch, self.run_id):
                    waiting.discard((table, row.file_name))
                    loaded.append((row.file_name, row.rows_loaded))
        finally:
            tell_loaded(self.log, table, loaded)

    def _batches(self, conversions: Iterable[Conversion]) -> Iterator[list[Conversion]]:
        """Files that share a transaction, as many as the warehouse takes; one that is larger alone is loaded alone.

        So do those that share a pack.
        """
        batch: list[Conversion] = []
        filled = 0
        for _, group in groupby(conversions, lambda conversion: conversion.pack or id(conversion)):
            files = list(group)
            size = files[0].pack.size if files[0].pack else sum(part.size for part in files[0].parts)
            is_too_many = len(batch) + len(files) > self.warehouse.batch_files
            if batch and (is_too_many or filled + size > self.warehouse.batch_bytes):
                yield batch
                batch, filled = [], 0
            batch += files
            filled += size
        if batch:
            yield batch

    @contextmanager
    def _tidied(self) -> Iterator[None]:
        """On a failure, too, leave nothing of files that were not loaded; they may be what fills the disk."""
        try:
            yield
        except BaseException:
            with suppress(RetailError, OSError):  # what went wrong first is what the user must read
                self._sweep()
            raise

    def _sweep(self) -> None:
        """Leave in the lake what belongs to loaded files; in the quarantine also the bad records of refused ones."""
        loaded = {stem(row.file_name, row.read_sha256) for row in self.warehouse.read_ledger()}
        refused = {
            stem(outcome.file, version_sha256(outcome.sha256, self._order.form(outcome.table).sha256))
            for outcome in self.outcomes
            if outcome.status == "refused"
        }
        for table in CONTRACTS:
            sweep(self.work_dir / "lake" / table, loaded)
            sweep(self.work_dir / "quarantine" / table, loaded | refused)


def _table_folders(top: str) -> list[str]:
    return [f"{top}/{table}" for table in CONTRACTS]


def _by_table(items: Sequence[T], table: Callable[[T], str]) -> list[tuple[str, list[T]]]:
    return [(name, list(group)) for name, group in groupby(items, key=table)]
