"""How sales go from month to month, beside the same days of the year before: one row a month, also without orders."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.canvas import Words, draw_nothing, tell_newest
from reports.charts.layout import WIDE, Layout
from reports.charts.lines import Line, draw_lines
from reports.formats import Format, format_compact, format_growth, format_money, format_month
from reports.kpis.kpi import Column, Kpi
from reports.languages import capitalize, join_sentences, mark, tr, tr_many
from reports.theme import NET, TOTAL

MONTHS = 36


def write_headline(frame: pl.DataFrame) -> str:
    """The newest month and its growth, and the best month if that is another one."""
    rows = frame.sort("month_start_date").rows(named=True)
    if not any(row["net_sales_usd"] > 0 for row in rows):
        return tr("No month has sales.")
    last = rows[-1]
    best = max(rows, key=lambda row: (row["net_sales_usd"], row["month_start_date"]))
    if best is last:
        return join_sentences(_write_month(last), tr("No month brought more."))
    month = format_month(best["month_start_date"])
    return join_sentences(
        _write_month(last), tr("The best month was {month}: {amount}.", month=month, amount=_amount(best))
    )


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Net sales as a line, the year before as a second one."""
    newest = frame.sort("month_start_date").tail(MONTHS)
    words = Words(
        title=tr("Net sales by month"),
        subtitle=join_sentences(
            tr("Net sales, before tax, and those of the same days of the year before. Circle: in progress."),
            tell_newest(MONTHS, frame.height),
        ),
        axis=tr("Month; net sales in {money}"),
    )
    if not any(newest["order_count"]):
        return draw_nothing(words, layout, tr("No orders so far"))
    last = newest.rows(named=True)[-1]
    before = last["net_sales_previous_year_usd"]
    year_before = tr("{amount} the year before", amount=format_money(before)) if before is not None else ""
    so_far = _amount(last) if last["is_complete"] else tr("{amount} so far", amount=_amount(last))
    lines = [
        Line(_floats(newest, "net_sales_previous_year_usd"), year_before, TOTAL),
        Line(_floats(newest, "net_sales_usd"), so_far, NET, not last["is_complete"]),
    ]
    return draw_lines(newest["month_start_date"].to_list(), lines, words, format_compact, layout)


def _floats(frame: pl.DataFrame, name: str) -> list[float | None]:
    return frame[name].cast(pl.Float64).to_list()


def _amount(row: dict[str, Any]) -> str:
    return format_money(row["net_sales_usd"])


def _write_month(row: dict[str, Any]) -> str:
    month, growth = format_month(row["month_start_date"]), row["growth_ratio"]
    said = {
        "month": capitalize(month) if row["is_complete"] else tr("{month} so far", month=capitalize(month)),
        "amount": _amount(row),
        "orders": tr_many("{count} order", "{count} orders", row["order_count"]),
    }
    if growth is None:
        return tr("{month}: {amount} net in {orders}.", **said)
    return tr(
        "{month}: {amount} net in {orders}, {growth} on the same days of the year before.",
        growth=format_growth(growth),
        **said,
    )


SALES_BY_MONTH = Kpi(
    name="sales_by_month",
    title=mark("Sales by month"),
    question=mark("How do sales go, and do they grow?"),
    definition=mark(
        "Every month from the first order's to the report date's, also those without orders. A month is complete if "
        "the report date reaches its last day. Refunds stand on the day of the refund and are not taken off net sales. "
        "Growth compares with the same days of the year before; before the first order's month there is nothing to "
        "compare with."
    ),
    chart_shows=mark("Line chart of the net sales of each month beside those of the same days of the year before."),
    columns=(
        Column("month_start_date", "Month", Format.MONTH),
        Column("is_complete", "Complete", Format.FLAG, on_paper=False),
        Column("order_count", "Orders", Format.INTEGER),
        Column("item_count", "Items", Format.INTEGER, on_paper=False),
        Column("net_sales_usd", "Net sales ({currency})", Format.USD),
        Column("refunds_usd", "Refunds ({currency})", Format.USD, on_paper=False),
        Column("net_sales_previous_year_usd", "Net sales, year before ({currency})", Format.USD, nullable=True),
        Column("growth_ratio", "Growth", Format.GROWTH),
    ),
    newest_first=True,
    headline=write_headline,
    chart=draw_chart,
)
