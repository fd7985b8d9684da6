"""A past day's numbers from today's warehouse are those it had, but for KPIs of the build; where not, it is told.

The small shop, as it was delivered up to a day in February 2025, then with all that came after.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from flows.marts.past import read_changes
from reports.past import Change
from tests.kpis.shop import at_date
from tests.small_shop import write_small_shop
from tests.warehouse.changing_shop import ChangingShop

PAST = date(2025, 2, 20)  # the tax of South changes after it, prices and costs before
ORDERS = "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total\n"
OF_THE_BUILD = {"reorder_suggestions", "product_affinity"}  # which show nothing on another day than its own
Kpis = dict[str, list[tuple[Any, ...]]]


def split_source(folder: Path, day: date) -> tuple[dict[str, str], dict[str, str]]:
    """The files of the small shop as they stood on the evening of `day`, and what the next delivery brought."""
    tables = {path.stem: list(csv.reader(path.read_text().splitlines())) for path in folder.glob("*.csv")}
    orders = tables["raw_orders"]
    days = {row[0]: row[2][:10] for row in orders}
    at = {"raw_orders": 2, "raw_refunds": 3, "raw_stock_counts": 2}
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for name, (header, *rows) in tables.items():
        table, _, dated = name.removeprefix("raw_").partition("_20")
        if table == "items":
            old = [row for row in rows if days[row[1]] <= day.isoformat()]
        elif name in at:
            old = [row for row in rows if row[at[name]][:10] <= day.isoformat()]
        else:
            old = rows if not dated or f"20{dated}" <= day.isoformat() else []
        new = [row for row in rows if row not in old]
        if old:
            before[name] = _write(header, old)
        if new:
            after[name if dated else f"{name}_2025-06-18"] = _write(header, new)
    return before, after


def _write(header: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


@pytest.fixture(scope="module")
def then(tmp_path_factory: pytest.TempPathFactory) -> ChangingShop:
    """The shop on that day."""
    before, _ = split_source(write_small_shop(tmp_path_factory.mktemp("files")), PAST)
    shop = ChangingShop(tmp_path_factory.mktemp("then"))
    shop.deliver("2025-02-21T05:00:00", **before)
    shop.must_build(tests=False)
    return shop


@pytest.fixture(scope="module")
def now(then: ChangingShop, tmp_path_factory: pytest.TempPathFactory) -> ChangingShop:
    """The shop after all that came later, which is of later days."""
    _, after = split_source(write_small_shop(tmp_path_factory.mktemp("files")), PAST)
    shop = then.copy(tmp_path_factory.mktemp("now") / "shop")
    shop.deliver("2025-06-18T05:00:00", **after)
    shop.must_build(tests=False)
    return shop


@pytest.fixture(scope="module")
def kpis_of(queries: dict[str, str]) -> Callable[..., Kpis]:
    """The rows of every KPI that a past day has, as of a day or as of the last order."""

    def read(shop: ChangingShop, as_of: date | None = None) -> Kpis:
        day = as_of.isoformat() if as_of else None
        return {name: shop.rows(at_date(sql, day)) for name, sql in queries.items() if name not in OF_THE_BUILD}

    return read


def changes_of(shop: ChangingShop, as_of: date) -> tuple[Change, ...]:
    engine = create_engine("duckdb://", creator=lambda: duckdb.connect(str(shop.database)), poolclass=NullPool)
    with engine.connect() as connection:
        return read_changes(connection, as_of)


def test_past_day_has_the_numbers_that_it_had(
    then: ChangingShop, now: ChangingShop, kpis_of: Callable[..., Kpis]
) -> None:
    assert then.one("select max(order_date) from data_mart.fact_orders") <= PAST
    assert now.one("select max(order_date) from data_mart.fact_orders") == date(2025, 6, 17)
    had = kpis_of(then, PAST)
    assert all(had.values())
    assert kpis_of(now, PAST) == had
    assert kpis_of(now) != kpis_of(then)
    assert changes_of(now, PAST) == ()


def test_past_day_with_other_numbers_than_it_had_says_so(
    then: ChangingShop, now: ChangingShop, kpis_of: Callable[..., Kpis], tmp_path: Path
) -> None:
    shop = now.copy(tmp_path / "shop")
    shop.deliver("2025-06-19T05:00:00", **{"raw_orders_2025-06-18-2": ORDERS + "x,c1,2025-02-19T09:00:00,s1,0,0,0\n"})
    shop.must_build(tests=False)
    had, has = kpis_of(then, PAST), kpis_of(shop, PAST)
    differing = {name for name in had if had[name] != has[name]}
    (change,) = changes_of(shop, PAST)
    assert (change.table, change.change, change.count) == ("orders", "late", 1)
    assert {"average_order_per_store", "rolling_year"} <= differing <= set(change.kind.doubt.kpis)
