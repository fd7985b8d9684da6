"""How the tills round: orders whose tax is below or above the exact tax rounded to the cent; one row a store."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import Scale, Words, add_bars, add_labels, draw_canvas, draw_nothing
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, chart_name, count_of, format_integer, format_mean, format_share
from reports.kpis.kpi import Column, Kpi
from reports.theme import MARK

TOP = 15


def write_headline(frame: pl.DataFrame) -> str:
    """How many orders are below and above the rounded tax, and what that says of the tills."""
    orders, below, above = (sum(frame[name].to_list()) for name in ("order_count", *_SIDES))
    if not orders:
        return "No order has a declared tax rate."
    if not below and not above:
        return f"All {count_of(orders, 'order')} so far are taxed as the declared rate says, rounded to the cent."
    counts = f"Of {count_of(orders, 'order')} so far, {format_integer(below)} are taxed below the rounded exact tax"
    if above:
        return f"{counts} and {format_integer(above)} above it."
    missing = format_mean(sum(frame["missing_tax_usd"].to_list()))
    return f"{counts} and none above it: the tills cut off parts of a cent, they do not round. Together: {missing}."


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """The orders below the rounded tax of each store, the most first."""
    top = frame.sort(["order_below_count", "store_id"], descending=[True, False]).head(TOP)
    shown = f"; the {TOP} with most of {count_of(frame.height, 'store')}" if frame.height > TOP else ""
    words = Words(
        title="Orders taxed below the rounded exact tax",
        subtitle=f"Orders so far whose tax is less than the exact tax rounded to the cent, and their share{shown}",
        axis="Number of orders",
    )
    if top.is_empty():
        return draw_nothing(words, layout)
    rows = top.rows(named=True)
    values = [float(row["order_below_count"]) for row in rows]
    texts = [_label(row) for row in rows]
    scale = Scale(reach=max(values), tick=lambda count: f"{count:,.0f}", labels=texts)
    names = [chart_name(row["store_name"], row["store_id"]) for row in rows]
    chart = draw_canvas(names, words, scale, layout)
    return chart + add_bars(values, layout, MARK) + add_labels(values, texts, layout)


def _label(row: dict[str, Any]) -> str:
    share = f"  ·  {format_share(row['order_below_count'] / row['order_count'])}" if row["order_count"] else ""
    return f"  {format_integer(row['order_below_count'])}{share}"


_SIDES = ("order_below_count", "order_above_count")

TAX_ROUNDING = Kpi(
    name="tax_rounding",
    title="Cents of tax, all time",
    question="Do the tills round the tax, or cut it off?",
    definition="All orders up to the report date whose store had declared a rate on their day. The exact tax is that "
    "rate of the subtotal; an order counts as below or above it if the tax paid is less or more than the exact tax "
    "rounded to the cent, halves up. The missing tax is the rounded less the paid tax.",
    chart_shows="Bar chart of the orders of each store that are taxed below the rounded exact tax, the most first.",
    columns=(
        Column("store_id", "Store id", Format.ID),
        Column("store_name", "Store", Format.NAME),
        Column("order_count", "Orders", Format.INTEGER),
        Column("order_below_count", "Below the rounded tax", Format.INTEGER),
        Column("order_above_count", "Above it", Format.INTEGER),
        Column("missing_tax_usd", "Missing tax (USD)", Format.USD),
    ),
    totals=("order_count", "order_below_count", "order_above_count", "missing_tax_usd"),
    headline=write_headline,
    chart=draw_chart,
)
