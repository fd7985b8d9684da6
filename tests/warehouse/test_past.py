"""What was delivered after a past day and changed it: found, counted and told apart from what only came later.

The shop is `tests.tiny_shop`, loaded on 2 July 2025; its last order is of 1 July. Nothing here runs dbt: of what it
makes, only the seed that moves days is read.
"""

from __future__ import annotations

from dataclasses import astuple
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from flows.lake.contracts import CONTRACTS
from flows.lake.sources import find_sources
from flows.marts.past import read_changes
from flows.warehouse.ingestion import Ingestion
from reports.past import Change
from tests.tiny_shop import FILES, write_shop
from tests.warehouse.changing_shop import ChangingShop, at
from tests.warehouse.redshift import Redshift, open_redshift

BASE = {name.removesuffix(".csv"): text for name, text in FILES.items()}
ORDERS, ITEMS = "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total\n", "id,order_id,sku\n"
REFUNDS = "id,order_id,item_id,refunded_at,amount,tax_amount,reason\n"
COUNTS = "store_id,supply_id,counted_at,unit_count\n"
JULY = date(2025, 7, 1)
SEED = (
    "create table data_mart.valid_from_dates "
    "(table_name varchar(64), record_id varchar(64), delivery_date date, valid_from_date date)"
)

# a day's drop of the evening, without anything that is older
SECOND = {
    "raw_orders_2025-07-02": ORDERS + "o8,c1,2025-07-02T10:00:00,s1,1000,50,1050\n",
    "raw_items_2025-07-02": ITEMS + "i9,o8,p1\n",
}
THIRD = {
    "raw_orders_2025-07-03": ORDERS + "o9,c1,2025-07-03T10:00:00,s1,1000,50,1050\n",
    "raw_items_2025-07-03": ITEMS + "i10,o9,p1\n",
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> ChangingShop:
    """The shop as it began, and the drop of the day after."""
    shop = ChangingShop(tmp_path_factory.mktemp("begun"))
    shop.deliver("2025-07-02T06:00:00", **BASE)
    shop.change(SEED)
    shop.deliver("2025-07-02T22:00:00", **SECOND)
    return shop


@pytest.fixture
def shop(begun: ChangingShop, tmp_path: Path) -> ChangingShop:
    return begun.copy(tmp_path / "shop")


def changes(shop: ChangingShop, as_of: date = JULY) -> list[tuple[str, str, int, Decimal]]:
    engine = create_engine("duckdb://", creator=lambda: duckdb.connect(str(shop.database)), poolclass=NullPool)
    with engine.connect() as connection:
        found = read_changes(connection, as_of)
    assert all(isinstance(each, Change) for each in found)
    return [(each.table, each.change, each.count, each.amount_usd) for each in found]


def usd(text: str) -> Decimal:
    return Decimal(text)


def test_what_only_adds_later_days_changes_no_past_day(shop: ChangingShop) -> None:
    assert changes(shop) == []
    shop.deliver("2025-07-03T22:00:00", **THIRD)
    assert changes(shop) == changes(shop, date(2025, 7, 2)) == changes(shop, date(2024, 6, 30)) == []


def test_orders_of_a_past_day_that_come_after_the_next_days_are_late(shop: ChangingShop) -> None:
    late = "o20,c1,2025-07-01T23:00:00,s1,1234,61,1295\no21,c1,2025-06-01T23:00:00,s1,100,5,105\n"
    shop.deliver("2025-07-04T22:00:00", **THIRD, **{"raw_orders_2025-07-04": ORDERS + late})
    assert changes(shop) == [("orders", "late", 2, usd("13.34"))]
    assert changes(shop, date(2025, 6, 30)) == [("orders", "late", 1, usd("1.00"))]
    assert changes(shop, date(2025, 7, 3)) == []  # they came with the first order of that day


def test_what_comes_before_the_next_days_orders_is_known_on_the_day(shop: ChangingShop) -> None:
    shop.deliver("2025-07-03T09:00:00", raw_items_2025_07_03=ITEMS + "i20,o8,p2\n")
    shop.deliver("2025-07-03T22:00:00", **THIRD)
    assert changes(shop, date(2025, 7, 2)) == []
    assert changes(shop) == []


def test_corrections_count_once_by_what_they_add_to_the_day(shop: ChangingShop) -> None:
    again = "o1,c1,2025-06-30T23:59:59,s1,2000,100,2100\n"  # the same as before
    more = "o2,c1,2024-07-01T00:00:00,s1,300,15,315\n"
    away = "o6,c1,2025-07-02T00:00:00,s2,1000,100,1100\n"  # to a later day
    here = "o8,c1,2025-06-29T10:00:00,s1,700,35,735\n"  # from a later day: it was not known at all
    shop.deliver("2025-07-04T22:00:00", **THIRD, **{"raw_orders_2025-07-04": ORDERS + again + more})
    assert changes(shop) == [("orders", "corrected", 1, usd("0.50"))]
    shop.deliver("2025-07-05T22:00:00", **{"raw_orders_2025-07-05": ORDERS + more + away + here})
    assert changes(shop) == [
        ("orders", "late", 1, usd("7.00")),
        ("orders", "corrected", 2, usd("-9.50")),
        ("items", "late", 1, usd("0")),  # that of the order which is of an earlier day now
    ]
    assert changes(shop, date(2025, 7, 2)) == [("orders", "corrected", 3, usd("-2.50"))]


def test_customer_of_an_order_is_a_correction_without_an_amount(shop: ChangingShop) -> None:
    other = "o1,c2,2025-06-30T23:59:59,s1,2000,100,2100\n"
    shop.deliver("2025-07-04T22:00:00", **{"raw_orders_2025-07-04": ORDERS + other})
    assert changes(shop) == [("orders", "corrected", 1, usd("0"))]


def test_items_refunds_and_counts_are_of_their_own_days(shop: ChangingShop) -> None:
    shop.deliver(
        "2025-07-04T22:00:00",
        **THIRD,
        **{
            "raw_items_2025-07-04": ITEMS + "i20,o4,p1\ni21,o8,p1\ni1,o1,p2\n",
            "raw_refunds": REFUNDS + "r1,o1,i1,2025-07-01T10:00:00,1000,50,cold\nr2,o1,,2025-07-02T10:00:00,500,25,\n",
            "raw_stock_counts": COUNTS + "s1,u1,2025-07-01T20:00:00,40\ns1,u2,2025-07-04T20:00:00,40\n",
        },
    )
    assert changes(shop) == [
        ("items", "late", 1, usd("0")),
        ("items", "corrected", 1, usd("0")),
        ("refunds", "late", 1, usd("10.00")),
        ("stock_counts", "late", 1, usd("0")),
    ]


def test_file_that_is_delivered_anew_tells_that_its_past_is_not_kept(shop: ChangingShop) -> None:
    shop.deliver("2025-07-05T22:00:00", raw_orders=FILES["raw_orders.csv"].replace("o2,c1", "o2,c2"))
    assert changes(shop) == [("orders", "rewritten", 7, usd("0"))]
    assert changes(shop, date(2024, 7, 1)) == [("orders", "rewritten", 3, usd("0"))]


def test_prices_costs_and_rates_count_if_they_hold_for_days_before(shop: ChangingShop) -> None:
    products = FILES["raw_products.csv"].replace("p1,Soup,jaffle,1000", "p1,Soup,jaffle,1100")
    stores = "id,name,opened_at,tax_rate\ns1,North,2022-01-01T00:00:00,0.06\n"
    supplies = "id,name,cost,perishable,sku\nu1,bowl,12,False,p1\nu2,carrots,40,True,p1\n"
    shop.deliver("2025-07-04T22:00:00", **THIRD, raw_products=products, raw_stores=stores, raw_supplies=supplies)
    assert changes(shop) == []  # they hold from 4 July on
    files = {"raw_products_2025-07-01": products, "raw_stores_2025-06-30": stores, "raw_supplies_2024-01-01": supplies}
    shop.deliver("2025-07-05T22:00:00", **files)
    found = [("products", "late", 1), ("supplies", "late", 1), ("stores", "late", 1)]
    assert [each[:3] for each in changes(shop)] == found
    assert [each[:3] for each in changes(shop, date(2024, 1, 1))] == [("supplies", "late", 1)]


def test_price_that_the_seed_moves_to_an_earlier_day_counts(shop: ChangingShop) -> None:
    products = FILES["raw_products.csv"].replace("p1,Soup,jaffle,1000", "p1,Soup,jaffle,1100")
    shop.deliver("2025-07-04T22:00:00", **THIRD, raw_products=products)
    shop.change("insert into data_mart.valid_from_dates values ('raw_products', 'p1', '2025-07-04', '2025-07-01')")
    assert [each[:3] for each in changes(shop)] == [("products", "late", 1)]
    assert changes(shop, date(2025, 6, 30)) == []


def test_new_product_holds_from_the_beginning_and_new_names_for_all_time(shop: ChangingShop) -> None:
    products = FILES["raw_products.csv"].replace("p2,Tea", "p2,Chai") + "p9,Bun,bread,300,\n"
    customers = FILES["raw_customers.csv"].replace("Bo", "Bob") + "c9,New\n"
    shop.deliver("2025-07-04T22:00:00", **THIRD, raw_products=products, **{"raw_customers_2025-07-04": customers})
    assert [each[:3] for each in changes(shop)] == [
        ("products", "late", 1),
        ("products", "renamed", 1),
        ("customers", "renamed", 1),
    ]


def test_file_that_is_loaded_no_more_is_told(shop: ChangingShop) -> None:
    shop.forget("raw_orders_2025-07-02")
    shop.deliver("2025-07-04T22:00:00", **THIRD, **{"raw_orders_2025-07-02": None})
    assert [each[:3] for each in changes(shop, date(2025, 7, 2))] == [("files", "gone", 1)]
    assert changes(shop, date(2024, 7, 1)) == []


def test_dated_files_that_are_loaded_all_at_once_say_when_they_came(tmp_path: Path) -> None:
    late = {"raw_orders_2025-07-03": THIRD["raw_orders_2025-07-03"] + "o20,c1,2025-07-01T23:00:00,s1,1234,61,1295\n"}
    shop = ChangingShop(tmp_path / "anew")
    shop.deliver("2029-01-01T06:00:00", **(BASE | SECOND | THIRD | late))
    shop.change(SEED)
    assert changes(shop) == changes(shop, date(2025, 7, 2)) == [("orders", "late", 1, usd("12.34"))]
    assert changes(shop, date(2025, 6, 30)) == []


@pytest.mark.redshift
def test_redshift_tells_the_same_changes(begun: ChangingShop, redshift: Redshift, tmp_path: Path) -> None:
    shop = begun.copy(tmp_path / "shop")
    source = shop.source
    anew = FILES["raw_orders.csv"].replace("o2,c1", "o2,c2")
    late = ORDERS + "o20,c1,2025-07-01T23:00:00,s1,1234,61,1295\no8,c1,2025-07-02T10:00:00,s1,900,45,945\n"
    products = FILES["raw_products.csv"].replace("p1,Soup,jaffle,1000", "p1,Broth,jaffle,1100")
    drops = [
        ("2025-07-03T22:00:00", THIRD | {"raw_orders_2025-07-04": late, "raw_products_2025-07-01": products}),
        ("2025-07-05T22:00:00", {"raw_orders": anew, "raw_refunds": REFUNDS + "r1,o1,,2025-07-01T10:00:00,5,0,\n"}),
    ]
    with at("2025-07-02T06:00:00"):
        _load_redshift(write_shop(tmp_path / "base"), tmp_path)
    with at("2025-07-02T22:00:00"):
        _load_redshift(source, tmp_path)
    for moment, files in drops:
        shop.deliver(moment, **files)
        with at(moment):
            _load_redshift(source, tmp_path)
    redshift.run('create schema if not exists "{p}data_mart"')
    redshift.run(SEED.replace("data_mart", '"{p}data_mart"'))
    warehouse = open_redshift()
    try:
        with warehouse.engine().connect() as connection:
            for day in (date(2024, 7, 1), JULY, date(2025, 7, 2), date(2025, 7, 3)):
                there = [astuple(each) for each in read_changes(connection, day, redshift.prefix)]
                assert there == changes(shop, day), day
            assert len(changes(shop)) > 3
    finally:
        warehouse.close()


def _load_redshift(source: Path, folder: Path) -> None:
    warehouse = open_redshift()
    with warehouse.hold("run"):
        ingestion = Ingestion(warehouse, folder / "work", "run", 1.0)
        ingestion.load(ingestion.convert(find_sources(source, CONTRACTS).files))
    warehouse.close()
