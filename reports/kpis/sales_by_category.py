"""What is sold: one row a product category."""

from __future__ import annotations

import polars as pl
from plotnine import ggplot

from reports.charts.bars import Scale, Words, add_bars, add_labels, draw_canvas, draw_nothing
from reports.charts.layout import WIDE, Layout
from reports.formats import (
    Format,
    amount_and_share,
    chart_name,
    count_of,
    format_compact,
    format_money,
    format_share,
    sentence_text,
)
from reports.kpis.kpi import Column, Kpi

TOP = 15


def write_headline(frame: pl.DataFrame) -> str:
    """The category that brings most."""
    best = frame.sort("net_sales_usd", descending=True, maintain_order=True).head(2).rows(named=True)
    if not best or best[0]["net_sales_usd"] <= 0:
        return "No category has sales."
    first, is_tied = best[0], len(best) > 1 and best[0]["net_sales_usd"] == best[1]["net_sales_usd"]
    share = first["share_of_net_sales_ratio"]
    part = f", {format_share(share)} of all items' net sales" if share is not None else ""
    lead = "Among the biggest categories so far is" if is_tied else "The biggest category so far is"
    items = count_of(first["item_count"], "item")
    return f"{lead} {sentence_text(first['category'])}: {format_money(first['net_sales_usd'])} net for {items}{part}."


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Net sales of each category with share and number of items."""
    top = frame.sort("net_sales_usd", descending=True, maintain_order=True).head(TOP)
    shown = f"; the {TOP} biggest of {frame.height:,} categories" if frame.height > TOP else ""
    words = Words(
        title="Sales by product category",
        subtitle=f"Net sales of all items sold so far, all time, and the share of all items' net sales{shown}",
        axis="Net sales, US dollars",
    )
    if top.is_empty():
        return draw_nothing(words, layout)
    values = top["net_sales_usd"].cast(pl.Float64).to_list()
    rows = top.rows(named=True)
    names = [f"{chart_name(row['category'], '(none)')}\n{count_of(row['item_count'], 'item')}" for row in rows]
    texts = [f" {amount_and_share(row['net_sales_usd'], row['share_of_net_sales_ratio'])}" for row in rows]
    scale = Scale(reach=max(values), tick=format_compact, labels=texts)
    return draw_canvas(names, words, scale, layout) + add_bars(values, layout) + add_labels(values, texts, layout)


SALES_BY_CATEGORY = Kpi(
    name="sales_by_category",
    title="Sales by product category, all time",
    question="Which kinds of products bring the sales?",
    definition="All items of orders up to the report date, by the category of the product. Net sales are the sum of "
    "the products' prices, before tax; the share is the category's part of the net sales of all categories.",
    chart_shows="Bar chart of the net sales of each product category with amount and share, the biggest first.",
    columns=(
        Column("category", "Category", Format.NAME),
        Column("item_count", "Items sold", Format.INTEGER),
        Column("net_sales_usd", "Net sales (USD)", Format.USD),
        Column("share_of_net_sales_ratio", "Share of all items' net sales", Format.SHARE),
    ),
    totals=("item_count", "net_sales_usd"),
    headline=write_headline,
    chart=draw_chart,
)
