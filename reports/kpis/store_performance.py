"""How each store does: one row a known store, last year beside the year before."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_bars, add_labels
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing, tell_rest
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, format_compact, format_growth, format_money, format_share
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr, tr_many
from reports.names import chart_name, sentence_text
from reports.theme import MUTED, NET, PALE

TOP = 12
LAST_YEAR_BAND = (-0.08, 0.38)  # parts of a row's height: last year above, the year before as a thin bar under it
PREVIOUS_YEAR_BAND = (-0.34, -0.14)


def write_headline(frame: pl.DataFrame) -> str:
    """The store that sells most, and of those with two whole years the one that grew most."""
    ranked = frame.sort(["net_sales_usd", "store_id"], descending=[True, False]).rows(named=True)
    if not ranked or ranked[0]["net_sales_usd"] <= 0:
        return tr("No store has sales in the last year.")
    return join_sentences(_write_first(ranked[0]), _write_growth(ranked))


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Net sales of the last year, the year before as a thin bar; growth only where both years are whole ones."""
    top = frame.sort(["net_sales_usd", "store_id"], descending=[True, False]).head(layout.rows(TOP))
    words = Words(
        title=tr("Net sales per store"),
        subtitle=join_sentences(
            tr("The last year, with growth if open in both; below it the year before."),
            tell_rest(layout.rows(TOP), frame.height),
        ),
        axis=tr("Net sales, {money}"),
    )
    rows = top.rows(named=True)
    year = top["net_sales_usd"].cast(pl.Float64).to_list()
    before = top["net_sales_previous_year_usd"].cast(pl.Float64).to_list()
    if not any((*year, *before)):
        return draw_nothing(words, layout, tr("No sales in the last year, nor in the one before"))
    texts = [_label(row) for row in rows]
    before_texts = [
        tr("{amount} the year before", amount=format_money(row["net_sales_previous_year_usd"])) for row in rows
    ]
    scale = Scale([*year, *before], format_compact, [*texts, *before_texts])
    chart = draw_canvas([_name(row) for row in rows], words, scale, layout)
    chart += add_bars(before, layout, PALE, PREVIOUS_YEAR_BAND)
    chart += add_bars(year, layout, NET, LAST_YEAR_BAND)
    chart += add_labels(year, texts, layout, lift=0.15)
    chart += add_labels(before, before_texts, layout, MUTED, lift=-0.24)
    return chart


def _name(row: dict[str, Any]) -> str:
    orders = tr_many("{count} order", "{count} orders", row["order_count"])
    return f"{chart_name(row['store_name'], row['store_id'])}\n{orders}"


def _label(row: dict[str, Any]) -> str:
    is_told = row["is_comparable"] and row["growth_ratio"] is not None
    growth = f"  ·  {format_growth(row['growth_ratio'])}" if is_told else ""
    return f"{format_money(row['net_sales_usd'])}{growth}"


def _write_first(row: dict[str, Any]) -> str:
    said = {"store": sentence_text(row["store_name"]), "amount": format_money(row["net_sales_usd"])}
    if row["margin_ratio"] is None:
        return tr("{store} sells most: {amount} net.", **said)
    return tr(
        "{store} sells most: {amount} net, {share} of it margin.", share=format_share(row["margin_ratio"]), **said
    )


def _write_growth(rows: list[dict[str, Any]]) -> str:
    comparable = [row for row in rows if row["is_comparable"] and row["growth_ratio"] is not None]
    if not comparable:
        return ""
    best = max(comparable, key=lambda row: row["growth_ratio"])
    return tr(
        "Of the stores that were open both years, {store} did best: {growth} on the year before.",
        store=sentence_text(best["store_name"]),
        growth=format_growth(best["growth_ratio"]),
    )


STORE_PERFORMANCE = Kpi(
    name="store_performance",
    title=mark("Store performance"),
    question=mark("How does each store do, and does it grow?"),
    definition=mark(
        "Every known store in the last year, also those without orders. Open days are days with an order. Margin is "
        "the items' prices less discounts and the cost of their supplies; refunds are those of the last year, on their "
        "own day, and are taken off neither net sales nor margin. Growth compares with the 12 months before; a store "
        "is comparable if its first order is older than those."
    ),
    chart_shows=mark(
        "Bar chart of the net sales of each store, last year and year before, with growth if open in both."
    ),
    columns=(
        Column("store_id", "Store id", Format.ID),
        Column("store_name", "Store", Format.NAME),
        Column("opened_date", "Opened", Format.DATE, nullable=True, on_paper=False),
        Column("open_day_count", "Open days", Format.INTEGER, on_page=False),
        Column("customer_count", "Customers", Format.INTEGER, on_page=False),
        Column("order_count", "Orders", Format.INTEGER, on_paper=False),
        Column("net_sales_usd", "Net sales ({currency})", Format.USD),
        Column("refunds_usd", "Refunds ({currency})", Format.USD, on_paper=False),
        Column("tax_usd", "Tax paid ({currency})", Format.USD, on_page=False),
        Column("margin_usd", "Margin ({currency})", Format.USD, on_paper=False),
        Column("margin_ratio", "Margin of net sales", Format.SHARE),
        Column("orders_per_open_day", "Orders per open day", Format.QUANTITY, on_page=False),
        Column("average_order_net_usd", "Average order, net ({currency})", Format.USD, nullable=True, on_page=False),
        Column("net_sales_previous_year_usd", "Net sales, year before ({currency})", Format.USD),
        Column("growth_ratio", "Growth", Format.GROWTH),
        Column("is_comparable", "Open both years", Format.FLAG, on_paper=False),
    ),
    totals=("order_count", "net_sales_usd", "refunds_usd", "tax_usd", "margin_usd", "net_sales_previous_year_usd"),
    headline=write_headline,
    chart=draw_chart,
)
