"""The KPIs of products, supplies and stock: figures computed by hand, price changes and stock counts at their edges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from tests.kpis.shop import Row, Shop, item, order, recipe, usd, version

Open = Callable[..., Shop]
SUPPLIES: list[Row] = [
    {"supply_id": "u1", "supply_name": "bowl", "is_perishable": False, "lead_time_days": 14},
    {"supply_id": "u2", "supply_name": "milk", "is_perishable": True, "lead_time_days": 2, "shelf_life_days": 7},
]
CHANGE = date(2024, 3, 15)


def usage(supply_id: str, day: str, count: int, **more: object) -> Row:
    known: Row = {"store_id": "s1", "supply_id": supply_id, "usage_date": date.fromisoformat(day)}
    return known | {"unit_count": count, "cost_usd": count} | more


def stock_count(at: str, units: int, supply_id: str = "u1", store_id: str = "s1") -> Row:
    moment = datetime.fromisoformat(at)
    known: Row = {"store_id": store_id, "supply_id": supply_id, "unit_count": units}
    return known | {"counted_at": moment, "counted_date": moment.date()}


# product_margin


def test_product_margin_biggest_first_with_what_is_not_known_at_zero(open_shop: Open) -> None:
    def sold(name: str, at: str, product: str, price: int, cost: int, perishable: int) -> Row:
        money = {"net_sales_usd": price, "supply_cost_usd": cost, "perishable_cost_usd": perishable}
        return item(name, at, product, **money, margin_usd=price - cost)

    shop = open_shop(
        dim_products=[
            {"product_id": "p1", "product_name": "Soup", "product_type": "jaffle"},
            {"product_id": "p2", "product_name": "Tea", "product_type": None},
            {"product_id": "p3", "product_name": "Gone", "product_type": "jaffle"},
        ],
        fact_orders=[order("o1", "2024-06-30")],
        fact_orders_items=[
            sold("a", "2024-06-30", "p2", 10, 2, 0),
            sold("b", "2023-07-01", "p1", 10, 12, 3),
            sold("c", "2023-06-30", "p3", 10, 1, 1),
            sold("d", "2024-01-01", "p2", 10, 2, 1),
            item("e", "2024-01-01", "p9"),
        ],
    )
    assert [tuple(row.values()) for row in shop.read("product_margin", "2024-06-30")] == [
        ("p2", "Tea", "(unknown)", 2, usd(20), usd(4), usd(1), usd(16), 0.8, 0.25, pytest.approx(16 / 14, abs=1e-9)),
        ("p9", "(unknown product)", "(unknown)", 1, usd(0), usd(0), usd(0), usd(0), None, None, 0.0),
        ("p1", "Soup", "jaffle", 1, usd(10), usd(12), usd(3), usd(-2), -0.2, 0.25, pytest.approx(-2 / 14, abs=1e-9)),
    ]


def test_product_margin_equal_margins_stand_in_the_order_of_their_products(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[order("a", "2024-06-30")],
        fact_orders_items=[
            item(f"i-{product}", "2024-06-30", product, net_sales_usd=3, supply_cost_usd=1, perishable_cost_usd=1)
            | {"margin_usd": 2}
            for product in ("p2", "p3", "p1")
        ],
    )
    assert shop.pick("product_margin", "product_id") == [("p1",), ("p2",), ("p3",)]


# supply_usage


def test_supply_usage_sums_the_last_year_per_store_and_open_day(open_shop: Open) -> None:
    shop = open_shop(
        dim_supplies=SUPPLIES,
        fact_orders=[order("a", "2024-06-29"), order("b", "2024-06-30"), order("c", "2024-06-30", store_id="s2")],
        fact_supply_usage=[
            usage("u2", "2024-06-30", 4),
            usage("u2", "2023-07-01", 5),
            usage("u2", "2023-06-30", 100),
            usage("u2", "2024-07-01", 100),
            usage("u1", "2024-06-30", 3, store_id="s2", cost_usd="0.30"),
        ],
    )
    assert [tuple(row.values()) for row in shop.read("supply_usage", "2024-06-30")] == [
        ("s1", "North", "u2", "milk", True, 9, usd(9), 4.5),
        ("s2", "South", "u1", "bowl", False, 3, usd("0.30"), 3.0),
    ]


def test_supply_usage_of_what_nobody_knows_is_shown_in_the_order_of_its_keys(open_shop: Open) -> None:
    shop = open_shop(
        dim_supplies=SUPPLIES,
        fact_orders=[
            order("a", "2023-06-30"),  # a day before the last year
            order("b", "2024-06-30 08:00"),
            order("c", "2024-06-30 09:00"),
            order("d", "2024-06-30", store_id="s9"),
        ],
        fact_supply_usage=[
            usage("u9", "2024-06-30", 1),
            usage("u2", "2024-06-30", 2),
            usage("u1", "2024-06-30", 3, store_id="s9"),
            usage("u0", "2024-06-30", 4),
        ],
    )
    columns = ("store_name", "supply_id", "supply_name", "is_perishable", "unit_count", "units_per_open_day")
    assert shop.pick("supply_usage", *columns, as_of="2024-06-30") == [
        ("North", "u0", "(unknown supply)", None, 4, 4.0),
        ("North", "u2", "milk", True, 2, 2.0),
        ("North", "u9", "(unknown supply)", None, 1, 1.0),
        ("(unknown store)", "u1", "bowl", False, 3, 3.0),
    ]


# price_guide


def guide_of(shop: Shop, as_of: str) -> Row:
    (row,) = shop.read("price_guide", as_of)
    return row


def test_price_guide_shows_price_cost_and_least_price_of_as_of(open_shop: Open) -> None:
    shop = open_shop(
        dim_product_versions=[version("p1", "5.00", until=CHANGE), version("p1", "6.00", since=CHANGE)],
        bridge_products_supplies=[
            recipe("p1", "u1", "0.10", until=CHANGE),
            recipe("p1", "u1", "0.33", since=CHANGE),
            recipe("p1", "u2", "1.00", until=CHANGE),
            recipe("p2", "u1", "9.00"),
        ],
        fact_orders=[order("o1", "2024-03-01")],
    )
    before, after = guide_of(shop, "2024-03-14"), guide_of(shop, "2024-03-15")
    columns = ("price_usd", "unit_supply_cost_usd", "unit_margin_usd", "unit_margin_ratio", "target_price_usd")
    assert [before[name] for name in columns] == [usd(5), usd("1.10"), usd("3.90"), 0.78, usd("4.40")]
    assert [after[name] for name in columns] == [usd(6), usd("0.33"), usd("5.67"), 0.945, usd("1.32")]
    assert (before["product_name"], before["category"]) == ("p1!", "jaffle")
    assert [before[name] for name in list(before)[9:]] == [None] * 4


@pytest.mark.parametrize(
    ("cost", "least"),
    [("0.00", "0.00"), ("0.01", "0.04"), ("0.29", "1.16"), ("9.99", "39.96"), ("2500.00", "10000.00")],
)
def test_price_guide_target_price_is_the_least_in_cents_for_the_margin(open_shop: Open, cost: str, least: str) -> None:
    shop = open_shop(
        dim_product_versions=[version("p1", 1)],
        bridge_products_supplies=[recipe("p1", "u1", cost)],
        fact_orders=[order("o1", "2024-03-01")],
    )
    assert guide_of(shop, "2024-03-01")["target_price_usd"] == usd(least)


def test_price_guide_counts_28_days_on_each_side_of_the_last_change(open_shop: Open) -> None:
    days = {-29: 1, -28: 2, -1: 5, 0: 7, 27: 14, 28: 100}
    sold = [
        item(f"{offset}/{i}", (CHANGE + timedelta(days=offset)).isoformat())
        for offset, count in days.items()
        for i in range(count)
    ]
    shop = open_shop(
        dim_product_versions=[
            version("p1", "4.00", until=date(2024, 1, 1)),
            version("p1", "5.00", since=date(2024, 1, 1), until=CHANGE),
            version("p1", "6.00", since=CHANGE, until=date(2024, 4, 1)),
            version("p1", "6.00", since=date(2024, 4, 1), until=date(2025, 1, 1)) | {"product_name": "new name"},
            version("p1", "9.00", since=date(2025, 1, 1)),  # not yet
        ],
        fact_orders=[order("o1", "2023-01-01")],
        fact_orders_items=sold,
    )
    row = guide_of(shop, "2024-12-31")
    assert (row["product_name"], row["price_usd"], row["item_count_last_year"]) == ("new name", usd(6), 129)
    assert (row["last_price_change_date"], row["price_before_usd"]) == (CHANGE, usd(5))
    assert row["items_per_day_before"] == pytest.approx(7 / 28, abs=1e-9)
    assert row["items_per_day_after"] == pytest.approx(21 / 28, abs=1e-9)
    # three days after the change there are four days to count, and the year has 33 items
    soon = guide_of(shop, "2024-03-18")
    assert (soon["items_per_day_after"], soon["item_count_last_year"]) == (7 / 4, 15)


def test_price_guide_days_before_the_first_order_are_not_counted(open_shop: Open) -> None:
    shop = open_shop(
        dim_product_versions=[version("p1", 5, until=CHANGE), version("p1", 6, since=CHANGE)],
        fact_orders=[order("o1", "2024-03-11")],
        fact_orders_items=[item("a", "2024-03-11"), item("b", "2024-03-14"), item("c", "2024-03-15")],
    )
    row = guide_of(shop, "2024-03-15")
    assert (row["items_per_day_before"], row["items_per_day_after"]) == (0.5, 1.0)


def test_price_guide_change_before_the_first_order_has_nothing_to_compare(open_shop: Open) -> None:
    shop = open_shop(
        dim_product_versions=[version("p1", 5, until=CHANGE), version("p1", 6, since=CHANGE)],
        fact_orders=[order("o1", "2024-03-15")],
    )
    row = guide_of(shop, "2024-03-20")
    assert (row["price_before_usd"], row["items_per_day_before"], row["items_per_day_after"]) == (usd(5), None, 0.0)


def test_price_guide_each_product_has_its_own_price_cost_change_and_sales(open_shop: Open) -> None:
    """p1 got cheaper in March, p2 dearer in April, p3 never changed and has no recipe, p4 was never sold."""
    april = date(2024, 4, 1)
    shop = open_shop(
        dim_product_versions=[
            version("p1", "6.00", until=CHANGE),
            version("p1", "5.00", since=CHANGE),
            version("p2", "2.00", until=april),
            version("p2", "4.00", since=april),
            version("p3", "3.00") | {"product_type": None},
            version("p4", "8.00"),
        ],
        bridge_products_supplies=[recipe("p1", "u1", "1.00"), recipe("p2", "u1", "1.00"), recipe("p4", "u2", "2.00")],
        fact_orders=[order("o1", "2024-03-14"), order("o2", "2024-04-28")],
        fact_orders_items=[
            *(item(f"a{i}", "2024-03-14") for i in range(3)),
            *(item(f"b{i}", "2024-03-31", "p2") for i in range(9)),
            item("c", "2024-04-28", "p2"),
            *(item(f"d{i}", "2024-04-28", "p3") for i in range(5)),
        ],
    )
    columns = ("product_id", "category", "price_usd", "unit_supply_cost_usd", "item_count_last_year")
    assert shop.pick("price_guide", *columns, as_of="2024-04-30") == [
        ("p1", "jaffle", usd(5), usd(1), 3),
        ("p2", "jaffle", usd(4), usd(1), 10),
        ("p3", "(unknown)", usd(3), usd(0), 5),
        ("p4", "jaffle", usd(8), usd(2), 0),
    ]
    columns = ("last_price_change_date", "price_before_usd", "items_per_day_before", "items_per_day_after")
    assert shop.pick("price_guide", *columns, as_of="2024-04-28") == [
        (CHANGE, usd(6), 3.0, 0.0),
        (april, usd(2), 0.5, pytest.approx(1 / 28)),
        (None, None, None, None),
        (None, None, None, None),
    ]


def test_price_guide_change_on_the_first_orders_day_has_no_days_before(open_shop: Open) -> None:
    shop = open_shop(
        dim_product_versions=[
            *(version("p1", 5, until=CHANGE), version("p1", 6, since=CHANGE)),
            *(version("p2", 5, until=date(2024, 3, 16)), version("p2", 6, since=date(2024, 3, 16))),
            *(version("p3", 5, until=CHANGE), version("p3", 6, since=CHANGE)),
            *(version("p4", 5, until=date(2024, 3, 16)), version("p4", 6, since=date(2024, 3, 16))),
        ],
        fact_orders=[order("o1", "2024-03-15"), order("o2", "2024-03-16")],
        fact_orders_items=[item("a", "2024-03-15", "p2"), item("b", "2024-03-15", "p1")],
    )
    columns = ("product_id", "items_per_day_before", "items_per_day_after")
    assert shop.pick("price_guide", *columns) == [
        ("p1", None, 0.5),
        ("p2", 1.0, 0.0),
        ("p3", None, 0.0),
        ("p4", 0.0, 0.0),
    ]


# stock_cover


def test_stock_cover_without_counts_is_empty(open_shop: Open) -> None:
    shop = open_shop(dim_supplies=SUPPLIES, fact_orders=[order("a", "2024-06-30")])
    assert shop.read("stock_cover") == []


def test_stock_cover_newest_count_until_as_of_less_what_was_used_since(open_shop: Open) -> None:
    shop = open_shop(
        dim_supplies=SUPPLIES,
        bridge_products_supplies=[
            recipe("p1", "u1", 1, until=date(2024, 6, 28)),
            recipe("p1", "u2", 1),
        ],
        fact_orders=[order("a", f"2024-06-{number}") for number in (27, 28, 30)],
        fact_orders_items=[
            item("a", "2024-06-27 08:00"),
            item("b", "2024-06-27 12:00"),  # the moment of the count: counted already
            item("c", "2024-06-27 12:00:01"),
            item("d", "2024-06-27 13:00", store_id="s2"),
            item("e", "2024-06-27 13:00", "p2"),
        ],
        fact_supply_usage=[
            usage("u1", "2024-06-27", 3),
            usage("u1", "2024-06-28", 4),
            usage("u1", "2024-06-30", 5),
            usage("u1", "2024-07-01", 500),
            usage("u1", "2024-06-30", 50, store_id="s2"),
        ],
        fact_stock_counts=[
            stock_count("2024-06-01 12:00", 7),
            stock_count("2024-06-27 12:00", 100),
            stock_count("2024-07-01 00:00", 1),
            stock_count("2024-06-30 23:59", 2, "u2"),
            stock_count("2024-06-30 23:59", 3, "u9", "s9"),
        ],
    )
    bowl, milk, unknown = [tuple(row.values()) for row in shop.read("stock_cover", "2024-06-30")]
    at = datetime(2024, 6, 27, 12)
    assert bowl[:9] == ("s1", "North", "u1", "bowl", False, at, 100, 10, 90)
    assert bowl[9:] == (4.0, 22.5, 14, None)
    assert milk[2:] == ("u2", "milk", True, datetime(2024, 6, 30, 23, 59), 2, 0, 2, 0.0, None, 2, 7)
    assert unknown[:5] == ("s9", "(unknown store)", "u9", "(unknown supply)", None)
    assert unknown[6:] == (3, 0, 3, None, None, None, None)


def test_stock_cover_each_store_has_its_own_newest_count(open_shop: Open) -> None:
    shop = open_shop(
        dim_supplies=SUPPLIES,
        fact_orders=[order("a", "2024-06-30"), order("b", "2024-06-30", store_id="s2")],
        fact_stock_counts=[
            stock_count("2024-06-01 20:00", 10),
            stock_count("2024-06-02 20:00", 20, "u2"),
            stock_count("2024-06-03 20:00", 30, store_id="s2"),
            stock_count("2024-06-04 20:00", 40, "u2", "s2"),
        ],
    )
    assert shop.pick("stock_cover", "store_id", "supply_id", "unit_count") == [
        ("s1", "u1", 10),
        ("s1", "u2", 20),
        ("s2", "u1", 30),
        ("s2", "u2", 40),
    ]


def test_stock_cover_day_of_a_count_follows_the_recipe_of_that_day(open_shop: Open) -> None:
    change = date(2024, 6, 28)
    shop = open_shop(
        bridge_products_supplies=[
            recipe("p1", "u1", 1, until=change),
            recipe("p1", "u2", 1, since=change),
            recipe("p1", "u3", 1, since=date(2024, 6, 29)),
        ],
        fact_orders=[order("a", "2024-06-28"), order("b", "2024-06-30")],
        fact_orders_items=[item("a", "2024-06-28 09:00"), item("b", "2024-06-30 09:00")],
        fact_stock_counts=[stock_count("2024-06-28 08:00", 5, supply) for supply in ("u1", "u2", "u3")],
    )
    found = shop.pick("stock_cover", "supply_id", "used_since_count", "units_on_hand")
    assert found == [("u1", 0, 5), ("u2", 1, 4), ("u3", 0, 5)]


def test_stock_cover_unknown_products_use_nothing_on_the_day_of_the_count_either(open_shop: Open) -> None:
    shop = open_shop(
        bridge_products_supplies=[recipe("p1", "u1", 1), recipe("p9", "u1", 1)],
        fact_orders=[order("a", "2024-06-30")],
        fact_orders_items=[
            item("a", "2024-06-30 09:00"),
            item("b", "2024-06-30 09:00", "p9", is_product_known=False),
        ],
        fact_stock_counts=[stock_count("2024-06-30 08:00", 5, "u1")],
    )
    assert shop.pick("stock_cover", "supply_id", "used_since_count") == [("u1", 1)]


def test_stock_cover_each_store_and_supply_has_its_own_uses_and_open_days(open_shop: Open) -> None:
    """s1 was open on the last three days, s2 on every second day long ago, and on a day after as_of."""
    long_ago = [date(2024, 1, 1) + timedelta(days=2 * number) for number in range(28)]
    shop = open_shop(
        dim_supplies=SUPPLIES,
        bridge_products_supplies=[recipe("p1", "u1", 1)],
        fact_orders_items=[
            item("a", "2024-06-28 20:30"),
            item("b", "2024-06-28 20:30"),
            item("c", "2024-01-02 20:30", store_id="s2"),
        ],
        fact_orders=[
            *(order(f"a{number}", f"2024-06-{number}") for number in (28, 29, 30)),
            *(order(f"b{day}", day.isoformat(), store_id="s2") for day in long_ago),
            order("late", "2024-07-01", store_id="s2"),
        ],
        fact_supply_usage=[
            usage("u1", "2024-06-29", 6),
            usage("u2", "2024-06-29", 9),
            usage("u1", "2024-01-01", 100),
            usage("u1", "2024-01-01", 28, store_id="s2"),
            usage("u1", "2024-01-03", 56, store_id="s2"),
            usage("u2", "2024-01-05", 14, store_id="s2"),
        ],
        fact_stock_counts=[
            stock_count("2024-06-28 20:00", 50),
            stock_count("2024-06-28 20:00", 50, "u2"),
            stock_count("2024-01-02 20:00", 100, store_id="s2"),
            stock_count("2024-01-02 20:00", 100, "u2", "s2"),
        ],
    )
    columns = ("store_id", "supply_id", "used_since_count", "units_per_open_day")
    assert shop.pick("stock_cover", *columns, as_of="2024-06-30") == [
        ("s1", "u1", 8, 2.0),
        ("s1", "u2", 9, 3.0),
        ("s2", "u1", 57, 3.0),
        ("s2", "u2", 14, 0.5),
    ]


def test_stock_cover_uses_are_those_of_the_last_28_open_days(open_shop: Open) -> None:
    days = [date(2024, 1, 1) + timedelta(days=2 * number) for number in range(30)]
    shop = open_shop(
        dim_supplies=SUPPLIES,
        fact_orders=[order(f"o{day}", day.isoformat()) for day in days],
        fact_supply_usage=[usage("u1", day.isoformat(), 1000 if day < days[2] else 2) for day in days],
        fact_stock_counts=[stock_count(f"{days[-1]} 20:00", 30)],
    )
    found = shop.pick("stock_cover", "units_per_open_day", "days_of_supply", "units_on_hand")
    assert found == [(2.0, 15.0, 30)]


def test_stock_cover_more_used_than_counted_is_below_zero(open_shop: Open) -> None:
    shop = open_shop(
        dim_supplies=SUPPLIES,
        fact_orders=[order("a", "2024-06-29"), order("b", "2024-06-30")],
        fact_supply_usage=[usage("u1", "2024-06-30", 8)],
        fact_stock_counts=[stock_count("2024-06-29 12:00", 6)],
    )
    assert shop.pick("stock_cover", "units_on_hand", "days_of_supply") == [(-2, -0.5)]
