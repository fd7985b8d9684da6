"""Whether a number of the report page is explained by the KPI tables.

A number is explained by a value of the section's own table that rounds to it, by one of the few figures that are
declared to be made of such values (`declared`), or by the words of the catalogue themselves, such as the 12 in
"12 months".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl

from infra import words
from reports.kpis import KPIS
from reports.languages import Language
from reports.page import FIRST_ROWS
from reports.paper import count_printed
from reports.tables import MAX_ROWS
from tests.page_texts import BETWEEN, Block, Number, Page, plain, read_numbers, take_dates

OF_THE_PAGE = "rolling_year"  # title and tiles
WITH_TIME = 5  # year, month, day, hour, minute: when the page was made, and when files were loaded
_MONTH_TICK = re.compile(r"[^\W\d]+\.? ’?\d\d(\d\d)?")
_WITH_DIGITS = re.compile(r"[^\W\d].*\d|\d.*[^\W\d]", re.DOTALL)


def is_explained(number: Number, values: Iterable[Any]) -> bool:
    """Whether one of the values rounds to the number; percentages are ratios, a size may be told without its sign."""
    step = Decimal(1).scaleb(int(number.value.as_tuple().exponent))
    for value in values:
        exact = Decimal(str(value)) * (100 if number.is_percent else 1)
        for each in (exact, abs(exact)):
            if number.value in (each.quantize(step, ROUND_HALF_UP), each.quantize(step, ROUND_HALF_EVEN)):
                return True
    return False


def values_of(frame: pl.DataFrame) -> list[Any]:
    """Every number of a table, the sum of each column, and points for ratios that are differences."""
    numbers: list[Any] = []
    for column in frame.iter_columns():
        if column.dtype.is_numeric():
            known = [value for value in column.to_list() if value is not None]
            numbers += [*known, sum(known)]
            numbers += [Decimal(str(value)) * 100 for value in known if column.name == "difference_ratio"]
    return numbers


def rows_of(frame: pl.DataFrame) -> list[int]:
    """How many rows there are, with or without one of totals, and how many the page shows at most."""
    return [frame.height, frame.height - 1, min(frame.height, MAX_ROWS)]


def dates_of(frame: pl.DataFrame) -> set[tuple[int, ...]]:
    """Every day, month and minute of a table."""
    found: set[tuple[int, ...]] = set()
    for column in frame.iter_columns():
        for value in column.drop_nulls().to_list() if column.dtype.is_temporal() else ():
            found |= {(value.year, value.month), (value.year, value.month, value.day)}
            if isinstance(value, datetime):
                found.add((value.year, value.month, value.day, value.hour, value.minute))
    return found


def changes_of(frame: pl.DataFrame) -> list[Any]:
    """For a table of whole years: each figure's change, as amount and as ratio, and what part comes from new stores."""
    rows = frame.sort("as_of_date").rows(named=True)
    if len(rows) < 2 or not rows[0]["net_sales_usd"]:
        return []
    first, last = rows[0], rows[-1]
    found: list[Any] = []
    rises = {}
    for name in frame.columns:
        if isinstance(last[name], int | Decimal) and not isinstance(last[name], bool):
            rises[name] = Decimal(last[name]) - Decimal(first[name])
            found += [rises[name], rises[name] / Decimal(first[name])] if first[name] else []
    rise = rises["net_sales_usd"]
    return [*found, (rise - rises["comparable_net_sales_usd"]) / rise] if rise else found


def declared(name: str, frame: pl.DataFrame) -> list[Any]:
    """The numbers of a headline that its table holds only together: counts of rows and ratios of columns."""
    if name == "rolling_year":
        return changes_of(frame)
    if name == "price_guide":
        return [frame.filter(pl.col("price_usd") < pl.col("target_price_usd")).height]
    if name == "stock_cover":
        return [frame.filter(pl.col("days_of_supply") < pl.col("lead_time_days")).height]
    if name == "reorder_suggestions":
        return [
            frame.filter(pl.col("suggested_order_unit_count") > 0).height,
            frame["backtest_error_ratio"].median() or 0,
        ]
    if name == "average_order_comparison":
        return [count for count in range(frame.height * (frame.height - 1) // 2 + 1)]  # noqa: C416 - pairs that differ
    return []


def names_of(frame: pl.DataFrame) -> list[str]:
    """The names of a table that hold digits, the longest first."""
    found = {name for column in frame.select(pl.col(pl.String)) for name in column.drop_nulls()}
    return sorted((name for name in found if re.search(r"\d", name)), key=len, reverse=True)


def pattern_of(pieces: Sequence[str], language: str) -> re.Pattern[str]:
    """Matches any of the words in a text in Python's signs; a chart may have them in two lines."""
    patterns = [r"[\s|]+".join(map(re.escape, plain(piece, language).split())) for piece in pieces]
    return re.compile("|".join(patterns) or r"(?!)")


def constants_of(messages: Iterable[str]) -> list[str]:
    """The words of the catalogue that hold digits, the longest first: what is no number of the data."""
    pieces = {piece.strip() for text in messages for piece in re.split(r"\{[^}]*\}", text)}
    return sorted((piece for piece in pieces if _WITH_DIGITS.search(piece)), key=len, reverse=True)


class Explainer:
    """What the numbers of a page can be: `others` and `days` are those of the run, which stand outside the sections."""

    def __init__(
        self,
        language: Language,
        frames: Mapping[str, pl.DataFrame],
        others: Sequence[Any] = (),
        days: Iterable[date] = (),
    ) -> None:
        constants = constants_of(messages_of(language))
        known_days = {part for day in days for part in ((day.year, day.month), (day.year, day.month, day.day))}
        self.language = language
        self._cells = {name: values_of(frame) for name, frame in frames.items()}
        self._rows = {name: rows_of(frame) for name, frame in frames.items()}
        self._printed = {name: count_printed(KPIS[name], frame.height) for name, frame in frames.items()}
        self._declared = {name: declared(name, frame) for name, frame in frames.items()}
        self._dates = {name: known_days | dates_of(frame) for name, frame in frames.items()}
        self._words = {name: pattern_of([*names_of(frame), *constants], language) for name, frame in frames.items()}
        stores = frames["average_order_comparison"]
        without_items = stores.filter(pl.col("store_id").is_null())[
            "order_without_items_count"
        ]  # at the tile of orders
        constants_of_kpis = [number for kpi in KPIS.values() for number in kpi.values.values()]
        self._others = [*others, *without_items, *constants_of_kpis]

    def faults(self, block: Block) -> list[str]:
        """Each number of the block that nothing explains, with its section and text."""
        if block.tag == "svg":
            return []  # the ticks of an axis are no numbers of the data
        is_of_page = block.section not in self._cells
        name = OF_THE_PAGE if is_of_page else block.section
        text = self._words[name].sub(" ", plain(block.text, self.language))
        text, dates = take_dates(text, self.language)
        wrong: list[Any] = [found for found in dates if found not in self._dates[name] and len(found) < WITH_TIME]
        known = self._known(name, block.tag)
        known += self._others if is_of_page else []
        wrong += [number.value for number in read_numbers(text) if not is_explained(number, known)]
        return [f"{block.section}: {found} in {block.text!r}" for found in wrong]

    def _known(self, name: str, tag: str) -> list[Any]:
        """A cell has a value of its table, the head of a table its numbers of rows, a sentence what both give."""
        if tag in ("td", "th", "bdi"):
            return list(self._cells[name])
        if tag in ("caption", "summary"):
            return [*self._rows[name], FIRST_ROWS, FIRST_ROWS + 1, self._printed[name]]
        return [*self._cells[name], *self._rows[name], *self._declared[name]]


def numbers_of(page: Page, language: Language) -> list[tuple[str, list[str]]]:
    """Section and sorted numbers, dates included, of each block: equal for the page in two languages."""
    found = []
    constants = pattern_of(constants_of(messages_of(language)), language)
    for block in page.blocks:
        text = constants.sub(" ", plain(_without_ticks(block), language))
        text, dates = take_dates(text, language)
        numbers = [f"{number.value.normalize():f}{'%' * number.is_percent}" for number in read_numbers(text)]
        found.append((block.section, sorted([*numbers, *map(str, dates)])))
    return found


def _without_ticks(block: Block) -> str:
    """A chart's texts without the months of its axis, of which a language with longer names has fewer."""
    texts = block.text.split(BETWEEN.strip())
    return " | ".join(text for text in texts if not _MONTH_TICK.fullmatch(text.strip()))


def differences(left: Sequence[Any], right: Sequence[Any]) -> list[tuple[Any, Any]]:
    """The places at which two lists differ."""
    assert len(left) == len(right)
    return [pair for pair in zip(left, right, strict=True) if pair[0] != pair[1]]


def messages_of(language: Language) -> list[str]:
    """Every text of the report's sources in that language."""
    if language == "en":
        return [text for message in words.read_sources() if message.id for text in _forms(message.id)]
    return [text for message in words.read_catalogue(language) if message.id for text in _forms(message.string)]


def _forms(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)
