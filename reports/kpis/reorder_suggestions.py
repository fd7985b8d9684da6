"""What to order: one row a store and supply, from the forecast of the next 28 days and the newest stock count."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_bars, add_gaps, add_labels, add_marks
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing, tell_rest
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, format_integer, format_share, format_tick
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr, tr_many
from reports.names import chart_name

TOP = 12
ORDER, DEMAND = "suggested_order_unit_count", "demand_unit_count"


def write_headline(frame: pl.DataFrame) -> str:
    """How much is to be ordered, and how far forecasts were off."""
    if frame.is_empty():
        return tr("Nothing was forecast as of this day.")
    suggested = frame.filter(pl.col(ORDER).is_not_null())
    if suggested.is_empty():
        return tr("No stock was counted, so nothing is suggested.")
    said = {"all": format_integer(frame.height), "units": format_integer(sum(suggested[ORDER].to_list()))}
    return join_sentences(
        tr_many(
            "{count} of {all} supplies in stores should be ordered now, {units} units together.",
            "{count} of {all} supplies in stores should be ordered now, {units} units together.",
            suggested.filter(pl.col(ORDER) > 0).height,
            **said,
        ),
        _tell_error(frame),
    )


def rank_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """The most units to order come first, what nothing is suggested of last."""
    return frame.sort([ORDER, "store_id", "supply_id"], descending=[True, False, False], nulls_last=True)


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Units to order, the most at the top; the units on hand as a mark, the upper demand in words."""
    ordered = rank_rows(frame.filter(pl.col(ORDER) > 0))
    rows = ordered.head(layout.rows(TOP)).rows(named=True)
    words = Words(
        title=tr("Units to order"),
        subtitle=join_sentences(
            tr("Units to order now, and the upper end of the demand that they are for."),
            tell_rest(layout.rows(TOP), ordered.height),
        ),
        axis=tr("Units"),
        mark=tr("units on hand"),
    )
    if not rows:
        return draw_nothing(words, layout, tr("Nothing is to be ordered"))
    units = [float(row[ORDER]) for row in rows]
    marks = [float(max(row["units_on_hand"], 0)) for row in rows]
    texts = [_label(row) for row in rows]
    scale = Scale(units, format_tick, texts, marks)
    chart = draw_canvas([_name(row) for row in rows], words, scale, layout)
    return (
        chart
        + add_bars(units, layout)
        + add_gaps(marks, layout)
        + add_marks(marks, layout)
        + add_labels(scale.ends, texts, layout)
    )


def _tell_error(frame: pl.DataFrame) -> str:
    """The middle of the errors of all forecasts that the past could judge."""
    error = frame["backtest_error_ratio"].drop_nulls().median()
    if not isinstance(error, float):
        return tr("No forecast of the past could be judged yet.")
    return tr("Half of such forecasts were off by {error} or less in the past half year.", error=format_share(error))


def _name(row: dict[str, Any]) -> str:
    supply = chart_name(row["supply_name"], row["supply_id"])
    return f"{supply}\n{chart_name(row['store_name'], row['store_id'])}"


def _label(row: dict[str, Any]) -> str:
    units, high = format_integer(row[ORDER]), format_integer(row["demand_high_unit_count"])
    return tr("{units}  ·  demand up to {high}", units=units, high=high)


REORDER_SUGGESTIONS = Kpi(
    name="reorder_suggestions",
    title=mark("Orders for the next 28 days"),
    question=mark("How much of each supply should each store order now?"),
    definition=mark(
        "Units used per day are forecast for the 28 days after the report date, by the method that was least off in "
        "the past of the supply in the store: last week repeats its days, mean week is the mean of each weekday over "
        "13 weeks, damped trend lets the totals of the weeks go on rising or falling, less each week. In eight of ten "
        "cases demand should lie between low and high. The order fills the stock up to the high demand until it "
        "spoils, or for 28 days; deliveries under way are not known, and what is asked for before it comes is not in "
        "it. The error is the sum of absolute errors of past 28-day totals over the sum of demand. Without a count "
        "there is no suggestion; a supply in no recipe has no demand, one that was never used no forecast."
    ),
    chart_shows=mark("Bar chart of the units to order per store and supply, the most first, with the units on hand."),
    columns=(
        Column("store_id", "Store id", Format.ID),
        Column("store_name", "Store", Format.NAME),
        Column("supply_id", "Supply id", Format.ID),
        Column("supply_name", "Supply", Format.NAME),
        Column("is_perishable", "Perishable", Format.FLAG, nullable=True, on_page=False),
        Column("units_on_hand", "Units on hand", Format.INTEGER, nullable=True),
        Column("demand_unit_count", "Demand of 28 days", Format.INTEGER, nullable=True, on_paper=False),
        Column("demand_low_unit_count", "Low demand", Format.INTEGER, nullable=True, on_paper=False),
        Column("demand_high_unit_count", "High demand", Format.INTEGER, nullable=True),
        Column("lead_time_days", "Lead time (days)", Format.INTEGER, nullable=True, on_page=False),
        Column("shelf_life_days", "Shelf life (days)", Format.INTEGER, nullable=True, on_page=False),
        Column("suggested_order_unit_count", "Units to order", Format.INTEGER, nullable=True),
        Column("expected_waste_unit_count", "Units that should spoil", Format.INTEGER, nullable=True, on_paper=False),
        Column("method", "Method", Format.METHOD, on_paper=False),
        Column("backtest_error_ratio", "Past error", Format.SHARE, on_paper=False),
    ),
    headline=write_headline,
    chart=draw_chart,
    rank=rank_rows,
)
