"""What the kitchens use up: one row a store and supply used in the last year."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import Scale, Words, add_bars, add_labels, draw_canvas, draw_nothing
from reports.charts.layout import WIDE, Layout
from reports.formats import (
    Format,
    chart_name,
    count_of,
    format_compact,
    format_money,
    format_quantity,
    sentence_text,
)
from reports.kpis.kpi import Column, Kpi
from reports.theme import MARK, NET

TOP = 12
ORDER = ["cost_usd", "store_id", "supply_id"]


def write_headline(frame: pl.DataFrame) -> str:
    """The supply that costs a store most."""
    ranked = frame.sort(ORDER, descending=[True, False, False]).rows(named=True)
    if not ranked or ranked[0]["unit_count"] <= 0:
        return "No supplies were used in the last year."
    first = ranked[0]
    rate = first["units_per_open_day"]
    pace = f", {format_quantity(rate)} per open day" if rate is not None else ""
    what = f"{sentence_text(first['supply_name'])} in {sentence_text(first['store_name'])}"
    used = f"{format_money(first['cost_usd'])} for {count_of(first['unit_count'], 'unit')}"
    return f"The supply that costs most is {what}: {used}{pace}."


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Cost of the supplies that cost a store most, perishables in their own colour."""
    top = frame.sort(ORDER, descending=[True, False, False]).head(TOP)
    shown = f"; the {TOP} biggest of {count_of(frame.height, 'row')}" if frame.height > TOP else ""
    words = Words(
        title="Cost of supplies used, last year",
        subtitle=f"Per store and supply. Orange: perishable{shown}",
        axis="Cost, US dollars",
    )
    if top.is_empty():
        return draw_nothing(words, layout)
    rows = top.rows(named=True)
    values = top["cost_usd"].cast(pl.Float64).to_list()
    texts = [_label(row) for row in rows]
    colors = [MARK if row["is_perishable"] else NET for row in rows]
    scale = Scale(reach=max(values), tick=format_compact, labels=texts)
    chart = draw_canvas([_name(row) for row in rows], words, scale, layout)
    return chart + add_bars(values, layout, colors) + add_labels(values, texts, layout)


def _name(row: dict[str, Any]) -> str:
    supply = chart_name(row["supply_name"], row["supply_id"])
    return f"{supply}\n{chart_name(row['store_name'], row['store_id'])}"


def _label(row: dict[str, Any]) -> str:
    return f" {format_money(row['cost_usd'])}  ·  {count_of(row['unit_count'], 'unit')}"


SUPPLY_USAGE = Kpi(
    name="supply_usage",
    title="Supplies used",
    question="How much of each supply does each store use up, and what does it cost?",
    definition="One unit for each item sold in the last year whose product's recipe held the supply on that day, at "
    "the cost of that day. Open days are the days on which the store had an order.",
    chart_shows="Bar chart of the supplies that cost a store most in the last year, with units.",
    columns=(
        Column("store_id", "Store id", Format.ID),
        Column("store_name", "Store", Format.NAME),
        Column("supply_id", "Supply id", Format.ID),
        Column("supply_name", "Supply", Format.NAME),
        Column("is_perishable", "Perishable", Format.FLAG),
        Column("unit_count", "Units used", Format.INTEGER),
        Column("cost_usd", "Cost (USD)", Format.USD),
        Column("units_per_open_day", "Units per open day", Format.QUANTITY),
    ),
    totals=("cost_usd",),
    headline=write_headline,
    chart=draw_chart,
)
