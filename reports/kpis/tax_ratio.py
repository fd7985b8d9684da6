"""Whether the tax that was paid fits the declared rates: one row a store, then one for all stores (no store id)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_bars, add_gaps, add_labels, add_marks
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing, tell_biggest
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, format_money, format_percent_tick, format_points, format_rate
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr
from reports.names import chart_name, sentence_text
from reports.theme import NET, TOTAL

TOP = 15
ALL_STORES = "All stores"


def write_headline(frame: pl.DataFrame) -> str:
    """Tax, sales and rate of all stores, and the store that is furthest from its declared rate."""
    stores, total = _split(frame)
    return join_sentences(*(_write_total(row) for row in total), _write_gap(stores)) or tr("No store has sales.")


def rank_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """The highest rate comes first, all stores last."""
    by = [pl.col("store_id").is_null(), -pl.col("effective_tax_ratio").fill_null(0.0)]
    return frame.sort(*by, maintain_order=True)


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Effective rate as a bar, declared rate as a mark, the highest rate first and all stores last."""
    stores, total = _split(frame)
    biggest = sorted(stores, key=lambda row: row["net_sales_usd"], reverse=True)[: layout.rows(TOP)]
    rows = [*rank_rows(pl.DataFrame(biggest, schema=frame.schema)).iter_rows(named=True), *total]
    words = Words(
        title=tr("Effective and declared tax rate per store"),
        subtitle=join_sentences(
            tr("Tax paid ÷ net sales. In brackets: the difference from the declared rate, percentage points."),
            tell_biggest(layout.rows(TOP), len(stores)),
        ),
        axis=tr("Tax, percent of net sales"),
        mark=tr("declared rate"),
    )
    if not rows:
        return draw_nothing(words, layout, tr("No net sales so far"))
    rates = [row["effective_tax_ratio"] or 0.0 for row in rows]
    declared = [row["declared_tax_ratio"] for row in rows]
    texts = [_label(row) for row in rows]
    scale = Scale(rates, format_percent_tick, texts, declared)
    colors = [NET if row["store_id"] is not None else TOTAL for row in rows]
    chart = draw_canvas([_name(row) for row in rows], words, scale, layout)
    return (
        chart
        + add_bars(rates, layout, colors)
        + add_gaps(declared, layout)
        + add_marks(declared, layout)
        + add_labels(scale.ends, texts, layout)
    )


def _split(frame: pl.DataFrame) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows = frame.rows(named=True)
    return [row for row in rows if row["store_id"] is not None], [row for row in rows if row["store_id"] is None]


def _name(row: dict[str, Any]) -> str:
    return chart_name(row["store_name"], row["store_id"] or ALL_STORES)


def _label(row: dict[str, Any]) -> str:
    if row["effective_tax_ratio"] is None:
        return tr("no net sales")
    gap = f"  ({format_points(row['difference_ratio'])})" if row["difference_ratio"] is not None else ""
    return f"{format_rate(row['effective_tax_ratio'])}{gap}"


def _write_total(row: dict[str, Any]) -> str:
    rate = row["effective_tax_ratio"]
    said = {"tax": format_money(row["tax_usd"]), "sales": format_money(row["net_sales_usd"])}
    if rate is None:
        return tr("So far customers paid {tax} tax on {sales} net sales.", **said)
    return tr("So far customers paid {tax} tax on {sales} net sales, {rate}.", rate=format_rate(rate), **said)


def _write_gap(stores: Sequence[dict[str, Any]]) -> str:
    known = [row for row in stores if row["difference_ratio"] is not None]
    if not known:
        return ""
    widest = max(known, key=lambda row: abs(row["difference_ratio"]))
    gap = format_points(widest["difference_ratio"])
    if gap == format_points(0.0):
        return tr("Every store is at its declared rate.")
    return tr(
        "Furthest from its declared rate is {store}: {gap} percentage points.",
        store=sentence_text(widest["store_name"]),
        gap=gap,
    )


TAX_RATIO = Kpi(
    name="tax_ratio",
    title=mark("Tax against sales, all time"),
    question=mark("Does the tax that customers paid fit the declared rates?"),
    definition=mark(
        "All orders up to the report date. The effective rate is the tax paid divided by net sales; the declared rate "
        "is what should have been paid: the rate that the store declared on the day of each order, their mean weighted "
        "by net sales. The difference is effective minus declared, in percentage points. How the tills treat parts of "
        "a cent is under Cents of tax."
    ),
    chart_shows=mark(
        "Bar chart of the effective tax rate of each store and of all stores, with the declared rate marked."
    ),
    columns=(
        Column("store_id", "Store id", Format.ID, nullable=True),
        Column("store_name", "Store", Format.NAME),
        Column("tax_usd", "Tax paid ({currency})", Format.USD),
        Column("net_sales_usd", "Net sales ({currency})", Format.USD, on_paper=False),
        Column("effective_tax_ratio", "Effective rate", Format.RATE),
        Column("declared_tax_ratio", "Declared rate", Format.RATE),
        Column("difference_ratio", "Difference (points)", Format.POINTS),
    ),
    headline=write_headline,
    chart=draw_chart,
    rank=rank_rows,
)
