"""What stores will use: the methods by hand and against other programs, the walk without a look ahead, odd series."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from statsmodels.tsa.holtwinters import Holt

from tests.python_models import load_python_model

demand = load_python_model("demand_forecasts")
NULL = float("nan")
AS_OF = date(2024, 6, 30)
Floats = np.ndarray[Any, np.dtype[np.float64]]
TENTHS = np.array([0.1, 0.1])


def series(*days: float) -> Floats:
    return np.array([days], dtype=float)


def noisy(count: int, days: int, seed: int) -> Floats:
    """Series of all kinds: steady, growing, dying, rare, one that begins late."""
    chance = np.random.default_rng(seed)
    slope = chance.normal(0, 0.002, count)[:, None] * np.arange(days)
    found = chance.poisson(np.exp(chance.normal(1, 1, (count, 1)) + slope)).astype(float)
    found[0, : days // 2] = NULL
    return found


def usage(*rows: tuple[str | None, str, int, int]) -> pl.DataFrame:
    """Rows of store, supply, days before as_of and units."""
    named = pl.DataFrame(rows, schema=["store_id", "supply_id", "ago", "unit_count"], orient="row")
    return named.select("store_id", "supply_id", pl.lit(AS_OF) - pl.duration(days="ago"), "unit_count").rename(
        {"literal": "usage_date"}
    )


def recipes(*supplies: str, begins: date = date(1900, 1, 1), ends: date = date(9999, 12, 31)) -> pl.DataFrame:
    return pl.DataFrame({"supply_id": supplies}).with_columns(valid_from_date=begins, valid_to_date=ends)


def judge(walk: Any) -> pl.DataFrame:
    judged: pl.DataFrame = demand.judge(walk, demand.bound_totals(walk)[0])
    return judged


def last_day(forecasts: pl.DataFrame) -> dict[str, Any]:
    return forecasts.filter(pl.col("days_ahead") == 28).row(0, named=True)


# the methods


def test_last_week_is_repeated_weekday_by_weekday() -> None:
    found = demand.repeat_last_week(series(9, 9, 9, 1, 2, 3, 4, 5, 6, 7))
    assert found.tolist() == [[1, 2, 3, 4, 5, 6, 7] * 4]


def test_weekday_not_seen_yet_is_the_mean_of_those_that_were() -> None:
    found = demand.repeat_last_week(series(NULL, NULL, NULL, NULL, 1, 2, 6))
    assert found.tolist() == [[3, 3, 3, 3, 1, 2, 6] * 4]


@pytest.mark.parametrize("days", [3, 10, 91, 120])
def test_mean_week_is_the_mean_of_each_weekday_of_thirteen_weeks(days: int) -> None:
    history = noisy(3, days, seed=days)
    for row, found in zip(history, demand.repeat_mean_week(history), strict=True):
        recent = row[-91:]
        for ahead in range(28):
            same = [units for ago, units in enumerate(recent[::-1]) if ago % 7 == 6 - ahead % 7]
            known = [units for units in same if not np.isnan(units)] or [u for u in recent if not np.isnan(u)]
            assert found[ahead] == pytest.approx(sum(known) / len(known))


@pytest.mark.parametrize("weeks", [3, 9, 40])
def test_damped_trend_is_that_of_statsmodels_shared_out_by_weekday(weeks: int) -> None:
    history = np.random.default_rng(weeks).poisson(np.linspace(3, 9, weeks * 7 + 4), (2, weeks * 7 + 4)).astype(float)
    for row, found in zip(history, demand.follow_trend(history), strict=True):
        totals = row[4:].reshape(-1, 7).sum(axis=1)[-26:]
        known = {"initialization_method": "known", "initial_level": totals[0], "initial_trend": 0.0}
        model = Holt(totals[1:], damped_trend=True, **known)
        fitted = model.fit(smoothing_level=0.2, smoothing_trend=0.05, damping_trend=0.9, optimized=False)
        weekdays = demand.repeat_mean_week(row[None])[0][:7]
        expected = np.outer(fitted.forecast(4), weekdays / weekdays.sum()).ravel()
        assert found == pytest.approx(expected)


def test_damped_trend_of_less_than_two_weeks_has_no_trend() -> None:
    assert demand.follow_trend(series(2, 4, 3)).tolist() == [
        pytest.approx([3] * 4 + [2, 4, 3] + ([3] * 4 + [2, 4, 3]) * 3)
    ]
    found = demand.follow_trend(series(100, *[1, 2, 3, 4, 5, 6, 7]))
    assert found.reshape(4, 7).sum(axis=1) == pytest.approx([28] * 4)


def test_damped_trend_downwards_ends_at_nothing() -> None:
    found = demand.follow_trend(np.maximum(np.linspace(200, -60, 182), 0)[None])
    assert found.min() == 0
    assert found.max() < 40


# spread and bounds


def test_spread_adds_the_days_around_their_weekday_and_the_doubt_of_the_level() -> None:
    mean, squares = 5.0, 14 * 2.0**2
    daily = (14 * squares / (14 - 7) + 91 * mean) / (14 + 91)
    found = demand.measure_spread(series(*[3] * 7, *[7] * 7))
    assert found == pytest.approx([np.sqrt(28 * daily + (28 * mean / 2) ** 2)])


def test_spread_of_a_long_series_reads_thirteen_weeks_and_doubts_a_twenty_sixth() -> None:
    found = demand.measure_spread(series(*[999] * 200, *[4] * 91))
    assert found == pytest.approx([np.sqrt(28 * (91 * 0 + 91 * 4) / 182 + (28 * 4 / 26) ** 2)])


def test_spread_of_less_than_a_week_doubts_the_whole_level_and_no_more() -> None:
    assert demand.measure_spread(series(4, 4, 4)) == pytest.approx([np.sqrt(28 * 91 * 4 / 94 + (28 * 4) ** 2)])


def test_spread_of_nothing_is_none() -> None:
    assert demand.measure_spread(series(*[0] * 100)).tolist() == [0]


def test_bounds_leave_the_tails_of_all_errors_out_in_units_of_their_spread() -> None:
    scaled = np.arange(-100, 301, dtype=float)
    spread = np.where(np.arange(401) % 2, 2.0, 5.0).reshape(1, 401)
    errors = (scaled * spread).reshape(1, 401, 1)
    for tails, bounds in (([0.1, 0.1], (-60, 260)), ([0, 0.5], (-100, 100))):
        lower, upper = demand.bound_errors(errors, spread, np.array([1.0]), np.array(tails))
        assert (lower.tolist(), upper.tolist()) == ([bounds[0]], [bounds[1]])


def test_bounds_hold_the_forecast_even_if_all_errors_are_on_one_side() -> None:
    above = np.linspace(1, 2, 200).reshape(200, 1, 1)
    lower, upper = demand.bound_errors(above, np.ones((200, 1)), np.array([1.0]), TENTHS)
    assert (lower.tolist(), upper.tolist()) == ([0], [pytest.approx(1.9)])
    lower, upper = demand.bound_errors(-above, np.ones((200, 1)), np.array([1.0]), TENTHS)
    assert (lower.tolist(), upper.tolist()) == ([pytest.approx(-1.9)], [0])


def test_bounds_of_fewer_than_a_hundred_errors_are_those_of_the_normal_law() -> None:
    errors, spread = np.full((120, 1, 2), 50.0), np.ones((120, 1))
    errors[:10], spread[10:21] = NULL, 0  # null and without a spread: they do not count
    lower, upper = demand.bound_errors(errors, spread, np.array([1.0, 3.0]), TENTHS)
    assert (lower.tolist(), upper.tolist()) == ([-1, -3], [1, 3])
    spread[10:21] = 1
    assert demand.bound_errors(errors, spread, np.array([1.0, 3.0]), TENTHS)[1].tolist() == [50, 50]


def errors_as_walk(errors: Floats) -> Any:
    """A walk of forecasts of 99 a day; `errors` of the 28-day totals have the axes series, origin."""
    days = np.repeat(errors[:, :, None] / 28, 28, axis=2)
    forecast = np.full_like(days, 99)
    return demand.Walk(np.zeros(errors.shape, dtype=np.int64), forecast, forecast + days, np.ones(errors.shape))


def test_tails_shrink_where_windows_that_have_ended_were_missed_and_grow_where_they_were_not() -> None:
    errors = np.tile(np.linspace(-0.5, 0.5, 100)[:, None], 12)
    errors[:30, 2] = 9.0  # a third above the normal law's bound, no other beyond
    tails = demand.bound_totals(errors_as_walk(errors))[1]
    moved = np.diff(tails, axis=1).T.round(10)
    assert tails[:, :4].tolist() == [[0.1] * 4] * 2
    assert moved[3].tolist() == moved[4].tolist() == [0.01, 0.01]  # windows 0 and 1, none missed
    assert moved[5].tolist() == [0.01, -0.02]  # window 2, which ended at origin 6: 30 of 100 missed above


def test_tails_stay_where_no_window_has_ended_and_count_no_series_without_a_spread() -> None:
    walk = errors_as_walk(np.full((4, 8), NULL))
    assert demand.bound_totals(walk)[1].tolist() == [[0.1] * 8] * 2
    walk.actual[:2, 0], walk.actual[2:, 0], walk.spread[2:, :] = 999, 99, 0
    assert demand.bound_totals(walk)[1][1, 4] == pytest.approx(0.1 + 0.1 * (0.1 - 1.0))


def test_tails_stay_between_nothing_and_a_half() -> None:
    growing = demand.bound_totals(errors_as_walk(np.full((150, 90), 0.0)))[1]
    assert growing.max() == 0.5
    rising = np.exp(np.arange(90) / 4)[None] * np.ones((150, 1))
    assert demand.bound_totals(errors_as_walk(rising))[1][1].min() == 0


def test_bounds_know_nothing_of_windows_that_have_not_ended() -> None:
    errors = np.random.default_rng(8).normal(0, 1, (150, 60))
    whole = demand.bound_totals(errors_as_walk(errors))
    errors[:, 40:] *= 100
    changed = demand.bound_totals(errors_as_walk(errors))
    for mine, others in zip(whole, changed, strict=True):
        np.testing.assert_array_equal(mine[:, :44], others[:, :44])
        assert (mine[:, 44] != others[:, 44]).any()


def test_interval_holds_enough_again_half_a_year_after_all_series_became_harder_to_foresee() -> None:
    errors = np.random.default_rng(9).normal(0, 1, (100, 116)) * np.where(np.arange(116) < 80, 1, 2)
    held = judge(errors_as_walk(errors))["backtest_covered_count"].sum() / 2600
    assert 0.75 <= held <= 0.85


# the walk


def test_walk_knows_nothing_of_what_comes_after_an_origin() -> None:
    history = noisy(6, 400, seed=1)
    whole = demand.walk_through_time(history)
    for ends_before in (1, 4, 20):
        end = 400 - 7 * ends_before
        changed = history.copy()
        changed[:, end:] = 1000 - changed[:, end:]
        for other in (demand.walk_through_time(history[:, :end]), demand.walk_through_time(changed)):
            until = whole.method.shape[1] - ends_before
            for name in ("method", "forecast", "spread"):
                mine, others = getattr(whole, name)[:, :until], getattr(other, name)[:, :until]
                np.testing.assert_array_equal(mine, others, err_msg=name)


def test_method_is_the_one_least_off_in_the_26_newest_windows_that_had_ended() -> None:
    history = noisy(20, 500, seed=3)
    walk = demand.walk_through_time(history)
    ends = range(500 % 7, 501, 7)
    totals = {end: [way(history[:, :end]).sum(axis=1) for way in demand.METHODS.values()] for end in ends}
    seen = set()
    for row in range(20):
        for origin, end in enumerate(ends):
            ended = [past for past in ends if past + 28 <= end and past >= 7 and not np.isnan(history[row, past - 7])]
            sums = np.zeros(3)
            for past in [past for past in ended if past > end - 30 * 7]:
                sums += np.abs([way[row] - history[row, past : past + 28].sum() for way in totals[past]])
            expected = int(np.argmin(sums)) if ended else list(demand.METHODS).index("mean_week")
            assert walk.method[row, origin] == expected, (row, origin)
            seen.add(expected)
    assert seen == {0, 1, 2}


def test_series_without_an_ended_window_takes_the_mean_week_and_equals_the_first_method() -> None:
    walk = demand.walk_through_time(np.vstack([np.tile([1.0, 5, 0, 2, 2, 9, 4], 20), np.r_[[NULL] * 118, np.ones(22)]]))
    assert [list(demand.METHODS)[number] for number in walk.method[:, -1]] == ["last_week", "mean_week"]


# the judgement


def test_judgement_counts_windows_their_errors_and_those_within_their_bounds() -> None:
    history = noisy(40, 450, seed=4)
    walk, found = demand.walk_through_time(history), judge(demand.walk_through_time(history))
    origins, tails = walk.method.shape[1], demand.bound_totals(walk)[1]
    for row in range(40):
        windows, covered, off, units = 0, 0, 0.0, 0.0
        for origin in range(origins - 30, origins - 4):
            total, actual = walk.forecast[row, origin].sum(), walk.actual[row, origin].sum()
            past = slice(max(origin - 55, 0), origin - 3)
            z = (walk.actual[:, past].sum(axis=2) - walk.forecast[:, past].sum(axis=2)) / walk.spread[:, past]
            low, high = np.quantile(z[~np.isnan(z)], [tails[0, origin], 1 - tails[1, origin]])
            if not np.isnan(actual):
                windows += 1
                spread = walk.spread[row, origin]
                covered += max(total + min(low, 0) * spread, 0) <= actual <= total + max(high, 0) * spread
                off, units = off + abs(total - actual), units + actual
        expected = (pytest.approx(off / units), windows, covered)
        assert found.row(row) == expected


def test_total_on_the_bound_itself_lies_within() -> None:
    found = judge(demand.walk_through_time(np.full((5, 400), 3.0)))
    assert found.rows() == [(0.0, 26, 26)] * 5


def simulate(kind: str, seed: int) -> Floats:
    """120 series of 86 weeks with a weekday profile each, of one kind of noise and change."""
    chance = np.random.default_rng(seed)
    days = np.arange(86 * 7)
    profile = chance.dirichlet(np.full(7, 10.0), 120) * 7
    mean = (chance.gamma(2, 3, 120) + 0.2)[:, None] * profile[:, days % 7]
    if kind == "trend":
        mean *= np.exp(chance.normal(0, 0.0008, 120)[:, None] * days)
    if kind == "level shift":
        factor, at = chance.choice([0.6, 1.6], 120), chance.integers(200, 602, 120)
        mean *= np.where(days >= at[:, None], factor[:, None], 1)
    if kind == "negative binomial":
        mean *= chance.gamma(5, 1 / 5, mean.shape)
    return chance.poisson(mean).astype(float)


@pytest.mark.parametrize("kind", ["poisson", "negative binomial", "trend", "level shift"])
def test_interval_of_80_percent_holds_75_to_85_of_the_totals_of_simulated_series(kind: str) -> None:
    found = judge(demand.walk_through_time(simulate(kind, seed=5)))
    assert found["backtest_window_count"].to_list() == [26] * 120
    assert 0.75 <= found["backtest_covered_count"].sum() / (26 * 120) <= 0.85


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
    row, spread = last_day(found), float(demand.measure_spread(np.full((1, 10), 4.0))[0])
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
    walk = demand.walk_through_time(history[order].astype(float))
    assert found["expected_units"].to_numpy().reshape(12, 28) == pytest.approx(walk.forecast[:, -1], abs=1e-5)
    below, above = demand.bound_totals(walk)[1][:, -1]
    assert min(abs(below - 0.1), abs(above - 0.1)) > 0.001
    errors = ((walk.actual - walk.forecast).cumsum(axis=2) / walk.spread[:, :, None])[:, :-4][:, -52:].reshape(-1, 28)
    lower, upper = np.quantile(errors[~np.isnan(errors[:, 0])], [below, 1 - above], axis=0)
    total = walk.forecast[:, -1].cumsum(axis=1)
    for name, bound in (("low", lower), ("high", upper)):
        shown = found[f"{name}_units_until_day"].to_numpy().reshape(12, 28)
        assert shown == pytest.approx(total + bound * walk.spread[:, -1:], abs=1e-5)
    daily = ((walk.actual - walk.forecast) / walk.spread[:, :, None])[:, :-4][:, -52:].reshape(-1, 28)
    quantile = np.quantile(daily[~np.isnan(daily[:, 0])], 1 - above, axis=0)
    high = walk.forecast[:, -1] + quantile * walk.spread[:, -1:]
    assert found["high_units"].to_numpy().reshape(12, 28) == pytest.approx(high, abs=1e-5)
    judged = judge(walk)
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
