"""What a product should cost: one row a product, its price, its cost and the price for the margin that is wanted."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_bars, add_gaps, add_labels, add_marks
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing, tell_rest
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, format_compact, format_integer, format_money, format_share
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr, tr_many
from reports.names import chart_name, sentence_text

TOP = 15


def write_headline(frame: pl.DataFrame) -> str:
    """How many products are cheaper than the margin asks for, and which by most."""
    rows = frame.sort("product_id").rows(named=True)
    if not rows:
        return tr("No product has a price.")
    cheap = [row for row in rows if row["price_usd"] < row["target_price_usd"]]
    if not cheap:
        products = tr_many("{count} product", "{count} products", len(rows))
        return tr("Every price leaves the margin that is wanted: {products}.", products=products)
    worst = max(cheap, key=lambda row: row["target_price_usd"] - row["price_usd"])
    return tr_many(
        "{count} of {all} products costs less than the margin asks for; furthest is {product}: {price}, and {target} "
        "would do.",
        "{count} of {all} products cost less than the margin asks for; furthest is {product}: {price}, and {target} "
        "would do.",
        len(cheap),
        all=format_integer(len(rows)),
        product=sentence_text(worst["product_name"]),
        price=format_money(worst["price_usd"]),
        target=format_money(worst["target_price_usd"]),
    )


def rank_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """What sells most comes first."""
    return frame.sort(["item_count_last_year", "product_id"], descending=[True, False])


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Price as a bar, the least price for the wanted margin as a mark; what sells most comes first."""
    top = rank_rows(frame).head(layout.rows(TOP))
    words = Words(
        title=tr("Price and least price for the margin"),
        subtitle=join_sentences(
            tr("The price of each product, and what part of it is margin."), tell_rest(layout.rows(TOP), frame.height)
        ),
        axis=tr("Price before tax, {money}"),
        mark=tr("least price for the margin that is wanted"),
    )
    if top.is_empty():
        return draw_nothing(words, layout, tr("No product has a price"))
    rows = top.rows(named=True)
    prices = top["price_usd"].cast(pl.Float64).to_list()
    targets = top["target_price_usd"].cast(pl.Float64).to_list()
    texts = [_label(row) for row in rows]
    names = [chart_name(row["product_name"], row["product_id"]) for row in rows]
    scale = Scale(prices, format_compact, texts, targets)
    return (
        draw_canvas(names, words, scale, layout)
        + add_bars(prices, layout)
        + add_gaps(targets, layout)
        + add_marks(targets, layout)
        + add_labels(scale.ends, texts, layout)
    )


def _label(row: dict[str, Any]) -> str:
    price, ratio = format_money(row["price_usd"]), row["unit_margin_ratio"]
    return tr("{price}  ·  margin {share}", price=price, share=format_share(ratio)) if ratio is not None else price


PRICE_GUIDE = Kpi(
    name="price_guide",
    title=mark("Price guide"),
    question=mark("Is each price right, and what did the last change do?"),
    definition=mark(
        "Price and cost of supplies of each product on the report date. The target price is the least one, in cents, "
        "that leaves the margin that is wanted (target_margin_ratio of the dbt project). Items per day are those of "
        "the 28 days before the last change of price and of the 28 days from it on, as far as there are orders."
    ),
    chart_shows=mark("Bar chart of the price of each product with the least price for the wanted margin marked."),
    columns=(
        Column("product_id", "Product id", Format.ID),
        Column("product_name", "Product", Format.NAME),
        Column("category", "Category", Format.NAME, on_page=False),
        Column("price_usd", "Price ({currency})", Format.USD),
        Column("unit_supply_cost_usd", "Cost of supplies ({currency})", Format.USD, on_paper=False),
        Column("unit_margin_usd", "Margin ({currency})", Format.USD, on_page=False),
        Column("unit_margin_ratio", "Margin of price", Format.SHARE),
        Column("target_price_usd", "Target price ({currency})", Format.USD),
        Column("item_count_last_year", "Items sold, last year", Format.INTEGER),
        Column("last_price_change_date", "Last price change", Format.DATE, nullable=True, on_paper=False),
        Column("price_before_usd", "Price before ({currency})", Format.USD, nullable=True, on_paper=False),
        Column("items_per_day_before", "Items per day before", Format.QUANTITY, on_paper=False),
        Column("items_per_day_after", "Items per day after", Format.QUANTITY, on_paper=False),
    ),
    headline=write_headline,
    chart=draw_chart,
    rank=rank_rows,
)
