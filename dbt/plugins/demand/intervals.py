"""How far a forecast may be off: the errors of all series in the windows of a year, wider where too few were held of
late.

Errors are pooled in units of each series' own spread (split conformal prediction: Vovk, Gammerman and Shafer,
"Algorithmic Learning in a Random World", 2005). Stores rise and fall together, so a year holds few independent windows,
and a tenth of its errors is no tenth of the next ones'. So what was missed too often, or too rarely, in the last half
year is paid back by the width of the next intervals (error integration: Angelopoulos, Candès and Tibshirani, "Conformal
PID control for time series prediction", 2023), and windows that have not ended count by the weeks of them that have.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from demand.methods import HORIZON, TO_END, WEEK, Floats
from demand.walk import JUDGED, POOLED, Walk, ended_by

TAIL = 0.1  # of the errors shall lie below the interval, and as many above
LEAST_ERRORS = 100  # fewer say little of the tails
NORMAL_UPPER = 1.2815515655446004  # the upper quantile of the normal law
LEAST_REACH = 0.25  # of the normal law's bounds, where all errors are on one side: what is nothing cannot be widened
GAIN, WIDEST = 1.25, 6.0  # of the logarithm of the width, by window missed beyond its tail; most and least width
REMEMBERED = JUDGED - 1  # windows begun before an origin: with its own, those that a judgement will be of


class Bounds(NamedTuple):
    """How far below and above its forecast a 28-day total lies, in units of the spread, and the widths in that.

    Both in axes side, origin.
    """

    totals: Floats
    widths: Floats


def bound_errors(scaled: Floats, normal: Floats) -> Floats:
    """How far below and above a forecast errors lie that are given in units of the spread, by figure, tails left out.

    `scaled` has the axes figure, error; all series and origins are taken together, so that a young series is bounded
    too. If all are few, `normal` says it. A forecast lies within its own bounds. Leaves the axes side, figure.
    """
    if scaled.shape[1] < LEAST_ERRORS:
        return np.stack([-normal, normal])
    lower, upper = np.quantile(scaled, [TAIL, 1 - TAIL], axis=1)
    least = LEAST_REACH * normal
    return np.stack([np.minimum(lower, -least), np.maximum(upper, least)])


def bound_totals(walk: Walk) -> Bounds:
    """Bound the total of each origin's 28 days by the windows, and weeks of windows, that had ended by then.

    A window is missed on a side by the share of series beyond the bounds that it had, less a tenth. The logarithm of
    the width is what the 25 newest windows missed, times GAIN.
    """
    actual, forecast = _sum_up(walk.actual), _sum_up(walk.forecast)
    scaled, origins = scale_errors(actual - forecast, walk.spread), walk.forecast.shape[1]
    normal = NORMAL_UPPER * np.sqrt(np.arange(1, TO_END + 1) / TO_END)
    missed, widths, bounds = np.zeros((2, origins)), np.ones((2, origins)), np.zeros((2, origins, TO_END))
    for origin in range(origins):
        for week in range(min(TO_END, origin)):
            begun = origin - 1 - week
            reach = bounds[:, begun, week, None] * walk.spread[:, begun]
            missed[:, begun] = _miss(actual[:, begun, week], forecast[:, begun, week], reach)
        remembered = missed[:, max(origin - REMEMBERED, 0) : origin].sum(axis=1)
        widths[:, origin] = np.clip(np.exp(GAIN * remembered), 1 / WIDEST, WIDEST)
        pooled = bound_errors(pool_errors(scaled, origin), normal)
        bounds[:, origin] = pooled * widths[:, origin, None]
    return Bounds(bounds[:, :, -1], widths)


def bound_days(walk: Walk, widths: Floats) -> list[tuple[Floats, Floats, Floats]]:
    """The forecast of the last origin and its bounds, in axes series, day: units of each day, and units until each day.

    `widths` are those of the two sides.
    """
    expected, spread, past = walk.forecast[:, -1], walk.spread[:, -1:], ended_by(walk.forecast.shape[1] - 1, POOLED)
    errors, days = walk.actual[:, past] - walk.forecast[:, past], np.arange(1, HORIZON + 1)
    figures = (expected, errors, days**0), (expected.cumsum(axis=1), errors.cumsum(axis=2), days)
    found = []
    for units, missed, summed_days in figures:
        normal = NORMAL_UPPER * np.sqrt(summed_days / HORIZON)
        pooled = np.concatenate(scale_errors(missed, walk.spread[:, past]) or [np.empty((HORIZON, 0))], axis=1)
        lower, upper = bound_errors(pooled, normal) * widths[:, None]
        found.append((units, np.maximum(units + lower * spread, 0), units + upper * spread))
    return found


def scale_errors(errors: Floats, spread: Floats) -> list[Floats]:
    """By origin, the errors of the series whose window has ended, in units of their spread, in axes figure, series."""
    scaled = []
    for missed, each in zip(np.moveaxis(errors, 1, 0), spread.T, strict=True):
        counts = (each > 0) & ~np.isnan(missed[:, -1])
        scaled.append(np.ascontiguousarray((missed[counts] / each[counts, None]).T))
    return scaled


def pool_errors(scaled: list[Floats], origin: int) -> Floats:
    """The errors of the windows of a year that had ended by an origin, in axes figure, error."""
    past = scaled[ended_by(origin, POOLED)]
    return np.concatenate(past, axis=1) if past else np.empty((TO_END, 0))


def _sum_up(units: Floats) -> Floats:
    """Units from the first day to the end of each week."""
    sums: Floats = units.cumsum(axis=2)[:, :, WEEK - 1 :: WEEK]
    return sums


def _miss(actual: Floats, forecast: Floats, reach: Floats) -> Floats:
    """On each side, how much more than a tenth of the series lies beyond the bounds; nothing if none is known."""
    known = ~np.isnan(actual)
    if not known.any():
        return np.zeros(2)
    lower, upper = np.maximum(forecast + reach, 0)
    is_off = np.array([actual < lower, actual > upper])
    missed: Floats = is_off[:, known].mean(axis=1) - TAIL
    return missed
