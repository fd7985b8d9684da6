"""Units of past days → at each week's end, three forecasts of the next 28 days, and how far chance takes their total.

An origin is the end of a week, and knows the days until then; the last origin is the last day. All of them are computed
at once: sums of weeks are differences of running sums, which are exact, for units are whole numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

WEEK, HORIZON = 7, 28
TO_END = HORIZON // WEEK  # origins, a week apart, until the window of the first has ended
MEAN_WEEKS, TREND_WEEKS = 13, 26
LEVEL, TREND, DAMPING = 0.2, 0.05, 0.9  # of the weekly totals

Floats = np.ndarray[Any, np.dtype[np.float64]]


class Forecast(NamedTuple):
    """Units of the days ahead: of day d in week w, weeks[…, w] times days[…, d]; axes series, origin."""

    weeks: Floats
    days: Floats

    def total(self) -> Floats:
        """Units of the 28 days."""
        units: Floats = self.weeks.sum(axis=2) * self.days.sum(axis=2)
        return units


class Past:
    """What was known at each origin; `weeks` has the axes series, week, day, and the last `origins` end at one."""

    def __init__(self, weeks: Floats, origins: int) -> None:
        self.ends = np.arange(weeks.shape[1] - origins, weeks.shape[1]) + 1
        units, totals = np.nan_to_num(weeks), weeks.sum(axis=2)
        self._counts, self._units, self._squares = map(_run_up, (~np.isnan(weeks), units, units**2))
        self.weeks_known = self._counts[:, self.ends].sum(axis=2) / WEEK
        padded = np.pad(totals, ((0, 0), (TREND_WEEKS, 0)), constant_values=np.nan)
        windows = np.lib.stride_tricks.sliding_window_view(padded, TREND_WEEKS, axis=1)
        self.totals = windows[:, self.ends]  # of the last 26 weeks, null where a day is
        self.mean_week = self.average_weekdays(MEAN_WEEKS)

    def average_weekdays(self, span: int) -> Floats:
        """The mean of each weekday over so many weeks, that after the origin first; of all days if it is not known."""
        counts, units = self._sum(self._counts, span), self._sum(self._units, span)
        days = counts.sum(axis=2)
        overall = np.divide(units.sum(axis=2), days, out=np.full(days.shape, np.nan), where=days > 0)
        means: Floats = np.where(counts > 0, units / np.maximum(counts, 1), overall[:, :, None])
        return means

    def count_days(self, span: int) -> Floats:
        """How many days of so many weeks are known."""
        days: Floats = self._sum(self._counts, span).sum(axis=2)
        return days

    def sum_squares(self, span: int) -> Floats:
        """The sum of squares of the days of so many weeks around the mean of their weekday."""
        counts, units = self._sum(self._counts, span), self._sum(self._units, span)
        around = self._sum(self._squares, span) - units**2 / np.maximum(counts, 1)
        squares: Floats = np.maximum(around, 0).sum(axis=2)
        return squares

    def _sum(self, running: Floats, span: int) -> Floats:
        sums: Floats = running[:, self.ends] - running[:, np.maximum(self.ends - span, 0)]
        return sums


def repeat_last_week(past: Past) -> Forecast:
    """Each day is the same weekday of the last week; a weekday not seen yet is the mean of those that were."""
    return _repeat(past.average_weekdays(1))


def repeat_mean_week(past: Past) -> Forecast:
    """Each day is the mean of its weekday over 13 weeks."""
    return _repeat(past.mean_week)


def follow_trend(past: Past) -> Forecast:
    """Weekly totals by exponential smoothing with a damped trend (Gardner and McKenzie, 1985), shared out by weekday.

    Reads the whole weeks of the last 26; without any, the level is that of the mean week.
    """
    usual = past.mean_week.sum(axis=2)
    level, trend = np.full(usual.shape, np.nan), np.zeros(usual.shape)
    for total in np.moveaxis(past.totals, 2, 0):
        expected = level + DAMPING * trend
        risen = expected + LEVEL * (total - expected)
        moved = TREND * (risen - level) + (1 - TREND) * DAMPING * trend
        trend = np.where(np.isnan(moved), trend, moved)
        level = np.where(np.isnan(level), total, risen)
    level = np.where(np.isnan(level), usual, level)
    damped = np.cumsum(DAMPING ** np.arange(1, TO_END + 1))
    weeks = np.maximum(level[:, :, None] + damped * trend[:, :, None], 0)
    even, is_used = np.full_like(past.mean_week, 1 / WEEK), usual[:, :, None] > 0
    return Forecast(weeks, np.divide(past.mean_week, usual[:, :, None], out=even, where=is_used))


METHODS = {"last_week": repeat_last_week, "mean_week": repeat_mean_week, "damped_trend": follow_trend}


def measure_spread(past: Past) -> Floats:
    """Standard deviation of the units of 28 days, by series and origin: of the days around their weekday's mean, and of
    the level.

    The variance of 13 weeks is drawn towards the mean, which is a Poisson law's, as if by 13 weeks more. The level
    is taken to be unsure by one part in as many weeks as the series is known, 26 at most.
    """
    count, mean = past.count_days(MEAN_WEEKS), past.mean_week.mean(axis=2)
    variance = past.sum_squares(MEAN_WEEKS) / np.maximum(count - WEEK, 1)
    prior = MEAN_WEEKS * WEEK
    daily = (count * variance + prior * mean) / (count + prior)
    weeks = np.clip(past.weeks_known, 1, TREND_WEEKS)
    spread: Floats = np.sqrt(HORIZON * daily + (HORIZON * mean / weeks) ** 2)
    return spread


def fold(history: Floats) -> Floats:
    """Days as weeks that end on the last day, in axes series, week, day; null before the first."""
    missing = -history.shape[1] % WEEK
    weeks = (history.shape[1] + missing) // WEEK
    return np.pad(history, ((0, 0), (missing, 0)), constant_values=np.nan).reshape(len(history), weeks, WEEK)


def _repeat(weekdays: Floats) -> Forecast:
    return Forecast(np.ones((*weekdays.shape[:2], TO_END)), weekdays)


def _run_up(values: Any) -> Floats:
    """The running sum by week, which begins with nothing."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1, WEEK))
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums
