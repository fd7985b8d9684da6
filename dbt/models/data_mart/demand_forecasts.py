"""What each store will use of each supply on each of the 28 days after the build's day, and how far that may be off.

Reads the units used each day, the recipes and the day of int_build_gate; leaves the table demand_forecasts. Methods are
tried as if it were each of the past weeks; a series takes the one that was least off in its windows of 28 days that had
ended by then (Tashman, "Out-of-sample tests of forecasting accuracy", 2000). The interval comes from the errors of all
series in the windows of a year, each in units of its own spread (split conformal prediction: Vovk, Gammerman and
Shafer, "Algorithmic Learning in a Random World", 2005), and widens where it has held too few of late (Gibbs and Candès,
"Adaptive conformal inference under distribution shift", 2021). docs/adr/0021 says why. dbt calls `model`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl

WEEK, HORIZON = 7, 28
TO_END = HORIZON // WEEK  # origins, a week apart, until the window of the first has ended
JUDGED, POOLED = 26, 52  # windows that choose the method and judge the forecasts; that give the interval
ORIGINS = 2 * JUDGED + POOLED + 3 * TO_END  # what is judged was chosen and bounded by windows that had ended before it
MEAN_WEEKS, TREND_WEEKS = 13, 26
LEVEL, TREND, DAMPING = 0.2, 0.05, 0.9  # of the weekly totals
KEPT_DAYS = (ORIGINS - 1 + TREND_WEEKS) * WEEK
LEAST_ERRORS = 100  # fewer say little of the tails
TAIL = 0.1  # of the errors shall lie below the interval, and as many above
MOST_TAIL, PACE = 0.5, 0.1  # of the share missed too often or too rarely in a week, what the next tails make good
NORMAL_UPPER = 1.2815515655446004  # the upper quantile of the normal law
UNITS = tuple(f"{which}_units{of_days}" for of_days in ("", "_until_day") for which in ("expected", "low", "high"))

Floats = np.ndarray[Any, np.dtype[np.float64]]


def repeat_last_week(known: Floats) -> Floats:
    """Each day is the same weekday of the last week; a weekday not seen yet is the mean of those that were."""
    return np.tile(_average_weekdays(known[:, -WEEK:]), TO_END)


def repeat_mean_week(known: Floats) -> Floats:
    """Each day is the mean of its weekday over 13 weeks."""
    return np.tile(_average_weekdays(known[:, -MEAN_WEEKS * WEEK :]), TO_END)


def follow_trend(known: Floats) -> Floats:
    """Weekly totals by exponential smoothing with a damped trend (Gardner and McKenzie, 1985), shared out by weekday.

    Reads the whole weeks of the last 26; without any, the level is that of the mean week.
    """
    weekdays = _average_weekdays(known[:, -MEAN_WEEKS * WEEK :])
    usual = weekdays.sum(axis=1)
    level, trend = np.full(len(known), np.nan), np.zeros(len(known))
    for total in _fold(known[:, -TREND_WEEKS * WEEK :]).sum(axis=2).T:
        expected = level + DAMPING * trend
        risen = expected + LEVEL * (total - expected)
        moved = TREND * (risen - level) + (1 - TREND) * DAMPING * trend
        trend = np.where(np.isnan(moved), trend, moved)
        level = np.where(np.isnan(level), total, risen)
    level = np.where(np.isnan(level), usual, level)
    damped = np.cumsum(DAMPING ** np.arange(1, TO_END + 1))
    weeks = np.maximum(level[:, None] + damped * trend[:, None], 0)
    shares = np.divide(weekdays, usual[:, None], out=np.full_like(weekdays, 1 / WEEK), where=usual[:, None] > 0)
    days: Floats = (weeks[:, :, None] * shares[:, None, :]).reshape(len(known), HORIZON)
    return days


METHODS = {"last_week": repeat_last_week, "mean_week": repeat_mean_week, "damped_trend": follow_trend}
USUAL_METHOD = list(METHODS).index("mean_week")  # of a series that no window has judged


class Walk(NamedTuple):
    """What was forecast at each origin, the oldest first and the last day known last; axes series, origin, day."""

    method: np.ndarray[Any, np.dtype[np.int64]]  # series, origin: place in METHODS
    forecast: Floats  # units
    actual: Floats  # units; null if the window has not ended, or if less than a week was known at the origin
    spread: Floats  # series, origin: standard deviation of the units of 28 days


def walk_through_time(history: Floats) -> Walk:
    """Forecast every series at each of the last 116 week ends, the last of them the last day, from the days until then.

    `history` is units by series and day, null before a series begins. A series' method at an origin is the one with the
    least sum of absolute errors of the 28-day total over the 26 newest windows that had ended.
    """
    series, days = history.shape
    ends = [end for end in range(days - (ORIGINS - 1) * WEEK, days + 1, WEEK) if end > 0]
    errors = np.full((len(METHODS), series, len(ends)), np.nan)
    forecast, actual = np.full((2, series, len(ends), HORIZON), np.nan)
    method, spread = np.zeros((series, len(ends)), dtype=np.int64), np.zeros((series, len(ends)))
    for origin, end in enumerate(ends):
        known = history[:, :end]
        tried = np.stack([forecast_by(known) for forecast_by in METHODS.values()])
        if end + HORIZON <= days and end >= WEEK:
            knows_a_week = ~np.isnan(known[:, -WEEK])
            actual[knows_a_week, origin] = history[knows_a_week, end : end + HORIZON]
        errors[:, :, origin] = np.abs(tried.sum(axis=2) - actual[:, origin].sum(axis=1))
        method[:, origin] = _choose(errors[:, :, _ended_by(origin)])
        forecast[:, origin] = tried[method[:, origin], np.arange(series)]
        spread[:, origin] = measure_spread(known)
    return Walk(method, forecast, actual, spread)


def measure_spread(known: Floats) -> Floats:
    """Standard deviation of the units of 28 days, by series: of the days around their weekday's mean, and of the level.

    The variance of 13 weeks is drawn towards the mean, which is a Poisson law's, as if by 13 weeks more. The level
    is taken to be unsure by one part in as many weeks as the series is known, 26 at most.
    """
    recent = known[:, -MEAN_WEEKS * WEEK :]
    weekdays = _average_weekdays(recent)
    count = (~np.isnan(recent)).sum(axis=1)
    squares = np.nansum((_fold(recent) - weekdays[:, None, :]) ** 2, axis=(1, 2))
    variance, mean = squares / np.maximum(count - WEEK, 1), weekdays.mean(axis=1)
    prior = MEAN_WEEKS * WEEK
    daily = (count * variance + prior * mean) / (count + prior)
    weeks = np.clip((~np.isnan(known)).sum(axis=1) / WEEK, 1, TREND_WEEKS)
    spread: Floats = np.sqrt(HORIZON * daily + (HORIZON * mean / weeks) ** 2)
    return spread


def bound_errors(errors: Floats, spread: Floats, normal: Floats, tails: Floats) -> tuple[Floats, Floats]:
    """How far below and above a forecast errors lie, in units of the spread, by figure; `tails` are left out.

    `errors` has the axes series, origin, figure. All series and origins are taken together, so that a young series is
    bounded too; if all are few, `normal` says it. A forecast lies within its own bounds.
    """
    scaled = errors[spread > 0] / spread[spread > 0, None]
    scaled = scaled[~np.isnan(scaled[:, -1])]
    if len(scaled) < LEAST_ERRORS:
        return -normal, normal
    lower, upper = np.quantile(scaled, [tails[0], 1 - tails[1]], axis=0)
    return np.minimum(lower, 0), np.maximum(upper, 0)


def bound_totals(walk: Walk) -> tuple[Floats, Floats]:
    """How far below and above its forecast a 28-day total lies, in units of the spread, and the tails left out for it.

    Both have the axes side, origin. Each week the tails move by a tenth of how much rarer than in one series of ten the
    window that has just ended was missed on that side, within 0 and a half.
    """
    missed, origins = (walk.actual - walk.forecast).sum(axis=2), walk.forecast.shape[1]
    bounds, tails = np.zeros((2, origins)), np.full((2, origins), TAIL)
    for origin in range(origins):
        past, ended = _ended_by(origin, POOLED), origin - TO_END
        if ended >= 0:
            error, spread = missed[:, ended], walk.spread[:, ended]
            counts = ~np.isnan(error) & (spread > 0)
            is_off = np.array([error < bounds[0, ended] * spread, error > bounds[1, ended] * spread])
            moved = PACE * (TAIL - is_off[:, counts].mean(axis=1)) if counts.any() else 0
            tails[:, origin] = np.clip(tails[:, origin - 1] + moved, 0, MOST_TAIL)
        lower, upper = bound_errors(
            missed[:, past, None], walk.spread[:, past], np.full(1, NORMAL_UPPER), tails[:, origin]
        )
        bounds[:, origin] = lower.item(), upper.item()
    return bounds, tails


def judge(walk: Walk, bounds: Floats) -> pl.DataFrame:
    """A row a series, of its 26 newest windows that have ended: how many there are, how many had their total within the
    interval, and the sum of absolute errors of the totals ÷ the sum of the totals, null where that is 0.

    Each window was forecast and bounded by those that had ended at its origin.
    """
    judged = _ended_by(walk.forecast.shape[1] - 1)
    forecast, actual = walk.forecast.sum(axis=2), walk.actual.sum(axis=2)
    lower, upper = np.maximum(forecast + bounds[:, None] * walk.spread, 0)
    is_covered = (lower <= actual) & (actual <= upper)
    off = np.nansum(np.abs(forecast - actual)[:, judged], axis=1)
    demand = pl.Series(np.nansum(actual[:, judged], axis=1))
    return pl.DataFrame(
        {
            "backtest_error_ratio": (pl.Series(off) / demand.replace(0.0, None)).round(10),
            "backtest_window_count": (~np.isnan(actual[:, judged])).sum(axis=1),
            "backtest_covered_count": is_covered[:, judged].sum(axis=1),
        }
    )


def lay_out(usage: pl.DataFrame, as_of: date) -> tuple[pl.DataFrame, Floats]:
    """The pairs of store and supply in the order of their ids, and their units by day until `as_of`.

    A day without use counts 0, so a closed one does. A series begins on the day by which its store had used anything
    and any store its supply, and is null before. The newest 987 days are kept: no origin reads further back.
    """
    ago = (pl.lit(as_of) - pl.col("usage_date")).dt.total_days().alias("ago")
    used = usage.drop_nulls().with_columns(ago).filter(pl.col("ago") >= 0)
    firsts = used.group_by("store_id", "supply_id").agg(pl.col("ago").max()).sort("store_id", "supply_id")
    ages = firsts.select(pl.min_horizontal(pl.col("ago").max().over(name) for name in ("store_id", "supply_id")) + 1)
    age = ages.to_series().to_numpy()
    days = min(KEPT_DAYS, age.max(initial=1))
    kept = (
        used.filter(pl.col("ago") < days)
        .join(firsts.select("store_id", "supply_id").with_row_index("row"), on=["store_id", "supply_id"])
        .group_by("row", "ago")
        .agg(pl.col("unit_count").sum())
    )
    history = np.zeros((firsts.height, days))
    history[kept["row"].to_numpy(), days - 1 - kept["ago"].to_numpy()] = kept["unit_count"].to_numpy()
    history[np.arange(days, 0, -1) > age[:, None]] = np.nan
    return firsts.select("store_id", "supply_id"), history


def forecast_demand(usage: pl.DataFrame, recipes: pl.DataFrame, as_of: date | None) -> pl.DataFrame:
    """One row per store, supply that the store has used until `as_of`, and each of the 28 days after it.

    `usage` has store_id, supply_id, usage_date and unit_count; `recipes` supply_id, valid_from_date, valid_to_date. The
    units are means, not whole numbers; of a supply that no recipe of those days holds they are 0, whatever was used.
    """
    day = as_of or date(1970, 1, 1)
    pairs, history = lay_out(usage if as_of else usage.clear(), day)
    walk = walk_through_time(history)
    bounds, tails = bound_totals(walk)
    judged, method = judge(walk, bounds), pl.Series("method", list(METHODS)).gather(walk.method[:, -1])
    ahead = pl.int_range(1, HORIZON + 1, eager=True).alias("days_ahead").to_frame()
    rows = pl.concat([pairs.with_columns(method), judged], how="horizontal").join(ahead, how="cross")
    rows = rows.with_columns(pl.Series(name, units.ravel()) for name, units in _bound_units(walk, tails[:, -1]).items())
    first, last = day + timedelta(days=1), day + timedelta(days=HORIZON)
    holds = (pl.col("valid_from_date") <= last) & (pl.col("valid_to_date") > first)
    is_used = pl.col("supply_id").is_in(recipes.filter(holds)["supply_id"].unique().implode())
    return rows.select(
        "store_id",
        "supply_id",
        (pl.lit(day) + pl.duration(days=pl.col("days_ahead"))).alias("forecast_date"),
        "days_ahead",
        *(pl.when(is_used).then(pl.col(name).round(6)).otherwise(0.0).alias(name) for name in UNITS),
        pl.when(is_used).then("method").otherwise(pl.lit("not_in_recipe")).alias("method"),
        *(pl.when(is_used).then(name) for name in judged.columns),
    )


def model(dbt: Any, session: Any) -> pl.DataFrame:  # noqa: ARG001  (dbt calls it with both)
    """The model as dbt calls it; int_build_gate says the day, and that everything before the marts has passed."""
    gate = dbt.ref("int_build_gate")  # dbt sees a ref only where it stands by itself
    usage = dbt.ref("fact_supply_usage")
    recipes = dbt.ref("bridge_products_supplies")
    return forecast_demand(
        usage.select("store_id, supply_id, usage_date, unit_count").pl(),
        recipes.select("supply_id, valid_from_date, valid_to_date").pl(),
        gate.select("as_of_date").pl()["as_of_date"].max(),
    )


def _bound_units(walk: Walk, tails: Floats) -> dict[str, Floats]:
    """The forecast of the last origin by UNITS, in axes series, day."""
    expected, spread, past = walk.forecast[:, -1], walk.spread[:, -1:], _ended_by(walk.forecast.shape[1] - 1, POOLED)
    errors = walk.actual[:, past] - walk.forecast[:, past]
    days = np.arange(1, HORIZON + 1)
    figures = (expected, errors, days**0), (expected.cumsum(axis=1), errors.cumsum(axis=2), days)
    found = []
    for units, missed, summed_days in figures:
        normal = NORMAL_UPPER * np.sqrt(summed_days / HORIZON)
        lower, upper = bound_errors(missed, walk.spread[:, past], normal, tails)
        found += [units, np.maximum(units + lower * spread, 0), units + upper * spread]
    return dict(zip(UNITS, found, strict=True))


def _ended_by(origin: int, count: int = JUDGED) -> slice:
    """The newest origins whose windows had ended by the last day known at this one."""
    end = max(origin - TO_END + 1, 0)
    return slice(max(end - count, 0), end)


def _choose(errors: Floats) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The place of the method with the least sum of errors; the first of equals. Axes method, series, origin."""
    sums = np.nansum(errors, axis=2)
    return np.where(np.isnan(errors).all(axis=(0, 2)), USUAL_METHOD, sums.argmin(axis=0))


def _fold(known: Floats) -> Floats:
    """Days as weeks that end on the last day, in axes series, week, day; null before the first."""
    missing = -known.shape[1] % WEEK
    weeks = (known.shape[1] + missing) // WEEK
    return np.pad(known, ((0, 0), (missing, 0)), constant_values=np.nan).reshape(len(known), weeks, WEEK)


def _average_weekdays(known: Floats) -> Floats:
    """The mean of each weekday, the day after the last one first; of all days where a weekday is not known."""
    weeks = _fold(known)
    counts, sums = (~np.isnan(weeks)).sum(axis=1), np.nansum(weeks, axis=1)
    days = counts.sum(axis=1)
    overall = np.divide(sums.sum(axis=1), days, out=np.full(len(known), np.nan), where=days > 0)
    means: Floats = np.where(counts > 0, sums / np.maximum(counts, 1), overall[:, None])
    return means
