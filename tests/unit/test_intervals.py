"""Intervals and clear differences: when there are any, and what they never claim."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from reports.intervals import Mean, find_clear_differences
from reports.kpis import KPIS

KPI = KPIS["average_order_comparison"]


def frame_of(*stores: tuple[str, int, str, float]) -> pl.DataFrame:
    """Name, customers, mean, relative standard error."""
    rows = [
        (name, name, customers, 100, 0, Decimal(mean), error, float(customers - 1))
        for name, customers, mean, error in stores
    ]
    return pl.DataFrame(
        [*rows, (None, "All stores", 90, 500, 0, Decimal("11.00"), 0.05, 80.0)], KPI.schema, orient="row"
    )


def test_interval_is_students_around_the_mean() -> None:
    interval = Mean(10.0, 1.0, 20.0, 21).interval
    assert interval == (pytest.approx(10 - 2.085963), pytest.approx(10 + 2.085963))  # t tables: 20 degrees, 97.5 %


def test_interval_never_reaches_below_zero() -> None:
    interval = Mean(1.0, 3.0, 20.0, 21).interval
    assert interval is not None
    assert interval[0] == 0.0


@pytest.mark.parametrize(
    ("customers", "is_rough", "is_value_only"),
    [(4, False, True), (5, True, False), (14, True, False), (15, False, False)],
)
def test_few_customers_make_rough_intervals_and_fewer_none(customers: int, is_rough: bool, is_value_only: bool) -> None:
    mean = Mean(10.0, 1.0, customers - 1.0, customers)
    assert (mean.is_rough, mean.is_value_only, mean.interval is None) == (is_rough, is_value_only, is_value_only)


def test_clear_differences_are_fewer_the_more_stores_are_compared() -> None:
    pair = [Mean(10.0, 1.0, 30.0, 31), Mean(13.2, 1.0, 30.0, 31)]
    assert find_clear_differences(pair) == {(1, 0)}
    crowd = [Mean(11.6, 1.0, 30.0, 31)] * 6
    assert find_clear_differences(pair + crowd) == set()


def test_clear_differences_leave_out_means_of_too_few_customers() -> None:
    assert find_clear_differences([Mean(10.0, 0.1, 3.0, 4), Mean(90.0, 0.1, 39.0, 40)]) == set()


def test_clear_differences_without_any_spread_are_those_that_are_there() -> None:
    means = [Mean(10.0, 0.0, 9.0, 10), Mean(10.0, 0.0, 9.0, 10), Mean(11.0, 0.0, 9.0, 10)]
    assert find_clear_differences(means) == {(2, 0), (2, 1)}


def test_headline_claims_no_winner_where_no_difference_is_clear() -> None:
    headline = KPI.headline(frame_of(("A", 30, "12.00", 0.2), ("B", 30, "10.00", 0.2)))
    assert headline == "The average order goes from $12.00 in A to $10.00 in B. No difference between stores is clear."


def test_headline_names_the_winner_that_is_clear() -> None:
    headline = KPI.headline(frame_of(("A", 30, "20.00", 0.02), ("B", 30, "10.00", 0.02), ("C", 30, "10.10", 0.02)))
    assert headline == "A clearly has the highest average order: $20.00 net."


def test_headline_says_what_is_clear_where_not_everything_is() -> None:
    stores = ("A", 30, "14.80", 0.08), ("B", 30, "13.10", 0.08), ("C", 30, "8.20", 0.08), ("D", 4, "30.00", 0.01)
    assert KPI.headline(frame_of(*stores)) == (
        "The average order goes from $30.00 in D to $8.20 in C. A is clearly above C. 1 other difference is clear."
    )
