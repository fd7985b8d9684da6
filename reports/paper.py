"""A KPI and the height of its table in; what of it is printed, and the words that say where the rest lies, out.

On paper two sections stand side by side and letters are at least 8 points high: there is room for the columns and rows
that decide, and the sheet says in which file the others are.
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.formats import Format, format_integer
from reports.kpis import Column, Kpi
from reports.languages import tr

MAX_COLUMNS = 6  # across half a sheet
SHORT = 6  # rows of a table that is printed whole


def printed_columns(columns: Sequence[Column]) -> list[Column]:
    """Those of the page's columns that are printed too, in their order."""
    return [column for column in columns if column.on_paper][:MAX_COLUMNS]


def count_printed(kpi: Kpi, height: int) -> int:
    """How many rows are printed: all of a short table, of a longer one those that its KPI names."""
    return height if height <= SHORT and kpi.printed_rows else kpi.printed_rows


def write_printed(kpi: Kpi, height: int, shown: Sequence[Column], file: str) -> str:
    """What stands above the printed table, or in its place where none is printed; nothing where it is whole."""
    rows, total = count_printed(kpi, height), format_integer(height)
    if not rows:
        return tr("{total} rows, all on the page and in {file}", total=total, file=file)
    if rows < height:
        return tr(
            "First {shown} of {total} rows; all of it is in {file}", shown=format_integer(rows), total=total, file=file
        )
    return "" if len(printed_columns(shown)) == len(shown) else tr("All columns are in {file}", file=file)


def name_further_columns(kpi: Kpi, file: str) -> str:
    """The columns that the page has no room for, by their heads; empty where it shows all but ids."""
    heads = [column.head for column in kpi.columns if not column.on_page and column.format is not Format.ID]
    return tr("Further columns are in {file}: {columns}.", file=file, columns=", ".join(heads)) if heads else ""
