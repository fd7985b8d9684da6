"""The KPIs that show Python models: all of their columns in a fixed order, and only of the day they were built for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tests.kpis.shop import Shop, order

Open = Callable[..., Shop]
BUILT = date(2024, 6, 30)


def suggestion(store_id: str, supply_id: str) -> dict[str, Any]:
    return {
        "store_id": store_id,
        "store_name": "North",
        "supply_id": supply_id,
        "supply_name": "Milk",
        "is_perishable": True,
        "units_on_hand": 7,
        "demand_unit_count": 56,
        "demand_low_unit_count": 50,
        "demand_high_unit_count": 62,
        "lead_time_days": 3,
        "shelf_life_days": 14,
        "suggested_order_unit_count": 20,
        "expected_waste_unit_count": 2,
        "method": "mean_week",
        "backtest_error_ratio": 0.125,
        "as_of_date": BUILT,
    }


def pair(product_id: str, other_product_id: str, lift: float) -> dict[str, Any]:
    return {
        "product_id": product_id,
        "product_name": "Tea",
        "other_product_id": other_product_id,
        "other_product_name": "Jam",
        "order_count": 30,
        "support_ratio": 0.1,
        "confidence_ratio": 0.5,
        "lift": lift,
        "as_of_date": BUILT,
    }


def test_reorder_suggestions_are_those_of_the_mart_by_store_and_supply(open_shop: Open) -> None:
    places = [("s2", "u1"), ("s1", "u2"), ("s1", "u1")]
    shop = open_shop(
        reorder_suggestions=[suggestion(*place) for place in places], fact_orders=[order("a", "2024-06-30")]
    )
    expected = [suggestion(*place) for place in sorted(places)]
    found = shop.read("reorder_suggestions")
    assert found == [{name: row[name] for name in row if name != "as_of_date"} for row in expected]


def test_product_affinity_is_that_of_the_mart_the_highest_lift_first(open_shop: Open) -> None:
    pairs = [("p2", "p1", 2.0), ("p1", "p3", 2.0), ("p1", "p2", 2.0), ("p3", "p4", 3.0)]
    shop = open_shop(product_affinity=[pair(*each) for each in pairs], fact_orders=[order("a", "2024-06-30")])
    expected = [pair("p3", "p4", 3.0), pair("p1", "p2", 2.0), pair("p1", "p3", 2.0), pair("p2", "p1", 2.0)]
    found = shop.read("product_affinity")
    assert found == [{name: row[name] for name in row if name != "as_of_date"} for row in expected]


@pytest.mark.parametrize(("as_of", "count"), [("2024-06-30", 1), ("2024-06-29", 0), ("2024-07-01", 0)])
def test_python_marts_show_nothing_on_another_day_than_that_of_the_build(
    open_shop: Open, as_of: str, count: int
) -> None:
    shop = open_shop(
        reorder_suggestions=[suggestion("s1", "u1")],
        product_affinity=[pair("p1", "p2", 2.0)],
        fact_orders=[order("a", "2024-06-30")],
    )
    assert len(shop.read("reorder_suggestions", as_of)) == len(shop.read("product_affinity", as_of)) == count
