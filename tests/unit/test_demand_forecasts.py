"""What stores will use: the layout of series, the table of forecasts, odd series."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from demand.intervals import bound_days, bound_totals
from demand.methods import Past, fold, measure_spread
from demand.walk import judge, walk_through_time
from tests.python_models import load_python_model

demand = load_python_model("demand_forecasts")
NULL = float("nan")
AS_OF = date(2024, 6, 30)


def usage(*rows: tuple[str | None, str, int, int]) -> pl.DataFrame:
    """Rows of store, supply, days before as_of and units."""
    named = pl.DataFrame(rows, schema=["store_id", "supply_id", "ago", "unit_count"], orient="row")
    return named.select("store_id", "supply_id", pl.lit(AS_OF) - pl.duration(days="ago"), "unit_count").rename(
        {"literal": "usage_date"}
    )


def recipes(*supplies: str, begins: date = date(1900, 1, 1), ends: date = date(9999, 12, 31)) -> pl.DataFrame:
    return pl.DataFrame({"supply_id": supplies}).with_columns(valid_from_date=begins, valid_to_date=ends)


def last_day(forecasts: pl.DataFrame) -> dict[str, Any]:
    return forecasts.filter(pl.col("days_ahead") == 28).row(0, named=True)


# the layout


def test_series_begins_by_the_day_that_store_and_supply_have_both_been_used() -> None:
    pairs, history = demand.lay_out(
        usage(
            ("s1", "milk", 5, 2), ("s1", "tea", 3, 1), ("s2", "milk", 2, 4), ("s2", "tea", 1, 7), ("s1", "milk", 0, 3)
        ),
        AS_OF,
    )
    assert pairs.rows() == [("s1", "milk"), ("s1", "tea"), ("s2", "milk"), ("s2", "tea")]
    expected = [
        [2, 0, 0, 0, 0, 3],
        [NULL, NULL, 1, 0, 0, 0],
        [NULL, NULL, NULL, 4, 0, 0],
        [NULL, NULL, NULL, 0, 7, 0],
    ]
    np.testing.assert_array_equal(history, expected)


def test_layout_adds_up_a_day_and_passes_over_days_after_as_of_unknown_stores_and_what_is_too_old() -> None:
    of_milk = [("s1", "milk", ago, units) for ago, units in ((990, 1), (986, 5), (0, 2), (0, 3), (-1, 9))]
    used = usage(*of_milk, (None, "milk", 0, 9))
    _, history = demand.lay_out(used, AS_OF)
    assert history.shape == (1, 987)
    assert (history[0, 0], history[0, -1], history.sum()) == (5, 5, 10)


# the table


def test_forecast_of_a_store_that_closes_on_mondays_has_none_on_mondays() -> None:
    days = [(AS_OF - timedelta(days=ago), ago) for ago in range(70)]
    used = usage(*(("s1", "milk", ago, 5) for day, ago in days if day.weekday() != 0))
    found = demand.forecast_demand(used, recipes("milk"), AS_OF)
    units = {day.isoweekday(): each for day, each in found.select("forecast_date", "expected_units").iter_rows()}
    assert units == {1: 0, 2: 5, 3: 5, 4: 5, 5: 5, 6: 5, 7: 5}
    assert found["forecast_date"].to_list() == [AS_OF + timedelta(days=ahead) for ahead in range(1, 29)]
    assert found["days_ahead"].to_list() == [*range(1, 29)]


def test_forecast_of_ten_days_is_their_mean_week_bounded_by_the_normal_law_and_not_judged() -> None:
    found = demand.forecast_demand(usage(*(("s1", "milk", ago, 4) for ago in range(10))), recipes("milk"), AS_OF)
    row, spread = last_day(found), float(measure_spread(Past(fold(np.full((1, 10), 4.0)), 1))[0, 0])
    assert (row["expected_units"], row["expected_units_until_day"], row["method"]) == (4, 112, "mean_week")
    assert row["high_units_until_day"] == pytest.approx(112 + 1.2815515655 * spread)
    assert row["low_units_until_day"] == pytest.approx(112 - 1.2815515655 * spread)
    assert row["high_units"] == pytest.approx(4 + 1.2815515655 * spread / np.sqrt(28))
    assert (row["backtest_error_ratio"], row["backtest_window_count"], row["backtest_covered_count"]) == (None, 0, 0)


def test_forecast_of_a_single_day_is_that_day() -> None:
    row = last_day(demand.forecast_demand(usage(("s1", "milk", 0, 3)), recipes("milk"), AS_OF))
    assert (row["expected_units"], row["expected_units_until_day"]) == (3, 84)


def test_forecast_of_what_was_not_used_for_long_is_nothing_for_certain() -> None:
    used = usage(*(("s1", "milk", ago, 4) for ago in range(300, 500)), *(("s1", "tea", ago, 4) for ago in range(500)))
    row = demand.forecast_demand(used, recipes("milk", "tea"), AS_OF).filter(supply_id="milk", days_ahead=28)
    assert row.select("expected_units_until_day", "low_units_until_day", "high_units_until_day").row(0) == (0, 0, 0)


@pytest.mark.parametrize(
    ("begins", "ends", "is_used"),
    [
        (date(1900, 1, 1), date(2024, 7, 1), False),  # as_of is its last day
        (date(1900, 1, 1), date(2024, 7, 2), True),
        (date(2024, 7, 28), date(9999, 12, 31), True),
        (date(2024, 7, 29), date(9999, 12, 31), False),  # the day after the 28th
    ],
)
def test_forecast_of_a_supply_that_no_recipe_of_the_28_days_holds_is_nothing(
    begins: date, ends: date, is_used: bool
) -> None:
    used = usage(*(("s1", "milk", ago, 4) for ago in range(100)))
    row = last_day(demand.forecast_demand(used, recipes("milk", begins=begins, ends=ends), AS_OF))
    assert (row["expected_units_until_day"] > 0, row["high_units"] > 0, row["low_units_until_day"] > 0) == (
        is_used,
    ) * 3
    assert (row["method"] == "not_in_recipe", row["backtest_window_count"] is None) == (not is_used,) * 2


def test_forecast_table_is_the_last_step_of_the_walk() -> None:
    history = np.random.default_rng(6).poisson(4, (12, 400)) + 1
    days = ((row, day) for row in range(12) for day in range(400))
    used = usage(*((f"s{row % 3}", f"u{row // 3}", 399 - day, int(history[row, day])) for row, day in days))
    found = demand.forecast_demand(used, recipes("u0", "u1", "u2", "u3"), AS_OF)
    order = sorted(range(12), key=lambda row: (row % 3, row // 3))
    walk = walk_through_time(history[order].astype(float))
    bounds = bound_totals(walk)
    assert np.abs(np.log(bounds.widths[:, -1])).min() > 0.01
    figures = [units for figure in bound_days(walk, bounds.widths[:, -1]) for units in figure]
    names = ("expected_units", "low_units", "high_units")
    for name, units in zip([*names, *(f"{name}_until_day" for name in names)], figures, strict=True):
        assert found[name].to_numpy().reshape(12, 28) == pytest.approx(units, abs=1e-5), name
    judged = judge(walk, bounds.totals)
    for name in judged.columns:
        assert found.filter(days_ahead=1)[name].to_list() == judged[name].to_list(), name


def test_forecast_of_what_is_rarely_used_is_bounded_by_nothing_below() -> None:
    rare = np.random.default_rng(7).poisson(0.1, (40, 300))
    used = usage(*((f"s{row}", "milk", 299 - day, int(rare[row, day])) for row, day in np.ndindex(40, 300)))
    found = demand.forecast_demand(used, recipes("milk"), AS_OF)
    assert (found["low_units"].min(), found["low_units_until_day"].min()) == (0, 0)
    assert found.filter(days_ahead=28)["high_units_until_day"].min() > 0


def test_forecast_of_nothing_or_of_no_day_has_the_columns_of_the_table() -> None:
    full = demand.forecast_demand(usage(("s1", "milk", 0, 3)), recipes("milk"), AS_OF)
    for empty in (
        demand.forecast_demand(usage(("s1", "milk", 0, 3)), recipes("milk"), None),
        demand.forecast_demand(usage(("s1", "milk", 0, 3)).clear(), recipes("milk").clear(), AS_OF),
    ):
        assert (empty.height, empty.schema) == (0, full.schema)
