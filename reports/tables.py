"""KPI frames in; the rows of a page's table and its CSV link out.

Ids are in the CSV only. A cell of the CSV that a spreadsheet would take for a formula is made text by an apostrophe, as
OWASP asks ("CSV Injection").
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from reports.formats import Format, format_value
from reports.kpis import Column, Kpi
from reports.languages import reader, tr
from reports.paper import printed_columns

MAX_ROWS = 200
MAX_CSV_ROWS = 10_000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Head:
    """What stands above a column; text stands at the left, numbers at the right."""

    label: str
    is_text: bool
    is_printed: bool


@dataclass(frozen=True)
class Cell:
    """A formatted value, and what it is sorted by."""

    text: str
    key: str


@dataclass(frozen=True)
class Row:
    """One row as the page shows it: what heads it and the other cells."""

    name: Cell
    cells: tuple[Cell, ...]
    is_total: bool


def build_heads(kpi: Kpi) -> tuple[Head, ...]:
    """The heads of the columns that the page shows."""
    shown = shown_columns(kpi)
    printed = printed_columns(shown)
    return tuple(Head(column.head, not column.format.is_number, column in printed) for column in shown)


def shown_columns(kpi: Kpi) -> list[Column]:
    """All columns of the page but ids, the first heads the row."""
    return [column for column in without_ids(kpi) if column.on_page]


def without_ids(kpi: Kpi) -> list[Column]:
    """Its columns but ids, which say nothing to people; the Parquet file and the CSV have them."""
    return [column for column in kpi.columns if column.format is not Format.ID]


def order_rows(kpi: Kpi, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of a checked frame in the order of the chart, or the newest first."""
    return frame.reverse() if kpi.newest_first else kpi.rank(frame)


def build_rows(kpi: Kpi, frame: pl.DataFrame) -> tuple[Row, ...]:
    """The first rows of a checked frame, and a row of totals where the KPI names columns to sum."""
    ids = [column.name for column in kpi.columns if column.format is Format.ID]
    columns = shown_columns(kpi)
    rows = [
        _build_row(columns, row, is_total=any(row[name] is None for name in ids))
        for row in order_rows(kpi, frame).head(MAX_ROWS).iter_rows(named=True)
    ]
    if kpi.totals and frame.height > 1:
        rows.append(_build_row(columns, _sum(kpi, frame, columns), is_total=True))
    return tuple(rows)


def csv_link(kpi: Kpi, frame: pl.DataFrame) -> str | None:
    """All rows and columns as a `data:` address with a byte-order mark, for spreadsheets; None of too many rows.

    Where the language writes a decimal comma, fields are separated by semicolons, as its spreadsheets expect.
    """
    if frame.height > MAX_CSV_ROWS:
        return None
    text = io.StringIO()
    mark = reader().locale.number_symbols["latn"]["decimal"]
    writer = csv.writer(text, delimiter=";" if mark == "," else ",")
    writer.writerow(column.name for column in kpi.columns)
    writer.writerows([_csv_cell(value, mark) for value in row] for row in frame.iter_rows())
    data = base64.b64encode(("\ufeff" + text.getvalue()).encode("utf-8", "replace")).decode("ascii")
    return f"data:text/csv;charset=utf-8;base64,{data}"


def _build_row(columns: Sequence[Column], row: Mapping[str, Any], *, is_total: bool) -> Row:
    name, *cells = (
        Cell(format_value(row[column.name], column.format) if column.name in row else "", _key(row.get(column.name)))
        for column in columns
    )
    return Row(name, tuple(cells), is_total)


def _sum(kpi: Kpi, frame: pl.DataFrame, columns: Sequence[Column]) -> dict[str, Any]:
    head = columns[0]
    sums: dict[str, Any] = {name: sum(frame[name].to_list()) for name in kpi.totals}  # polars would wrap around
    return {head.name: tr("All")} | sums if head.format.is_text else sums


def _key(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)[:80]


def _csv_cell(value: Any, decimal_mark: str) -> Any:
    if isinstance(value, Decimal | float):
        return str(value).replace(".", decimal_mark)
    is_formula = isinstance(value, str) and value.startswith(_FORMULA_STARTS)
    return f"'{value}" if is_formula else value
