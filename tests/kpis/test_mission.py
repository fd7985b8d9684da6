"""What the retailer asked first: customers of the last year, average order per store, categories, classes, tax."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kpis.shop import Shop, item, order, refund, usd

Open = Callable[..., Shop]
CUSTOMERS = [{"customer_id": "c1", "customer_name": "Ada"}, {"customer_id": "c2", "customer_name": "Bo"}]
PRODUCTS = [
    {"product_id": "p1", "product_name": "Soup", "product_type": "jaffle"},
    {"product_id": "p2", "product_name": "Tea", "product_type": "beverage"},
    {"product_id": "p3", "product_name": "Bun", "product_type": "jaffle"},
]


def test_sales_per_customer_sums_the_last_year_the_biggest_first(open_shop: Open) -> None:
    shop = open_shop(
        dim_customers=CUSTOMERS,
        fact_orders=[
            order("a", "2023-07-01", 10, order_total_usd="10.60"),  # the first day of the last year
            order("b", "2024-06-30", 5, order_total_usd="5.30"),  # its last
            order("c", "2023-06-30", 100),  # the day before it
            order("d", "2024-07-01", 100),  # the day after it
            order("e", "2024-01-01", 30, customer_id="c2", order_total_usd=33),
            order("f", "2024-01-01", 15, customer_id="c0", order_total_usd=15),  # as much as Ada, known to nobody
            order("g", "2022-01-01", 7, customer_id="c3"),
        ],
    )
    assert [tuple(row.values()) for row in shop.read("sales_per_customer", "2024-06-30")] == [
        ("c2", "Bo", 1, usd(30), usd(33), 0.5),
        ("c0", "(unknown customer)", 1, usd(15), usd(15), 0.25),
        ("c1", "Ada", 2, usd(15), usd("15.90"), 0.25),
    ]


def test_sales_per_customer_of_nothing_but_free_orders_has_no_shares(open_shop: Open) -> None:
    shop = open_shop(dim_customers=CUSTOMERS, fact_orders=[order("a", "2024-01-01", 0)])
    columns = ("customer_id", "order_count", "net_sales_usd", "share_of_net_sales_ratio")
    assert shop.pick("sales_per_customer", *columns) == [("c1", 1, usd(0), 0.0)]


def test_average_order_per_store_is_of_all_orders_until_as_of_rounded_to_the_cent(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2020-01-01", 10, order_total_usd=11),
            order("b", "2024-06-30", 10, order_total_usd=11),
            order("c", "2024-06-30", "10.01", order_total_usd="11.01"),
            order("d", "2024-07-01", 999),
            order("e", "2024-01-01", 50, store_id="s2"),
            order("f", "2024-01-01", 50, store_id="s0"),
            order("g", "2024-01-01", 1, store_id="s9", order_total_usd=2),
        ],
    )
    assert [tuple(row.values()) for row in shop.read("average_order_per_store", "2024-06-30")] == [
        ("s0", "(unknown store)", 1, usd(50), usd(50)),
        ("s2", "South", 1, usd(50), usd(50)),
        ("s1", "North", 3, usd("11.00"), usd("10.00")),
        ("s9", "(unknown store)", 1, usd(2), usd(1)),
    ]


@pytest.mark.parametrize(
    ("totals", "average"), [(["0.01", "0.02"], "0.02"), (["0.01", "0.01", "0.02"], "0.01"), (["0.02", "0.03"], "0.03")]
)
def test_average_order_half_a_cent_is_rounded_up(open_shop: Open, totals: list[str], average: str) -> None:
    shop = open_shop(fact_orders=[order(f"o{i}", "2024-01-01", total) for i, total in enumerate(totals)])
    assert shop.pick("average_order_per_store", "average_order_net_usd") == [(usd(average),)]


def test_sales_by_category_sums_items_until_as_of_the_biggest_first(open_shop: Open) -> None:
    shop = open_shop(
        dim_products=PRODUCTS,
        fact_orders=[order("o1", "2024-06-30")],
        fact_orders_items=[
            item("i1", "2024-06-30", net_sales_usd=3),
            item("i2", "2020-01-01", "p3", net_sales_usd=2),
            item("i3", "2024-06-30", "p2", net_sales_usd=5),
            item("i4", "2024-07-01", "p2", net_sales_usd=100),
            item("i5", "2024-06-30", "p9", net_sales_usd=10),
        ],
    )
    assert [tuple(row.values()) for row in shop.read("sales_by_category", "2024-06-30")] == [
        ("(unknown)", 1, usd(10), 0.5),
        ("beverage", 1, usd(5), 0.25),
        ("jaffle", 2, usd(5), 0.25),
    ]


def test_sales_by_category_of_nothing_but_free_items_has_no_shares(open_shop: Open) -> None:
    shop = open_shop(
        dim_products=PRODUCTS,
        fact_orders=[order("o1", "2024-06-30")],
        fact_orders_items=[item("i1", "2024-06-30", net_sales_usd=0)],
    )
    assert shop.pick("sales_by_category", "category", "share_of_net_sales_ratio") == [("jaffle", 0.0)]


def test_revenue_by_class_counts_every_customer_in_the_class_of_the_last_year(open_shop: Open) -> None:
    shop = open_shop(
        dim_customers=[*CUSTOMERS, {"customer_id": "c3", "customer_name": "Cy"}],
        fact_orders=[
            order("a", "2024-06-30", 100),  # at the threshold
            order("b", "2023-07-01", "99.99", customer_id="c2"),
            order("c", "2023-06-30", 500, customer_id="c2"),  # before the last year
            order("d", "2024-06-30", "0.01", customer_id="c9"),  # known to nobody
            order("e", "2024-07-01", 80, customer_id="c8"),  # not yet, and known to nobody
        ],
        fact_refunds=[refund("r", "2024-06-30", 40), refund("s", "2024-06-30", 7, customer_id="c2")],
    )
    columns = ("customer_status", "customer_count", "net_sales_last_year_usd", "net_sales_all_time_usd")
    assert shop.pick("revenue_by_class", *columns, "share_of_net_sales_ratio", as_of="2024-06-30") == [
        ("Gold", 1, usd(100), usd(100), 0.5),
        ("Silver", 1, usd("99.99"), usd("599.99"), 0.49995),
        ("Bronze", 1, usd("0.01"), usd("0.01"), 0.00005),
        ("Inactive", 1, usd(0), usd(0), 0.0),
    ]


def test_revenue_by_class_without_sales_in_the_last_year_has_no_shares(open_shop: Open) -> None:
    shop = open_shop(dim_customers=CUSTOMERS, fact_orders=[order("a", "2022-01-01", 10), order("b", "2024-01-01", 0)])
    assert shop.pick("revenue_by_class", "customer_status", "customer_count", "share_of_net_sales_ratio") == [
        ("Gold", 0, 0.0),
        ("Silver", 0, 0.0),
        ("Bronze", 0, 0.0),
        ("Inactive", 2, 0.0),
    ]


def test_tax_ratio_of_a_store_without_sales_has_no_rate(open_shop: Open) -> None:
    shop = open_shop(fact_orders=[order("a", "2024-01-01", 0, tax_paid_usd=0, declared_tax_ratio="0.04")])
    columns = ("store_name", "tax_usd", "effective_tax_ratio", "declared_tax_ratio", "difference_ratio")
    assert shop.pick("tax_ratio", *columns) == [
        ("North", usd(0), None, None, None),
        ("All stores", usd(0), None, None, None),
    ]
