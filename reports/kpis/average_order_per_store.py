"""How much a customer spends at once in each store: one row a store with orders."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import Scale, Words, add_bars, add_labels, draw_canvas, draw_nothing
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, chart_name, count_of, format_compact, format_mean, sentence_text
from reports.kpis.kpi import Column, Kpi
from reports.theme import TAX

TOP = 15


def write_headline(frame: pl.DataFrame) -> str:
    """The range of the averages; which stores differ beyond chance is what `average_order_comparison` says."""
    ranked = frame.sort(["average_order_gross_usd", "store_id"], descending=[True, False]).rows(named=True)
    if not ranked:
        return "No store has orders."
    first, last = ranked[0], ranked[-1]
    detail = f"{_amount(first, 'gross')} gross ({_amount(first, 'net')} net)"
    if last["average_order_gross_usd"] == first["average_order_gross_usd"]:
        others = "" if len(ranked) == 1 else ", as in every store"
        return f"Of all orders so far, one in {sentence_text(first['store_name'])} was {detail} on average{others}."
    lowest = f"{_amount(last, 'gross')} in {sentence_text(last['store_name'])}"
    return f"Of all orders so far, the average goes from {lowest} to {detail} in {sentence_text(first['store_name'])}."


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Net and gross average as one bar a store, the highest first."""
    top = frame.sort("average_order_gross_usd", descending=True, maintain_order=True).head(TOP)
    shown = f"; the {TOP} highest of {count_of(frame.height, 'store')}" if frame.height > TOP else ""
    words = Words(
        title="Average order per store, all time",
        subtitle=f"Dark: net, before tax. Light: the tax on top, up to the gross amount{shown}",
        axis="Mean amount of an order, US dollars",
    )
    if top.is_empty():
        return draw_nothing(words, layout)
    gross = top["average_order_gross_usd"].cast(pl.Float64).to_list()
    net = top["average_order_net_usd"].cast(pl.Float64).to_list()
    rows = top.rows(named=True)
    texts = [f" {_amount(row, 'gross')} gross  ·  {_amount(row, 'net')} net" for row in rows]
    names = [_name(row) for row in rows]
    scale = Scale(reach=max(gross), tick=format_compact, labels=texts)
    return (
        draw_canvas(names, words, scale, layout)
        + add_bars(gross, layout, TAX)
        + add_bars(net, layout)
        + add_labels(gross, texts, layout)
    )


def _amount(row: dict[str, Any], kind: str) -> str:
    return format_mean(row[f"average_order_{kind}_usd"])


def _name(row: dict[str, Any]) -> str:
    return f"{chart_name(row['store_name'], row['store_id'])}\n{count_of(row['order_count'], 'order')}"


AVERAGE_ORDER_PER_STORE = Kpi(
    name="average_order_per_store",
    title="Average order per store, all time",
    question="How much is an order worth in each store?",
    definition="All orders up to the report date, not only those of the last year, and also those without items, which "
    "count as $0. The gross average is the mean of the "
    "order totals, tax included; the net average is the mean of the subtotals, before tax. Stores without orders are "
    "left out.",
    chart_shows="Bar chart of the mean order amount of each store, net and gross, the highest first.",
    columns=(
        Column("store_id", "Store id", Format.ID),
        Column("store_name", "Store", Format.NAME),
        Column("order_count", "Orders", Format.INTEGER),
        Column("average_order_gross_usd", "Average order, gross (USD)", Format.USD),
        Column("average_order_net_usd", "Average order, net (USD)", Format.USD),
    ),
    headline=write_headline,
    chart=draw_chart,
)
