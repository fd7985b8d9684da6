"""How a file was read belongs to what makes it unchanged: another profile for its table loads it anew, exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.errors import DataError
from flows.lake.contracts import CONTRACTS
from flows.lake.profile_files import find_profiled_sources
from flows.lake.profiles import read_profile
from flows.lake.sources import find_sources
from flows.warehouse.base import Warehouse
from flows.warehouse.builds import ledger_sha256
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion
from tests.warehouse.redshift import Redshift, open_redshift

DAYS_FIRST = '[defaults]\nmoney = "units"\n[tables.raw_stock_counts]\ntimestamps = ["%d/%m/%Y"]\n'
MONTHS_FIRST = DAYS_FIRST.replace("%d/%m", "%m/%d")
COUNTS = "store_id,supply_id,counted_at,unit_count\ns,u,01/02/2025,7\n"
PRODUCTS = "sku,name,type,price,description\np,Tea,drink,2.50,\n"


class Shop:
    def __init__(self, folder: Path, make: Callable[[], Warehouse]) -> None:
        self.source, self.work_dir, self.make, self.runs = folder / "source", folder / "work", make, 0
        self.source.mkdir()
        self.work_dir.mkdir()
        (self.source / "raw_stock_counts.csv").write_text(COUNTS)
        (self.source / "raw_products.csv").write_text(PRODUCTS)

    def load(self, profile: str | None) -> dict[str, str]:
        """Load the source with this profile; table → what became of its file."""
        self.runs += 1
        forms, files = {}, find_sources(self.source, CONTRACTS).files
        if profile is not None:
            path = self.source / "shop.toml"
            path.write_text(profile)
            forms, files = read_profile(path).forms, find_profiled_sources(self.source, read_profile(path)).files
        with self.opened() as warehouse, warehouse.hold(f"run {self.runs}"):
            ingestion = Ingestion(warehouse, self.work_dir, f"run {self.runs}", forms=forms)
            ingestion.load(ingestion.convert(files))
        return {outcome.table.removeprefix("raw_"): outcome.status for outcome in ingestion.outcomes}

    @contextmanager
    def opened(self) -> Iterator[Warehouse]:
        warehouse = self.make()
        try:
            yield warehouse
        finally:
            warehouse.close()

    def hash_ledger(self) -> str:
        with self.opened() as warehouse:
            return ledger_sha256(warehouse.read_ledger())

    def parts(self) -> set[str]:
        return {path.name for path in (self.work_dir / "lake").rglob("*.parquet")}


Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(params=["duckdb", "redshift"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Shop, Query]:
    if request.param == "redshift":
        redshift: Redshift = request.getfixturevalue("redshift")
        return Shop(tmp_path, open_redshift), redshift.run
    path = tmp_path / "work" / "warehouse.duckdb"

    def run(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(path)) as connection:
            return connection.execute(sql).fetchall()

    return Shop(tmp_path, lambda: DuckDBWarehouse(path)), run


def test_changed_profile_of_a_table_loads_its_files_anew_once_and_no_others(shop: tuple[Shop, Query]) -> None:
    loads, query = shop
    counted = 'select cast(cast(counted_at as date) as varchar), _row, count(*) over () from "raw".raw_stock_counts'
    assert loads.load(DAYS_FIRST) == {"products": "loaded", "stock_counts": "loaded"}
    assert query(counted) == [("2025-02-01", 1, 1)]
    before, parts = loads.hash_ledger(), loads.parts()
    assert loads.load("# the same\n" + DAYS_FIRST) == {"products": "unchanged", "stock_counts": "unchanged"}
    assert loads.load(MONTHS_FIRST) == {"products": "unchanged", "stock_counts": "replaced"}
    assert query(counted) == [("2025-01-02", 1, 1)]
    assert loads.hash_ledger() != before
    assert len(loads.parts() - parts) == len(parts - loads.parts())
    assert loads.load(MONTHS_FIRST) == {"products": "unchanged", "stock_counts": "unchanged"}
    rows = query("select table_name, rows_loaded, length(profile_sha256) from ops.load_ledger order by 1")
    assert rows == [("raw_products", 1, 64), ("raw_stock_counts", 1, 64)]


def test_file_read_anew_was_delivered_once_and_its_misreading_is_no_older_price(shop: tuple[Shop, Query]) -> None:
    loads, query = shop
    loads.load(DAYS_FIRST)
    delivered = query("select file_name, delivered_at from ops.deliveries order by 1")
    corrected = DAYS_FIRST + '[tables.raw_products]\nleave_out = ["type"]\nconstants = { type = "tea" }\n'
    assert loads.load(corrected)["products"] == "replaced"
    assert query('select type, price from "raw".raw_products') == [("tea", 250)]
    assert query("select file_name, delivered_at from ops.deliveries order by 1") == delivered
    assert query("select count(*) from ops.replaced_raw_products") == [(0,)]


def test_files_loaded_without_a_profile_stay_unchanged_under_one_that_says_nothing_of_them(
    shop: tuple[Shop, Query],
) -> None:
    loads, query = shop
    (loads.source / "raw_stock_counts.csv").write_text(COUNTS.replace("01/02/2025", "2025-01-02T00:00:00"))
    (loads.source / "raw_products.csv").write_text(PRODUCTS.replace("2.50", "250"))
    loads.load(None)
    assert query("select count(profile_sha256) from ops.load_ledger") == [(0,)]
    assert loads.load('[shop]\ncurrency = "EUR"\n') == {"products": "unchanged", "stock_counts": "unchanged"}


def test_refused_reading_leaves_what_is_loaded_and_its_parts(shop: tuple[Shop, Query]) -> None:
    loads, query = shop
    loads.load(DAYS_FIRST)
    parts = loads.parts()
    with pytest.raises(DataError, match="stock_counts"):
        loads.load(DAYS_FIRST.replace("%d/%m/%Y", "%Y-%m-%d"))
    assert loads.parts() == parts
    assert query('select count(*) from "raw".raw_stock_counts') == [(1,)]
