"""Which orders are found to be dated far after the others: the test of the dbt project, run on rows of our own."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from flows.run.settings import Settings, load_settings
from flows.run.target import dbt_environment
from reports.doubts import Finding, notes_at
from reports.kpis import KPIS
from tests.warehouse.redshift import Redshift

TEST = "warn_orders_far_after_the_others"
END = date(2024, 6, 30)
Find = Callable[..., tuple[list[date], Decimal]]


@pytest.fixture(scope="module")
def find(tmp_path_factory: pytest.TempPathFactory) -> Find:
    """The days of the orders that are found, and their amount, in a shop that had orders of $10 on these days."""
    query = compile_test(load_settings(target="local", work_dir=str(tmp_path_factory.mktemp("compiled"))))

    def run(*days: date, after_delivery: tuple[date, ...] = ()) -> tuple[list[date], Decimal]:
        with duckdb.connect() as connection:
            connection.execute("attach ':memory:' as warehouse")
            connection.execute("create schema warehouse.staging")
            connection.execute(write_orders("warehouse.staging", days, after_delivery))
            return summarize(connection.execute(query).fetchall())

    return run


def compile_test(settings: Settings) -> str:
    """The SQL of the test for one of the warehouses."""
    project, target = str(settings.dbt_project_dir), settings.work_dir / "dbt"
    options = ["--target", settings.target, "--project-dir", project, "--profiles-dir", project]
    options += ["--target-path", str(target), "--log-level-file", "none", "--quiet"]
    try:
        with dbt_environment(settings) as variables, patch.dict(os.environ, variables):
            done = dbtRunner().invoke(["compile", "--select", TEST, *options])
    finally:
        DuckDBConnectionManager.close_all_connections()
    assert done.success, done.exception
    (compiled,) = target.glob(f"compiled/*/tests/{TEST}.sql")
    return compiled.read_text(encoding="utf-8")


def write_orders(schema: str, days: tuple[date, ...], after_delivery: tuple[date, ...] = ()) -> str:
    """SQL that makes stg_orders with orders of these days, the latter dated after their delivery."""
    known = [(day, "false") for day in days] + [(day, "true") for day in after_delivery]
    rows = [
        f"select 'o{i}', cast('{day}' as date), cast(1000 as bigint), {late}" for i, (day, late) in enumerate(known)
    ]
    columns = "order_id varchar(64), order_date date, subtotal_cents bigint, is_dated_after_delivery boolean"
    return f"create table {schema}.stg_orders ({columns}); insert into {schema}.stg_orders {' union all '.join(rows)}"


def summarize(rows: Sequence[Any]) -> tuple[list[date], Decimal]:
    """The days and the sum of what was found."""
    return sorted(row[1] for row in rows), sum((row[2] for row in rows), Decimal(0))


def daily(first: date, last: date, orders: int = 1) -> list[date]:
    return [first + timedelta(number) for number in range((last - first).days + 1) for _ in range(orders)]


YEAR = daily(END - timedelta(400), END)


def test_an_order_long_after_all_others_is_found_with_its_amount(find: Find) -> None:
    for far in (END + timedelta(61), date(2029, 2, 28), date(2099, 12, 31)):
        assert find(*YEAR, far) == ([far], Decimal("10.00"))


def test_all_orders_from_the_first_far_day_on_are_found(find: Find) -> None:
    far = [date(2026, 1, 1), date(2026, 1, 2), date(2099, 1, 1)]
    assert find(*YEAR, *far) == (far, Decimal("30.00"))


def test_sensible_orders_are_not_found(find: Find) -> None:
    assert find(*YEAR) == ([], 0)
    assert find(*YEAR, END + timedelta(60)) == ([], 0), "so short a silence may be a closure"
    assert find(END - timedelta(4000), *YEAR) == ([], 0), "one order long before the others"
    assert find(*YEAR, END - timedelta(3)) == ([], 0), "a late one of an earlier day"


def test_shop_that_opens_again_is_found_only_until_a_week_of_orders_came(find: Find) -> None:
    again = END + timedelta(100)
    assert len(find(*YEAR, *daily(again, again + timedelta(5)))[0]) == 6
    assert find(*YEAR, *daily(again, again + timedelta(7))) == ([], 0)


def test_shop_of_one_season_and_shop_of_few_orders_are_silent_now_and_then(find: Find) -> None:
    summers = [day for year in (2022, 2023) for day in daily(date(year, 4, 1), date(year, 9, 30), 5)]
    assert find(*summers, date(2024, 3, 30)) == ([], 0)
    assert find(*summers, date(2024, 4, 3))[0] == [date(2024, 4, 3)], "never before was it silent so long"
    assert find(date(2023, 1, 5), date(2023, 6, 1), date(2024, 1, 7), date(2026, 3, 4)) == ([], 0)


def test_order_dated_after_its_delivery_is_another_finding(find: Find) -> None:
    assert find(*YEAR, after_delivery=(date(2099, 1, 1),)) == ([], 0)
    assert find(*YEAR, date(2026, 1, 1), after_delivery=(date(2099, 1, 1),))[0] == [date(2026, 1, 1)]


def test_far_orders_are_told_at_every_number() -> None:
    finding = Finding("orders far after the others", 1, Decimal("12.30"))
    assert {kpi for kpi in KPIS if notes_at(kpi, [finding], [])} == set(KPIS)
    assert finding.sentence == "Orders far after the others: 1 ($12.30)."
    assert "--as-of" in finding.effect


@pytest.mark.redshift
def test_redshift_finds_the_same(find: Find, redshift: Redshift) -> None:
    query = compile_test(load_settings(target="redshift"))
    redshift.run('create schema if not exists "{p}staging"')
    for days in (
        (*YEAR, date(2026, 1, 1), date(2026, 1, 2)),
        (*YEAR, END + timedelta(60)),
        (*YEAR, END + timedelta(61)),
    ):
        for statement in write_orders('"{p}staging"', days).split("; "):
            redshift.run(statement)
        assert summarize(redshift.run(query)) == find(*days)
        redshift.run('drop table "{p}staging".stg_orders')
