"""What a year comes to, on the same day of 13 months: the last row is the last year, the first one the year before."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.canvas import Words, draw_nothing
from reports.charts.layout import WIDE, Layout
from reports.charts.lines import Line, draw_lines
from reports.formats import Format, format_compact, format_date, format_growth, format_money
from reports.kpis.kpi import Column, Kpi
from reports.languages import mark, tr
from reports.theme import NET, TOTAL

Year = dict[str, Any]


def compare_years(frame: pl.DataFrame) -> tuple[Year | None, Year | None]:
    """The rows of the last year and of the year before; None for a year that the data do not hold.

    A year before that orders only partly cover is no base for a change, so it counts as not held.
    """
    rows = frame.sort("as_of_date").rows(named=True)
    if not rows or not rows[-1]["order_count"]:
        return None, None
    before, last = rows[0], rows[-1]
    is_base = before["as_of_date"] < last["as_of_date"] and before["is_whole_year"]
    return last, before if is_base else None


def growth_of(column: str, last: Year, before: Year | None) -> float | None:
    """The change of a figure on the year before as a ratio; None where that year is not held or is not above 0."""
    if before is None or before[column] <= 0:
        return None
    return float(last[column] / before[column]) - 1


def write_headline(frame: pl.DataFrame) -> str:
    """How orders, customers and margin moved; net sales are in the page's title."""
    last, before = compare_years(frame)
    if last is None:
        return tr("There are no orders in the last year.")
    day = format_date(last["as_of_date"])
    named = {tr("orders"): "order_count", tr("customers"): "customer_count", tr("gross margin"): "margin_usd"}
    found = {name: growth_of(column, last, before) for name, column in named.items()}
    changes = ", ".join(f"{name} {format_growth(growth)}" for name, growth in found.items() if growth is not None)
    if changes:
        return tr("The year to {day} compared with the year before: {changes}.", day=day, changes=changes)
    amount = format_money(last["net_sales_usd"])
    return tr("The year to {day} brought {amount} net; there is no whole year before.", day=day, amount=amount)


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Net sales of the year to each day as a line, those of the stores open in both years as a second one."""
    words = Words(
        title=tr("Net sales of 12 months"),
        subtitle=tr("Each point is a whole year up to its day."),
        axis=tr("Day the year ends on; net sales in {money}"),
    )
    rows = frame.sort("as_of_date")
    if not any(rows["net_sales_usd"]):
        return draw_nothing(words, layout, tr("No orders in the last two years"))
    last = rows.rows(named=True)[-1]
    lines = [
        _line(rows, "comparable_net_sales_usd", tr("open both years {amount}", amount=_comparable(last)), TOTAL),
        _line(rows, "net_sales_usd", tr("all stores {amount}", amount=format_compact(last["net_sales_usd"])), NET),
    ]
    return draw_lines(rows["as_of_date"].to_list(), lines, words, format_compact, layout)


def _line(rows: pl.DataFrame, column: str, label: str, color: str) -> Line:
    return Line(rows[column].cast(pl.Float64).to_list(), label, color)


def _comparable(row: Year) -> str:
    return format_compact(row["comparable_net_sales_usd"])


ROLLING_YEAR = Kpi(
    name="rolling_year",
    title=mark("Year by year"),
    question=mark("What does a whole year bring, and does it grow?"),
    definition=mark(
        "Each row is the 12 months that end on its day: the report date and the same day of the 12 months before it, "
        "so that the last row is the last year and the first one the year before. Whole years have the same seasons, "
        "so any two rows compare. A year is whole if the first order of all is no later than its first day. Stores "
        "open in both years are those whose first order is older than the year before. Gross margin is the items' "
        "prices less discounts and the cost of their supplies."
    ),
    chart_shows=mark("Line chart of the net sales of 12 months, for all stores and for the stores open in both years."),
    columns=(
        Column("as_of_date", "12 months to", Format.DATE),
        Column("is_whole_year", "Whole year", Format.FLAG, on_paper=False),
        Column("order_count", "Orders", Format.INTEGER),
        Column("customer_count", "Customers", Format.INTEGER),
        Column("store_count", "Stores with orders", Format.INTEGER, on_paper=False),
        Column("net_sales_usd", "Net sales ({currency})", Format.USD),
        Column("margin_usd", "Gross margin ({currency})", Format.USD),
        Column("margin_ratio", "Margin of net sales", Format.SHARE, on_paper=False),
        Column("comparable_store_count", "Stores open in both years", Format.INTEGER, on_paper=False),
        Column("comparable_net_sales_usd", "Their net sales ({currency})", Format.USD, on_paper=False),
    ),
    newest_first=True,
    printed_rows=3,
    headline=write_headline,
    chart=draw_chart,
)
