"""How the tills round: orders whose tax is below or above the exact tax rounded to the cent; one row a store."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_bars, add_labels
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing, tell_rest
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, format_integer, format_mean, format_share, format_tick
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr, tr_many
from reports.names import chart_name
from reports.theme import MARK

TOP = 15


def write_headline(frame: pl.DataFrame) -> str:
    """How many orders are below and above the rounded tax, and what that says of the tills."""
    orders, below, above = (sum(frame[name].to_list()) for name in ("order_count", *_SIDES))
    if not orders:
        return tr("No order has a declared tax rate.")
    counted = {
        "orders": tr_many("{count} order", "{count} orders", orders),
        "below": format_integer(below),
        "above": format_integer(above),
    }
    if not below and not above:
        return tr("Of {orders} so far, all are taxed as the declared rate says, rounded to the cent.", **counted)
    if above:
        return tr("Of {orders} so far, {below} are taxed below the rounded exact tax and {above} above it.", **counted)
    return tr(
        "Of {orders} so far, {below} are taxed below the rounded exact tax and none above it: the tills cut off parts "
        "of a cent, they do not round. Together: {missing}.",
        missing=format_mean(sum(frame["missing_tax_usd"].to_list())),
        **counted,
    )


def rank_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """The store with most such orders comes first."""
    return frame.sort(["order_below_count", "store_id"], descending=[True, False])


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """The orders below the rounded tax of each store, the most first."""
    top = rank_rows(frame).head(layout.rows(TOP))
    words = Words(
        title=tr("Orders taxed below the rounded exact tax"),
        subtitle=join_sentences(
            tr("Orders so far whose tax is less than the exact tax rounded to the cent, and their share."),
            tell_rest(layout.rows(TOP), frame.height),
        ),
        axis=tr("Number of orders"),
    )
    rows = top.rows(named=True)
    values = [float(row["order_below_count"]) for row in rows]
    if not any(values):
        return draw_nothing(words, layout, tr("No order is taxed below the rounded exact tax"))
    texts = [_label(row) for row in rows]
    scale = Scale(values, format_tick, texts)
    names = [chart_name(row["store_name"], row["store_id"]) for row in rows]
    chart = draw_canvas(names, words, scale, layout)
    return chart + add_bars(values, layout, MARK) + add_labels(values, texts, layout)


def _label(row: dict[str, Any]) -> str:
    share = f"  ·  {format_share(row['order_below_count'] / row['order_count'])}" if row["order_count"] else ""
    return f"{format_integer(row['order_below_count'])}{share}"


_SIDES = ("order_below_count", "order_above_count")


TAX_ROUNDING = Kpi(
    name="tax_rounding",
    title=mark("Cents of tax, all time"),
    question=mark("Do the tills round the tax, or cut it off?"),
    definition=mark(
        "All orders up to the report date whose store had declared a rate on their day. The exact tax is that rate of "
        "the subtotal; an order counts as below or above it if the tax paid is less or more than the exact tax rounded "
        "to the cent, halves up. The missing tax is the rounded less the paid tax."
    ),
    chart_shows=mark(
        "Bar chart of the orders of each store that are taxed below the rounded exact tax, the most first."
    ),
    columns=(
        Column("store_id", "Store id", Format.ID),
        Column("store_name", "Store", Format.NAME),
        Column("order_count", "Orders", Format.INTEGER),
        Column("order_below_count", "Below the rounded tax", Format.INTEGER),
        Column("order_above_count", "Above it", Format.INTEGER),
        Column("missing_tax_usd", "Missing tax ({currency})", Format.USD),
    ),
    totals=("order_count", "order_below_count", "order_above_count", "missing_tax_usd"),
    headline=write_headline,
    chart=draw_chart,
    rank=rank_rows,
)
