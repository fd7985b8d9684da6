"""The sentence and the chart of a KPI that has none of its own, from what its columns are.

Columns that are neither ids nor numbers say what a row is; the first number beside them is its value. A month makes
lines, one for each of what else the row is; without one the rows are bars, in their own order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_bars, add_labels
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing, tell_biggest, tell_newest, tell_rest
from reports.charts.layout import WIDE, Layout
from reports.charts.lines import Line, draw_lines
from reports.formats import (
    MISSING,
    Format,
    format_compact,
    format_money,
    format_percent_tick,
    format_plain_tick,
    format_tick,
    format_value,
)
from reports.languages import join_sentences, tr
from reports.names import chart_name, sentence_text
from reports.theme import MARK, NET, TAX, TOTAL

if TYPE_CHECKING:
    from reports.kpis.kpi import Column, Kpi

TOP, MONTHS = 15, 36
COLORS = (NET, MARK, TAX, TOTAL)
_TICKS: dict[Format, Callable[[Any], str]] = {
    Format.USD: format_compact,
    Format.INTEGER: format_tick,
    Format.QUANTITY: format_plain_tick,
}


def write_headline(kpi: Kpi, frame: pl.DataFrame) -> str:
    """The first row of the table as the page shows it: what it is, and each of its numbers."""
    rows = (frame.reverse() if kpi.newest_first else kpi.rank(frame)).head(1).rows(named=True)
    if not rows:
        return tr("There is nothing to show.")
    names = ", ".join(_said(row, column) for row in rows for column in kpi.keys) or tr("All")
    numbers = " · ".join(f"{column.head} {_amount(row, column)}" for row in rows for column in kpi.numbers)
    return tr("{name}: {numbers}.", name=names, numbers=numbers)


def draw_chart(kpi: Kpi, frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """Lines where a column is a month, else bars; what has no value is left out."""
    value = kpi.numbers[0]
    words = Words(title=kpi.say(kpi.title), subtitle="", axis=value.head)
    known = (frame if kpi.newest_first else kpi.rank(frame)).filter(pl.col(value.name).is_not_null())
    if known.is_empty():
        return draw_nothing(words, layout, tr("There is nothing to show."))
    if any(column.format is Format.MONTH for column in kpi.keys):
        return _draw_lines(kpi, known, words, layout)
    return _draw_bars(kpi, known, words, layout)


def _draw_bars(kpi: Kpi, frame: pl.DataFrame, words: Words, layout: Layout) -> ggplot:
    value, rows = kpi.numbers[0], frame.head(layout.rows(TOP)).rows(named=True)
    told = Words(words.title, tell_rest(layout.rows(TOP), frame.height), words.axis)
    values = [float(row[value.name]) for row in rows]
    texts = [_amount(row, value) for row in rows]
    chart = draw_canvas([_name(row, kpi.keys) for row in rows], told, Scale(values, _tick(value), texts), layout)
    return chart + add_bars(values, layout) + add_labels(values, texts, layout)


def _draw_lines(kpi: Kpi, frame: pl.DataFrame, words: Words, layout: Layout) -> ggplot:
    """One line for each of what a row is beside its month; of more than there are colours, those with the most."""
    value = kpi.numbers[0]
    month = next(column.name for column in kpi.keys if column.format is Format.MONTH)
    others = [column for column in kpi.keys if column.name != month]
    days = frame[month].unique().sort()
    amounts: dict[str, dict[Any, Any]] = {}
    for row in frame.rows(named=True):
        amounts.setdefault(_name(row, others), {})[row[month]] = row
    biggest = sorted(amounts, key=lambda name: -sum(float(row[value.name]) for row in amounts[name].values()))
    shown = days.tail(MONTHS).to_list()
    lines = [
        _line(name if others else "", [amounts[name].get(day) for day in shown], value, color)
        for name, color in zip(biggest, COLORS, strict=False)
    ]
    told = join_sentences(tell_biggest(len(COLORS), len(biggest)), tell_newest(MONTHS, len(days)))
    return draw_lines(shown, lines[::-1], Words(words.title, told, words.axis), _tick(value), layout)


def _line(name: str, rows: list[dict[str, Any] | None], value: Column, color: str) -> Line:
    last = _amount(rows[-1], value) if rows[-1] else ""
    return Line([float(row[value.name]) if row else None for row in rows], f"{name} {last}".strip(), color)


def _name(row: dict[str, Any], columns: tuple[Column, ...] | list[Column]) -> str:
    """What a row is, as a chart can draw it: the first column in a line of its own, the others below it."""
    first, *others = [chart_name(_cell(row, column), MISSING) for column in columns] or [tr("All")]
    return "\n".join(filter(None, (first, ", ".join(others))))


def _cell(row: dict[str, Any], column: Column) -> str:
    return format_value(row[column.name], column.format)


def _said(row: dict[str, Any], column: Column) -> str:
    return sentence_text(row[column.name]) if column.format.is_text else _cell(row, column)


def _amount(row: dict[str, Any], column: Column) -> str:
    value = row[column.name]
    return format_money(value) if column.format is Format.USD and value is not None else _cell(row, column)


def _tick(column: Column) -> Callable[[Any], str]:
    return _TICKS.get(column.format, format_percent_tick)
