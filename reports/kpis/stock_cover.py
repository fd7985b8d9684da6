"""How long the stock lasts: one row a store and supply that was counted, by its newest count."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_bars, add_gaps, add_labels, add_marks
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing, tell_rest
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, format_integer, format_plain_tick, format_quantity
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr, tr_many
from reports.names import chart_name, sentence_text
from reports.theme import MARK, NET

TOP = 12


def write_headline(frame: pl.DataFrame) -> str:
    """What runs out before a delivery could come, and what runs out first."""
    rows = _ranked(frame)
    if frame.is_empty():
        return tr("No stock was counted.")
    if not rows:
        return tr_many(
            "Nothing that was counted is used: {count} row.",
            "Nothing that was counted is used: {count} rows.",
            frame.height,
        )
    first = rows[0]
    return tr_many(
        "{count} of {all} counts would not last until a delivery ordered now; first to run out is {supply} in {store}: "
        "{days} open days.",
        "{count} of {all} counts would not last until a delivery ordered now; first to run out is {supply} in {store}: "
        "{days} open days.",
        len([row for row in rows if _is_late(row)]),
        all=format_integer(frame.height),
        supply=sentence_text(first["supply_name"]),
        store=sentence_text(first["store_name"]),
        days=format_quantity(first["days_of_supply"]),
    )


def rank_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """What runs out first comes first, what is not used at all last."""
    return frame.sort(["days_of_supply", "store_id", "supply_id"], nulls_last=True)


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Days of supply, what runs out first at the top; the lead time as a mark."""
    ranked = _ranked(frame)
    rows = ranked[: layout.rows(TOP)]
    words = Words(
        title=tr("Days of supply"),
        subtitle=join_sentences(
            tr("Days that the stock lasts; too short where it is used up before a delivery that is ordered now."),
            tell_rest(layout.rows(TOP), len(ranked)),
        ),
        axis=tr("Days"),
        mark=tr("a delivery comes"),
    )
    if not rows:
        return draw_nothing(words, layout, _say_nothing(frame))
    days = [row["days_of_supply"] for row in rows]
    marks = [float(row["lead_time_days"]) if row["lead_time_days"] is not None else None for row in rows]
    texts = [_label(row) for row in rows]
    colors = [MARK if _is_late(row) else NET for row in rows]
    scale = Scale(days, format_plain_tick, texts, marks)
    chart = draw_canvas([_name(row) for row in rows], words, scale, layout)
    return (
        chart
        + add_bars(days, layout, colors)
        + add_gaps(marks, layout)
        + add_marks(marks, layout)
        + add_labels(scale.ends, texts, layout)
    )


def _say_nothing(frame: pl.DataFrame) -> str:
    return tr("No stock was counted") if frame.is_empty() else tr("Nothing that was counted is used")


def _ranked(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """What is used at all, the shortest first."""
    return rank_rows(frame.filter(pl.col("days_of_supply").is_not_null())).rows(named=True)


def _is_late(row: dict[str, Any]) -> bool:
    return row["lead_time_days"] is not None and row["days_of_supply"] < row["lead_time_days"]


def _name(row: dict[str, Any]) -> str:
    supply = chart_name(row["supply_name"], row["supply_id"])
    return f"{supply}\n{chart_name(row['store_name'], row['store_id'])}"


def _label(row: dict[str, Any]) -> str:
    days, units = format_quantity(row["days_of_supply"]), format_integer(row["units_on_hand"])
    if _is_late(row):
        return tr("{days} days  ·  {units} on hand  ·  too short", days=days, units=units)
    return tr("{days} days  ·  {units} on hand", days=days, units=units)


STOCK_COVER = Kpi(
    name="stock_cover",
    title=mark("Stock and days of supply"),
    question=mark("How long does the stock last, and what must be ordered now?"),
    definition=mark(
        "The newest count of each supply in each store, less what was used since by the recipes of what was sold; "
        "below zero where more was used than counted, which means that a delivery came since. Days of supply are what "
        "is left over the units used per open day, on the last 28 days with orders of the store. Without a count there "
        "is no row."
    ),
    chart_shows=mark(
        "Bar chart of the days of supply per store and supply, the shortest first, with the lead time marked."
    ),
    columns=(
        Column("store_id", "Store id", Format.ID),
        Column("store_name", "Store", Format.NAME),
        Column("supply_id", "Supply id", Format.ID),
        Column("supply_name", "Supply", Format.NAME),
        Column("is_perishable", "Perishable", Format.FLAG, nullable=True, on_paper=False),
        Column("counted_at", "Counted", Format.MOMENT, on_paper=False),
        Column("unit_count", "Units counted", Format.INTEGER, on_page=False),
        Column("used_since_count", "Used since", Format.INTEGER, on_page=False),
        Column("units_on_hand", "Units on hand", Format.INTEGER),
        Column("units_per_open_day", "Units per open day", Format.QUANTITY, on_paper=False),
        Column("days_of_supply", "Days of supply", Format.QUANTITY),
        Column("lead_time_days", "Lead time (days)", Format.INTEGER, nullable=True),
        Column("shelf_life_days", "Shelf life (days)", Format.INTEGER, nullable=True, on_paper=False),
    ),
    headline=write_headline,
    chart=draw_chart,
    rank=rank_rows,
)
