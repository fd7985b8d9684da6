"""KPI tables → charts → page → artifacts, from marts that passed every dbt test.

The SQL of each KPI is a dbt analysis; dbt compiles it, SQLAlchemy runs it, `reports` draws it. The new report is
made in a folder of its own and takes its place among those of other days (`reports.archive`) at the very end.
"""

from __future__ import annotations

from flows.run.command_line import check_command

if __name__ == "__main__":
    check_command("report")  # the imports below take seconds

import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.exc import DBAPIError

from flows.errors import LoadError
from flows.marts.answers import Answers, find_passed_build, read_frame, read_period
from flows.marts.findings import quality_of
from flows.marts.past import read_changes
from flows.marts.proof import check_classes
from flows.marts.results import TIMED_OUT
from flows.marts.runner import invoke_dbt, release_warehouse
from flows.marts.standing import made_from_sha256
from flows.run.assets import emit_lineage, read_manifest
from flows.run.command_line import run_flow
from flows.run.events import tell_published
from flows.run.interruption import help_to_stop
from flows.run.report_artifacts import publish_artifacts
from flows.run.run_names import name_flow_run
from flows.run.settings import Settings, Target, load_settings
from flows.run.summary import Run, hold_warehouse, open_run
from flows.run.target import open_warehouse
from flows.warehouse.base import Warehouse
from flows.warehouse.builds import Build, ledger_sha256
from reports.archive import archive_report
from reports.chromium import ChromiumError, find_chromium, print_pdf
from reports.drawing import KINDS, Picture, begin_helper, draw_pictures
from reports.facts import Facts
from reports.kpis import KPIS
from reports.languages import Language, speaking
from reports.page import PageContext, Totals, render_page
from reports.redrawing import Drawing, write_facts
from reports.summary import write_title
from reports.translations import PAGE, list_others, write_translations


@flow(name="report", flow_run_name=name_flow_run)
def report(  # noqa: PLR0913, PLR0917 - each is a field of the deployment's form
    source: str | None = None,
    work_dir: str | None = None,
    target: Target | None = None,
    as_of: date | None = None,
    pdf: bool | None = None,
    language: Language | None = None,
    profile: str | None = None,
) -> dict[str, Any]:
    """Compute the KPI tables, draw their charts, and publish the report page and the artifacts.

    Args:
        source: Not used by this flow.
        work_dir: Folder for everything a run writes. Empty: RETAIL_WORK_DIR, else data/work.
        target: The warehouse: local (an embedded DuckDB file) or redshift.
        as_of: Last day that the numbers cover; "the last year" ends on it. Empty: the last plausible order date.
        pdf: Print the report as PDF too, by an installed Chromium. Empty: RETAIL_PDF, else not.
        language: Of the page and the artifacts; the page in the other one lies beside it. Empty: RETAIL_LANGUAGE, en.
        profile: Source profile, a TOML file: how a shop's own files are named and written. Empty: RETAIL_PROFILE.
    """
    settings = load_settings(
        source=source, profile=profile, work_dir=work_dir, target=target, as_of=as_of, pdf=pdf, language=language
    )
    reader = speaking(settings.language, settings.currency)
    with open_run(settings) as run, run.timed("report"), hold_warehouse(run, settings) as warehouse, reader:
        frames, folder, context = make_report(run, warehouse)
        tell_published(run.summary, frames["sales_by_month"])
        publish_artifacts(frames, folder, context, with_names=settings.names_in_artifacts)
        emit_lineage(read_manifest(settings), settings)
        get_run_logger().info("Report published: %s", run.summary["report"])
    return run.summary


def make_report(
    run: Run, warehouse: Warehouse, *, is_backfill: bool = False
) -> tuple[Mapping[str, pl.DataFrame], Path, PageContext]:
    """Draw the report of the day that the settings name and put it into the archive; its tables, place and context.

    One of a backfill stays for good and leaves `latest` where it is.
    """
    settings = run.settings
    build = find_passed_build(settings)
    check_classes(build, settings)
    begin_helper()
    answers = read_kpis(compile_queries(settings), build, settings)
    frames = answers.frames
    run.summary |= {"as_of": answers.period.as_of.isoformat(), "build_id": answers.build.build_id}
    run.summary["files_loaded_since_build"] = answers.is_behind
    context = _page_context(run, answers)
    fresh = settings.reports_dir / f".{run.run_id}.new"
    try:
        write_tables(frames, fresh)
        draw_charts(frames, fresh, settings.language, settings.currency)
        page = render_page(frames, fresh / PAGE, context, others=list_others(settings.language))
        write_translations(frames, fresh, context, settings.language)
        if settings.pdf:
            print_report(page, settings.chromium)
        facts = replace(_facts(context, answers, settings), is_backfilled=is_backfill)
        write_facts(facts, fresh, Drawing(settings.language, settings.currency, context))
        warehouse.prove_hold()
        folder = archive_report(fresh, settings.reports_dir, settings.keep_reports)
    except OSError as error:
        raise LoadError(
            f"{settings.reports_dir}: the report cannot be put in its place ({error.strerror}); the last one stands. "
            "Free space or rights, then run again: python -m flows.report"
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    run.summary["report"] = str(folder / "index.html")
    return frames, folder, context


@task(name="compile KPI queries", task_run_name="compile KPI queries", cache_policy=NO_CACHE)
def compile_queries(settings: Settings) -> dict[str, str]:
    """The SQL of each KPI for this warehouse and as_of, compiled by dbt from dbt/analysis."""
    compiled = settings.dbt_target_dir / "compiled" / "retail" / "analysis"
    shutil.rmtree(compiled, ignore_errors=True)
    try:
        invoke_dbt(["compile"], settings, select="resource_type:analysis")
    except ValueError as error:
        raise LoadError(f"dbt cannot compile the KPI queries: {error}") from error
    finally:
        release_warehouse(settings)
    missing = [name for name in KPIS if not (compiled / f"{name}.sql").is_file()]
    if missing:
        raise LoadError(
            f"dbt compiled no query for {', '.join(missing)}; see dbt/analysis and {settings.dbt_target_dir}."
        )
    return {name: (compiled / f"{name}.sql").read_text(encoding="utf-8") for name in KPIS}


@task(name="read KPIs", task_run_name="read KPIs", cache_policy=NO_CACHE)
def read_kpis(queries: Mapping[str, str], build: Build, settings: Settings) -> Answers:
    """Run each query on the marts of that build; every frame has the columns and dtypes of its KPI.

    Raises:
        LoadError: a KPI cannot be read, or the marts are no longer those of that build.
    """
    warehouse = open_warehouse(settings)
    try:
        with help_to_stop(warehouse.interrupt):
            return _read_kpis(queries, build, settings, warehouse)
    except DBAPIError as error:
        blockers = warehouse.find_blockers() if TIMED_OUT.search(str(error.orig)) else []
        raise LoadError("\n  - ".join([f"a KPI cannot be read: {error.orig}", *blockers])) from error
    finally:
        warehouse.close()


def _read_kpis(queries: Mapping[str, str], build: Build, settings: Settings, warehouse: Warehouse) -> Answers:
    is_behind = ledger_sha256(warehouse.read_ledger()) != build.ledger_sha256
    with warehouse.engine().connect() as connection:
        period = read_period(connection, settings)
        frames = {name: read_frame(connection, KPIS[name], sql) for name, sql in queries.items()}
        changes = read_changes(connection, period.as_of, settings.active_prefix) if period.is_past else None
    after = warehouse.read_build()
    if after is None or after.build_id != build.build_id:
        raise LoadError(
            "the star schema was built anew while the report was read; the last report stands. When that build has "
            "ended, run again: python -m flows.report"
        )
    return Answers(frames, period, build, is_behind, changes)


@task(name="write KPI tables", task_run_name="write KPI tables", cache_policy=NO_CACHE)
def write_tables(frames: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """Each KPI as Parquet."""
    folder.mkdir(parents=True)
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet")


@task(name="draw charts", task_run_name="draw charts", cache_policy=NO_CACHE)
def draw_charts(frames: Mapping[str, pl.DataFrame], folder: Path, language: Language, currency: str) -> None:
    """Each KPI as PNG and as SVG for wide and narrow screens."""
    with speaking(language, currency):
        draw_pictures([Picture(name, kind, folder) for name in frames for kind in KINDS], frames)


@task(name="print report", task_run_name="print report", cache_policy=NO_CACHE)
def print_report(page: Path, chromium: str | None) -> None:
    """The page as report.pdf beside it; where that cannot be, the report goes out without, and a warning says why."""
    try:
        print_pdf(page, page.with_name("report.pdf"), find_chromium(chromium))
    except ChromiumError as error:
        get_run_logger().warning("the report has no PDF: %s", error)


def _facts(context: PageContext, answers: Answers, settings: Settings) -> Facts:
    return Facts(
        as_of=context.as_of,
        title=write_title(answers.frames),
        made_at=context.generated_at,
        build_id=answers.build.build_id,
        run_id=context.run_id,
        covers_all=not answers.period.is_past,
        made_from=made_from_sha256(answers.build, settings),
    )


def _page_context(run: Run, answers: Answers) -> PageContext:
    return PageContext(
        as_of=answers.period.as_of,
        first_order_date=answers.period.first_order_date,
        last_order_date=answers.period.last_order_date,
        generated_at=datetime.now(UTC),
        run_id=run.run_id,
        target=run.settings.target,
        rows=Totals(**answers.build.findings["totals"]),
        is_behind=answers.is_behind,
        quality=replace(quality_of(answers.build), changes=answers.changes),
    )


if __name__ == "__main__":
    sys.exit(run_flow("report", report))
