"""A contract that gains an optional column: tables grow in place, old files stay; other changes are refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dataframely as dy
import duckdb
import pytest

from flows.errors import LoadError
from flows.lake.contract_versions import contract_sha256
from flows.lake.contracts import CONTRACTS, Contract, RawProducts
from flows.lake.convert import convert_csv
from flows.warehouse.base import Warehouse
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion
from tests.tiny_shop import FILES, write_shop
from tests.warehouse.redshift import Redshift, ingest, open_redshift
from tests.warehouse.redshift_standin import Fault, RedshiftStandin

OLD = CONTRACTS["raw_products"]


class WithBrand(RawProducts):
    """One row per product record as delivered."""

    brand = dy.String(nullable=True, max_length=64, metadata={"is_optional": True}, description="Brand on the menu.")


class WithRequiredBrand(RawProducts):
    """One row per product record as delivered."""

    brand = dy.String(nullable=True, max_length=64, description="Brand on the menu; every file has the column.")


class WithPriceInWords(RawProducts):
    """One row per product record as delivered."""

    price = dy.String(nullable=False, max_length=9, description="Price in words.")  # type: ignore[assignment]


class WithoutName(dy.Schema):
    """One row per product record as delivered."""

    sku = dy.String(nullable=False, primary_key=True, min_length=1, max_length=64)
    type = dy.String(nullable=False, min_length=1, max_length=64)
    price = dy.Int64(nullable=False)
    description = dy.String(nullable=True, min_length=1, max_length=1024)


GROWN = replace(OLD, schema=WithBrand)


@dataclass
class Shop:
    """A source, a warehouse, and how to ask it."""

    folder: Path
    open: Callable[[], Warehouse]
    run: Callable[[str], list[tuple[Any, ...]]]

    def ingest(self, run_id: str) -> Ingestion:
        warehouse = self.open()
        try:
            return ingest(warehouse, self.folder / "source", self.folder / "work", run_id)  # type: ignore[arg-type]
        finally:
            warehouse.close()

    def deliver(self, name: str, text: str) -> None:
        (self.folder / "source" / name).write_text(text, encoding="utf-8")

    def products(self) -> list[tuple[Any, ...]]:
        return self.run('select sku, price, _file, _run_id, brand from "raw".raw_products order by _file, sku')

    def state(self) -> list[Any]:
        columns = "select table_schema, table_name, column_name, data_type from information_schema.columns"
        return [
            self.run(f"{columns} where table_schema in ('raw', 'ops') order by 1, 2, 3"),
            self.run("select * from ops.load_ledger order by 1, 2"),
            self.run("select * from ops.deliveries order by 1, 2, 3"),
        ]


@pytest.fixture(params=["duckdb", "redshift"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """The tiny shop, loaded by run-1 under the contracts of today."""
    write_shop(tmp_path / "source")
    if request.param == "duckdb":
        (tmp_path / "work").mkdir()
        path = tmp_path / "work" / "warehouse.duckdb"

        def run(sql: str) -> list[tuple[Any, ...]]:
            with duckdb.connect(str(path)) as connection:
                return connection.execute(sql).fetchall()

        shop = Shop(tmp_path, lambda: DuckDBWarehouse(path), run)
    else:
        redshift: Redshift = request.getfixturevalue("redshift")
        shop = Shop(tmp_path, open_redshift, redshift.run)
    shop.deliver("raw_products-2.csv", "sku,name,type,price,description\np9,Pie,jaffle,900,\n")
    shop.ingest("run-1")
    return shop


def change_contract(monkeypatch: pytest.MonkeyPatch, contract: Contract) -> None:
    monkeypatch.setitem(CONTRACTS, "raw_products", contract)


def test_optional_column_is_added_in_place_and_old_files_stay_loaded(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = "select sku, name, price, _row, _run_id, _loaded_at from \"raw\".raw_products where _file like '%-2%'"
    before = shop.run(kept)
    shop.run('create view ops.of_a_person as select sku from "raw".raw_products')  # a drop would fail or lose it
    change_contract(monkeypatch, GROWN)
    shop.deliver("raw_products.csv", "sku,name,type,price,description,brand\np1,Soup,jaffle,1100,warm,Good\n")
    outcomes = {outcome.file: outcome.status for outcome in shop.ingest("run-2").outcomes}
    assert (outcomes.pop("raw_products.csv"), set(outcomes.values())) == ("replaced", {"unchanged"})
    assert shop.products() == [
        ("p9", 900, "raw_products-2.csv", "run-1", None),
        ("p1", 1100, "raw_products.csv", "run-2", "Good"),
    ]
    assert shop.run(kept) == before
    assert shop.run("select sku from ops.of_a_person order by 1") == [("p1",), ("p9",)]
    archived = shop.run("select sku, price, brand from ops.replaced_raw_products order by sku")
    assert archived == [("p1", 1000, None), ("p2", 250, None), ("p3", 250000, None)]


def test_ledger_says_under_which_contract_each_file_was_loaded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    change_contract(monkeypatch, GROWN)
    shop.deliver("raw_products.csv", FILES["raw_products.csv"].replace("Soup", "Broth"))
    shop.ingest("run-2")
    ledger = "select file_name, contract_sha256 from ops.load_ledger where table_name = 'raw_products' order by 1"
    assert shop.run(ledger) == [
        ("raw_products-2.csv", contract_sha256(OLD)),
        ("raw_products.csv", contract_sha256(GROWN)),
    ]


def test_replaced_rows_of_a_grown_table_keep_the_new_column(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    change_contract(monkeypatch, GROWN)
    header = "sku,name,type,price,description,brand\n"
    shop.deliver("raw_products-2.csv", f"{header}p9,Pie,jaffle,950,,Good\n")
    shop.ingest("run-2")
    shop.deliver("raw_products-2.csv", f"{header}p9,Pie,jaffle,990,,Better\n")
    shop.ingest("run-3")
    archived = "select price, brand, _run_id from ops.replaced_raw_products where sku = 'p9' order by price"
    assert shop.run(archived) == [(900, None, "run-1"), (950, "Good", "run-2")]


@pytest.mark.parametrize(
    ("schema", "difference"),
    [
        (WithRequiredBrand, r"raw_products: brand varchar.* is lacking, and no file may lack it"),
        (WithPriceInWords, r"raw_products: price is bigint, the contract says varchar"),
        (WithoutName, r"raw_products: name varchar.* is not in the contract"),
    ],
    ids=["required", "type", "removed"],
)
def test_other_change_of_a_contract_is_refused_before_anything_is_written(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, schema: type[dy.Schema], difference: str
) -> None:
    before = shop.state()
    change_contract(monkeypatch, replace(OLD, schema=schema))
    shop.deliver("raw_products-3.csv", "sku,name,type,price,description\np8,Pie,jaffle,900,\n")
    with pytest.raises(LoadError, match=rf"(?s){difference}.*Drop the table.*rename to replaced_raw_products_before"):
        shop.ingest("run-2")
    assert shop.state() == before


def test_parts_written_before_the_column_was_can_be_loaded_beside_new_ones(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_header, conversions = "sku,name,type,price,description", []
    for name, contract, text in (
        ("raw_products-3.csv", OLD, f"{old_header}\np3,Ham,jaffle,900,\n"),
        ("raw_products-4.csv", GROWN, f"{old_header},brand\np4,Jam,jaffle,900,,Good\n"),
    ):
        shop.deliver(name, text)
        conversions.append(convert_csv(shop.folder / "source" / name, contract, shop.folder / "work"))
    change_contract(monkeypatch, GROWN)
    warehouse = shop.open()
    with warehouse.hold("run-2"):
        warehouse.prepare(CONTRACTS.values())
        warehouse.load_files(GROWN, conversions[:1], "run-2")
        warehouse.load_files(GROWN, conversions, "run-3")
    warehouse.close()
    loaded = shop.run("select sku, brand from \"raw\".raw_products where _run_id = 'run-3' order by sku")
    assert loaded == [("p3", None), ("p4", "Good")]


def test_warehouse_lost_with_parts_of_an_old_contract_in_the_lake_is_loaded_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "work" / "warehouse.duckdb"
    write_shop(tmp_path / "source")
    for run_id in ("run-1", "run-2"):
        warehouse = DuckDBWarehouse(path)
        outcomes = ingest(warehouse, tmp_path / "source", path.parent, run_id).outcomes  # type: ignore[arg-type]
        warehouse.close()
        assert {outcome.status for outcome in outcomes} == {"loaded"}
        path.unlink(missing_ok=run_id == "run-2")
        change_contract(monkeypatch, GROWN)


@pytest.mark.parametrize("when", ["before", "after"])
def test_connection_lost_while_tables_grow_is_done_once(
    redshift: Redshift, standin: RedshiftStandin, monkeypatch: pytest.MonkeyPatch, when: Any
) -> None:
    with closing(open_redshift()) as warehouse, warehouse.hold("run-1"):
        warehouse.prepare(CONTRACTS.values())
    change_contract(monkeypatch, GROWN)
    with closing(open_redshift()) as warehouse, warehouse.hold("run-2"):
        standin.faults.add(Fault("drop", when, statement='^alter table "raw"."raw_products"'))
        warehouse.prepare(CONTRACTS.values())
    assert len(standin.faults.fired) == 1
    for table in ('"raw".raw_products', "ops.replaced_raw_products"):
        assert redshift.run(f"select count(brand) from {table}") == [(0,)]
