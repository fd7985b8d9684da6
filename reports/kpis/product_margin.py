"""Which products earn the money: one row a product sold in the last year, the biggest margin first."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import Scale, Words, add_bars, add_labels, draw_canvas, draw_nothing
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, chart_name, count_of, format_compact, format_money, format_share, sentence_text
from reports.kpis.kpi import Column, Kpi
from reports.theme import MARK, NET

TOP = 15


def write_headline(frame: pl.DataFrame) -> str:
    """The product with the biggest margin, and the one that keeps the least of its price."""
    ranked = frame.sort(["margin_usd", "product_id"], descending=[True, False]).rows(named=True)
    if not ranked or ranked[0]["margin_usd"] <= 0:
        return "No product has a margin in the last year."
    first = ranked[0]
    share = first["share_of_margin_ratio"]
    part = f", {format_share(share)} of all margin" if share is not None else ""
    lead = f"{sentence_text(first['product_name'])} earns most: {format_money(first['margin_usd'])}{part}."
    known = [row for row in ranked if row["margin_ratio"] is not None]
    if len(known) < 2:  # noqa: PLR2004 - the lowest of one is no news
        return lead
    lowest = min(known, key=lambda row: row["margin_ratio"])
    kept = format_share(lowest["margin_ratio"])
    return f"{lead} The least of its price is left of {sentence_text(lowest['product_name'])}: {kept}."


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Margin of each product, with its part of the sales; the bar of a loss goes to the left, in its own colour."""
    top = frame.sort(["margin_usd", "product_id"], descending=[True, False]).head(TOP)
    shown = f"; the {TOP} biggest of {count_of(frame.height, 'product')}" if frame.height > TOP else ""
    words = Words(
        title="Margin per product, last year",
        subtitle=f"Prices less the cost of supplies, and what part of the prices that is{shown}",
        axis="Margin, US dollars",
    )
    if top.is_empty():
        return draw_nothing(words, layout)
    rows = top.rows(named=True)
    values = top["margin_usd"].cast(pl.Float64).to_list()
    ends = [max(value, 0.0) for value in values]
    colors = [NET if value >= 0 else MARK for value in values]
    texts = [_label(row) for row in rows]
    names = [chart_name(row["product_name"], row["product_id"]) for row in rows]
    floor = min(*values, 0.0)
    scale = Scale(reach=max(ends), tick=format_compact, labels=texts, floor=floor)
    chart = draw_canvas(names, words, scale, layout)
    return chart + add_bars(values, layout, colors) + add_labels(ends, texts, layout)


def _label(row: dict[str, Any]) -> str:
    ratio = row["margin_ratio"]
    part = f"  ·  {format_share(ratio)} of {format_money(row['net_sales_usd'])}" if ratio is not None else ""
    return f" {format_money(row['margin_usd'])}{part}"


PRODUCT_MARGIN = Kpi(
    name="product_margin",
    title="Margin per product",
    question="Which products earn the money, and what do their supplies cost?",
    definition="Items sold in the last year, with the price and the cost of supplies of the day of their order, before "
    "discounts and refunds. Margin is price less cost; perishables are the part of the cost that spoils. Items of "
    "products without a record count, but have neither price nor cost.",
    chart_shows="Bar chart of the margin of each product in the last year, the biggest first.",
    columns=(
        Column("product_id", "Product id", Format.ID),
        Column("product_name", "Product", Format.NAME),
        Column("category", "Category", Format.NAME),
        Column("item_count", "Items sold", Format.INTEGER),
        Column("net_sales_usd", "Net sales (USD)", Format.USD),
        Column("supply_cost_usd", "Cost of supplies (USD)", Format.USD),
        Column("perishable_cost_usd", "Of it perishable (USD)", Format.USD),
        Column("margin_usd", "Margin (USD)", Format.USD),
        Column("margin_ratio", "Margin of net sales", Format.SHARE),
        Column("perishable_cost_ratio", "Perishable part of cost", Format.SHARE),
        Column("share_of_margin_ratio", "Share of margin", Format.SHARE),
    ),
    totals=("item_count", "net_sales_usd", "supply_cost_usd", "perishable_cost_usd", "margin_usd"),
    headline=write_headline,
    chart=draw_chart,
)
