"""How much a customer spends at once in each store: one row a store with orders."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_bars, add_labels
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing, tell_rest
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, format_compact, format_mean
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr, tr_many
from reports.names import chart_name, sentence_text
from reports.theme import PAPER, TAX

TOP = 15


def write_headline(frame: pl.DataFrame) -> str:
    """The range of the averages; which stores differ beyond chance is what `average_order_comparison` says."""
    return join_sentences(_write_range(frame), tr("Orders without items count as 0.") if frame.height else "")


def _write_range(frame: pl.DataFrame) -> str:
    ranked = frame.sort(["average_order_gross_usd", "store_id"], descending=[True, False]).rows(named=True)
    if not ranked:
        return tr("No store has orders.")
    first, last = ranked[0], ranked[-1]
    said = {
        "store": sentence_text(first["store_name"]),
        "gross": _amount(first, "gross"),
        "net": _amount(first, "net"),
    }
    if len(ranked) == 1:
        return tr("Of all orders so far, one in {store} was {gross} gross ({net} net) on average.", **said)
    if last["average_order_gross_usd"] == first["average_order_gross_usd"]:
        return tr(
            "Of all orders so far, one in {store} was {gross} gross ({net} net) on average, as in every store.", **said
        )
    return tr(
        "Of all orders so far, the average goes from {least} in {last} to {gross} gross ({net} net) in {store}.",
        least=_amount(last, "gross"),
        last=sentence_text(last["store_name"]),
        **said,
    )


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Net and gross average as one bar a store, the highest first."""
    top = frame.sort("average_order_gross_usd", descending=True, maintain_order=True).head(layout.rows(TOP))
    words = Words(
        title=tr("Average order per store, all time"),
        subtitle=join_sentences(
            tr("First the net amount, then the tax on top of it, up to gross."),
            tell_rest(layout.rows(TOP), frame.height),
        ),
        axis=tr("Mean amount of an order, {money}"),
    )
    if top.is_empty():
        return draw_nothing(words, layout, tr("No orders so far"))
    gross = top["average_order_gross_usd"].cast(pl.Float64).to_list()
    net = top["average_order_net_usd"].cast(pl.Float64).to_list()
    rows = top.rows(named=True)
    texts = [tr("{gross} gross  ·  {net} net", gross=_amount(row, "gross"), net=_amount(row, "net")) for row in rows]
    names = [_name(row) for row in rows]
    scale = Scale([*gross, *net], format_compact, texts)
    return (
        draw_canvas(names, words, scale, layout)
        + add_bars(gross, layout, TAX)
        + add_bars(net, layout, edge=PAPER)
        + add_labels(gross, texts, layout)
    )


def _amount(row: dict[str, Any], kind: str) -> str:
    return format_mean(row[f"average_order_{kind}_usd"])


def _name(row: dict[str, Any]) -> str:
    orders = tr_many("{count} order", "{count} orders", row["order_count"])
    return f"{chart_name(row['store_name'], row['store_id'])}\n{orders}"


AVERAGE_ORDER_PER_STORE = Kpi(
    name="average_order_per_store",
    title=mark("Average order per store, all time"),
    question=mark("How much is an order worth in each store?"),
    definition=mark(
        "All orders up to the report date, not only those of the last year, and also those without items, which count "
        "as 0. The gross average is the mean of the order totals, tax included; the net average is the mean of the "
        "subtotals, before tax. Stores without orders are left out."
    ),
    chart_shows=mark("Bar chart of the mean order amount of each store, net and gross, the highest first."),
    columns=(
        Column("store_id", "Store id", Format.ID),
        Column("store_name", "Store", Format.NAME),
        Column("order_count", "Orders", Format.INTEGER),
        Column("average_order_gross_usd", "Average order, gross ({currency})", Format.USD),
        Column("average_order_net_usd", "Average order, net ({currency})", Format.USD),
    ),
    headline=write_headline,
    chart=draw_chart,
)
