"""How much a customer spends at once in each store: one row a store with orders."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts import Scale, Words, add_bars, add_labels, draw_canvas, draw_nothing
from reports.formats import Format, chart_name, count_of, format_compact, format_money, sentence_text
from reports.kpis.kpi import Column, Kpi
from reports.theme import TAX

TOP = 15


def write_headline(frame: pl.DataFrame) -> str:
    """The store with the highest average and, if another one is lower, the lowest."""
    ranked = frame.sort("average_order_gross_usd", descending=True, maintain_order=True).rows(named=True)
    if not ranked:
        return "No store has orders."
    first, last = ranked[0], ranked[-1]
    amount = format_money(first["average_order_gross_usd"])
    detail = f"{amount} gross ({format_money(first['average_order_net_usd'])} net)"
    name = sentence_text(first["store_name"])
    if last["average_order_gross_usd"] == first["average_order_gross_usd"]:
        return f"An order in {name} is {detail} on average" + ("." if len(ranked) == 1 else ", as in every store.")
    lowest = f"{sentence_text(last['store_name'])} the lowest: {format_money(last['average_order_gross_usd'])}"
    is_tied = ranked[1]["average_order_gross_usd"] == first["average_order_gross_usd"]
    lead = f"{name} is among the stores with the highest" if is_tied else f"{name} has the highest"
    return f"{lead} average order: {detail}; {lowest}."


def draw_chart(frame: pl.DataFrame) -> ggplot:
    """Net and gross average as one bar a store, the highest first."""
    top = frame.sort("average_order_gross_usd", descending=True, maintain_order=True).head(TOP)
    shown = f"; the {TOP} highest of {count_of(frame.height, 'store')}" if frame.height > TOP else ""
    words = Words(
        title="Average order per store",
        subtitle=f"Dark: net, before tax. Light: the tax on top, up to the gross amount{shown}",
        axis="Mean amount of an order, US dollars",
    )
    if top.is_empty():
        return draw_nothing(words)
    gross = top["average_order_gross_usd"].cast(pl.Float64).to_list()
    net = top["average_order_net_usd"].cast(pl.Float64).to_list()
    rows = top.rows(named=True)
    texts = [
        f" {format_money(row['average_order_gross_usd'])} gross  ·  {format_money(row['average_order_net_usd'])} net"
        for row in rows
    ]
    names = [_name(row) for row in rows]
    scale = Scale(reach=max(gross), tick=format_compact, labels=texts)
    return draw_canvas(names, words, scale) + add_bars(gross, TAX) + add_bars(net) + add_labels(gross, texts)


def _name(row: dict[str, Any]) -> str:
    return f"{chart_name(row['store_name'], row['store_id'])}\n{count_of(row['order_count'], 'order')}"


AVERAGE_ORDER_PER_STORE = Kpi(
    name="average_order_per_store",
    title="Average order per store",
    question="How much is an order worth in each store?",
    definition="All orders up to the report date, also those without items. The gross average is the mean of the "
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
