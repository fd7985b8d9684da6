"""How far forecasts may be off: the bounds by hand, without a look ahead, and how much they hold of what came."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from demand.intervals import bound_days, bound_errors, bound_totals, scale_errors
from demand.walk import Walk, judge, walk_through_time
from tests.conftest import PROJECT
from tests.python_models import load_python_model
from tests.unit.simulated_shops import STEADY, simulate
from tests.unit.test_demand_methods import noisy

NULL = float("nan")
Floats = np.ndarray[Any, np.dtype[np.float64]]
ONE = np.array([1.0])


def judge_bounded(walk: Walk) -> pl.DataFrame:
    return judge(walk, bound_totals(walk).totals)


def share_held(history: Floats) -> float:
    """Of the totals of the 26 newest windows of all series, those that lay in their intervals."""
    found = judge_bounded(walk_through_time(history))
    return float(found["backtest_covered_count"].sum() / found["backtest_window_count"].sum())


def errors_as_walk(errors: Floats) -> Walk:
    """A walk of forecasts of 99 a day; `errors` of the 28-day totals have the axes series, origin."""
    days = np.repeat(errors[:, :, None] / 28, 28, axis=2)
    forecast = np.full_like(days, 99)
    return Walk(np.zeros(errors.shape, dtype=np.int64), forecast, forecast + days, np.ones(errors.shape))


# the errors that are pooled


def test_bounds_leave_a_tenth_of_all_errors_out_on_either_side() -> None:
    scaled = np.stack([np.arange(-100.0, 301.0), np.arange(-200.0, 601.0, 2)])
    assert bound_errors(scaled, np.ones(2)).tolist() == [[-60, -120], [260, 520]]


def test_bounds_on_the_side_without_errors_are_a_quarter_of_the_normal_law() -> None:
    above = np.linspace(1, 2, 200)[None]
    assert bound_errors(above, ONE * 2).ravel() == pytest.approx([-0.5, 1.9])
    assert bound_errors(-above, ONE * 2).ravel() == pytest.approx([-1.9, 0.5])


def test_bounds_of_fewer_than_a_hundred_errors_are_those_of_the_normal_law() -> None:
    assert bound_errors(np.full((2, 99), 50.0), np.array([1.0, 3.0])).tolist() == [[-1, -3], [1, 3]]
    assert bound_errors(np.full((2, 100), 50.0), np.array([1.0, 3.0]))[1].tolist() == [50, 50]


def test_errors_are_those_of_ended_windows_in_units_of_a_spread() -> None:
    errors = np.array([[[1.0, 4.0]], [[2.0, NULL]], [[3.0, 6.0]]])
    (scaled,) = scale_errors(errors, np.array([[2.0], [2.0], [0.0]]))
    assert scaled.tolist() == [[0.5], [2.0]]


# the width


def test_interval_widens_by_what_was_missed_and_narrows_by_what_was_not() -> None:
    errors = np.tile(np.linspace(-0.5, 0.5, 100)[:, None], 12)
    errors[:30, 2] = 9.0  # a third above the normal law's bound, no other beyond
    widths = bound_totals(errors_as_walk(errors)).widths
    owed = np.diff(np.log(widths), axis=1).T / 1.25
    assert widths[:, 0].tolist() == [1, 1]
    assert owed[:2] == pytest.approx(np.full((2, 2), -0.1))  # windows 0 and 1 by their first week, none missed
    assert owed[2] == pytest.approx([-0.1, 0.2])  # window 2 by its first week: 30 of 100 above
    assert owed[3:4] == pytest.approx(np.full((1, 2), -0.1))


def test_window_in_progress_is_judged_again_each_week_until_it_ends() -> None:
    """Of one series a window goes wrong in its third week; three weeks after it began that is known, and not before."""
    walk = errors_as_walk(np.zeros((10, 12)))
    walk.actual[:, 4, 14:] += 50
    usual = bound_totals(errors_as_walk(np.zeros((10, 12)))).widths
    found = bound_totals(walk).widths
    np.testing.assert_array_equal(found[:, :7], usual[:, :7])
    assert np.log(found[1, 7:] / usual[1, 7:]) == pytest.approx(1.25)
    np.testing.assert_array_equal(found[0], usual[0])


def test_width_remembers_the_25_newest_windows() -> None:
    errors = np.zeros((1, 60))  # too few to be pooled, one in ten missed on either side
    errors[0, 3::10], errors[0, 7::10] = 50, -50
    usual = bound_totals(errors_as_walk(errors)).widths
    errors[0, 15] = 50
    found = bound_totals(errors_as_walk(errors)).widths
    assert [place for place in range(60) if found[1, place] > 1.01 * usual[1, place]] == [*range(16, 41)]
    np.testing.assert_array_equal(found[0], usual[0])


def test_width_counts_a_window_that_nobody_knows_as_neither_missed_nor_held() -> None:
    walk = errors_as_walk(np.full((4, 8), NULL))
    assert (bound_totals(walk).widths == 1).all()
    walk.actual[:2, 0], walk.actual[2:, 0] = 999, 99
    assert np.log(bound_totals(walk).widths[1]) == pytest.approx([0, *[1.25 * (0.5 - 0.1)] * 7])


def test_width_is_between_a_sixth_and_six() -> None:
    never = bound_totals(errors_as_walk(np.full((150, 90), 0.0))).widths
    rising = np.exp(np.arange(90) / 2)[None] * np.ones((150, 1))
    always = bound_totals(errors_as_walk(rising)).widths
    assert (never.min(), always[1].max(), always[0].min()) == pytest.approx((1 / 6, 6, 1 / 6))


def test_bounds_know_nothing_of_days_after_their_origin() -> None:
    """Window 40 has 28 days; at origin 42, two weeks of it are known."""
    walk = errors_as_walk(np.random.default_rng(8).normal(0, 1, (150, 60)))
    whole = bound_totals(walk)
    changed = errors_as_walk((walk.actual - walk.forecast).sum(axis=2))
    for begun in range(60):
        changed.actual[:, begun, max(7 * (42 - begun), 0) :] = 999
    other = bound_totals(changed)
    for mine, others in zip(whole, other, strict=True):
        np.testing.assert_array_equal(mine[:, :43], others[:, :43])
        assert (mine[:, 43] != others[:, 43]).any()


def test_bounds_of_the_last_origin_are_those_of_its_days_and_of_the_days_until_each() -> None:
    walk = walk_through_time(noisy(30, 500, seed=11))
    widths = np.array([0.5, 2.0])
    (daily, low, high), (total, low_until, high_until) = bound_days(walk, widths)
    spread, errors = walk.spread[:, -1:], (walk.actual - walk.forecast)[:, :-4][:, -52:]
    scale = walk.spread[:, :-4][:, -52:, None]
    for units, bounds, missed in (
        (daily, (low, high), errors),
        (total, (low_until, high_until), errors.cumsum(axis=2)),
    ):
        scaled = (missed / scale).reshape(-1, 28)
        lower, upper = np.quantile(scaled[~np.isnan(scaled[:, -1])], [0.1, 0.9], axis=0)
        assert bounds[0] == pytest.approx(np.maximum(units + 0.5 * lower * spread, 0))
        assert bounds[1] == pytest.approx(units + 2 * upper * spread)
    assert total == pytest.approx(daily.cumsum(axis=1))


def test_interval_of_the_last_total_is_the_one_that_the_days_end_in() -> None:
    walk = walk_through_time(noisy(30, 500, seed=12))
    bounds = bound_totals(walk)
    total, low, high = (units[:, -1] for units in bound_days(walk, bounds.widths[:, -1])[1])
    assert high == pytest.approx(total + bounds.totals[1, -1] * walk.spread[:, -1])
    assert low == pytest.approx(np.maximum(total + bounds.totals[0, -1] * walk.spread[:, -1], 0))


# the judgement


def test_judgement_counts_windows_their_errors_and_those_within_their_bounds() -> None:
    history = noisy(40, 450, seed=4)
    walk, found = walk_through_time(history), judge_bounded(walk_through_time(history))
    origins, widths = walk.method.shape[1], bound_totals(walk).widths
    for row in range(40):
        windows, covered, off, units = 0, 0, 0.0, 0.0
        for origin in range(origins - 30, origins - 4):
            total, actual = walk.forecast[row, origin].sum(), walk.actual[row, origin].sum()
            past = slice(max(origin - 55, 0), origin - 3)
            z = (walk.actual[:, past].sum(axis=2) - walk.forecast[:, past].sum(axis=2)) / walk.spread[:, past]
            low, high = np.quantile(z[~np.isnan(z)], [0.1, 0.9]) * widths[:, origin]
            if not np.isnan(actual):
                windows += 1
                spread = walk.spread[row, origin]
                covered += max(total + low * spread, 0) <= actual <= total + high * spread
                off, units = off + abs(total - actual), units + actual
        expected = (pytest.approx(off / units), windows, covered)
        assert found.row(row) == expected


def test_total_on_the_bound_itself_lies_within() -> None:
    found = judge(walk_through_time(np.full((5, 400), 3.0)), np.zeros((2, 58)))
    assert found.rows() == [(0.0, 26, 26)] * 5


# what the intervals hold


@pytest.mark.parametrize("kind", STEADY)
def test_interval_of_80_percent_holds_75_to_85_of_the_totals_of_simulated_shops(kind: str) -> None:
    assert 0.75 <= share_held(simulate(kind, seed=5)) <= 0.85


def test_interval_holds_75_to_85_percent_on_average_over_shops_that_turn_unsteady_as_a_whole() -> None:
    held = [share_held(simulate("all unsteady together", seed)) for seed in range(4)]
    assert 0.75 <= np.mean(held) <= 0.85
    assert min(held) >= 0.7


def test_interval_holds_enough_again_half_a_year_after_all_series_became_harder_to_foresee() -> None:
    errors = np.random.default_rng(9).normal(0, 1, (100, 116)) * np.where(np.arange(116) < 80, 1, 2)
    held = judge_bounded(errors_as_walk(errors))["backtest_covered_count"].sum() / 2600
    assert 0.75 <= held <= 0.85


@pytest.fixture(scope="module")
def shipped_usage() -> pl.DataFrame:
    """The units of each store, supply and day as the delivered files have them, by the first recipes."""
    folder = PROJECT / "data" / "datasets"
    orders = pl.read_csv(folder / "raw_orders.csv", try_parse_dates=True)
    recipes = pl.read_csv(folder / "raw_supplies.csv").select("sku", supply_id="id")
    days = orders.select("store_id", order_id="id", usage_date=pl.col("ordered_at").dt.date())
    used = pl.read_csv(folder / "raw_items.csv").join(days, on="order_id").join(recipes, on="sku")
    return used.group_by("store_id", "supply_id", "usage_date").agg(pl.len().cast(pl.Int64).alias("unit_count"))


@pytest.mark.parametrize(
    "as_of",
    [
        date(2020, 3, 30),
        date(2020, 6, 12),
        date(2020, 8, 25),
        date(2020, 11, 7),
        date(2021, 1, 20),
        date(2021, 4, 4),
        date(2021, 6, 17),
        date(2021, 8, 30),
    ],
)
def test_interval_of_80_percent_holds_75_to_85_of_the_totals_of_the_shipped_shop(
    shipped_usage: pl.DataFrame, as_of: date
) -> None:
    history = load_python_model("demand_forecasts").lay_out(shipped_usage, as_of)[1]
    assert 0.75 <= share_held(history) <= 0.85
