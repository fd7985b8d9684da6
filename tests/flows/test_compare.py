"""Comparing two warehouses: what is equal is said to be, and a single cent is found and named."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from flows.compare import compile_kpis, main
from flows.run.settings import load_settings
from reports.kpis import KPIS
from tests.conftest import Finished


@pytest.fixture
def other(tiny_run: Finished, tmp_path: Path) -> Path:
    """A copy of the tiny run's warehouse, to be changed at will."""
    (tmp_path / "other").mkdir()
    shutil.copy(tiny_run.work_dir / "warehouse.duckdb", tmp_path / "other")
    return tmp_path / "other"


def change(work_dir: Path, sql: str) -> None:
    with duckdb.connect(str(work_dir / "warehouse.duckdb")) as connection:
        connection.execute(sql)


def differences(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("DIFFERS")]


def test_compare_equal_warehouses_with_their_kpis(
    tiny_run: Finished, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tiny_run.work_dir), str(other)]) == 0
    printed = capsys.readouterr().out
    assert set(re.findall(r"^equal    KPI (\w+)", printed, flags=re.MULTILINE)) == set(KPIS)
    assert re.search(r"\b(\d+) of \1 relations are equal", printed)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            "update data_mart.fact_orders set tax_paid_usd = tax_paid_usd + 0.01 where order_id = 'o3'",
            [
                "data_mart.fact_orders ",
                "1 rows only in {left}, e.g. order_id 'o3'; 1 rows only in {right}, e.g. order_id 'o3'",
            ],
        ),
        (
            "insert into data_mart.dim_stores select * from data_mart.dim_stores limit 1",
            ["data_mart.dim_stores ", "1 rows only in {right}"],
        ),
        ("alter table data_mart.dim_date rename column date_day to day", ["data_mart.dim_date ", "other columns"]),
        (
            "alter table data_mart.fact_orders alter tax_paid_usd type decimal(18,3)",
            ["data_mart.fact_orders ", "rows only in"],
        ),
        ("drop table data_mart.customers_status", ["data_mart.customers_status ", "cannot be read"]),
        (
            "delete from ops.load_ledger where file_name = 'raw_orders.csv'",
            ["ops.load_ledger ", "1 rows only in {left}"],
        ),
    ],
)
def test_compare_finds_and_names_a_difference(
    tiny_run: Finished, other: Path, capsys: pytest.CaptureFixture[str], sql: str, told: list[str]
) -> None:
    change(other, sql)
    assert main([str(tiny_run.work_dir), str(other), "--without-kpis"]) == 1
    found = differences(capsys)
    assert len(found) == 1, found
    for text in told:
        assert text.format(left=tiny_run.work_dir, right=other) in found[0]


def test_compare_shows_no_more_of_a_row_than_its_first_column(
    tiny_run: Finished, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(other, "update raw.raw_customers set name = 'Secret Name' where id = 'c1'")
    assert main([str(tiny_run.work_dir), str(other), "--without-kpis"]) == 1
    printed = capsys.readouterr().out
    assert "id 'c1'" in printed
    assert "Secret Name" not in printed


def test_compare_without_a_warehouse_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "local"]) == 2
    assert "there is no warehouse" in capsys.readouterr().err


def test_kpis_are_compiled_for_the_day_they_are_asked_for(tmp_path: Path) -> None:
    queries = compile_kpis(load_settings(target="local", work_dir=str(tmp_path), as_of=date(2020, 1, 31)))
    assert all("2020-01-31" in sql for sql in queries.values())
