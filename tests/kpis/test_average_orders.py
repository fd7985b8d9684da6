"""The average order of each store, its interval and what is clear: by hand, and on shops where chance is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest

from reports.intervals import find_clear_differences
from reports.kpis.average_order_comparison import read_mean
from tests.kpis.shop import Shop, order, usd

Open = Callable[..., Shop]
DAY = date(2024, 6, 30)
TRUE_MEAN = 20.0


def test_average_order_comparison_is_of_the_last_years_orders_with_items(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2024-06-30", 10),
            order("b", "2023-07-01", 20),
            order("c", "2024-06-30", 60, customer_id="c2"),
            order("d", "2024-06-30", 0, item_count=0),  # left out of the mean, and counted
            order("e", "2023-06-30", 500),  # before the last year
            order("f", "2024-07-01", 500),  # after it
            order("g", "2024-01-01", 50, store_id="s2", customer_id="c3"),
            order("h", "2024-01-01", 50, store_id="s9", customer_id="c3"),
        ]
    )
    columns = ("store_id", "store_name", "customer_count", "order_count", "order_without_items_count")
    rows = shop.pick("average_order_comparison", *columns, "average_order_net_usd", as_of="2024-06-30")
    assert rows == [
        ("s2", "South", 1, 1, 0, usd(50)),
        ("s9", "(unknown store)", 1, 1, 0, usd(50)),
        ("s1", "North", 2, 3, 1, usd(30)),
        (None, "All stores", 3, 5, 1, usd(38)),
    ]


def test_average_order_comparison_errors_are_those_of_the_formulas(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2024-06-30", 10),
            order("b", "2024-06-30", 20),
            order("c", "2024-06-30", 60, customer_id="c2"),
            order("d", "2024-06-30", 50, customer_id="c3", store_id="s2"),
        ]
    )
    errors = shop.pick("average_order_comparison", "standard_error_ratio", "degrees_of_freedom")
    # of three orders two are Ada's, and hers are 30 below the mean of 30 together, as the other is above it:
    # CR2 = √(30² / (1 - 2/3) + 30² / (1 - 1/3)) / 3; two customers leave one degree of freedom
    assert errors[1] == (pytest.approx((30**2 / (1 / 3) + 30**2 / (2 / 3)) ** 0.5 / 90, abs=1e-9), pytest.approx(1))
    assert errors[0] == (None, None)  # one customer says nothing about chance


def test_average_order_comparison_of_equal_customers_has_one_degree_of_freedom_less_than_customers(
    open_shop: Open,
) -> None:
    orders = [order(f"o{i}", "2024-06-30", 10 + i % 4, customer_id=f"c{i % 8}") for i in range(24)]
    shop = open_shop(fact_orders=orders)
    assert shop.pick("average_order_comparison", "degrees_of_freedom")[0] == (pytest.approx(7),)


def simulate_stores(count: int, customers: int, *, seed: int) -> pl.DataFrame:
    """Stores of equal true means; their customers differ in what they spend and, by far, in how often they come."""
    random = np.random.default_rng(seed)
    visits = np.maximum(1, random.lognormal(2.0, 0.7, count * customers).astype(int))
    habit = np.repeat(random.normal(TRUE_MEAN, 4, count * customers), visits)
    spent = np.maximum(habit + random.normal(0, 3, visits.sum()), 0.01)
    customer = np.repeat(np.arange(count * customers), visits)
    store = customer // customers
    return pl.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(len(customer))],
            "customer_id": [f"c{i}" for i in customer],
            "store_id": [f"s{i}" for i in store],
            "item_count": [1] * len(customer),
            "subtotal_usd": spent.round(2),
            "is_dated_after_delivery": [False] * len(customer),
            "order_date": [DAY] * len(customer),
        }
    )


def read_means(open_shop: Open, orders: pl.DataFrame) -> list[dict[str, object]]:
    shop = open_shop()
    shop.fill("fact_orders", orders)
    return [row for row in shop.read("average_order_comparison", DAY.isoformat()) if row["store_id"] is not None]


@pytest.mark.parametrize("customers", [15, 30])
def test_intervals_hold_the_true_mean_of_about_95_of_100_stores(open_shop: Open, customers: int) -> None:
    orders = simulate_stores(1500, customers, seed=customers)
    intervals = [read_mean(row).interval for row in read_means(open_shop, orders)]
    assert len(intervals) == 1500
    assert 0.93 <= np.mean([low <= TRUE_MEAN <= high for low, high in filter(None, intervals)]) <= 0.97
    naive = orders.group_by("store_id").agg(
        pl.col("subtotal_usd").mean().alias("mean"), pl.col("subtotal_usd").std().alias("sd"), pl.len().alias("n")
    )
    reach = NormalDist().inv_cdf(0.975) * pl.col("sd") / pl.col("n").sqrt()
    covered = naive.select(((pl.col("mean") - TRUE_MEAN).abs() <= reach).mean()).item()
    assert covered < 0.75  # what an interval that counts orders as independent would have claimed


def test_differences_of_equal_stores_are_called_clear_in_about_5_of_100_shops_at_most(open_shop: Open) -> None:
    rows = sorted(read_means(open_shop, simulate_stores(1500, 20, seed=7)), key=lambda row: str(row["store_id"]))
    means = [read_mean(row) for row in rows]
    shops = [means[first : first + 5] for first in range(0, len(means), 5)]
    assert 0.01 <= np.mean([bool(find_clear_differences(shop)) for shop in shops]) <= 0.075
