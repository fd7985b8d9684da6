"""What is sold: one row a product category."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_bars, add_labels
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing, tell_rest
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, amount_and_share, format_compact, format_money, format_value
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr, tr_many
from reports.names import chart_name, sentence_text

TOP = 15


def write_headline(frame: pl.DataFrame) -> str:
    """The category that brings most."""
    best = frame.sort("net_sales_usd", descending=True, maintain_order=True).head(2).rows(named=True)
    if not best or best[0]["net_sales_usd"] <= 0:
        return tr("No category has sales.")
    first, is_tied = best[0], len(best) > 1 and best[0]["net_sales_usd"] == best[1]["net_sales_usd"]
    said = {
        "category": sentence_text(first["category"]),
        "amount": format_money(first["net_sales_usd"]),
        "items": tr_many("{count} item", "{count} items", first["item_count"]),
        "share": format_value(first["share_of_net_sales_ratio"], Format.SHARE),
    }
    if is_tied:
        return tr(
            "Among the biggest categories so far is {category}: {amount} net for {items}, {share} of all items' net "
            "sales.",
            **said,
        )
    return tr(
        "The biggest category so far is {category}: {amount} net for {items}, {share} of all items' net sales.", **said
    )


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Net sales of each category with share and number of items."""
    top = frame.sort("net_sales_usd", descending=True, maintain_order=True).head(layout.rows(TOP))
    words = Words(
        title=tr("Sales by product category"),
        subtitle=join_sentences(
            tr("Net sales of all items sold so far, all time, and the share of all items' net sales."),
            tell_rest(layout.rows(TOP), frame.height),
        ),
        axis=tr("Net sales, {money}"),
    )
    if top.is_empty():
        return draw_nothing(words, layout, tr("No items sold so far"))
    values = top["net_sales_usd"].cast(pl.Float64).to_list()
    rows = top.rows(named=True)
    names = [_name(row) for row in rows]
    texts = [amount_and_share(row["net_sales_usd"], row["share_of_net_sales_ratio"]) for row in rows]
    scale = Scale(values, format_compact, texts)
    return draw_canvas(names, words, scale, layout) + add_bars(values, layout) + add_labels(values, texts, layout)


def _name(row: dict[str, Any]) -> str:
    items = tr_many("{count} item", "{count} items", row["item_count"])
    name = chart_name(row["category"], tr("(none)"))
    return f"{name}\n{items}"


SALES_BY_CATEGORY = Kpi(
    name="sales_by_category",
    title=mark("Sales by product category, all time"),
    question=mark("Which kinds of products bring the sales?"),
    definition=mark(
        "All items of orders up to the report date, by the category of the product. Net sales are the sum of the "
        "products' prices, before tax; the share is the category's part of the net sales of all categories."
    ),
    chart_shows=mark("Bar chart of the net sales of each product category with amount and share, the biggest first."),
    columns=(
        Column("category", "Category", Format.NAME),
        Column("item_count", "Items sold", Format.INTEGER),
        Column("net_sales_usd", "Net sales ({currency})", Format.USD),
        Column("share_of_net_sales_ratio", "Share of all items' net sales", Format.SHARE),
    ),
    totals=("item_count", "net_sales_usd"),
    headline=write_headline,
    chart=draw_chart,
)
