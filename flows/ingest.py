"""CSV files → Parquet parts → raw tables.

Every new or changed file is converted first. Only if none is refused are they loaded, each in one transaction
with its ledger row. So a run either loads everything that came or nothing, and says why.
"""

from __future__ import annotations

from flows.run.command_line import check_command

if __name__ == "__main__":
    check_command("ingest")  # the imports below take seconds

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.errors import ConfigError
from flows.lake.contracts import CONTRACTS
from flows.lake.forms import SHIPPED_FORM
from flows.lake.profile_files import find_profiled_sources, sort_profiled_names
from flows.lake.profiles import Profile
from flows.lake.s3 import SCHEME, S3Source
from flows.lake.s3_copies import remove_copy
from flows.lake.sources import Delivery, SourceFile, find_sources, list_names, sort_names
from flows.lake.stores import read_time_zones
from flows.lake.terms import Terms
from flows.run.artifacts import escape, markdown_table, publish
from flows.run.blocks import read_blocks
from flows.run.cluster import open_converter
from flows.run.command_line import run_flow
from flows.run.needs import find_source
from flows.run.run_names import name_flow_run
from flows.run.settings import Settings, Target, load_settings
from flows.run.summary import Run, hold_warehouse, open_run
from flows.warehouse.base import Warehouse
from flows.warehouse.ingestion import Ingestion
from flows.warehouse.outcomes import FileOutcome, describe_problems

T = TypeVar("T")


@flow(name="ingest", flow_run_name=name_flow_run)
def ingest(
    source: str | None = None,
    work_dir: str | None = None,
    target: Target | None = None,
    as_of: date | None = None,
    profile: str | None = None,
) -> dict[str, Any]:
    """Convert new and changed CSV files to Parquet, set bad records aside, and load the rest into the raw tables.

    Args:
        source: Folder of the raw CSV files, or s3://bucket/prefix. Empty: RETAIL_SOURCE, else data/datasets.
        work_dir: Folder for everything a run writes. Empty: RETAIL_WORK_DIR, else data/work.
        target: The warehouse: local (an embedded DuckDB file) or redshift.
        as_of: Not used by this flow; noted in the run summary.
        profile: Source profile, a TOML file: how a shop's own files are named and written. Empty: RETAIL_PROFILE.
    """
    settings = load_settings(source=source, profile=profile, work_dir=work_dir, target=target, as_of=as_of)
    with open_run(settings) as run, run.timed("ingest"), hold_warehouse(run, settings) as warehouse:
        load_source(run, warehouse)
    return run.summary


def load_source(run: Run, warehouse: Warehouse, again: Sequence[str] | None = None) -> None:
    """Convert and load what is new in the source; with `again` only files or tables of these names, also unchanged.

    Raises:
        ConfigError: the source cannot be read, or holds nothing of such a name.
    """
    settings, log = run.settings, get_run_logger()
    profile = settings.read_profile()
    delivery = run_as_task("reach source", lambda: reach_source(settings, profile))
    ignored = sorted(delivery.ignored)
    if ignored:
        log.warning("%d files look like data, but no table takes them: %s", len(ignored), list_names(ignored))
    run.summary["ignored"] = ignored
    files = delivery.files if again is None else choose_files(delivery.files, again)
    with open_converter(settings, delivery, log) as converter:
        ingestion = Ingestion(
            warehouse,
            settings.work_dir,
            run.run_id,
            settings.max_quarantined_ratio,
            terms=make_terms(settings, delivery, profile),
            forms=profile.forms if profile else {},
            converter=converter,
            step=run_as_task,
            log=log,
            is_again=again is not None,
        )
        try:
            ingestion.load(ingestion.convert(files))
            run.sweep(warehouse)
        finally:
            if ingestion.terms.forgotten:
                remove_people(settings.incoming_dir, delivery)
            run.summary["files"] = [_summarise(outcome) for outcome in ingestion.outcomes]
            publish(
                "ingest-files", escape(describe_files(ingestion.outcomes)), _report_files(ingestion.outcomes, ignored)
            )


def choose_files(files: Sequence[SourceFile], wanted: Sequence[str]) -> list[SourceFile]:
    """The files of these names, and those of these tables, which may be named without `raw_`.

    Raises:
        ConfigError: nothing has one of these names.
    """
    chosen = {each: [file for file in files if each in {file.name, file.table, file.table[4:]}] for each in wanted}
    missing = [each for each, found in chosen.items() if not found]
    if missing:
        tables = ", ".join(sorted({file.table for file in files}))
        raise ConfigError(
            f"the source holds no file and no table {list_names(missing)}. Name files of it, or some of {tables}."
        )
    return [file for file in files if any(file in found for found in chosen.values())]


def remove_people(incoming: Path, delivery: Delivery) -> None:
    """Remove the copies from S3 that may name customers: of whoever is forgotten, nothing stays on this disk."""
    for file in delivery.files:
        if file.path.is_relative_to(incoming) and CONTRACTS[file.table].has_people:
            remove_copy(file.path)


def make_terms(settings: Settings, delivery: Delivery, profile: Profile | None = None) -> Terms:
    """What the settings say of the source; the time zones are those of the stores in it, also in unchanged files."""
    stores, allow = [file for file in delivery.files if file.table == "raw_stores"], settings.allow_extra_columns
    form = profile.forms["raw_stores"] if profile else SHIPPED_FORM

    @cache
    def zones() -> dict[str, str]:
        delivery.fetch(stores)
        return read_time_zones([file.path for file in stores], allow_extra_columns=allow, form=form)

    return Terms(settings.currency, allow, zones)


def reach_source(settings: Settings, profile: Profile | None = None) -> Delivery:
    """The raw files of the source; those in S3 are not fetched yet."""
    if not settings.source.startswith(SCHEME):
        folder = find_source(settings.source)
        return find_profiled_sources(folder, profile) if profile else find_sources(folder, CONTRACTS)
    blocks = read_blocks(settings)
    source = S3Source(settings.source, settings.incoming_dir, blocks.session, blocks.region)
    if profile:
        return source.find(partial(sort_profiled_names, profile=profile, place=settings.source))
    return source.find(partial(sort_names, tables=CONTRACTS, place=settings.source))


def run_as_task(name: str, function: Callable[[], T]) -> T:
    """Run one step of the ingest as a Prefect task of that name."""
    return task(name=name, task_run_name=name, cache_policy=NO_CACHE)(function)()


def _summarise(outcome: FileOutcome) -> dict[str, Any]:
    return {key: value for key, value in asdict(outcome).items() if key != "error" or value is not None}


def describe_files(outcomes: Sequence[FileOutcome]) -> str:
    """What came in one line of figures, e.g. `2 files (1 loaded, 1 unchanged), 9 records: 8 loaded, 1 set aside`."""
    counts = Counter(outcome.status for outcome in outcomes)
    statuses = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    came, loaded, bad = (
        sum(getattr(outcome, each) for outcome in outcomes) for each in ("rows_in", "rows_loaded", "rows_quarantined")
    )
    return f"{len(outcomes):,} files ({statuses or 'none'}), {came:,} records: {loaded:,} loaded, {bad:,} set aside"


def _report_files(outcomes: Sequence[FileOutcome], ignored: Sequence[str]) -> str:
    rows = [
        (outcome.table, outcome.file, outcome.status, outcome.rows_in, outcome.rows_loaded, outcome.rows_quarantined)
        for outcome in outcomes
    ]
    sections = ["# Files and records", markdown_table(("table", "file", "status", "in", "loaded", "quarantined"), rows)]
    bad = [(o.file, reason, count) for o in outcomes for reason, count in o.reasons.items()]
    if bad:
        sections += ["## Why records were set aside", markdown_table(("file", "reason", "records"), bad)]
    left_out = [(outcome.file, ", ".join(outcome.extra_columns)) for outcome in outcomes if outcome.extra_columns]
    if left_out:
        sections += ["## Columns that no contract knows, left out", markdown_table(("file", "columns"), left_out)]
    refused = [outcome for outcome in outcomes if outcome.status == "refused"]
    sections += [f"**Refused.** {escape(problem, 2000)}" for problem in describe_problems(refused)]
    failed = next((outcome.error for outcome in outcomes if outcome.error and outcome not in refused), None)
    sections += [f"**Not loaded.** {escape(failed, 2000)}"] if failed else []
    sections += [f"Ignored, no table takes such a file: {escape(name)}" for name in ignored]
    return "\n\n".join(sections)


if __name__ == "__main__":
    sys.exit(run_flow("ingest", ingest))
