"""KPI tables → charts → page → artifacts, from marts that passed every dbt test.

The SQL of each KPI is a dbt analysis; dbt compiles it, SQLAlchemy runs it, `reports` draws it. The new report is
made in a folder of its own, and `reports/latest` is switched to it in one step at the very end.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from flows.errors import ConfigError, LoadError
from flows.marts.findings import quality_of
from flows.marts.runner import invoke_dbt, release_warehouse
from flows.run.artifacts import publish
from flows.run.command_line import run_flow
from flows.run.settings import Settings, Target, load_settings
from flows.run.summary import Run, hold_warehouse, open_run
from flows.run.target import open_warehouse
from flows.warehouse.base import Warehouse
from flows.warehouse.builds import Build, ledger_sha256
from reports.formats import markdown_text
from reports.kpis import KPIS, Kpi, check_frame
from reports.page import PageContext, Totals, render_page
from reports.render import markdown_section, render_chart, render_svg

_COVERED = (
    'select min(order_date), max(order_date) from "{prefix}data_mart".fact_orders where not is_dated_after_delivery'
)
_NOT_PASSED = (
    "the star schema is not that of a build whose every test passed; a report would show untested numbers. "
    "Build it first: python -m flows.transform"
)


@dataclass(frozen=True)
class Period:
    """What the numbers cover: the first and last order date in the data, and the day they are counted up to.

    Orders dated after the day their file was delivered are mistaken: they do not make the period longer.
    """

    first_order_date: date
    last_order_date: date
    as_of: date


@dataclass(frozen=True)
class Answers:
    """The KPI tables by name, what they cover, and the build they come from.

    `is_behind`: files were loaded since, which are not in the numbers.
    """

    frames: dict[str, pl.DataFrame]
    period: Period
    build: Build
    is_behind: bool


@flow(name="report")
def report(
    source: str | None = None, work_dir: str | None = None, target: Target | None = None, as_of: date | None = None
) -> dict[str, Any]:
    """Compute the KPI tables, draw their charts, and publish the report page and the artifacts.

    Args:
        source: Not used by this flow.
        work_dir: Folder for everything a run writes. Empty: RETAIL_WORK_DIR, else data/work.
        target: The warehouse: local (an embedded DuckDB file) or redshift.
        as_of: Last day that the numbers cover; "the last year" ends on it. Empty: the last plausible order date.
    """
    settings = load_settings(source=source, work_dir=work_dir, target=target, as_of=as_of)
    with open_run(settings) as run, run.timed("report"), hold_warehouse(run, settings) as warehouse:
        _report(run, warehouse)
    return run.summary


def _report(run: Run, warehouse: Warehouse) -> None:
    settings = run.settings
    build = find_passed_build(settings)
    answers = read_kpis(compile_queries(settings), build, settings)
    frames, period = answers.frames, answers.period
    run.summary |= {"as_of": period.as_of.isoformat(), "build_id": answers.build.build_id}
    run.summary["files_loaded_since_build"] = answers.is_behind
    fresh = settings.reports_dir / f".{run.run_id}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        write_tables(frames, fresh)
        draw_charts(frames, fresh)
        render_page(frames, fresh, _page_context(run, answers))
        warehouse.prove_hold()
        page = publish_report(fresh, run.run_id, settings)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    for name, frame in frames.items():
        section = markdown_section(KPIS[name], frame, page.parent / f"{name}.png", period.as_of)
        publish(f"kpi-{name.replace('_', '-')}", markdown_text(KPIS[name].headline(frame)), section)
    run.summary["report"] = str(settings.reports_dir / "latest" / page.name)
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


def find_passed_build(settings: Settings) -> Build:
    """The build that the marts come from.

    Raises:
        LoadError: they are not those of a build that passed, or there are none.
    """
    if settings.target == "local" and not settings.duckdb_path.is_file():
        raise LoadError(_NOT_PASSED)
    warehouse = open_warehouse(settings)
    try:
        build = warehouse.read_build()
    finally:
        warehouse.close()
    if build is None:
        raise LoadError(_NOT_PASSED)
    return build


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
            period = _period(connection, settings)
            frames = {name: read_frame(connection, KPIS[name], sql) for name, sql in queries.items()}
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
    return Answers(frames, period, build, is_behind)


def read_frame(connection: Connection, kpi: Kpi, sql: str) -> pl.DataFrame:
    """The result of one KPI query, checked against the KPI's columns."""
    result = connection.exec_driver_sql(sql)
    names = list(result.keys())
    expected = list(kpi.schema)
    if names != expected:
        raise LoadError(f"{kpi.name}: the query returns {', '.join(names)}; expected {', '.join(expected)}.")
    rows = [tuple(row) for row in result.fetchall()]
    try:  # dtypes are found out from all rows: a declared Decimal would round what does not fit, in silence
        return check_frame(kpi, pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None))
    except ValueError as error:
        raise LoadError(f"{kpi.name}: {error}") from error


@task(name="write KPI tables", cache_policy=NO_CACHE)
def write_tables(frames: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """Each KPI as Parquet."""
    folder.mkdir(parents=True)
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet")


@task(name="draw charts", cache_policy=NO_CACHE)
def draw_charts(frames: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """Each KPI as PNG and as SVG for wide and narrow screens, one after the other: pyplot is not thread-safe."""
    for name, frame in frames.items():
        render_chart(KPIS[name], frame, folder / f"{name}.png")
        render_svg(KPIS[name], frame, folder)


def publish_report(fresh: Path, run_id: str, settings: Settings) -> Path:
    """Move the finished report to its place and switch `latest` to it in one step; return the page."""
    folder = settings.reports_dir / run_id
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    link = settings.reports_dir / f".{run_id}.latest"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name, target_is_directory=True)
    link.replace(settings.reports_dir / "latest")
    _prune(settings, folder)
    return folder / "index.html"


def _prune(settings: Settings, current: Path) -> None:
    """Keep the newest reports; only folders that hold a report page are ever removed."""
    published = [page.parent for page in settings.reports_dir.glob("*/index.html") if not page.parent.is_symlink()]
    published.sort(key=lambda folder: (folder == current, folder.stat().st_mtime), reverse=True)
    for folder in published[settings.keep_reports :]:
        shutil.rmtree(folder, ignore_errors=True)


def _period(connection: Connection, settings: Settings) -> Period:
    first, last = connection.exec_driver_sql(_COVERED.format(prefix=settings.active_prefix)).one()
    if not isinstance(first, date) or not isinstance(last, date):
        raise LoadError("there are no orders in the star schema, so there is nothing to report. Load raw_orders first.")
    as_of = settings.as_of or last
    if as_of < first:
        raise ConfigError(f"as_of {as_of} lies before the first order ({first}); choose a day from {first} to {last}.")
    return Period(first, last, as_of)


def _page_context(run: Run, answers: Answers) -> PageContext:
    return PageContext(
        as_of=answers.period.as_of,
        first_order_date=answers.period.first_order_date,
        last_order_date=answers.period.last_order_date,
        generated_at=datetime.now(UTC),
        run_id=run.run_id,
        target=run.settings.target,
        rows=Totals(**answers.build.findings["totals"]),
        notes=tuple(_notes(answers)),
        currency=run.settings.currency,
        quality=quality_of(answers.build),
    )


def _notes(answers: Answers) -> Iterator[str]:
    """What readers must know before they trust the numbers, beside the findings of the build."""
    if answers.is_behind:
        yield "Files were loaded since these numbers were built; they are not in them."


if __name__ == "__main__":
    sys.exit(run_flow("report", report))
