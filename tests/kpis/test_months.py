"""The KPIs that go month by month: figures computed by hand, edges of months, years and leap days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from tests.kpis.shop import Shop, order, refund, usd

Open = Callable[..., Shop]


def day(text: str) -> date:
    return date.fromisoformat(text)


# sales_by_month


def test_sales_by_month_every_month_from_the_first_orders_to_as_ofs_is_there(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2023-11-30 23:59:59", 10, item_count=2),
            order("b", "2024-02-01", "5.55", item_count=0),
            order("c", "2024-02-10 08:00", 18, item_count=1),
            order("e", "2024-02-10 09:00", 2, item_count=2),
            order("f", "2024-02-09", 0, item_count=4),
            order("d", "2024-02-11", 99),
        ],
        fact_refunds=[refund("r", "2024-01-31", "2.50"), refund("s", "2024-02-11", 1), refund("t", "2023-10-01", 1)],
    )
    assert [tuple(row.values()) for row in shop.read("sales_by_month", "2024-02-10")] == [
        (day("2023-11-01"), True, 1, 2, usd(10), usd(0), None, None),
        (day("2023-12-01"), True, 0, 0, usd(0), usd(0), None, None),
        (day("2024-01-01"), True, 0, 0, usd(0), usd("2.50"), None, None),
        (day("2024-02-01"), False, 4, 7, usd("25.55"), usd(0), None, None),
    ]


def test_sales_by_month_in_progress_is_compared_with_the_same_days_of_the_year_before(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2023-03-01", 8),
            order("b", "2023-03-10", 2),
            order("c", "2023-03-11", 100),
            order("d", "2024-03-10", 15),
        ]
    )
    columns = ("month_start_date", "is_complete", "net_sales_previous_year_usd", "growth_ratio")
    march = shop.pick("sales_by_month", *columns, as_of="2024-03-10")[-1]
    assert march == (day("2024-03-01"), False, usd(10), 0.5)
    whole = shop.pick("sales_by_month", *columns, as_of="2024-03-31")[-1]
    assert whole == (day("2024-03-01"), True, usd(110), pytest.approx(15 / 110 - 1, abs=1e-9))


def test_sales_by_month_year_before_is_null_before_the_first_orders_month_only(open_shop: Open) -> None:
    shop = open_shop(fact_orders=[order("a", "2023-02-28", 10), order("b", "2024-03-01", 10)])
    found = shop.pick("sales_by_month", "month_start_date", "net_sales_previous_year_usd", "growth_ratio")
    assert found[-3:] == [
        (day("2024-01-01"), None, None),
        (day("2024-02-01"), usd(10), -1.0),
        (day("2024-03-01"), usd(0), None),  # nothing to grow from
    ]


def test_sales_by_month_on_a_leap_day_is_compared_with_28_days(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2023-02-28", 10),
            order("b", "2023-03-01", 70),
            order("c", "2024-02-29", 30),
            order("d", "2025-02-28", 5),
        ]
    )
    columns = ("month_start_date", "is_complete", "net_sales_previous_year_usd")
    assert shop.pick("sales_by_month", *columns, as_of="2024-02-29")[-1] == (day("2024-02-01"), True, usd(10))
    # of February 2024 the same days are the 1st to the 28th
    assert shop.pick("sales_by_month", *columns, as_of="2025-02-28")[-1] == (day("2025-02-01"), True, usd(0))


def test_sales_by_month_order_dated_after_its_delivery_counts_from_its_date_on(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[order("a", "2024-01-05", 10), order("b", "2031-01-01", 1, is_dated_after_delivery=True)]
    )
    assert shop.pick("sales_by_month", "month_start_date", "net_sales_usd") == [(day("2024-01-01"), usd(10))]
    later = shop.pick("sales_by_month", "month_start_date", "net_sales_usd", as_of="2031-01-01")
    assert (len(later), later[-1]) == (85, (day("2031-01-01"), usd(1)))


def test_monthly_kpis_before_the_first_order_are_empty(open_shop: Open) -> None:
    shop = open_shop(fact_orders=[order("a", "2024-01-05", 10)])
    for kpi in ("sales_by_month", "customer_classes_by_month", "repeat_purchase"):
        assert shop.read(kpi, "2023-12-31") == []


# customer_classes_by_month


def test_customer_classes_by_month_class_is_that_of_each_months_end(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2023-01-31", 60, customer_id="c1"),
            order("b", "2023-02-28", 40, customer_id="c1"),
            order("c", "2023-03-01", "0.00", customer_id="c2"),
            order("d", "2024-02-28", "0.01", customer_id="c3"),
        ]
    )
    rows = [tuple(row.values()) for row in shop.read("customer_classes_by_month", "2024-02-29")]
    assert rows[:12] == [
        (day("2023-01-31"), "Inactive", 0, usd(0)),  # those yet to come are in no class
        (day("2023-01-31"), "Bronze", 0, usd(0)),
        (day("2023-01-31"), "Silver", 1, usd(60)),
        (day("2023-01-31"), "Gold", 0, usd(0)),
        (day("2023-02-28"), "Inactive", 0, usd(0)),
        (day("2023-02-28"), "Bronze", 0, usd(0)),
        (day("2023-02-28"), "Silver", 0, usd(0)),
        (day("2023-02-28"), "Gold", 1, usd(100)),
        (day("2023-03-31"), "Inactive", 1, usd(0)),  # ordered, and paid nothing
        (day("2023-03-31"), "Bronze", 0, usd(0)),
        (day("2023-03-31"), "Silver", 0, usd(0)),
        (day("2023-03-31"), "Gold", 1, usd(100)),
    ]
    assert len(rows) == 14 * 4
    # 31 January 2023 is out of the year that ends on 31 January 2024, 28 February of the one that ends on the 29th
    assert rows[-8:] == [
        (day("2024-01-31"), "Inactive", 1, usd(0)),
        (day("2024-01-31"), "Bronze", 1, usd(40)),
        (day("2024-01-31"), "Silver", 0, usd(0)),
        (day("2024-01-31"), "Gold", 0, usd(0)),
        (day("2024-02-29"), "Inactive", 2, usd(0)),
        (day("2024-02-29"), "Bronze", 1, usd("0.01")),
        (day("2024-02-29"), "Silver", 0, usd(0)),
        (day("2024-02-29"), "Gold", 0, usd(0)),
    ]


def test_customer_classes_by_month_in_progress_are_those_of_as_of(open_shop: Open) -> None:
    orders = [order("a", "2024-01-10", 60), order("b", "2024-02-10", 40), order("c", "2024-02-11", 900)]
    shop = open_shop(fact_orders=orders)
    classes = shop.pick("customer_classes_by_month", "as_of_date", "customer_status", "customer_count")
    assert (day("2024-02-11"), "Gold", 1) in classes
    until = shop.read("customer_classes_by_month", "2024-02-10")[4:]
    assert [(row["as_of_date"], row["net_sales_last_year_usd"]) for row in until if row["customer_count"]] == [
        (day("2024-02-10"), usd(100))
    ]


def test_customer_classes_of_the_last_month_equal_revenue_by_class(open_shop: Open) -> None:
    buyers = [("c1", 100), ("c2", 99), ("c3", 50), ("c4", 1), ("c5", 0)]
    orders = [order(buyer, "2024-05-05", net, customer_id=buyer) for buyer, net in buyers]
    shop = open_shop(fact_orders=[*orders, order("old", "2023-05-05", 500, customer_id="c6")])
    columns = ("customer_status", "customer_count", "net_sales_last_year_usd")
    by_month = shop.pick("customer_classes_by_month", *columns)[-4:]
    assert by_month == shop.pick("revenue_by_class", *columns)[::-1]  # the page shows it upside down
    assert by_month == [
        ("Inactive", 2, usd(0)),
        ("Bronze", 1, usd(1)),
        ("Silver", 2, usd(149)),
        ("Gold", 1, usd(100)),
    ]


# repeat_purchase


def test_repeat_purchase_follows_each_cohort_month_by_month(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2023-12-31 23:59", 10, customer_id="c1"),
            order("b", "2023-12-01", 5, customer_id="c2"),
            order("c", "2023-12-02", 5, customer_id="c2"),
            order("d", "2024-02-01", 7, customer_id="c1"),
            order("e", "2024-02-28", 3, customer_id="c1"),
            order("f", "2024-02-02", 4, customer_id="c3"),
            order("g", "2024-02-29", 9, customer_id="c2"),
            order("h", "2024-02-29", 9, customer_id="c4"),
        ]
    )
    assert [tuple(row.values()) for row in shop.read("repeat_purchase", "2024-02-28")] == [
        (day("2023-12-01"), 0, 2, 1.0, usd(20)),
        (day("2023-12-01"), 1, 0, 0.0, usd(0)),
        (day("2023-12-01"), 2, 1, 0.5, usd(10)),
        (day("2024-02-01"), 0, 1, 1.0, usd(4)),
    ]
