"""The marts in; what a report is made of out: KPI frames, the period they cover, and the build they come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl
from sqlalchemy import Connection

from flows.errors import ConfigError, LoadError
from flows.run.interruption import help_to_stop
from flows.run.settings import Settings
from flows.run.target import open_warehouse
from flows.warehouse.builds import Build
from reports.kpis import Kpi, check_frame
from reports.past import Change

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

    @property
    def is_past(self) -> bool:
        """Whether there are orders of a later day."""
        return self.as_of < self.last_order_date


@dataclass(frozen=True)
class Answers:
    """The KPI tables by name, what they cover, and the build they come from.

    `is_behind`: files were loaded since, which are not in the numbers. `changes`: what was delivered since a past
    day and changed it; None for a day that is not past.
    """

    frames: dict[str, pl.DataFrame]
    period: Period
    build: Build
    is_behind: bool
    changes: tuple[Change, ...] | None = None


def find_passed_build(settings: Settings) -> Build:
    """The build that the marts come from.

    Raises:
        LoadError: they are not those of a build that passed, or there are none.
    """
    if settings.target == "local" and not settings.duckdb_path.is_file():
        raise LoadError(_NOT_PASSED)
    warehouse = open_warehouse(settings)
    try:
        with help_to_stop(warehouse.interrupt):
            build = warehouse.read_build()
    finally:
        warehouse.close()
    if build is None:
        raise LoadError(_NOT_PASSED)
    return build


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


def read_period(connection: Connection, settings: Settings) -> Period:
    """What the orders cover, and the day that was asked for, else the last one.

    Raises:
        LoadError: there are no orders.
        ConfigError: that day lies before the first order.
    """
    first, last = connection.exec_driver_sql(_COVERED.format(prefix=settings.active_prefix)).one()
    if not isinstance(first, date) or not isinstance(last, date):
        raise LoadError("there are no orders in the star schema, so there is nothing to report. Load raw_orders first.")
    as_of = settings.as_of or last
    if as_of < first:
        raise ConfigError(f"as_of {as_of} lies before the first order ({first}); choose a day from {first} to {last}.")
    return Period(first, last, as_of)
