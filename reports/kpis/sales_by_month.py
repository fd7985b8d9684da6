"""How sales go from month to month, beside the same days of the year before: one row a month, also without orders."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import Words, draw_nothing
from reports.charts.layout import WIDE, Layout
from reports.charts.lines import Line, draw_lines
from reports.formats import Format, count_of, format_compact, format_growth, format_money, format_month
from reports.kpis.kpi import Column, Kpi
from reports.theme import NET, TOTAL

MONTHS = 36


def write_headline(frame: pl.DataFrame) -> str:
    """The newest month and its growth, and the best month if that is another one."""
    rows = frame.sort("month_start_date").rows(named=True)
    if not any(row["net_sales_usd"] > 0 for row in rows):
        return "No month has sales."
    last = rows[-1]
    best = max(rows, key=lambda row: (row["net_sales_usd"], row["month_start_date"]))
    if best is last:
        return f"{_sentence(last)} No month brought more."
    return f"{_sentence(last)} The best month was {format_month(best['month_start_date'])}: {_amount(best)}."


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Net sales as a line, the year before as a second one."""
    newest = frame.sort("month_start_date").tail(MONTHS)
    shown = f"; the last {MONTHS} of {count_of(frame.height, 'month')}" if frame.height > MONTHS else ""
    words = Words(
        title="Net sales by month",
        subtitle=f"Blue: net sales, before tax. Grey: the same days of the year before. Circle: in progress{shown}",
        axis="Month; net sales in US dollars",
    )
    if newest.is_empty():
        return draw_nothing(words, layout)
    last = newest.rows(named=True)[-1]
    before = last["net_sales_previous_year_usd"]
    year_before = f"{format_money(before)} the year before" if before is not None else ""
    lines = [
        Line(_floats(newest, "net_sales_previous_year_usd"), year_before, TOTAL),
        Line(
            _floats(newest, "net_sales_usd"),
            _amount(last) + ("" if last["is_complete"] else " so far"),
            NET,
            not last["is_complete"],
        ),
    ]
    return draw_lines(newest["month_start_date"].to_list(), lines, words, format_compact, layout)


def _floats(frame: pl.DataFrame, name: str) -> list[float | None]:
    return frame[name].cast(pl.Float64).to_list()


def _amount(row: dict[str, Any]) -> str:
    return format_money(row["net_sales_usd"])


def _sentence(row: dict[str, Any]) -> str:
    month = format_month(row["month_start_date"]) + ("" if row["is_complete"] else " so far")
    growth = row["growth_ratio"]
    change = f", {format_growth(growth)} on the same days of the year before" if growth is not None else ""
    return f"{month}: {_amount(row)} net in {count_of(row['order_count'], 'order')}{change}."


SALES_BY_MONTH = Kpi(
    name="sales_by_month",
    title="Sales by month",
    question="How do sales go, and do they grow?",
    definition="Every month from the first order's to the report date's, also those without orders. A month is "
    "complete if the report date reaches its last day. Refunds stand on the day of the refund and are not taken off "
    "net sales. Growth compares with the same days of the year before; before the first order's month there is "
    "nothing to compare with.",
    chart_shows="Line chart of the net sales of each month beside those of the same days of the year before.",
    columns=(
        Column("month_start_date", "Month", Format.MONTH),
        Column("is_complete", "Complete", Format.FLAG),
        Column("order_count", "Orders", Format.INTEGER),
        Column("item_count", "Items", Format.INTEGER),
        Column("net_sales_usd", "Net sales (USD)", Format.USD),
        Column("refunds_usd", "Refunds (USD)", Format.USD),
        Column("net_sales_previous_year_usd", "Net sales, year before (USD)", Format.USD, nullable=True),
        Column("growth_ratio", "Growth", Format.GROWTH),
    ),
    newest_first=True,
    headline=write_headline,
    chart=draw_chart,
)
