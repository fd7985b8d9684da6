"""A customer is forgotten by the warehouse: ids and names out of every table, pseudonyms in, and so it stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from flows.lake.contracts import CONTRACTS
from flows.lake.forgetting import HIDDEN, Forgotten, label_of
from flows.lake.sources import find_sources
from flows.warehouse.base import Warehouse
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.forgetting import add_forgotten
from flows.warehouse.ingestion import Ingestion
from tests.tiny_shop import write_shop
from tests.warehouse.redshift import Redshift, open_redshift

ADA, NAME, OLD_NAME = "customer-4711-ada", "Ada Countess Lovelace", "Augusta Ada Byron"
CUSTOMERS = f"id,name\n{ADA},{NAME}\nc2,Bo\nc3,{NAME}\n,Cy {NAME}\nc4,Di\n"
ORDERS = f"""id,customer,ordered_at,store_id,subtotal,tax_paid,order_total
o1,{ADA},2025-06-30T23:59:59,s1,2000,100,2100
o2,{ADA},2024-07-01T00:00:00,s1,250,12,262
o3,c2,2024-06-30T23:59:59,s2,1250,125,1375
o4,{ADA},yesterday,s2,0,0,0
"""
REFUNDS = f"""id,order_id,item_id,refunded_at,amount,tax_amount,reason
r1,o1,,2025-07-01T10:00:00,10,1,{NAME} found it cold
r2,o3,,2025-07-01T10:00:00,10,1,cold
"""
TABLES = ("raw_customers", "raw_orders", "raw_refunds")


@dataclass
class Shop:
    """A source and one of the two warehouses; `run` asks it, `database` is the file of the embedded one."""

    folder: Path
    open: Callable[[], Warehouse]
    run: Callable[..., list[tuple[Any, ...]]]
    database: Path | None = None

    @contextmanager
    def held(self) -> Iterator[Warehouse]:
        warehouse = self.open()
        try:
            with warehouse.hold("run-1"):
                warehouse.prepare(CONTRACTS.values())
                yield warehouse
        finally:
            warehouse.close()

    def ingest(self, **files: str) -> dict[str, str]:
        for name, text in files.items():
            (self.folder / "source" / f"{name}.csv").write_text(text, encoding="utf-8")
        with self.held() as warehouse:
            ingestion = Ingestion(warehouse, self.folder / "work", "run-1", 1.0)
            ingestion.load(ingestion.convert(find_sources(self.folder / "source", CONTRACTS).files))
        return {outcome.file: outcome.status for outcome in ingestion.outcomes}

    def forget(self, *ids: str) -> Forgotten:
        with self.held() as warehouse:
            forgotten = add_forgotten(warehouse.read_forgotten(), warehouse.find_names(ids))
            warehouse.note_forgotten(forgotten, "run-1")
            warehouse.replace_customers(ids, forgotten)
            warehouse.rewrite()
        return forgotten

    def read(self, table: str, schema: str = "raw") -> list[tuple[Any, ...]]:
        return sorted(self.run(f'select * from "{schema}".{table}'), key=repr)

    def find(self, text: str) -> set[str]:
        """Which tables and parts hold a text."""
        found = {
            f"{schema}.{table}"
            for schema, table in self.run(
                "select table_schema, table_name from information_schema.tables "
                "where table_schema in ('raw', 'ops', 'data_mart')"
            )
            if any(text in str(value) for row in self.run(f'select * from "{schema}"."{table}"') for value in row)
        }
        for path in (self.folder / "work").rglob("*.parquet"):
            if any(text in str(value) for row in pl.read_parquet(path, glob=False).rows() for value in row):
                found.add(str(path.relative_to(self.folder / "work").parent))
        return found


@pytest.fixture(params=["duckdb", "redshift"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    write_shop(tmp_path / "source")
    if request.param == "redshift":
        redshift: Redshift = request.getfixturevalue("redshift")
        shop = Shop(tmp_path, open_redshift, redshift.run)
    else:
        path = tmp_path / "work" / "warehouse.duckdb"

        def run(sql: str) -> list[tuple[Any, ...]]:
            with duckdb.connect(str(path)) as connection:
                return connection.execute(sql).fetchall()

        shop = Shop(tmp_path, lambda: DuckDBWarehouse(path), run, path)
    shop.ingest(
        raw_customers=CUSTOMERS.replace(NAME, OLD_NAME).replace("c4,Di\n", f"customer-0,{OLD_NAME}\n"),
        raw_orders=ORDERS,
        raw_refunds=REFUNDS,
    )
    shop.ingest(raw_customers=CUSTOMERS)
    if shop.database:  # a mart, which on Redshift only a build makes
        row = f"'{ADA}' as customer_id, '{NAME}' as customer_name, 7 as order_count"
        shop.run(f"create table data_mart.dim_customers as select {row}")
    return shop


def test_id_and_own_names_leave_every_table_and_all_else_stays(shop: Shop) -> None:
    before = {table: shop.read(table) for table in TABLES}
    assert {"raw.raw_customers", "raw.raw_orders", "raw.raw_refunds"} <= shop.find(ADA) | shop.find(NAME)
    forgotten = shop.forget(ADA)
    pseudonym = forgotten.name_pseudonym(ADA)
    exchanged = {ADA: pseudonym, f"{NAME} found it cold": HIDDEN}
    names = {ADA: label_of(pseudonym)}
    for table in TABLES:
        expected = [
            tuple(
                names.get(row[0], value) if table == "raw_customers" and at == 1 else exchanged.get(value, value)
                for at, value in enumerate(row)
            )
            for row in before[table]
        ]
        assert shop.read(table) == sorted(expected, key=repr), table
    assert {place for place in shop.find(ADA) if place.startswith(("raw.", "ops.", "data_mart."))} == set()
    assert {place for place in shop.find(NAME) if "." in place} == {"raw.raw_customers"}  # c3, who has the same name


def test_next_ingests_of_unchanged_changed_and_lost_files_do_not_bring_them_back(shop: Shop) -> None:
    forgotten = shop.forget(ADA)
    assert set(shop.ingest().values()) == {"unchanged"}
    changed = shop.ingest(raw_orders=ORDERS + f"o9,{ADA},2025-06-30T20:00:00,s1,2000,100,2100\n")
    assert changed["raw_orders.csv"] == "replaced"
    for table in TABLES:
        shop.run(f'delete from "raw".{table}')
    again = shop.ingest()
    assert {again[f"{table}.csv"] for table in TABLES} == {"loaded"}
    assert shop.find(ADA) == set()
    owners = [row[1] for row in shop.read("raw_orders")]
    assert owners.count(forgotten.name_pseudonym(ADA)) == 3
    of_orders = "from ops.load_ledger where table_name = 'raw_orders'"
    counted = shop.run(f"select rows_in, rows_loaded, rows_quarantined {of_orders}")
    assert [tuple(map(int, row)) for row in counted] == [(5, 4, 1)]


def test_forgetting_again_changes_nothing_and_others_keep_the_same_key(shop: Shop) -> None:
    first = shop.forget(ADA)
    noted = shop.read("forgotten_customers", "ops")
    assert shop.forget(ADA) == first
    assert shop.read("forgotten_customers", "ops") == noted
    assert shop.forget("c2").key == first.key
    assert ADA not in repr(noted)


def test_trial_counts_the_rows_and_changes_none(shop: Shop) -> None:
    before = {table: shop.read(table) for table in TABLES}
    with shop.held() as warehouse:
        assert warehouse.find_names([ADA, "nobody"]) == {ADA: {NAME}, "nobody": set()}
        forgotten = add_forgotten(warehouse.read_forgotten(), warehouse.find_names([ADA]))
        counted = warehouse.replace_customers([ADA], forgotten, is_trial=True)
    marts = {"data_mart.dim_customers": 1} if shop.database else {}
    assert counted == {"raw.raw_customers": 1, "raw.raw_orders": 2, "raw.raw_refunds": 1} | marts
    assert {table: shop.read(table) for table in TABLES} == before
    assert shop.read("forgotten_customers", "ops") == []


@pytest.mark.parametrize("shop", ["duckdb"], indirect=True)  # Redshift frees deleted rows itself
def test_file_of_the_embedded_warehouse_keeps_no_byte_and_all_else(shop: Shop) -> None:
    assert shop.database
    shop.run("comment on table raw.raw_orders is 'orders'")
    shop.run("create view data_mart.seen as select id from raw.raw_orders")
    assert ADA.encode() in shop.database.read_bytes()
    shop.forget(ADA)
    assert ADA.encode() not in shop.database.read_bytes()
    assert {path.name for path in shop.database.parent.iterdir() if "duckdb" in path.name} == {shop.database.name}
    assert shop.run("select comment from duckdb_tables() where table_name = 'raw_orders'") == [("orders",)]
    assert len(shop.run("select * from data_mart.seen")) == 3
