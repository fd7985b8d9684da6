"""How demand is forecast: the methods by hand and against other programs, and the walk without a look ahead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from statsmodels.tsa.holtwinters import Holt

from demand.methods import METHODS, Past, fold, measure_spread
from demand.walk import walk_through_time

NULL = float("nan")
Floats = np.ndarray[Any, np.dtype[np.float64]]


def series(*days: float) -> Floats:
    return np.array([days], dtype=float)


def noisy(count: int, days: int, seed: int) -> Floats:
    """Series of all kinds: steady, growing, dying, rare, one that begins late."""
    chance = np.random.default_rng(seed)
    slope = chance.normal(0, 0.002, count)[:, None] * np.arange(days)
    found = chance.poisson(np.exp(chance.normal(1, 1, (count, 1)) + slope)).astype(float)
    found[0, : days // 2] = NULL
    return found


def look_ahead(method: str, history: Floats) -> Floats:
    """The 28 days that a method expects after the last one, in axes series, day."""
    found = METHODS[method](Past(fold(history), 1))
    days: Floats = (found.weeks[:, 0, :, None] * found.days[:, 0, None, :]).reshape(len(history), 28)
    return days


def spread_of(*days: float) -> Floats:
    return measure_spread(Past(fold(series(*days)), 1))[:, 0]


# the methods


def test_last_week_is_repeated_weekday_by_weekday() -> None:
    found = look_ahead("last_week", series(9, 9, 9, 1, 2, 3, 4, 5, 6, 7))
    assert found.tolist() == [[1, 2, 3, 4, 5, 6, 7] * 4]


def test_weekday_not_seen_yet_is_the_mean_of_those_that_were() -> None:
    found = look_ahead("last_week", series(NULL, NULL, NULL, NULL, 1, 2, 6))
    assert found.tolist() == [[3, 3, 3, 3, 1, 2, 6] * 4]


@pytest.mark.parametrize("days", [3, 10, 91, 120])
def test_mean_week_is_the_mean_of_each_weekday_of_thirteen_weeks(days: int) -> None:
    history = noisy(3, days, seed=days)
    for row, found in zip(history, look_ahead("mean_week", history), strict=True):
        recent = row[-91:]
        for ahead in range(28):
            same = [units for ago, units in enumerate(recent[::-1]) if ago % 7 == 6 - ahead % 7]
            known = [units for units in same if not np.isnan(units)] or [u for u in recent if not np.isnan(u)]
            assert found[ahead] == pytest.approx(sum(known) / len(known))


@pytest.mark.parametrize("weeks", [3, 9, 40])
def test_damped_trend_is_that_of_statsmodels_shared_out_by_weekday(weeks: int) -> None:
    history = np.random.default_rng(weeks).poisson(np.linspace(3, 9, weeks * 7 + 4), (2, weeks * 7 + 4)).astype(float)
    for row, found in zip(history, look_ahead("damped_trend", history), strict=True):
        totals = row[4:].reshape(-1, 7).sum(axis=1)[-26:]
        known = {"initialization_method": "known", "initial_level": totals[0], "initial_trend": 0.0}
        model = Holt(totals[1:], damped_trend=True, **known)
        fitted = model.fit(smoothing_level=0.2, smoothing_trend=0.05, damping_trend=0.9, optimized=False)
        weekdays = look_ahead("mean_week", row[None])[0][:7]
        expected = np.outer(fitted.forecast(4), weekdays / weekdays.sum()).ravel()
        assert found == pytest.approx(expected)


def test_damped_trend_of_less_than_two_weeks_has_no_trend() -> None:
    assert look_ahead("damped_trend", series(2, 4, 3)).tolist() == [
        pytest.approx([3] * 4 + [2, 4, 3] + ([3] * 4 + [2, 4, 3]) * 3)
    ]
    found = look_ahead("damped_trend", series(100, *[1, 2, 3, 4, 5, 6, 7]))
    assert found.reshape(4, 7).sum(axis=1) == pytest.approx([28] * 4)


def test_damped_trend_downwards_ends_at_nothing() -> None:
    found = look_ahead("damped_trend", np.maximum(np.linspace(200, -60, 182), 0)[None])
    assert found.min() == 0
    assert found.max() < 40


def test_spread_adds_the_days_around_their_weekday_and_the_doubt_of_the_level() -> None:
    mean, squares = 5.0, 14 * 2.0**2
    daily = (14 * squares / (14 - 7) + 91 * mean) / (14 + 91)
    found = spread_of(*[3] * 7, *[7] * 7)
    assert found == pytest.approx([np.sqrt(28 * daily + (28 * mean / 2) ** 2)])


def test_spread_of_a_long_series_reads_thirteen_weeks_and_doubts_a_twenty_sixth() -> None:
    found = spread_of(*[999] * 200, *[4] * 91)
    assert found == pytest.approx([np.sqrt(28 * (91 * 0 + 91 * 4) / 182 + (28 * 4 / 26) ** 2)])


def test_spread_of_less_than_a_week_doubts_the_whole_level_and_no_more() -> None:
    assert spread_of(4, 4, 4) == pytest.approx([np.sqrt(28 * 91 * 4 / 94 + (28 * 4) ** 2)])


def test_spread_of_nothing_is_none() -> None:
    assert spread_of(*[0] * 100).tolist() == [0]


# the walk


def test_walk_knows_nothing_of_what_comes_after_an_origin() -> None:
    history = noisy(6, 400, seed=1)
    whole = walk_through_time(history)
    for ends_before in (1, 4, 20):
        end = 400 - 7 * ends_before
        changed = history.copy()
        changed[:, end:] = 1000 - changed[:, end:]
        for other in (walk_through_time(history[:, :end]), walk_through_time(changed)):
            until = whole.method.shape[1] - ends_before
            for name in ("method", "forecast", "spread"):
                mine, others = getattr(whole, name)[:, :until], getattr(other, name)[:, :until]
                np.testing.assert_array_equal(mine, others, err_msg=name)


def test_method_is_the_one_least_off_in_the_26_newest_windows_that_had_ended() -> None:
    history = noisy(20, 500, seed=3)
    walk = walk_through_time(history)
    ends = range(500 % 7, 501, 7)
    totals = {end: [look_ahead(way, history[:, :end]).sum(axis=1) for way in METHODS] for end in ends}
    seen = set()
    for row in range(20):
        for origin, end in enumerate(ends):
            ended = [past for past in ends if past + 28 <= end and past >= 7 and not np.isnan(history[row, past - 7])]
            sums = np.zeros(3)
            for past in [past for past in ended if past > end - 30 * 7]:
                sums += np.abs([way[row] - history[row, past : past + 28].sum() for way in totals[past]])
            expected = int(np.argmin(sums.round(6))) if ended else list(METHODS).index("mean_week")
            assert walk.method[row, origin] == expected, (row, origin)
            seen.add(expected)
    assert seen == {0, 1, 2}


def test_series_without_an_ended_window_takes_the_mean_week_and_equals_the_first_method() -> None:
    walk = walk_through_time(np.vstack([np.tile([1.0, 5, 0, 2, 2, 9, 4], 20), np.r_[[NULL] * 118, np.ones(22)]]))
    assert [list(METHODS)[number] for number in walk.method[:, -1]] == ["last_week", "mean_week"]
