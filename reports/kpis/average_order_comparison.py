"""Whether an order is worth more in one store than in another: a row a store, then one for all stores (no store id)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_labels, add_points, add_ranges
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing, tell_rest
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, format_compact, format_mean
from reports.intervals import ROUGH_BELOW, VALUE_ONLY_BELOW, Mean, find_clear_differences
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr, tr_many
from reports.names import chart_name, join_names, sentence_text
from reports.theme import NET, TOTAL

TOP = 15
ALL_STORES = "All stores"
NAMED = 3


def read_mean(row: dict[str, Any]) -> Mean:
    """The mean of a row with its standard error in the currency."""
    value, ratio = float(row["average_order_net_usd"]), row["standard_error_ratio"]
    error = abs(value) * ratio if ratio is not None else None
    return Mean(value, error, row["degrees_of_freedom"], row["customer_count"])


def write_headline(frame: pl.DataFrame) -> str:
    """The stores whose orders are clearly worth more, or that no difference is clear; and how many orders are out."""
    return join_sentences(_write_comparison(frame), _write_left_out(frame))


def _write_comparison(frame: pl.DataFrame) -> str:
    stores = _stores(frame)
    if not stores:
        return tr("No store has orders with items in the last year.")
    first, last = stores[0], stores[-1]
    said = {"store": _name(first), "amount": _amount(first)}
    if len(stores) == 1:
        return tr("An order in {store} is worth {amount} net on average.", **said)
    clear = find_clear_differences([read_mean(row) for row in stores])
    beaten = [row for other, row in enumerate(stores) if (0, other) in clear]
    if len(beaten) == len(stores) - 1:
        return tr("{store} clearly has the highest average order: {amount} net.", **said)
    span = tr(
        "The average order goes from {amount} in {store} to {least} in {last}.",
        least=_amount(last),
        last=_name(last),
        **said,
    )
    return join_sentences(span, _write_clear(stores, clear))


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """A dot a store with its interval as a pale bar, the highest first and all stores last."""
    stores, total = _stores(frame), [row for row in frame.iter_rows(named=True) if row["store_id"] is None]
    words = Words(
        title=tr("Average order per store, last year"),
        subtitle=join_sentences(
            tr("Dot: mean net order. Bar: 95% interval, which counts customers, not orders, as independent."),
            tell_rest(layout.rows(TOP), len(stores)),
        ),
        axis=tr("Mean net amount of an order with items, {money}"),
    )
    rows = [*stores[: layout.rows(TOP)], *total]
    if not rows:
        return draw_nothing(words, layout, tr("No orders with items in the last year"))
    means = [read_mean(row) for row in rows]
    ranges = [mean.interval or (mean.value, mean.value) for mean in means]
    ends = [high for _, high in ranges]
    texts = [_label(row, mean) for row, mean in zip(rows, means, strict=True)]
    colors = [NET if row["store_id"] is not None else TOTAL for row in rows]
    scale = Scale([*chain(*ranges), *(mean.value for mean in means)], format_compact, texts)
    chart = draw_canvas([_row_name(row) for row in rows], words, scale, layout)
    chart += add_ranges(ranges, layout)
    chart += add_points([mean.value for mean in means], layout, colors)
    return chart + add_labels(ends, texts, layout)


def _write_clear(stores: Sequence[dict[str, Any]], clear: set[tuple[int, int]]) -> str:
    """The highest store that is clearly above another, those it is above, and how many other pairs differ clearly."""
    if not clear:
        return tr("No difference between stores is clear.")
    first = min(above for above, _ in clear)
    below = [_name(row) for other, row in enumerate(stores) if (first, other) in clear]
    others = tr_many("{count} other", "{count} others", len(below))
    named = join_names(below) if len(below) <= NAMED else others
    lead = tr("{store} is clearly above {others}.", store=_name(stores[first]), others=named)
    rest = len(clear) - len(below)
    more = tr_many("{count} other difference is clear.", "{count} other differences are clear.", rest)
    return join_sentences(lead, more if rest else tr("No other difference is clear."))


def _write_left_out(frame: pl.DataFrame) -> str:
    counts = frame.filter(pl.col("store_id").is_not_null())["order_without_items_count"].to_list()
    count = sum(counts)
    if not count:
        return ""
    return tr_many("{count} order without items is left out.", "{count} orders without items are left out.", count)


def _stores(frame: pl.DataFrame) -> list[dict[str, Any]]:
    known = frame.filter(pl.col("store_id").is_not_null())
    return known.sort(["average_order_net_usd", "store_id"], descending=[True, False]).rows(named=True)


def _name(row: dict[str, Any]) -> str:
    return sentence_text(row["store_name"])


def _amount(row: dict[str, Any]) -> str:
    return format_mean(row["average_order_net_usd"])


def _row_name(row: dict[str, Any]) -> str:
    name = chart_name(row["store_name"], row["store_id"] or ALL_STORES)
    customers = tr_many("{count} customer", "{count} customers", row["customer_count"])
    return f"{name}\n{customers}"


def _label(row: dict[str, Any], mean: Mean) -> str:
    if mean.interval is None:
        return tr("{amount}  (too few customers)", amount=_amount(row))
    low, high = (format_mean(end) for end in mean.interval)
    if mean.is_rough:
        return tr("{amount}  ({low} to {high}, rough)", amount=_amount(row), low=low, high=high)
    return tr("{amount}  ({low} to {high})", amount=_amount(row), low=low, high=high)


AVERAGE_ORDER_COMPARISON = Kpi(
    name="average_order_comparison",
    title=mark("Average order, compared"),
    question=mark("Is an order worth more in one store than in another?"),
    definition=mark(
        "Orders of the last year that have items; those without are counted beside them and left out of the mean. The "
        "interval holds the mean in 95 of 100 such years. It counts customers, not orders, as independent, for the "
        "orders of one customer are alike: cluster-robust standard errors with the correction CR2 and the degrees of "
        "freedom of Bell and McCaffrey (Survey Methodology 28, 2002). Stores are compared two by two with Welch's t "
        "and Holm's correction (1979): a difference is clear if chance would show one as large in fewer than 5 of 100 "
        "such years, all comparisons together. Of fewer than {rough} customers the interval is rough; of fewer than "
        "{value_only} there is only the mean, which is not compared."
    ),
    chart_shows=mark("Dot chart of the mean net order of each store with its 95% interval, the highest first."),
    columns=(
        Column("store_id", "Store id", Format.ID, nullable=True),
        Column("store_name", "Store", Format.NAME),
        Column("customer_count", "Customers", Format.INTEGER),
        Column("order_count", "Orders with items", Format.INTEGER),
        Column("order_without_items_count", "Orders without items", Format.INTEGER, on_paper=False),
        Column("average_order_net_usd", "Average order, net ({currency})", Format.USD),
        Column("standard_error_ratio", "Standard error, of the mean", Format.SHARE),
        Column("degrees_of_freedom", "Degrees of freedom", Format.QUANTITY, on_paper=False),
    ),
    values={"rough": ROUGH_BELOW, "value_only": VALUE_ONLY_BELOW},
    headline=write_headline,
    chart=draw_chart,
)
