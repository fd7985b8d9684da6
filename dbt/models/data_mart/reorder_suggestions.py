"""What each store should order of each supply on the build's day, so that the next 28 days can be served.

Reads demand_forecasts, the newest stock counts, the stores, and the supplies with their terms; leaves the table
reorder_suggestions. An order fills the shelf up to the upper end of the 80 % interval of what is asked for until the
order's end: the order-up-to level of periodic review (Silver, Pyke and Thomas, "Inventory and Production Management in
Supply Chains", 2017). Deliveries under way are not known. docs/adr/0021 says why. dbt calls `model`.
"""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import polars as pl

HORIZON = 28
PAIR = ["store_id", "supply_id"]
SIDES = ("expected", "low", "high")
TERMS = ("lead_time_days", "shelf_life_days")


def suggest_orders(
    forecasts: pl.DataFrame, stock: pl.DataFrame, stores: pl.DataFrame, supplies: pl.DataFrame, as_of: date | None
) -> pl.DataFrame:
    """One row per store and supply that is forecast or was counted, in the order of their ids; counts are whole units.

    `forecasts` is demand_forecasts; `stock` has store_id, supply_id, on_hand_unit_count and counted_date; `stores` the
    names; `supplies` supply_name, is_perishable, lead_time_days and shelf_life_days, which is null of what keeps.
    units_on_hand is null without a count, the demand of a supply that was counted but never used, and then, or if the
    terms are not known, there is no suggestion and no waste.
    """
    named = (
        _gather_days(forecasts)
        .join(stock, on=PAIR, how="full", coalesce=True)
        .join(stores.select("store_id", "store_name"), on="store_id", how="left")
        .join(supplies.select("supply_id", "supply_name", "is_perishable", *TERMS), on="supply_id", how="left")
        .sort(PAIR)
        .with_columns(pl.lit(as_of, dtype=pl.Date).alias("as_of_date"))
    )
    return plan_orders(named).select(
        "store_id",
        pl.col("store_name").fill_null("(unknown store)"),
        "supply_id",
        pl.col("supply_name").fill_null("(unknown supply)"),
        "is_perishable",
        pl.col("on_hand_unit_count").alias("units_on_hand"),
        *_whole_demand(),
        *(pl.col(term).cast(pl.Int64) for term in TERMS),
        "suggested_order_unit_count",
        _round(pl.col("stock_waste_units") + pl.col("order_waste_units")).alias("expected_waste_unit_count"),
        pl.col("method").fill_null("no_history"),
        "backtest_error_ratio",
        "as_of_date",
    )


def plan_orders(pairs: pl.DataFrame) -> pl.DataFrame:
    """Adds the order of as_of_date's evening, and what of the stock and of the order should spoil within 28 days.

    An order is there after lead_time_days, for the days that follow: it does not serve what is asked for before. What
    spoils keeps for shelf_life_days, the stock since its count at best, and is used in the order in which it came. So
    an order has to last until it spoils, or to the 28th day; it brings what stock that keeps till used leaves uncovered.
    """
    is_perishable, lead = pl.col("is_perishable"), pl.col("lead_time_days").clip(0, HORIZON)
    age = (pl.col("as_of_date") - pl.col("counted_date")).dt.total_days()
    stock_spoils = pl.col("shelf_life_days") - age
    order_spoils = lead + pl.col("shelf_life_days")
    end = pl.when(is_perishable).then(order_spoils.clip(0, HORIZON)).when(~is_perishable).then(HORIZON)
    dated = pairs.with_columns(
        pl.col("on_hand_unit_count").clip(0).cast(pl.Float64).alias("stock_units"),
        *_demand_until(stock_spoils.clip(0, HORIZON), "stock"),
        *_demand_until(end, "order"),
        *_demand_until(lead, "lead"),
    )
    stock, before = pl.col("stock_units"), pl.col("lead_expected")
    waste = pl.when(is_perishable & (stock_spoils <= HORIZON)).then(expect_surplus(stock, "stock")).otherwise(stock * 0)
    stocked = dated.with_columns(waste.alias("stock_waste_units"))
    usable = stock - pl.col("stock_waste_units")
    covered = pl.when(usable >= before).then(usable).when(usable < before).then(before)
    missing = (pl.col("order_high").floor() - covered).clip(0).ceil()
    order = pl.when(end > lead).then(missing).when(end <= lead).then(missing * 0).cast(pl.Int64)
    ordered = stocked.with_columns(covered.alias("covered_units"), order.alias("suggested_order_unit_count"))
    suggested = pl.col("suggested_order_unit_count")
    left = expect_surplus(suggested + pl.col("covered_units"), "order").clip(0, suggested)
    spoilt = pl.when(is_perishable & (order_spoils <= HORIZON)).then(left).otherwise(suggested * 0)
    return ordered.with_columns(spoilt.alias("order_waste_units"))


def expect_surplus(units: pl.Expr, until: str) -> pl.Expr:
    """The mean of what is left of the units on the day `until`, if demand follows the logistic law with that interval.

    The integral of the law's distribution function; nine in ten of it lie below its mean and ln 9 times its scale.
    """
    expected, low, high = (pl.col(f"{until}_{side}") for side in SIDES)
    scale, over = (high - low) / (2 * math.log(9)), units - expected
    left = over.clip(0) + scale * ((-over.abs() / scale).exp() + 1).log()
    return pl.when(scale > 0).then(left).otherwise(over.clip(0)).clip(0, units)


def model(dbt: Any, session: Any) -> pl.DataFrame:  # noqa: ARG001  (dbt calls it with both)
    """The model as dbt calls it; int_build_gate says the day, and that everything before the marts has passed."""
    gate = dbt.ref("int_build_gate")  # dbt sees a ref only where it stands by itself
    forecasts = dbt.ref("demand_forecasts")
    stock = dbt.ref("fact_stock_on_hand")
    stores = dbt.ref("dim_stores")
    supplies = dbt.ref("dim_supplies")
    as_of = gate.select("as_of_date").pl()["as_of_date"].max()
    on_hand = stock.select("store_id, supply_id, on_hand_unit_count, counted_date").pl()
    return suggest_orders(forecasts.pl(), on_hand, stores.pl(), supplies.pl(), as_of)


def _gather_days(forecasts: pl.DataFrame) -> pl.DataFrame:
    """One row per pair: the units from the first day to each of the 28, as lists; the method and its error."""
    lists = (pl.col(f"{side}_units_until_day").alias(side) for side in SIDES)
    told = pl.col("method", "backtest_error_ratio").first()
    return forecasts.sort(*PAIR, "days_ahead").group_by(PAIR, maintain_order=True).agg(*lists, told)


def _demand_until(day: pl.Expr, name: str) -> list[pl.Expr]:
    """What is asked for until so many days ahead, as columns `name`_expected, _low and _high; null if none is known."""
    no_units = pl.col("expected").list.first() * 0
    return [
        pl.when(day > 0).then(pl.col(side).list.get(day - 1)).when(day == 0).then(no_units).alias(f"{name}_{side}")
        for side in SIDES
    ]


def _whole_demand() -> list[pl.Expr]:
    """The 28-day total and the whole numbers of its interval, which always holds the total itself."""
    expected, low, high = (pl.col(side).list.last() for side in SIDES)
    total = _round(expected)
    return [
        total.alias("demand_unit_count"),
        pl.min_horizontal(low.ceil().cast(pl.Int64), total).alias("demand_low_unit_count"),
        pl.max_horizontal(high.floor().cast(pl.Int64), total).alias("demand_high_unit_count"),
    ]


def _round(units: pl.Expr) -> pl.Expr:
    return (units + 0.5).floor().cast(pl.Int64)
