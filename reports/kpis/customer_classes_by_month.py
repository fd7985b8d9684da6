"""How the classes of customers change: one row a month end and class, Inactive first, then from the lowest class up.

The page shows the table upside down, so the newest month and its best class come first there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl
from plotnine import ggplot

from reports.charts.canvas import Words, draw_nothing, tell_newest
from reports.charts.layout import WIDE, Layout
from reports.charts.lines import Line, draw_lines
from reports.formats import Format, format_date, format_integer, format_tick
from reports.kpis.classes import color_classes
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr
from reports.names import chart_name, sentence_text

MONTHS = 36


def write_headline(frame: pl.DataFrame) -> str:
    """The customers of each class at the newest date, the best class first."""
    newest = frame.filter(pl.col("as_of_date") == pl.col("as_of_date").max())
    rows = newest.reverse().rows(named=True)
    if not any(row["customer_count"] > 0 for row in rows):
        return tr("No month has customers.")
    counts = ", ".join(
        f"{sentence_text(row['customer_status'])} {format_integer(row['customer_count'])}" for row in rows
    )
    return tr("Customers on {day}: {counts}.", day=format_date(rows[0]["as_of_date"]), counts=counts)


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """A line a class, the number of its customers at each month's end."""
    days = frame["as_of_date"].unique().sort().tail(MONTHS).to_list()
    is_in_progress = bool(days) and not _is_month_end(days[-1])
    words = Words(
        title=tr("Customers by class"),
        subtitle=join_sentences(
            tr("Customers of each class at the end of each month, by the year that ends then."),
            tr("Circle: month in progress.") if is_in_progress else "",
            tell_newest(MONTHS, frame["as_of_date"].n_unique()),
        ),
        axis=tr("Month end; number of customers"),
    )
    if not any(frame["customer_count"]):
        return draw_nothing(words, layout, tr("No customers so far"))
    classes = frame["customer_status"].reverse().unique(maintain_order=True).to_list()
    colors = color_classes(classes)
    lines = [
        _line(frame.filter(pl.col("customer_status").eq_missing(status)), status, colors[status], days)
        for status in classes
    ]
    return draw_lines(days, lines, words, format_tick, layout)


def _line(rows: pl.DataFrame, status: str | None, color: str, days: Sequence[date]) -> Line:
    counts = dict(zip(rows["as_of_date"], rows["customer_count"], strict=True))
    values = [float(counts[day]) if day in counts else None for day in days]
    name = chart_name(status, tr("(none)"))
    label = f"{name} {format_integer(counts.get(days[-1], 0))}"
    return Line(values, label, color, not _is_month_end(days[-1]))


def _is_month_end(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1


CUSTOMER_CLASSES_BY_MONTH = Kpi(
    name="customer_classes_by_month",
    title=mark("Customer classes by month"),
    question=mark("Do customers move up, or away?"),
    definition=mark(
        "For the end of each month, and for the report date in the month in progress: every customer who had ordered "
        "by then, in the class of their net sales of the 12 months that end on that day. Inactive are customers who "
        "were lost, not those yet to come."
    ),
    chart_shows=mark("Line chart of the number of customers of each class over the last {months} months."),
    columns=(
        Column("as_of_date", "On", Format.DATE),
        Column("customer_status", "Class", Format.NAME),
        Column("customer_count", "Customers", Format.INTEGER),
        Column("net_sales_last_year_usd", "Net sales of the year until then ({currency})", Format.USD),
    ),
    values={"months": MONTHS},
    newest_first=True,
    printed_rows=4,
    headline=write_headline,
    chart=draw_chart,
)
