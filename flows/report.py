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
from tempfile import TemporaryDirectory
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
from flows.marts.runner import invoke_dbt, release_warehouse
from flows.run.assets import emit_lineage, read_manifest
from flows.run.command_line import run_flow
from flows.run.events import tell_published
from flows.run.report_artifacts import publish_artifacts
from flows.run.settings import Settings, Target, load_settings
from flows.run.summary import Run, hold_warehouse, open_run
from flows.run.target import open_warehouse
from flows.warehouse.base import Warehouse
from flows.warehouse.builds import Build, ledger_sha256
from reports.archive import archive_report, write_facts
from reports.archive_page import Facts
from reports.chromium import ChromiumError, find_chromium, print_pdf
from reports.kpis import KPIS
from reports.languages import LANGUAGES, Language, speaking
from reports.page import PageContext, Totals, Translation, render_page
from reports.render import render_chart, render_svg
from reports.summary import write_title

PAGE = "index.html"


@flow(name="report")
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
        _report(run, warehouse)
    return run.summary


def _report(run: Run, warehouse: Warehouse) -> None:
    settings = run.settings
    build = find_passed_build(settings)
    check_classes(build, settings)
    answers = read_kpis(compile_queries(settings), build, settings)
    frames = answers.frames
    run.summary |= {"as_of": answers.period.as_of.isoformat(), "build_id": answers.build.build_id}
    run.summary["files_loaded_since_build"] = answers.is_behind
    context = _page_context(run, answers)
    fresh = settings.reports_dir / f".{run.run_id}.new"
    try:
        write_tables(frames, fresh)
        draw_charts(frames, fresh, settings.language, settings.currency)
        page = render_page(frames, fresh / PAGE, context, others=_others(settings.language))
        write_translations(frames, fresh, context, settings.language)
        if settings.pdf:
            print_report(page, settings.chromium)
        write_facts(_facts(context, answers), fresh)
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
    publish_artifacts(frames, folder, context)
    tell_published(run.summary, frames["sales_by_month"])
    emit_lineage(read_manifest(settings), settings)
    get_run_logger().info("Report published: %s", run.summary["report"])


@task(name="compile KPI queries", cache_policy=NO_CACHE)
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


@task(name="read KPIs", cache_policy=NO_CACHE)
def read_kpis(queries: Mapping[str, str], build: Build, settings: Settings) -> Answers:
    """Run each query on the marts of that build; every frame has the columns and dtypes of its KPI.

    Raises:
        LoadError: a KPI cannot be read, or the marts are no longer those of that build.
    """
    warehouse = open_warehouse(settings)
    try:
        is_behind = ledger_sha256(warehouse.read_ledger()) != build.ledger_sha256
        with warehouse.engine().connect() as connection:
            period = read_period(connection, settings)
            frames = {name: read_frame(connection, KPIS[name], sql) for name, sql in queries.items()}
            changes = read_changes(connection, period.as_of, settings.active_prefix) if period.is_past else None
        after = warehouse.read_build()
    except DBAPIError as error:
        raise LoadError(f"a KPI cannot be read: {error.orig}") from error
    finally:
        warehouse.close()
    if after is None or after.build_id != build.build_id:
        raise LoadError(
            "the star schema was built anew while the report was read; the last report stands. When that build has "
            "ended, run again: python -m flows.report"
        )
    return Answers(frames, period, build, is_behind, changes)


@task(name="write KPI tables", cache_policy=NO_CACHE)
def write_tables(frames: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """Each KPI as Parquet."""
    folder.mkdir(parents=True)
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet")


@task(name="draw charts", cache_policy=NO_CACHE)
def draw_charts(frames: Mapping[str, pl.DataFrame], folder: Path, language: Language, currency: str) -> None:
    """Each KPI as PNG and as SVG for wide and narrow screens, one after the other: pyplot is not thread-safe."""
    with speaking(language, currency):
        for name, frame in frames.items():
            render_chart(KPIS[name], frame, folder / f"{name}.png")
            render_svg(KPIS[name], frame, folder)


def write_translations(
    frames: Mapping[str, pl.DataFrame], folder: Path, context: PageContext, language: Language
) -> None:
    """The page in each language but that one, beside it; its drawings are in the page alone."""
    for other in _others(language):
        with speaking(other.language), TemporaryDirectory() as drawings:
            for name, frame in frames.items():
                render_svg(KPIS[name], frame, Path(drawings))
            render_page(frames, folder / other.file, context, Path(drawings), _others(other.language, language))


def _others(language: Language, main: Language | None = None) -> list[Translation]:
    """The pages in the other languages as that page links them; `main` is the language of index.html."""
    return [
        Translation(other, PAGE if other == main else f"index.{other}.html") for other in LANGUAGES if other != language
    ]


@task(name="print report", cache_policy=NO_CACHE)
def print_report(page: Path, chromium: str | None) -> None:
    """The page as report.pdf beside it; where that cannot be, the report goes out without, and a warning says why."""
    try:
        print_pdf(page, page.with_name("report.pdf"), find_chromium(chromium))
    except ChromiumError as error:
        get_run_logger().warning("the report has no PDF: %s", error)


def _facts(context: PageContext, answers: Answers) -> Facts:
    return Facts(
        as_of=context.as_of,
        title=write_title(answers.frames),
        made_at=context.generated_at,
        build_id=answers.build.build_id,
        run_id=context.run_id,
        covers_all=not answers.period.is_past,
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
