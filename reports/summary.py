"""KPI frames in; the page's title sentence and its tiles out: figures of the last year."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from reports.formats import format_growth, format_integer, format_money, format_share
from reports.kpis.rolling_year import compare_years, growth_of
from reports.languages import tr, tr_many
from reports.names import join_names, sentence_text

SPARK_WIDTH, SPARK_HEIGHT = 100, 28
NAMED = 5


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
        return tr("No sales in the last year")
    amount, growth = format_money(last["net_sales_usd"]), growth_of("net_sales_usd", last, before)
    if before is None or growth is None:
        return tr("Net sales of the last year: {amount}; there is no whole year before to compare with", amount=amount)
    rise = last["net_sales_usd"] - before["net_sales_usd"]
    lead = _write_move(rise, amount, growth)
    old_growth = growth_of("comparable_net_sales_usd", last, before)
    if old_growth is None:
        return tr("{sales}; no store was open in all of both years", sales=lead)
    new_rise = rise - (last["comparable_net_sales_usd"] - before["comparable_net_sales_usd"])
    if new_rise == 0:
        return lead
    if not 0 < new_rise <= rise:
        return tr("{sales}; {comparable}", sales=lead, comparable=_write_comparable(old_growth))
    return tr(
        "{sales}: {share} of the rise comes from newer stores; {comparable}",
        sales=lead,
        share=format_share(float(new_rise / rise)),
        comparable=_write_comparable(old_growth),
    )


def build_tiles(frames: Mapping[str, pl.DataFrame]) -> tuple[Tile, ...]:
    """Net sales, comparable stores, gross margin, orders and customers; each with its change on the year before."""
    years = frames["rolling_year"].sort("as_of_date")
    last, before = compare_years(years)
    if last is None:
        return ()

    def tile(name: str, column: str, write: Callable[[Any], str], note: str = "") -> Tile:
        spark = draw_spark(years.filter("is_whole_year")[column].to_list())
        change = _change(growth_of(column, last, before))
        told = tr("{change}; {note}", change=change, note=note) if note else change
        return Tile(name, write(last[column]), told, spark)

    open_both = tr_many(
        "{open} of {count} store",
        "{open} of {count} stores",
        last["store_count"],
        open=format_integer(last["comparable_store_count"]),
    )
    margin = last["margin_ratio"]
    share = tr("{share} of net sales", share=format_share(margin)) if margin is not None else ""
    return (
        tile(tr("Net sales"), "net_sales_usd", format_money),
        tile(tr("Net sales, stores open in both years"), "comparable_net_sales_usd", format_money, open_both)
        if last["comparable_store_count"]
        else Tile(tr("Net sales, stores open in both years"), tr("none"), tr("no store was open in all of both years")),
        tile(tr("Gross margin"), "margin_usd", format_money, share),
        tile(tr("Orders"), "order_count", format_integer, _tell_empty_orders(frames["average_order_comparison"])),
        tile(tr("Customers"), "customer_count", format_integer, tr("who ordered")),
    )


def _tell_empty_orders(comparison: pl.DataFrame) -> str:
    """How many orders of the last year have no items, by the row of all stores; empty where all have some."""
    empty = int(comparison.filter(pl.col("store_id").is_null())["order_without_items_count"].sum())
    return tr_many("{count} without items", "{count} without items", empty) if empty else ""


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
    named = [sentence_text(name) for name in silent[:NAMED]]
    more = tr_many("{count} more", "{count} more", len(silent) - NAMED)
    stores = join_names([*named, more] if len(silent) > NAMED else named)
    return tr("Without an order in the last year: {stores}.", stores=stores)


def _change(growth: float | None) -> str:
    if growth is None:
        return tr("no whole year before")
    return tr("{growth} on the year before", growth=format_growth(growth))


def _write_move(rise: Decimal, amount: str, growth: float) -> str:
    size = format_share(abs(growth))
    if rise == 0:
        return tr("Net sales stayed at {amount}", amount=amount)
    if rise > 0:
        return tr("Net sales rose {size} to {amount}", size=size, amount=amount)
    return tr("Net sales fell {size} to {amount}", size=size, amount=amount)


def _write_comparable(growth: float) -> str:
    size = format_share(abs(growth))
    if size == format_share(0.0):
        return tr("in stores open in all of both years they stayed the same")
    if growth > 0:
        return tr("in stores open in all of both years they rose {size}", size=size)
    return tr("in stores open in all of both years they fell {size}", size=size)
