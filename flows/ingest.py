"""CSV files → Parquet parts → raw tables.

Every new or changed file is converted first. Only if none is refused are they loaded, each in one transaction
with its ledger row. So a run either loads everything that came or nothing, and says why.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl
from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.artifacts import escape, markdown_table, publish
from flows.command_line import run_flow
from flows.errors import DataError
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion, convert_csv, count_reasons
from flows.lake.parts import part_name, stem, sweep
from flows.lake.reading import hash_file
from flows.lake.s3 import SCHEME, fetch_s3
from flows.lake.sources import SourceFile, find_sources
from flows.run import Run, open_run, open_warehouse
from flows.settings import Settings, Target, load_settings
from flows.warehouse.base import LedgerRow, Warehouse


@dataclass(frozen=True)
class PlannedFile:
    """A file of the source, its hash, and the ledger row of the version that is loaded now, if any."""

    source: SourceFile
    sha256: str
    loaded: LedgerRow | None

    @property
    def is_unchanged(self) -> bool:
        """Whether exactly these bytes are loaded already."""
        return self.loaded is not None and self.loaded.file_sha256 == self.sha256


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file: a row of the run summary. `error` says why it was refused."""

    table: str
    file: str
    sha256: str
    status: str
    rows_in: int = 0
    rows_loaded: int = 0
    rows_quarantined: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    error: str | None = None


@flow(name="ingest")
def ingest(
    source: str | None = None, work_dir: str | None = None, target: Target | None = None, as_of: date | None = None
) -> dict[str, Any]:
    """Convert new and changed CSV files to Parquet, set bad records aside, and load the rest into the raw tables.

    Args:
        source: Folder of the raw CSV files, or s3://bucket/prefix. Empty: RETAIL_SOURCE, else data/datasets.
        work_dir: Folder for everything a run writes. Empty: RETAIL_WORK_DIR, else data/work.
        target: The warehouse: local (an embedded DuckDB file) or redshift.
        as_of: Not used by this flow; noted in the run summary.
    """
    settings = load_settings(source=source, work_dir=work_dir, target=target, as_of=as_of)
    with open_run(settings) as run, run.timed("ingest"):
        warehouse = open_warehouse(settings)
        try:
            _ingest(run, warehouse)
        finally:
            warehouse.close()
    return run.summary


def _ingest(run: Run, warehouse: Warehouse) -> None:
    settings, log = run.settings, get_run_logger()
    delivery = find_sources(reach_source(settings), CONTRACTS)
    for name in delivery.ignored:
        log.warning("%r looks like raw data, but there is no contract for such a table; it is ignored", name)
    run.summary["ignored"] = list(delivery.ignored)
    prepare_warehouse(warehouse)
    planned = plan_files(delivery.files, warehouse)
    log.info("%d files found, %d of them unchanged", len(planned), sum(file.is_unchanged for file in planned))

    results = [result for group in _by_table(planned) for result in convert_table(group, settings)]
    outcomes = [outcome for outcome, _ in results]
    run.summary["files"] = [_summarise(outcome) for outcome in outcomes]
    publish("ingest-files", "Files and records of this run", _report_files(outcomes, delivery.ignored))
    refused = [outcome for outcome in outcomes if outcome.status == "refused"]
    if refused:
        _sweep(settings, warehouse.read_ledger(), also_keep_quarantine=refused)
        raise DataError(_refusal(refused))
    conversions = [conversion for _, conversion in results if conversion is not None]
    for table, group in groupby(conversions, key=lambda conversion: conversion.table):
        load_table(table, list(group), warehouse, run.run_id)
    _sweep(settings, warehouse.read_ledger())


@task(name="reach source", cache_policy=NO_CACHE)
def reach_source(settings: Settings) -> Path:
    """The folder of the raw files; those of an S3 source are copied into the work folder first."""
    if settings.source.startswith(SCHEME):
        return fetch_s3(settings.source, settings.incoming_dir)
    return Path(settings.source).expanduser().resolve()


@task(name="prepare warehouse", cache_policy=NO_CACHE)
def prepare_warehouse(warehouse: Warehouse) -> None:
    """Create the raw tables and the ledger where they are missing."""
    warehouse.prepare(CONTRACTS.values())


@task(name="plan files", cache_policy=NO_CACHE)
def plan_files(files: Sequence[SourceFile], warehouse: Warehouse) -> list[PlannedFile]:
    """Hash each file and look it up in the ledger."""
    loaded = {(row.table_name, row.file_name): row for row in warehouse.read_ledger()}
    return [PlannedFile(file, hash_file(file.path), loaded.get((file.table, file.name))) for file in files]


@task(name="convert files", task_run_name="convert {files[0].source.table}", cache_policy=NO_CACHE)
def convert_table(files: Sequence[PlannedFile], settings: Settings) -> list[tuple[FileOutcome, Conversion | None]]:
    """Convert the new and changed files of one table; a refused file is an outcome, not an exception."""
    return [convert_file(file, settings) for file in files]


@task(name="load table", task_run_name="load {table}", cache_policy=NO_CACHE)
def load_table(table: str, conversions: Sequence[Conversion], warehouse: Warehouse, run_id: str) -> None:
    """Load the converted files of one table, each in a transaction of its own."""
    log = get_run_logger()
    for conversion in conversions:
        row = warehouse.load_file(CONTRACTS[table], conversion, run_id)
        log.info("%s: %s rows loaded into raw.%s", row.file_name, f"{row.rows_loaded:,}", table)


def convert_file(file: PlannedFile, settings: Settings) -> tuple[FileOutcome, Conversion | None]:
    """Convert one file unless it is loaded already; refuse it if too many of its records are bad."""
    table, name = file.source.table, file.source.name
    if file.is_unchanged:
        return _unchanged(file, settings), None
    try:
        conversion = convert_csv(file.source.path, CONTRACTS[table], settings.work_dir, sha256=file.sha256)
    except DataError as error:
        get_run_logger().error("%s", error)
        return FileOutcome(table, name, file.sha256, "refused", error=str(error)), None
    too_many = conversion.quarantined_ratio > settings.max_quarantined_ratio
    fault = _too_many_bad(conversion, settings) if too_many else None
    _log_conversion(conversion, fault)
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
    )
    return outcome, None if fault else conversion


def _unchanged(file: PlannedFile, settings: Settings) -> FileOutcome:
    row = file.loaded
    if row is None:
        raise ValueError(f"{file.source.name} is not in the ledger")
    quarantine = settings.quarantine_dir / row.table_name / part_name(row.file_name, row.file_sha256)
    reasons = {}
    if row.rows_quarantined and quarantine.is_file():
        reasons = count_reasons(pl.read_parquet(quarantine, columns=["reason"], glob=False)["reason"])
    return FileOutcome(
        row.table_name,
        row.file_name,
        row.file_sha256,
        "unchanged",
        row.rows_in,
        row.rows_loaded,
        row.rows_quarantined,
        reasons,
    )


def _log_conversion(conversion: Conversion, fault: str | None) -> None:
    log = get_run_logger()
    if fault:
        log.error("%s", fault)
    elif conversion.rows_quarantined:
        log.warning("%s", _bad_records(conversion))
    else:
        log.info("%s: %s records, all good", conversion.file_name, f"{conversion.rows_in:,}")


def _bad_records(conversion: Conversion) -> str:
    listed = [f"  - {reason}: {count:,}" for reason, count in list(conversion.reasons.items())[:5]]
    return "\n".join(
        [
            f"{conversion.file_name}: {conversion.rows_quarantined:,} of {conversion.rows_in:,} records break "
            f"the contract of {conversion.table}",
            *listed,
            f"  e.g. {conversion.examples[0]}",
            f"  They are in quarantine/{conversion.table}/{part_name(conversion.file_name, conversion.file_sha256)}.",
        ]
    )


def _too_many_bad(conversion: Conversion, settings: Settings) -> str:
    return (
        f"{_bad_records(conversion)}\n  That is {conversion.quarantined_ratio:.1%}; at most "
        f"{settings.max_quarantined_ratio:.1%} may be bad. Correct the file, or raise RETAIL_MAX_QUARANTINED_RATIO."
    )


def _refusal(refused: Sequence[FileOutcome]) -> str:
    one = len(refused) == 1
    return "\n".join(
        [
            f"{len(refused)} {'file was' if one else 'files were'} refused; nothing of this run was loaded, "
            "and the report of the last good run stands.",
            *(f"- {outcome.error}" for outcome in refused),
        ]
    )


def _sweep(settings: Settings, ledger: Iterable[LedgerRow], also_keep_quarantine: Sequence[FileOutcome] = ()) -> None:
    """Leave in the lake and the quarantine exactly what belongs to the files that are loaded (or were just refused)."""
    loaded = {stem(row.file_name, row.file_sha256) for row in ledger}
    refused = {stem(outcome.file, outcome.sha256) for outcome in also_keep_quarantine}
    for table in CONTRACTS:
        sweep(settings.lake_dir / table, loaded)
        sweep(settings.quarantine_dir / table, loaded | refused)


def _summarise(outcome: FileOutcome) -> dict[str, Any]:
    return {key: value for key, value in asdict(outcome).items() if key != "error" or value is not None}


def _by_table(files: Sequence[PlannedFile]) -> list[list[PlannedFile]]:
    return [list(group) for _, group in groupby(files, key=lambda file: file.source.table)]


def _report_files(outcomes: Sequence[FileOutcome], ignored: Sequence[str]) -> str:
    rows = [
        (outcome.table, outcome.file, outcome.status, outcome.rows_in, outcome.rows_loaded, outcome.rows_quarantined)
        for outcome in outcomes
    ]
    sections = ["# Files and records", markdown_table(("table", "file", "status", "in", "loaded", "quarantined"), rows)]
    bad = [(o.file, reason, count) for o in outcomes for reason, count in o.reasons.items()]
    if bad:
        sections += ["## Why records were set aside", markdown_table(("file", "reason", "records"), bad)]
    sections += [f"**Refused.** {escape(o.error, 2000)}" for o in outcomes if o.error]
    sections += [f"Ignored, no contract for such a table: {escape(name)}" for name in ignored]
    return "\n\n".join(sections)


if __name__ == "__main__":
    sys.exit(run_flow("ingest", ingest))
