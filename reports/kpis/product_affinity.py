"""Which products are bought together: one row an ordered pair of products that share orders of the last year."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_bars, add_gaps, add_labels, add_marks
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing, tell_rest
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, format_plain_tick, format_quantity, format_share
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr, tr_many
from reports.names import chart_name, sentence_text

TOP = 12
BY_CHANCE = 1.0


def write_headline(frame: pl.DataFrame) -> str:
    """The pair that is together most beyond chance."""
    ranked = _ranked(frame)
    if not ranked or ranked[0]["lift"] <= BY_CHANCE:
        return tr("No two products share orders more often than by chance.")
    first = ranked[0]
    return tr_many(
        "{product} and {other} go together best: {share} of the orders with the first have the second too, {lift} "
        "times its share of all orders; {count} order.",
        "{product} and {other} go together best: {share} of the orders with the first have the second too, {lift} "
        "times its share of all orders; {count} orders.",
        first["order_count"],
        product=sentence_text(first["product_name"]),
        other=sentence_text(first["other_product_name"]),
        share=format_share(first["confidence_ratio"]),
        lift=format_quantity(first["lift"]),
    )


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Lift of each pair once, the highest at the top, and the lift of chance as a mark."""
    ranked = [row for row in _ranked(frame) if row["product_id"] <= row["other_product_id"]]
    rows = ranked[: layout.rows(TOP)]
    words = Words(
        title=tr("How much more often than by chance products are together"),
        subtitle=join_sentences(
            tr("Lift of each pair, with the orders that hold both."),
            tell_rest(layout.rows(TOP), len(ranked)),
        ),
        axis=tr("Lift"),
        mark=tr("by chance"),
    )
    if not rows:
        return draw_nothing(words, layout, tr("No pair of products shares enough orders"))
    lifts, marks = [row["lift"] for row in rows], [BY_CHANCE] * len(rows)
    texts = [_label(row) for row in rows]
    scale = Scale(lifts, format_plain_tick, texts, marks)
    chart = draw_canvas([_name(row) for row in rows], words, scale, layout)
    return (
        chart
        + add_bars(lifts, layout)
        + add_gaps(marks, layout)
        + add_marks(marks, layout)
        + add_labels(scale.ends, texts, layout)
    )


def rank_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """What is together most beyond chance comes first."""
    order = ["lift", "product_id", "other_product_id"]
    return frame.sort(order, descending=[True, False, False], nulls_last=True)


def _ranked(frame: pl.DataFrame) -> list[dict[str, Any]]:
    known = frame.filter(pl.col("lift").is_not_null() & pl.col("confidence_ratio").is_not_null())
    return rank_rows(known).rows(named=True)


def _name(row: dict[str, Any]) -> str:
    first = chart_name(row["product_name"], row["product_id"])
    return f"{first}\n{chart_name(row['other_product_name'], row['other_product_id'])}"


def _label(row: dict[str, Any]) -> str:
    orders = tr_many("{count} order", "{count} orders", row["order_count"])
    return f"{format_quantity(row['lift'])}  ·  {orders}"


PRODUCT_AFFINITY = Kpi(
    name="product_affinity",
    title=mark("Products bought together"),
    question=mark("Which products are bought together?"),
    definition=mark(
        "Orders of the last year that have an item; an order with the same product twice counts once. Support is the "
        "share of these orders that have both products, confidence the share of the orders with the first that have "
        "the second too, and lift is confidence over the second's share of all orders: above 1 they are together more "
        "often than by chance. Pairs in few orders are left out (min_affinity_orders). Lift says nothing of the "
        "reason, and is unsteady where orders are few."
    ),
    chart_shows=mark("Bar chart of the lift of each pair of products, the highest first, with the lift of chance."),
    columns=(
        Column("product_id", "Product id", Format.ID),
        Column("product_name", "Product", Format.NAME),
        Column("other_product_id", "Other product id", Format.ID),
        Column("other_product_name", "Other product", Format.NAME),
        Column("order_count", "Orders with both", Format.INTEGER),
        Column("support_ratio", "Support", Format.SHARE, on_paper=False),
        Column("confidence_ratio", "Confidence", Format.SHARE),
        Column("lift", "Lift", Format.QUANTITY),
    ),
    headline=write_headline,
    chart=draw_chart,
    rank=rank_rows,
)
