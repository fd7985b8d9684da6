"""KPI frames in; the page's title sentence and its tiles out: figures of the last year."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from reports.formats import count_of, format_growth, format_integer, format_money, format_share, sentence_text
from reports.kpis.rolling_year import compare_years, growth_of

SPARK_WIDTH, SPARK_HEIGHT = 100, 28


@dataclass(frozen=True)
class Tile:
    """A figure with its name and a note; `spark` are the points of a line in a box of 100 by 28, empty without one."""

    name: str
    value: str
    note: str
    spark: str = ""


def write_title(frames: Mapping[str, pl.DataFrame]) -> str:
    """What the year brought, and how much of the change comes from stores that were not open in all of both years."""
    last, before = compare_years(frames["rolling_year"])
    if last is None or last["net_sales_usd"] <= 0:
        return "No sales in the last year"
    growth = growth_of("net_sales_usd", last, before)
    if before is None or growth is None:
        money = format_money(last["net_sales_usd"])
        return f"Net sales of the last year: {money}; there is no whole year before to compare with"
    rise = last["net_sales_usd"] - before["net_sales_usd"]
    lead = f"Net sales {'rose' if rise > 0 else 'fell'} {_size(growth)} to {format_money(last['net_sales_usd'])}"
    if rise == 0:
        lead = f"Net sales stayed at {format_money(last['net_sales_usd'])}"
    old_growth = growth_of("comparable_net_sales_usd", last, before)
    if old_growth is None:
        return f"{lead}; no store was open in all of both years"
    new_rise = rise - (last["comparable_net_sales_usd"] - before["comparable_net_sales_usd"])
    if new_rise == 0:
        return lead
    rest = f"in stores open in all of both years they {_moved(old_growth)}"
    if not 0 < new_rise <= rise:
        return f"{lead}; {rest}"
    return f"{lead}: {format_share(float(new_rise / rise))} of the rise comes from newer stores; {rest}"


def build_tiles(frames: Mapping[str, pl.DataFrame]) -> tuple[Tile, ...]:
    """Net sales, comparable stores, gross margin, orders and customers; each with its change on the year before."""
    years = frames["rolling_year"].sort("as_of_date")
    last, before = compare_years(years)
    if last is None:
        return ()

    def tile(name: str, column: str, write: Callable[[Any], str], note: str = "") -> Tile:
        spark = draw_spark(years.filter("is_whole_year")[column].to_list())
        change = _change(growth_of(column, last, before))
        return Tile(name, write(last[column]), f"{change}; {note}" if note else change, spark)

    open_both = f"{format_integer(last['comparable_store_count'])} of {count_of(last['store_count'], 'store')}"
    share = f"{format_share(last['margin_ratio'])} of net sales" if last["margin_ratio"] is not None else ""
    return (
        tile("Net sales", "net_sales_usd", format_money),
        tile("Net sales, stores open in both years", "comparable_net_sales_usd", format_money, open_both)
        if last["comparable_store_count"]
        else Tile("Net sales, stores open in both years", "none", "no store was open in all of both years"),
        tile("Gross margin", "margin_usd", format_money, share),
        tile("Orders", "order_count", format_integer),
        tile("Customers", "customer_count", format_integer, "who ordered"),
    )


def draw_spark(values: Sequence[Decimal | int]) -> str:
    """The points of a line from the left edge to the right, zero at the bottom; nothing below two values."""
    top = max(map(float, values), default=0.0)
    if len(values) < 2 or top <= 0:  # noqa: PLR2004 - a line has two ends
        return ""
    step = (SPARK_WIDTH - 4) / (len(values) - 1)
    heights = (SPARK_HEIGHT - 2 - (SPARK_HEIGHT - 5) * max(float(value), 0.0) / top for value in values)
    return " ".join(f"{2 + step * position:.1f},{height:.1f}" for position, height in enumerate(heights))


def name_later_stores(frames: Mapping[str, pl.DataFrame]) -> str:
    """A sentence on the stores that are known and had no order in the last year; empty where there are none."""
    silent = frames["store_performance"].filter(pl.col("order_count") == 0)["store_name"].to_list()
    if not silent:
        return ""
    named = ", ".join(sentence_text(name) for name in silent[:5])
    more = f" and {format_integer(len(silent) - 5)} more" if len(silent) > 5 else ""  # noqa: PLR2004
    return f"Without an order in the last year: {named}{more}."


def _change(growth: float | None) -> str:
    return f"{format_growth(growth)} on the year before" if growth is not None else "no whole year before"


def _size(growth: float) -> str:
    return format_share(abs(growth))


def _moved(growth: float) -> str:
    if _size(growth) == format_share(0.0):
        return "stayed the same"
    return f"{'rose' if growth > 0 else 'fell'} {_size(growth)}"
