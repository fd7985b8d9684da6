"""Which products earn the money: one row a product sold in the last year, the biggest margin first."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_bars, add_labels
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing, tell_rest
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, format_compact, format_money, format_share
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr
from reports.names import chart_name, sentence_text
from reports.theme import MARK, NET

TOP = 15


def write_headline(frame: pl.DataFrame) -> str:
    """The product with the biggest margin, and the one that keeps the least of its price."""
    ranked = frame.sort(["margin_usd", "product_id"], descending=[True, False]).rows(named=True)
    if not ranked or ranked[0]["margin_usd"] <= 0:
        return tr("No product has a margin in the last year.")
    return join_sentences(_write_first(ranked[0]), _write_lowest(ranked))


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Margin of each product, with its part of the sales; the bar of a loss goes to the left, in its own colour."""
    top = frame.sort(["margin_usd", "product_id"], descending=[True, False]).head(layout.rows(TOP))
    words = Words(
        title=tr("Margin per product, last year"),
        subtitle=join_sentences(
            tr("Prices less the cost of supplies, and what part of the prices that is."),
            tell_rest(layout.rows(TOP), frame.height),
        ),
        axis=tr("Margin, {money}"),
    )
    if top.is_empty():
        return draw_nothing(words, layout, tr("No items sold in the last year"))
    rows = top.rows(named=True)
    values = top["margin_usd"].cast(pl.Float64).to_list()
    colors = [NET if value >= 0 else MARK for value in values]
    texts = [_label(row) for row in rows]
    names = [chart_name(row["product_name"], row["product_id"]) for row in rows]
    scale = Scale(values, format_compact, texts)
    chart = draw_canvas(names, words, scale, layout)
    return chart + add_bars(values, layout, colors) + add_labels(values, texts, layout)


def _label(row: dict[str, Any]) -> str:
    margin, ratio = format_money(row["margin_usd"]), row["margin_ratio"]
    if ratio is None:
        return margin
    sales = format_money(row["net_sales_usd"])
    return tr("{margin}  ·  {share} of {sales}", margin=margin, share=format_share(ratio), sales=sales)


def _write_first(row: dict[str, Any]) -> str:
    said = {"product": sentence_text(row["product_name"]), "amount": format_money(row["margin_usd"])}
    if row["share_of_margin_ratio"] is None:
        return tr("{product} earns most: {amount}.", **said)
    return tr("{product} earns most: {amount}, {share} of all margin.", share=_share(row), **said)


def _share(row: dict[str, Any]) -> str:
    return format_share(row["share_of_margin_ratio"])


def _write_lowest(rows: list[dict[str, Any]]) -> str:
    known = [row for row in rows if row["margin_ratio"] is not None]
    if len(known) < 2:  # noqa: PLR2004 - the lowest of one is no news
        return ""
    lowest = min(known, key=lambda row: row["margin_ratio"])
    return tr(
        "The least of its price is left of {product}: {share}.",
        product=sentence_text(lowest["product_name"]),
        share=format_share(lowest["margin_ratio"]),
    )


PRODUCT_MARGIN = Kpi(
    name="product_margin",
    title=mark("Margin per product"),
    question=mark("Which products earn the money, and what do their supplies cost?"),
    definition=mark(
        "Items sold in the last year, with the price and the cost of supplies of the day of their order, before "
        "discounts and refunds. Margin is price less cost; perishables are the part of the cost that spoils. Items of "
        "products without a record count, but have neither price nor cost."
    ),
    chart_shows=mark("Bar chart of the margin of each product in the last year, the biggest first."),
    columns=(
        Column("product_id", "Product id", Format.ID),
        Column("product_name", "Product", Format.NAME),
        Column("category", "Category", Format.NAME, on_paper=False),
        Column("item_count", "Items sold", Format.INTEGER),
        Column("net_sales_usd", "Net sales ({currency})", Format.USD),
        Column("supply_cost_usd", "Cost of supplies ({currency})", Format.USD, on_paper=False),
        Column("perishable_cost_usd", "Of it perishable ({currency})", Format.USD, on_paper=False),
        Column("margin_usd", "Margin ({currency})", Format.USD),
        Column("margin_ratio", "Margin of net sales", Format.SHARE),
        Column("perishable_cost_ratio", "Perishable part of cost", Format.SHARE, on_paper=False),
        Column("share_of_margin_ratio", "Share of margin", Format.SHARE, on_paper=False),
    ),
    totals=("item_count", "net_sales_usd", "supply_cost_usd", "perishable_cost_usd", "margin_usd"),
    headline=write_headline,
    chart=draw_chart,
)
