"""How much memory DuckDB has in a build: little where a day has come, all that it may have where all is made anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager

from tests.tiny_shop import FILES
from tests.warehouse.changing_shop import ChangingShop
from tests.warehouse.test_duckdb_memory import read_limit

ALLOWED_MB = 100_000  # more than 192 MiB for each thread of any machine
PART = ("--select", "+int_order_items", "int_recipe_lines", "int_store_rates", "stg_refunds")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> ChangingShop:
    shop = ChangingShop(tmp_path_factory.mktemp("built"))
    shop.deliver("2025-07-02T06:00:00", **{name.removesuffix(".csv"): text for name, text in FILES.items()})
    shop.must_build(*PART, tests=False)
    return shop


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, int]]:
    """The limit in MiB when dbt lets go of the warehouse, and DuckDB's threads, build by build."""
    read: list[tuple[float, int]] = []
    environment: Any = DuckDBConnectionManager.env
    close: Any = DuckDBConnectionManager.close_all_connections

    def read_and_close() -> None:
        with environment().conn.cursor() as cursor:
            ((threads,),) = cursor.execute("select current_setting('threads')").fetchall()
            read.append((read_limit(cursor), int(threads)))
        close()

    monkeypatch.setattr(DuckDBConnectionManager, "close_all_connections", read_and_close)
    monkeypatch.setenv("RETAIL_DUCKDB_MEMORY_MB", str(ALLOWED_MB))
    return read


def build(shop: ChangingShop, folder: Path, *arguments: str) -> None:
    shop.copy(folder).must_build(*PART, *arguments, tests=False)


def test_build_of_a_day_has_192_mib_a_thread(
    built: ChangingShop, limits: list[tuple[float, int]], tmp_path: Path
) -> None:
    day = built.copy(tmp_path / "day")
    header = FILES["raw_orders.csv"].splitlines(keepends=True)[0]
    day.deliver("2025-07-03T06:00:00", **{"raw_orders_2025-07-02": header + "n1,c1,2025-07-02T10:00:00,s1,0,0,0\n"})
    build(day, tmp_path / "shop")
    ((limit, threads),) = limits
    assert limit == pytest.approx(max(192 * threads, 384), rel=0.01)


def test_build_of_a_day_has_no_more_than_is_allowed(
    built: ChangingShop, limits: list[tuple[float, int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_DUCKDB_MEMORY_MB", "300")
    build(built, tmp_path / "shop")
    assert limits[0][0] == pytest.approx(300, rel=0.01)


def test_full_refresh_has_all_memory(built: ChangingShop, limits: list[tuple[float, int]], tmp_path: Path) -> None:
    build(built, tmp_path / "shop", "--full-refresh")
    assert limits[0][0] == pytest.approx(ALLOWED_MB, rel=0.01)


def test_build_that_finds_that_all_must_be_made_anew_has_all_memory(
    built: ChangingShop, limits: list[tuple[float, int]], tmp_path: Path
) -> None:
    built.copy(tmp_path / "lost").change("drop table intermediate.int_store_rates")
    build(ChangingShop(tmp_path / "lost", built.runs), tmp_path / "shop")
    assert limits[0][0] == pytest.approx(ALLOWED_MB, rel=0.01)


def test_first_build_has_all_memory(built: ChangingShop, limits: list[tuple[float, int]], tmp_path: Path) -> None:
    built.copy(tmp_path / "new").change("drop schema staging cascade; drop schema intermediate cascade")
    build(ChangingShop(tmp_path / "new", built.runs), tmp_path / "shop")
    assert limits[0][0] == pytest.approx(ALLOWED_MB, rel=0.01)


def test_build_of_more_orders_than_a_day_brings_has_all_memory(
    built: ChangingShop, limits: list[tuple[float, int]], tmp_path: Path
) -> None:
    many = built.copy(tmp_path / "many")
    header = FILES["raw_orders.csv"].splitlines(keepends=True)[0]
    orders = "".join(f"n{number},c1,2025-07-02T10:00:00,s1,0,0,0\n" for number in range(100_001))
    many.deliver("2025-07-03T06:00:00", **{"raw_orders_2025-07-02": header + orders})
    build(many, tmp_path / "shop")
    assert limits[0][0] == pytest.approx(ALLOWED_MB, rel=0.01)
