"""What would have been forecast at each of the past weeks, by the method that had been least off until then.

A series takes the method with the least sum of absolute errors of its 28-day totals in the windows that had ended by
then (Tashman, "Out-of-sample tests of forecasting accuracy", 2000). Nothing after an origin is read.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from demand.methods import HORIZON, METHODS, TO_END, Floats, Past, fold, measure_spread

JUDGED, POOLED = 26, 52  # windows that choose the method and judge the forecasts; that give the interval
ORIGINS = 2 * JUDGED + POOLED + 3 * TO_END  # what is judged was chosen and bounded by windows that had ended before it
SERIES_AT_ONCE = 250  # the arrays of more do not fit into the cache of a processor
USUAL_METHOD = list(METHODS).index("mean_week")  # of a series that no window has judged


class Walk(NamedTuple):
    """What was forecast at each origin, the oldest first and the last day known last; axes series, origin, day."""

    method: np.ndarray[Any, np.dtype[np.int64]]  # series, origin: place in METHODS
    forecast: Floats  # units
    actual: Floats  # units; null of a day that is not known yet, or if less than a week was known at the origin
    spread: Floats  # series, origin: standard deviation of the units of 28 days


def walk_through_time(history: Floats) -> Walk:
    """Forecast every series at each of the last 116 week ends, the last of them the last day, from the days until then.

    `history` is units by series and day, null before a series begins. A series' method at an origin is the one with the
    least sum of absolute errors of the 28-day total over the 26 newest windows that had ended.
    """
    shares = np.array_split(history, max(1, round(len(history) / SERIES_AT_ONCE)))
    return Walk(*map(np.concatenate, zip(*map(_walk, shares), strict=True)))


def ended_by(origin: int, count: int = JUDGED) -> slice:
    """The newest origins whose windows had ended by the last day known at this one."""
    end = max(origin - TO_END + 1, 0)
    return slice(max(end - count, 0), end)


def choose(errors: Floats) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The place of the method with the least sum of errors in the windows ended by each origin; the first of equals.

    `errors` has the axes method, series, origin, null where a window has not ended or began too early.
    """
    before = np.pad(errors, ((0, 0), (0, 0), (JUDGED + TO_END - 1, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(before, JUDGED, axis=2)[:, :, : errors.shape[2]]
    sums = np.stack([np.nansum(each, axis=2) for each in windows])
    is_judged = ~np.isnan(windows[0]).all(axis=2)
    return np.where(is_judged, sums.argmin(axis=0), USUAL_METHOD)


def judge(walk: Walk, bounds: Floats) -> pl.DataFrame:
    """A row a series, of its 26 newest windows that have ended: how many there are, how many had their total within the
    interval, and the sum of absolute errors of the totals ÷ the sum of the totals, null where that is 0.

    `bounds`, in axes side, origin, are in units of the spread. Each window was forecast and bounded by those that had
    ended at its origin.
    """
    judged = ended_by(walk.forecast.shape[1] - 1)
    forecast, actual = walk.forecast[:, judged].sum(axis=2), walk.actual[:, judged].sum(axis=2)
    lower, upper = np.maximum(forecast + bounds[:, None, judged] * walk.spread[:, judged], 0)
    off = np.nansum(np.abs(forecast - actual), axis=1)
    demand = pl.Series(np.nansum(actual, axis=1))
    return pl.DataFrame(
        {
            "backtest_error_ratio": (pl.Series(off) / demand.replace(0.0, None)).round(10),
            "backtest_window_count": (~np.isnan(actual)).sum(axis=1),
            "backtest_covered_count": ((lower <= actual) & (actual <= upper)).sum(axis=1),
        }
    )


def _look_ahead(weeks: Floats, origins: int) -> Floats:
    """The 28 days after each origin, in axes series, origin, day; null if less than the week before it is known."""
    after = np.pad(weeks, ((0, 0), (0, TO_END), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(after, TO_END, axis=1)  # series, week, day, week ahead
    ends = np.arange(weeks.shape[1] - origins, weeks.shape[1]) + 1
    ahead = np.moveaxis(windows[:, ends], 3, 2).reshape(len(weeks), origins, HORIZON)
    return np.where(np.isnan(weeks[:, ends - 1, 0])[:, :, None], np.nan, ahead)


def _walk(history: Floats) -> Walk:
    weeks = fold(history)
    origins = min(weeks.shape[1], ORIGINS)
    past, actual = Past(weeks, origins), _look_ahead(weeks, origins)
    tried = [forecast_by(past) for forecast_by in METHODS.values()]
    actual_total = actual.sum(axis=2)
    method = choose(np.stack([np.abs(each.total() - actual_total).round(6) for each in tried]))  # equal is equal
    forecast = np.empty((len(history), origins, HORIZON))
    for place, each in enumerate(tried):
        taken = method == place
        days = each.weeks[taken][:, :, None] * each.days[taken][:, None, :]
        forecast[taken] = days.reshape(-1, HORIZON)
    return Walk(method, forecast, actual, measure_spread(past))
