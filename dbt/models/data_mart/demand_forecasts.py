"""What each store will use of each supply on each of the 28 days after the build's day, and how far that may be off.

Reads the units used each day, the recipes and the day of int_build_gate; leaves the table demand_forecasts. The methods,
their choice and their bounds stand in dbt/plugins/demand; docs/adr/0021 says why. dbt calls `model`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from demand.intervals import bound_days, bound_totals
from demand.methods import HORIZON, METHODS, TREND_WEEKS, WEEK, Floats
from demand.walk import ORIGINS, judge, walk_through_time

KEPT_DAYS = (ORIGINS - 1 + TREND_WEEKS) * WEEK
UNITS = tuple(f"{which}_units{of_days}" for of_days in ("", "_until_day") for which in ("expected", "low", "high"))


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
    numbered = firsts.select("store_id", "supply_id").with_row_index("row")
    kept = (
        used.filter(pl.col("ago") < days)
        .join(numbered, on=["store_id", "supply_id"])
        .select((pl.col("row").cast(pl.Int64) * days + days - 1 - pl.col("ago")).alias("place"), "unit_count")
    )
    units = np.bincount(kept["place"].to_numpy(), kept["unit_count"].to_numpy(), firsts.height * days)
    history = units.reshape(firsts.height, days).astype(float)
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
    bounds = bound_totals(walk)
    judged, method = judge(walk, bounds.totals), pl.Series("method", list(METHODS)).gather(walk.method[:, -1])
    ahead = pl.int_range(1, HORIZON + 1, eager=True).alias("days_ahead").to_frame()
    rows = pl.concat([pairs.with_columns(method), judged], how="horizontal").join(ahead, how="cross")
    figures = [units.ravel() for figure in bound_days(walk, bounds.widths[:, -1]) for units in figure]
    rows = rows.with_columns(pl.Series(name, units) for name, units in zip(UNITS, figures, strict=True))
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
