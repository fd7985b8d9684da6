"""What the kitchens use up: one row a store and supply used in the last year."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_bars, add_labels
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing, tell_rest
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, format_compact, format_money, format_quantity
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr, tr_many
from reports.names import chart_name, sentence_text
from reports.theme import MARK, NET

TOP = 12
ORDER = ["cost_usd", "store_id", "supply_id"]


def write_headline(frame: pl.DataFrame) -> str:
    """The supply that costs a store most."""
    ranked = rank_rows(frame).rows(named=True)
    if not ranked or ranked[0]["unit_count"] <= 0:
        return tr("No supplies were used in the last year.")
    first = ranked[0]
    said = {
        "supply": sentence_text(first["supply_name"]),
        "store": sentence_text(first["store_name"]),
        "amount": format_money(first["cost_usd"]),
        "units": _units(first),
    }
    if first["units_per_open_day"] is None:
        return tr("The supply that costs most is {supply} in {store}: {amount} for {units}.", **said)
    return tr(
        "The supply that costs most is {supply} in {store}: {amount} for {units}, {pace} per open day.",
        pace=format_quantity(first["units_per_open_day"]),
        **said,
    )


def rank_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """What costs a store most comes first."""
    return frame.sort(ORDER, descending=[True, False, False])


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Cost of the supplies that cost a store most, perishables in their own colour."""
    top = rank_rows(frame).head(layout.rows(TOP))
    words = Words(
        title=tr("Cost of supplies used, last year"),
        subtitle=join_sentences(tr("Per store and supply."), tell_rest(layout.rows(TOP), frame.height)),
        axis=tr("Cost, {money}"),
    )
    if top.is_empty():
        return draw_nothing(words, layout, tr("No supplies used in the last year"))
    rows = top.rows(named=True)
    values = top["cost_usd"].cast(pl.Float64).to_list()
    texts = [_label(row) for row in rows]
    colors = [MARK if row["is_perishable"] else NET for row in rows]
    scale = Scale(values, format_compact, texts)
    chart = draw_canvas([_name(row) for row in rows], words, scale, layout)
    return chart + add_bars(values, layout, colors) + add_labels(values, texts, layout)


def _name(row: dict[str, Any]) -> str:
    supply = chart_name(row["supply_name"], row["supply_id"])
    store = chart_name(row["store_name"], row["store_id"])
    where = tr("{store}, perishable", store=store) if row["is_perishable"] else store
    return f"{supply}\n{where}"


def _units(row: dict[str, Any]) -> str:
    return tr_many("{count} unit", "{count} units", row["unit_count"])


def _label(row: dict[str, Any]) -> str:
    return f"{format_money(row['cost_usd'])}  ·  {_units(row)}"


SUPPLY_USAGE = Kpi(
    name="supply_usage",
    title=mark("Supplies used"),
    question=mark("How much of each supply does each store use up, and what does it cost?"),
    definition=mark(
        "One unit for each item sold in the last year whose product's recipe held the supply on that day, at the cost "
        "of that day. Open days are the days on which the store had an order."
    ),
    chart_shows=mark("Bar chart of the supplies that cost a store most in the last year, with units."),
    columns=(
        Column("store_id", "Store id", Format.ID),
        Column("store_name", "Store", Format.NAME),
        Column("supply_id", "Supply id", Format.ID),
        Column("supply_name", "Supply", Format.NAME),
        Column("is_perishable", "Perishable", Format.FLAG, on_paper=False),
        Column("unit_count", "Units used", Format.INTEGER),
        Column("cost_usd", "Cost ({currency})", Format.USD),
        Column("units_per_open_day", "Units per open day", Format.QUANTITY, on_paper=False),
    ),
    totals=("cost_usd",),
    headline=write_headline,
    chart=draw_chart,
    rank=rank_rows,
)
