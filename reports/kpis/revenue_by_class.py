"""What the customers of each class bring: one row a class, the one of the highest threshold first, Inactive last."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_bars, add_labels
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, amount_and_share, format_compact, format_money, format_share
from reports.kpis.classes import color_classes, list_earned
from reports.kpis.kpi import Column, Kpi
from reports.languages import mark, tr, tr_many
from reports.names import chart_name, join_names, sentence_text
from reports.theme import MUTED, PALE

LAST_YEAR_BAND = (-0.08, 0.38)  # parts of a row's height: last year above, all time as a thin bar under it
ALL_TIME_BAND = (-0.34, -0.14)
MOST_ASKED = 5  # classes whose names have room in the question


def write_question(frame: pl.DataFrame) -> str:
    """What each class brings, by the names of the classes where they are few."""
    names = list_earned(frame["customer_status"].to_list())
    if not 1 < len(names) <= MOST_ASKED:
        return REVENUE_BY_CLASS.say(REVENUE_BY_CLASS.question)
    return tr("How much do the {classes} customers bring?", classes=join_names(list(map(sentence_text, names))))


def write_headline(frame: pl.DataFrame) -> str:
    """The class that brings most, and the best one if that is another."""
    ranked = frame.sort("net_sales_last_year_usd", descending=True, maintain_order=True).rows(named=True)
    if not ranked or ranked[0]["net_sales_last_year_usd"] <= 0:
        return tr("No class of customers has sales in the last year.")
    best = list_earned(frame["customer_status"].to_list())[:1]
    others = [row for row in ranked[1:] if row["customer_status"] in best]
    is_tied = len(ranked) > 1 and ranked[1]["net_sales_last_year_usd"] == ranked[0]["net_sales_last_year_usd"]
    classes = _write_class(ranked[0])
    for row in others:
        classes = tr("{first}; {second}", first=classes, second=_write_class(row))
    if is_tied:
        return tr("Among the classes that bring most in the last year is {classes}.", classes=classes)
    return tr("The class that brings most in the last year is {classes}.", classes=classes)


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Net sales of the last year and of all time, in the order of the classes."""
    words = Words(
        title=tr("Net sales by customer class"),
        subtitle=tr("The last year with its share of all net sales; below it all time, by the class they are in now."),
        axis=tr("Net sales, {money}"),
    )
    rows = frame.rows(named=True)
    if not any(row["customer_count"] for row in rows):
        return draw_nothing(words, layout, tr("No customers so far"))
    names = [_name(row) for row in rows]
    year = frame["net_sales_last_year_usd"].cast(pl.Float64).to_list()
    ever = frame["net_sales_all_time_usd"].cast(pl.Float64).to_list()
    texts = [amount_and_share(row["net_sales_last_year_usd"], row["share_of_net_sales_ratio"]) for row in rows]
    ever_texts = [tr("{amount} all time", amount=format_money(row["net_sales_all_time_usd"])) for row in rows]
    scale = Scale([*year, *ever], format_compact, [*texts, *ever_texts])
    of_class = color_classes(frame["customer_status"].to_list())
    colors = [of_class[row["customer_status"]] for row in rows]
    chart = draw_canvas(names, words, scale, layout)
    chart += add_bars(ever, layout, PALE, ALL_TIME_BAND)
    chart += add_bars(year, layout, colors, LAST_YEAR_BAND)
    chart += add_labels(year, texts, layout, lift=0.15)
    chart += add_labels(ever, ever_texts, layout, MUTED, lift=-0.24)
    return chart


def _name(row: dict[str, Any]) -> str:
    name = chart_name(row["customer_status"], tr("(none)"))
    return f"{name}\n{_customers(row)}"


def _customers(row: dict[str, Any]) -> str:
    return tr_many("{count} customer", "{count} customers", row["customer_count"])


def _write_class(row: dict[str, Any]) -> str:
    said = {
        "status": sentence_text(row["customer_status"]),
        "amount": format_money(row["net_sales_last_year_usd"]),
        "customers": _customers(row),
    }
    share = row["share_of_net_sales_ratio"]
    if share is None:
        return tr("{status}: {amount} from {customers}", **said)
    return tr("{status}: {amount} ({share}) from {customers}", share=format_share(share), **said)


REVENUE_BY_CLASS = Kpi(
    name="revenue_by_class",
    title=mark("Revenue by customer class"),
    question=mark("How much does each class of customers bring?"),
    definition=mark(
        "Every customer stands in one class by net sales of the last year, at the thresholds of the business; "
        "customers without a sale in that year are Inactive. All-time net sales are those of the customers who are in "
        "the class now. The share is the class's part of the net sales of the last year. Refunds are the customers' "
        "own, on their day in the last year."
    ),
    chart_shows=mark("Bar chart of the net sales of each customer class, last year with share, and all time."),
    columns=(
        Column("customer_status", "Class", Format.NAME),
        Column("customer_count", "Customers", Format.INTEGER),
        Column("net_sales_last_year_usd", "Net sales, last year ({currency})", Format.USD),
        Column("net_sales_all_time_usd", "Net sales, all time ({currency})", Format.USD),
        Column("share_of_net_sales_ratio", "Share of last year's net sales", Format.SHARE),
        Column("refunds_usd", "Refunds, last year ({currency})", Format.USD, on_paper=False),
        Column("net_sales_after_refunds_usd", "Net sales less refunds ({currency})", Format.USD, on_paper=False),
    ),
    totals=(
        "customer_count",
        "net_sales_last_year_usd",
        "net_sales_all_time_usd",
        "refunds_usd",
        "net_sales_after_refunds_usd",
    ),
    asked=write_question,
    headline=write_headline,
    chart=draw_chart,
)
