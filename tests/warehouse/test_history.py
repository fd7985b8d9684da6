"""What the warehouse keeps of deliveries: when each version came, and the rows that a later one replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.lake.contracts import CONTRACTS
from flows.lake.sources import find_sources
from flows.warehouse.base import Warehouse
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion
from flows.warehouse.outcomes import FileOutcome
from tests.tiny_shop import FILES, write_shop
from tests.warehouse.redshift import Redshift, open_redshift
from tests.warehouse.redshift_standin import Fault, RedshiftStandin

PRODUCTS, CUSTOMERS = FILES["raw_products.csv"], FILES["raw_customers.csv"]


@dataclass
class Shop:
    """A source of files and one of the two warehouses; `query` asks it."""

    folder: Path
    open: Callable[[], Warehouse]
    query: Callable[[str], list[tuple[Any, ...]]]
    runs: list[str] = field(default_factory=list)

    def ingest(self, **files: str) -> list[FileOutcome]:
        """Write files and load all, in a run of its own."""
        for name, text in files.items():
            (self.folder / "source" / f"{name}.csv").write_text(text, encoding="utf-8")
        self.runs.append(f"run-{len(self.runs) + 1}")
        warehouse = self.open()
        with ExitStack() as stack:
            stack.callback(warehouse.close)
            stack.enter_context(warehouse.hold(self.runs[-1]))
            ingestion = Ingestion(warehouse, self.folder / "work", self.runs[-1], 1.0)
            ingestion.load(ingestion.convert(find_sources(self.folder / "source", CONTRACTS).files))
        return ingestion.outcomes


@pytest.fixture(params=["duckdb", "redshift"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    write_shop(tmp_path / "source")
    if request.param == "redshift":
        redshift: Redshift = request.getfixturevalue("redshift")
        yield Shop(tmp_path, open_redshift, redshift.run)
        return
    path = tmp_path / "work" / "warehouse.duckdb"

    def query(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(path)) as connection:
            return connection.execute(sql).fetchall()

    yield Shop(tmp_path, lambda: DuckDBWarehouse(path), query)


def test_ingest_overwritten_file_keeps_its_old_rows_and_when_they_came(shop: Shop) -> None:
    shop.ingest()
    ((first, since, order, loaded_at),) = shop.query(
        "select delivered_at, valid_from_date, delivery_order, loaded_at from ops.load_ledger "
        "where table_name = 'raw_products'"
    )
    assert since == date(1900, 1, 1)
    shop.ingest(raw_products=PRODUCTS.replace("1000", "1100"))
    assert shop.query("select sku, price from ops.replaced_raw_products order by sku") == [
        ("p1", 1000),
        ("p2", 250),
        ("p3", 250000),
    ]
    ((entry, moved_to),) = shop.query(
        "select valid_from_date, loaded_at from ops.load_ledger where table_name = 'raw_products'"
    )
    assert entry > since
    kept = "_delivered_at, _valid_from_date, _delivery_order, _run_id, _loaded_at, _replaced_at"
    assert shop.query(f"select distinct {kept} from ops.replaced_raw_products") == [
        (first, since, order, "run-1", loaded_at, moved_to)
    ]
    assert moved_to > loaded_at
    assert shop.query("select count(*) from ops.replaced_raw_supplies") == [(0,)], "what is unchanged is not replaced"


def test_ingest_version_that_comes_back_is_delivered_anew_and_replaces_what_came_between(shop: Shop) -> None:
    for text in (PRODUCTS, PRODUCTS.replace("1000", "1100"), PRODUCTS):
        shop.ingest(raw_products=text)
    prices = "select price from ops.replaced_raw_products where sku = 'p1' order by _delivery_order"
    assert shop.query(prices) == [(1000,), (1100,)]
    deliveries = "select run_id from ops.deliveries where file_name = 'raw_products.csv' order by delivered_at"
    assert shop.query(deliveries) == [("run-1",), ("run-2",), ("run-3",)]
    newest = "select max(delivered_at) from ops.deliveries where file_name = 'raw_products.csv'"
    assert shop.query("select delivered_at from ops.load_ledger where file_name = 'raw_products.csv'") == shop.query(
        newest
    )


def test_ingest_two_files_that_swap_their_contents_are_both_replaced(shop: Shop) -> None:
    other = (
        PRODUCTS.replace("p", "q")
        .replace("qrice", "price")
        .replace("tyqe", "type")
        .replace("descriqtion", "description")
    )
    shop.ingest(raw_products=PRODUCTS, raw_products_2=other)
    shop.ingest(raw_products=other, raw_products_2=PRODUCTS)
    rows = "select _file, count(*) from ops.replaced_raw_products group by _file order by _file"
    assert shop.query(rows) == [("raw_products.csv", 3), ("raw_products_2.csv", 3)]


def test_ingest_customers_only_those_that_no_file_delivers_now_are_kept(shop: Shop) -> None:
    shop.ingest()
    shop.ingest(raw_customers=CUSTOMERS.replace("c4,Di never ordered\n", "").replace("Ada", "Ada L."))
    kept = "select id, name from ops.replaced_raw_customers"
    assert shop.query(kept) == [("c4", "Di never ordered")]
    shop.ingest(raw_customers_new="id,name\nc4,Di is back\n")
    assert shop.query(kept) == []


ORDERS = "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total\n"
FIRST = "o1,c1,2025-01-01T08:00:00,s1,1000,50,1050\n"


@pytest.mark.parametrize(
    ("again", "kept"),
    [
        ("o1,c2,2025-01-01T08:00:00,s1,700,0,700\n", 1),
        ("o1,c1,2025-01-01T08:00:01,s1,700,0,700\n", 1),
        ("o1,c1,2025-01-01T08:00:00,s2,700,0,700\n", 1),
        ("o1,c1,2025-01-01T08:00:00,s1,700,0,700\n", 0),  # a correction of the same order
        ("o2,c2,2025-01-01T08:00:00,s2,700,0,700\n", 0),  # the order is gone, which is no reuse
        ("o1,c2,never,s1,700,0,700\n", 0),  # nothing of the file is loaded
    ],
)
def test_ingest_overwritten_file_keeps_the_orders_whose_id_it_gives_to_others(
    shop: Shop, again: str, kept: int
) -> None:
    shop.ingest(raw_orders_day=ORDERS + FIRST + FIRST.replace("o1", "o9"))
    shop.ingest(raw_orders_day=ORDERS + again)
    expected = [("o1", "c1", 1000, "run-1")] * kept
    assert shop.query("select id, customer, subtotal, _run_id from ops.replaced_raw_orders") == expected
    shop.ingest(raw_orders_day=ORDERS + again + FIRST.replace("o1", "o5"))
    assert shop.query("select id, customer, subtotal, _run_id from ops.replaced_raw_orders") == expected


def test_ingest_overwritten_file_keeps_items_and_refunds_that_move_to_other_orders(shop: Shop) -> None:
    refunds = "id,order_id,item_id,refunded_at,amount,tax_amount,reason\nr1,o1,,2025-01-02T00:00:00,100,5,\n"
    items = "id,order_id,sku\ni1,o1,p1\ni2,o1,p1\n"
    shop.ingest(raw_items_day=items, raw_refunds_day=refunds)
    shop.ingest(raw_items_day=items.replace("i1,o1", "i1,o2").replace("i2,o1,p1", "i2,o1,p2"))
    assert shop.query("select id, order_id from ops.replaced_raw_items") == [("i1", "o1")]
    assert shop.query("select count(*) from ops.replaced_raw_refunds") == [(0,)]
    shop.ingest(raw_refunds_day=refunds.replace("o1", "o2"))
    assert shop.query("select id, order_id from ops.replaced_raw_refunds") == [("r1", "o1")]


def test_ingest_again_and_rows_lost_by_hand_replace_nothing(shop: Shop) -> None:
    shop.ingest()
    before = shop.query("select * from ops.deliveries order by 1")
    shop.query("delete from \"raw\".raw_products where sku = 'p1'")
    assert {outcome.status for outcome in shop.ingest()} == {"unchanged", "loaded"}
    assert shop.query("select count(*) from ops.replaced_raw_products") == [(0,)]
    assert shop.query("select * from ops.deliveries order by 1") == before


def test_ingest_each_load_of_a_table_is_later_than_the_one_before(shop: Shop) -> None:
    shop.ingest()
    shop.query("update ops.load_ledger set loaded_at = '2190-01-01'")
    shop.ingest(raw_products=PRODUCTS.replace("1000", "1100"))
    moments = shop.query('select distinct cast(_loaded_at as varchar(26)) from "raw".raw_products')
    assert moments == [("2190-01-01 00:00:00.000001",)]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("statement", ['^insert into "ops"."replaced', '^insert into "ops"."deliveries"'])
def test_ingest_connection_lost_the_replaced_rows_are_kept_once(
    redshift: Redshift, standin: RedshiftStandin, tmp_path: Path, statement: str, when: Any
) -> None:
    write_shop(tmp_path / "source")
    shop = Shop(tmp_path, open_redshift, redshift.run)
    shop.ingest()
    standin.faults.add(Fault("drop", when, statement=statement))
    shop.ingest(raw_products=PRODUCTS.replace("1000", "1100"))
    assert len(standin.faults.fired) == 1
    assert shop.query("select sku from ops.replaced_raw_products order by sku") == [("p1",), ("p2",), ("p3",)]
    versions = "select count(*), count(distinct file_sha256) from ops.deliveries where table_name = 'raw_products'"
    assert shop.query(versions) == [(2, 2)]
