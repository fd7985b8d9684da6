"""When customers come: one row a store, weekday and hour with orders in the last year."""

from __future__ import annotations

from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.canvas import Words, draw_nothing, tell_biggest
from reports.charts.layout import WIDE, Layout
from reports.charts.tiles import Tile, draw_tiles
from reports.formats import Format, format_hour, format_money, format_weekday
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr, tr_many
from reports.names import chart_name, sentence_text

TOP, NARROW_TOP = 3, 2
STAR = "★"
DAYS = 7  # of a week


def write_headline(frame: pl.DataFrame) -> str:
    """The hour of a store with the most orders a day."""
    rows = [row for row in frame.iter_rows(named=True) if row["order_count"] > 0]
    if not rows:
        return tr("No hour of the last year has orders.")
    best = max(rows, key=_rank)
    return tr(
        "The busiest hour is {weekday} from {hour} in {store}: {orders} on {days} of the last year, {amount} net.",
        weekday=format_weekday(best["weekday_number"]),
        hour=format_hour(best["hour_number"]),
        store=sentence_text(best["store_name"]),
        orders=tr_many("{count} order", "{count} orders", best["order_count"]),
        days=tr_many("{count} day", "{count} days", best["open_day_count"]),
        amount=format_money(best["net_sales_usd"]),
    )


def rank_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """The busiest store comes first, the hours of its week in their order."""
    orders = pl.col("order_count").cast(pl.Float64).sum().over("store_id")
    return frame.sort(-orders, "store_id", "weekday_number", "hour_number")


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """A row a weekday for the stores with the most orders, a column an hour; the darker, the more orders a day."""
    known = frame.filter(pl.col("weekday_number").is_between(1, DAYS) & pl.col("hour_number").is_between(0, 23))
    stores = rank_rows(known)["store_id"].unique(maintain_order=True).to_list()
    count, stores = len(stores), stores[: layout.rows(TOP, NARROW_TOP)]
    words = Words(
        title=tr("Orders by weekday and hour, last year"),
        subtitle=join_sentences(
            tr("The darker, the more orders per day with orders. {star} the busiest hour of the store.", star=STAR),
            tell_biggest(layout.rows(TOP, NARROW_TOP), count),
        ),
        axis=tr("Hour of the day, on the store's own clock"),
    )
    rows = [row for row in known.iter_rows(named=True) if row["store_id"] in stores]
    if not rows:
        return draw_nothing(words, layout, tr("No orders in the last year"))
    first, last = min(row["hour_number"] for row in rows), max(row["hour_number"] for row in rows)
    most = max(_per_day(row) for row in rows) or 1.0
    busiest = [max((row for row in rows if row["store_id"] == store), key=_rank) for store in stores]
    tiles = [
        Tile(
            row=stores.index(row["store_id"]) * (1 + DAYS) + row["weekday_number"],
            column=row["hour_number"] - first,
            shade=_per_day(row) / most,
            text=STAR if any(row is found for found in busiest) else "",
        )
        for row in rows
    ]
    names = [name for row in busiest for name in _row_names(row)]
    return draw_tiles(names, [f"{hour}" for hour in range(first, last + 1)], tiles, words, layout)


def _row_names(row: dict[str, Any]) -> list[str]:
    """The store, in a row without tiles, and the weekdays under it."""
    days = (format_weekday(number) for number in range(1, DAYS + 1))
    return [chart_name(row["store_name"], row["store_id"]), *days]


def _per_day(row: dict[str, Any]) -> float:
    return float(row["order_count"] / max(row["open_day_count"], 1))


def _rank(row: dict[str, Any]) -> tuple[Any, ...]:
    """The most orders a day; among equals the most orders, then one that is always the same."""
    return _per_day(row), row["order_count"], row["store_id"], -row["weekday_number"], -row["hour_number"]


SALES_BY_WEEKDAY_HOUR = Kpi(
    name="sales_by_weekday_hour",
    title=mark("Sales by weekday and hour"),
    question=mark("When do customers come to each store?"),
    definition=mark(
        "Orders of the last year by the weekday and hour at which they were placed, on their store's clock. Open days "
        "are the days of that weekday on which the store had an order."
    ),
    chart_shows=mark("Grid of weekdays and hours for the busiest stores, darker where there are more orders a day."),
    columns=(
        Column("store_id", "Store id", Format.ID),
        Column("store_name", "Store", Format.NAME),
        Column("weekday_number", "Weekday", Format.WEEKDAY),
        Column("hour_number", "Hour", Format.HOUR),
        Column("open_day_count", "Open days", Format.INTEGER),
        Column("order_count", "Orders", Format.INTEGER),
        Column("net_sales_usd", "Net sales ({currency})", Format.USD),
    ),
    totals=("order_count", "net_sales_usd"),
    printed_rows=0,
    headline=write_headline,
    chart=draw_chart,
    rank=rank_rows,
)
