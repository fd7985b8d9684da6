"""Past days made again: files loaded anew, marts built anew, and the reports of named days, each kept.

It stands beside the nightly run: it holds the work folder and the warehouse as every run does, and is refused while
another holds them. Where only reports are asked for, nothing that others share is changed: neither tables nor
`latest`. A day that cannot be made is named with its reason; the others are made all the same.
"""

from __future__ import annotations

from flows.run.backfill_command import read_command

if __name__ == "__main__":
    OPTIONS = read_command()  # the imports below take seconds

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from prefect import flow, get_run_logger
from sqlalchemy.exc import DBAPIError

from flows.errors import LoadError, RetailError
from flows.ingest import load_source
from flows.marts.answers import Period, find_passed_build, read_period
from flows.report import make_report
from flows.run.artifacts import markdown_table, publish
from flows.run.command_line import run_with_options
from flows.run.days import check_asked, list_days
from flows.run.settings import Settings, Target, load_settings
from flows.run.summary import Run, hold_warehouse, open_run
from flows.run.target import open_warehouse
from flows.transform import build_marts
from flows.warehouse.base import Warehouse
from reports.languages import Language, speaking

MADE = "made"
MAX_NAMED = 5


@flow(name="backfill")
def backfill(  # noqa: PLR0913, PLR0917 - each is a field of the deployment's form
    first_day: date | None = None,
    last_day: date | None = None,
    tables: list[str] | None = None,
    rebuild: bool = False,
    source: str | None = None,
    work_dir: str | None = None,
    target: Target | None = None,
    pdf: bool | None = None,
    language: Language | None = None,
    profile: str | None = None,
) -> dict[str, Any]:
    """Make reports of past days again, beside the nightly run; load tables or files again, build the marts anew.

    Args:
        first_day: First day whose report is made again. Empty: none is.
        last_day: Last such day. Empty: the first.
        tables: Tables or files of the source that are loaded again, though unchanged; the marts are built after that.
        rebuild: Build the marts anew, also what has not changed.
        source: Folder of the raw CSV files, or s3://bucket/prefix. Empty: RETAIL_SOURCE, else data/datasets.
        work_dir: Folder for everything a run writes. Empty: RETAIL_WORK_DIR, else data/work.
        target: The warehouse: local (an embedded DuckDB file) or redshift.
        pdf: Print each report as PDF too, by an installed Chromium. Empty: RETAIL_PDF, else not.
        language: Of the pages; the page in the other language lies beside it. Empty: RETAIL_LANGUAGE, en.
        profile: Source profile, a TOML file: how a shop's own files are named and written. Empty: RETAIL_PROFILE.
    """
    given = {"source": source, "work_dir": work_dir, "target": target, "pdf": pdf, "language": language}
    settings = load_settings(**given, profile=profile).model_copy(update={"as_of": None})
    days = list_days(first_day, last_day)
    check_asked(days, tables, rebuild=rebuild)
    with open_run(settings) as run, run.timed("backfill"), hold_warehouse(run, settings) as warehouse:
        if tables:
            load_source(run, warehouse, tables)
        if tables or rebuild:
            build_marts(run, warehouse, anew=rebuild)
        if days:
            with speaking(settings.language, settings.currency):
                make_reports(run, warehouse, days)
    return run.summary


def make_reports(run: Run, warehouse: Warehouse, days: Sequence[date]) -> None:
    """Make the report of each day, the newest last; the summary says after each what became of it.

    Raises:
        LoadError: some could not be made; the message names them with their reasons. The others are made.
    """
    log = get_run_logger()
    find_passed_build(run.settings)
    period = _read_period(run.settings)
    told: dict[str, str] = {}
    run.summary["days"] = told
    for number, day in enumerate(days, 1):
        try:
            told[day.isoformat()] = _make_report(run, warehouse, day, period)
        except RetailError as error:
            told[day.isoformat()] = str(error)
        log.info("%d of %d: %s %s", number, len(days), day, told[day.isoformat()])
        run.save()
    publish("backfill", "Reports of past days", markdown_table(("day", "report"), list(told.items())))
    failed = [f"  - {day}: {why}" for day, why in told.items() if why != MADE]
    if failed:
        more = (
            [f"  and {len(failed) - MAX_NAMED} more; the run summary has them all"] if len(failed) > MAX_NAMED else []
        )
        made = len(days) - len(failed)
        heading = f"{len(failed)} of {len(days)} reports could not be made; {made} were, and stay."
        raise LoadError("\n".join([heading, *failed[:MAX_NAMED], *more]))


def _make_report(run: Run, warehouse: Warehouse, day: date, period: Period) -> str:
    if not period.first_order_date <= day <= period.last_order_date:
        raise LoadError(
            f"no such day is past: the orders are of {period.first_order_date} to {period.last_order_date}. "
            "Choose days among these."
        )
    of_day = replace(run, settings=run.settings.model_copy(update={"as_of": day}), summary={"seconds": {}})
    make_report(of_day, warehouse, is_backfill=True)
    return MADE


def _read_period(settings: Settings) -> Period:
    warehouse = open_warehouse(settings)
    try:
        with warehouse.engine().connect() as connection:
            return read_period(connection, settings)
    except DBAPIError as error:
        raise LoadError(f"the orders cannot be read: {error.orig}") from error
    finally:
        warehouse.close()


if __name__ == "__main__":
    sys.exit(run_with_options("backfill", backfill, OPTIONS))
