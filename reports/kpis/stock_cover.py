"""How long the stock lasts: one row a store and supply that was counted, by its newest count."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import Scale, Words, add_bars, add_labels, add_marks, draw_canvas, draw_nothing
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, chart_name, count_of, format_integer, format_quantity, sentence_text
from reports.kpis.kpi import Column, Kpi
from reports.theme import MARK, NET

TOP = 12


def write_headline(frame: pl.DataFrame) -> str:
    """What runs out before a delivery could come, and what runs out first."""
    rows = _ranked(frame)
    if frame.is_empty():
        return "No stock was counted."
    if not rows:
        return f"Nothing that was counted is used: {count_of(frame.height, 'row')}."
    late = [row for row in rows if _is_late(row)]
    first = rows[0]
    where = f"{sentence_text(first['supply_name'])} in {sentence_text(first['store_name'])}"
    left = f"{format_quantity(first['days_of_supply'])} open days"
    lead = f"{len(late)} of {count_of(frame.height, 'count')} would not last until a delivery ordered now"
    return f"{lead}; first to run out is {where}: {left}."


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Days of supply, what runs out first at the top; the lead time as a mark."""
    ranked = _ranked(frame)
    rows = ranked[:TOP]
    shown = f"; the {TOP} shortest of {count_of(len(ranked), 'row')}" if len(ranked) > TOP else ""
    words = Words(
        title="Days of supply",
        subtitle=f"Bar: days the stock lasts. Line: days until a delivery comes. Orange: too short{shown}",
        axis="Days",
    )
    if not rows:
        return draw_nothing(words, layout)
    days = [max(row["days_of_supply"], 0.0) for row in rows]
    marks = [float(row["lead_time_days"]) if row["lead_time_days"] is not None else None for row in rows]
    ends = [max(value, mark or 0.0) for value, mark in zip(days, marks, strict=True)]
    texts = [_label(row) for row in rows]
    colors = [MARK if _is_late(row) else NET for row in rows]
    scale = Scale(reach=max(ends), tick=lambda value: f"{value:g}", labels=texts)
    chart = draw_canvas([_name(row) for row in rows], words, scale, layout)
    return chart + add_bars(days, layout, colors) + add_marks(marks, layout) + add_labels(ends, texts, layout)


def _ranked(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """What is used at all, the shortest first."""
    used = frame.filter(pl.col("days_of_supply").is_not_null())
    return used.sort(["days_of_supply", "store_id", "supply_id"]).rows(named=True)


def _is_late(row: dict[str, Any]) -> bool:
    return row["lead_time_days"] is not None and row["days_of_supply"] < row["lead_time_days"]


def _name(row: dict[str, Any]) -> str:
    supply = chart_name(row["supply_name"], row["supply_id"])
    return f"{supply}\n{chart_name(row['store_name'], row['store_id'])}"


def _label(row: dict[str, Any]) -> str:
    return f"  {format_quantity(row['days_of_supply'])} days  ·  {format_integer(row['units_on_hand'])} on hand"


STOCK_COVER = Kpi(
    name="stock_cover",
    title="Stock and days of supply",
    question="How long does the stock last, and what must be ordered now?",
    definition="The newest count of each supply in each store, less what was used since by the recipes of what was "
    "sold; below zero where more was used than counted, which means that a delivery came since. Days of supply are "
    "what is left over the units used per open day, on the last 28 days with orders of the store. Without a count "
    "there is no row.",
    chart_shows="Bar chart of the days of supply per store and supply, the shortest first, with the lead time marked.",
    columns=(
        Column("store_id", "Store id", Format.ID),
        Column("store_name", "Store", Format.NAME),
        Column("supply_id", "Supply id", Format.ID),
        Column("supply_name", "Supply", Format.NAME),
        Column("is_perishable", "Perishable", Format.FLAG, nullable=True),
        Column("counted_at", "Counted", Format.MOMENT),
        Column("unit_count", "Units counted", Format.INTEGER),
        Column("used_since_count", "Used since", Format.INTEGER),
        Column("units_on_hand", "Units on hand", Format.INTEGER),
        Column("units_per_open_day", "Units per open day", Format.QUANTITY),
        Column("days_of_supply", "Days of supply", Format.QUANTITY),
        Column("lead_time_days", "Lead time (days)", Format.INTEGER, nullable=True),
        Column("shelf_life_days", "Shelf life (days)", Format.INTEGER, nullable=True),
    ),
    headline=write_headline,
    chart=draw_chart,
)
