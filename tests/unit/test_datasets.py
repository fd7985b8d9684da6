"""What the files of a shop promise of each other: the shipped ones and those of the small shop."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.conftest import DATASETS
from tests.shop_files import Shop, day_of, in_force
from tests.small_shop import write_small_shop

CENT = Decimal(1)


@pytest.fixture(scope="module", params=["shipped", "small"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(DATASETS if request.param == "shipped" else write_small_shop(tmp_path_factory.mktemp("small")))


def test_files_keys_within_each_list_are_unique(shop: Shop) -> None:
    keys = {"raw_stock_counts": ["store_id", "supply_id", "counted_at"], "raw_products": ["sku"]}
    keys |= {"raw_supplies": ["id", "sku"]}
    for table in ("raw_customers", "raw_products", "raw_supplies", "raw_stores", "raw_refunds", "raw_stock_counts"):
        for rows in shop.lists(table).values():
            assert max(Counter(tuple(row[name] for name in keys.get(table, ["id"])) for row in rows).values()) == 1
    assert len(shop.orders) == len(shop.read_all("raw_orders"))
    assert len(shop.items) == len(shop.read_all("raw_items"))


def test_files_keys_find_their_partners(shop: Shop) -> None:
    stores = {row["id"] for row in shop.read_all("raw_stores")}
    supplies = {row["id"] for row in shop.read_all("raw_supplies")}
    customers = {row["id"] for row in shop.read_all("raw_customers")}
    products = set(shop.prices[max(shop.prices)])

    assert {row["customer"] for row in shop.orders.values()} <= customers
    assert {row["store_id"] for row in shop.orders.values()} <= stores
    assert {row["order_id"] for row in shop.items.values()} <= set(shop.orders)
    assert {row["sku"] for row in shop.items.values()} <= products
    assert {row["sku"] for row in shop.read_all("raw_supplies")} == products
    for count in shop.read_all("raw_stock_counts"):
        assert count["store_id"] in stores
        assert count["supply_id"] in supplies


def test_files_every_timestamp_is_spelled_to_the_second_without_offset(shop: Shop) -> None:
    columns = {"raw_orders": "ordered_at", "raw_stores": "opened_at", "raw_refunds": "refunded_at"}
    for table, column in (columns | {"raw_stock_counts": "counted_at"}).items():
        values = [row[column] for row in shop.read_all(table)]
        assert values
        assert [value for value in values if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", value)] == []


def test_lists_a_supply_has_one_cost_and_one_kind_at_a_time(shop: Shop) -> None:
    for rows in shop.lists("raw_supplies").values():
        kinds = {(row["id"], row["name"], row["cost"], row["perishable"]) for row in rows}
        assert len(kinds) == len({row["id"] for row in rows})


def test_orders_with_the_prices_of_their_day_differ_only_by_discounts(shop: Shop) -> None:
    off = Counter[int]()
    for order in shop.orders.values():
        full, paid = shop.prices_sum(order), int(order["subtotal"])
        if paid != full:
            percent = round(100 * (full - paid) / full)
            off[percent] += 1
            assert full - full * percent // 100 == paid, order
            assert 10 <= percent <= 20 or percent == 100, order
    assert off[100] >= 1  # set to zero
    assert sum(off.values()) > off[100]


def test_orders_with_the_first_prices_alone_would_not_add_up(shop: Shop) -> None:
    for since in sorted(shop.prices)[1:]:
        before = shop.prices[max(day for day in shop.prices if day < since)]
        rung_up_anew = [
            order["id"]
            for order in shop.orders.values()
            if in_force(shop.prices, day_of(order["ordered_at"])) == since
            and int(order["subtotal"]) == shop.prices_sum(order)
            and shop.prices_sum(order) != sum(before[sku] for sku in shop.skus.get(order["id"], ()))
        ]
        assert rung_up_anew


def test_orders_without_items_have_no_amount(shop: Shop) -> None:
    empty = [order for order in shop.orders.values() if order["id"] not in shop.skus]

    assert empty
    assert {order["order_total"] for order in empty} == {"0"}


def test_orders_tax_is_the_rate_of_the_day_rounded_down(shop: Shop) -> None:
    for order in shop.orders.values():
        missing = shop.exact_tax(order["subtotal"], order) - int(order["tax_paid"])
        assert 0 <= missing <= CENT, order
        assert int(order["order_total"]) == int(order["subtotal"]) + int(order["tax_paid"])


def test_orders_with_the_first_tax_rate_alone_would_be_more_than_a_cent_off(shop: Shop) -> None:
    first = shop.tax_rates[date.min]
    off = [
        order["id"]
        for order in shop.orders.values()
        if abs(int(order["subtotal"]) * first[order["store_id"]] - int(order["tax_paid"])) > CENT
    ]

    assert off


def test_orders_are_taken_after_the_store_opened(shop: Shop) -> None:
    opened = {row["id"]: row["opened_at"] for row in shop.read("raw_stores.csv")}

    assert [order for order in shop.orders.values() if order["ordered_at"] < opened[order["store_id"]]] == []


def test_refunds_together_are_not_above_their_order(shop: Shop) -> None:
    given_back = Counter[str]()
    for refund in shop.read("raw_refunds.csv"):
        assert int(refund["amount"]) > 0
        given_back[refund["order_id"]] += int(refund["amount"])

    assert [key for key, amount in given_back.items() if amount > int(shop.orders[key]["subtotal"])] == []


def test_refunds_of_an_item_give_back_what_it_cost(shop: Shop) -> None:
    of_items = [refund for refund in shop.read("raw_refunds.csv") if refund["item_id"]]
    for refund in of_items:
        item, order = shop.items[refund["item_id"]], shop.orders[refund["order_id"]]
        assert item["order_id"] == order["id"]
        share = shop.price(item["sku"], order) * int(order["subtotal"]) // shop.prices_sum(order)
        assert int(refund["amount"]) == share
    assert of_items


def test_refunds_tax_is_the_rate_of_the_order_rounded_down(shop: Shop) -> None:
    for refund in shop.read("raw_refunds.csv"):
        missing = shop.exact_tax(refund["amount"], shop.orders[refund["order_id"]]) - int(refund["tax_amount"])
        assert 0 <= missing <= CENT, refund


def test_refunds_come_within_ten_days_while_the_store_is_open(shop: Shop) -> None:
    for refund in shop.read("raw_refunds.csv"):
        ordered_at = datetime.fromisoformat(shop.orders[refund["order_id"]]["ordered_at"])
        refunded_at = datetime.fromisoformat(refund["refunded_at"])
        assert ordered_at <= refunded_at
        assert refunded_at.date() <= ordered_at.date() + timedelta(days=10)
        hours = range(8, 15) if refunded_at.weekday() >= 5 and shop.folder == DATASETS else range(7, 20)
        assert refunded_at.hour in hours, refund


def test_stock_counts_are_whole_units_taken_while_the_store_exists(shop: Shop) -> None:
    opened = {row["id"]: row["opened_at"] for row in shop.read("raw_stores.csv")}
    for row in shop.read("raw_stock_counts.csv"):
        assert re.fullmatch(r"\d+", row["unit_count"])
        assert row["counted_at"] >= opened[row["store_id"]]
