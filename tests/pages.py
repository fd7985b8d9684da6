"""A report page in; its texts by section out, and every number in them that no KPI table explains.

Numbers are read from what stands on the page, not from what wrote it: signs, separators, dates and times of both
languages are parsed here anew. A number is explained by a value of the section's own table that rounds to it, by one of
the few figures that are declared to be made of such values (`derive`), or by the words of the catalogue themselves,
such as the 12 in "12 months".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from html.parser import HTMLParser
from typing import Any

import polars as pl

from infra import words
from reports.kpis import KPIS
from reports.languages import Language
from reports.page import FIRST_ROWS

BLOCKS = frozenset(
    {"p", "li", "h1", "h2", "h3", "dt", "dd", "td", "th", "caption", "summary", "footer", "title", "a", "b", "small"}
    | {"span", "svg"}
)
OF_THE_PAGE = "rolling_year"  # title and tiles
WITH_TIME = 5  # year, month, day, hour, minute: when the page was made, and when files were loaded
BETWEEN = " | "  # two texts of one chart
VOID = frozenset({"meta", "br", "img", "link", "path", "polyline", "use"})
MONTHS = {
    "en": "January|February|March|April|May|June|July|August|September|October|November|December",
    "fr": "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre",
}
MAGNITUDES = {"K": 3, "k": 3, "M": 6, "B": 9, "Md": 9, "T": 12, "Bn": 12}
_MONTH_TICK = re.compile(r"[^\W\d]+\.? ’?\d\d(\d\d)?")
_WITH_DIGITS = re.compile(r"[^\W\d].*\d|\d.*[^\W\d]", re.DOTALL)
_NUMBER = re.compile(r"[−-]?\d+(?:\.\d+)?")


@dataclass
class Block:
    """A piece of text with the section that it stands in and the KPI that it speaks of."""

    section: str
    text: str
    tag: str


@dataclass
class Page(HTMLParser):
    """The blocks of a page in their order; scripts, styles and addresses are left out."""

    html: str
    blocks: list[Block] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._sections = [""]
        self._tags: list[str] = []
        self._text: list[str] = []
        self._about = ""
        self.feed(self.html)
        self._flush()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "text":
            self._text.append(BETWEEN)
        if tag in BLOCKS:
            self._flush()
        if tag == "section":
            self._sections.append(given.get("id") or "")
        if tag == "a" and self._sections[-1] == "five":
            self._about = (given.get("href") or "").lstrip("#")
        if tag not in VOID:
            self._tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self._flush()
        if tag == "section":
            self._sections.pop()
        if tag in self._tags:
            while self._tags.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._tags):
            self._text.append(data)

    def _flush(self) -> None:
        text = " ".join("".join(self._text).replace("\u2068", "").replace("\u2069", "").split(" ")).strip()
        self._text.clear()
        if text:
            section = self._about if self._sections[-1] == "five" and self._about else self._sections[-1]
            self.blocks.append(Block(section, text, self._tags[-1] if self._tags else ""))


@dataclass(frozen=True)
class Number:
    """A number as it stands in a text: 2.4 of "2.4%" has one digit behind the sign and is a percentage."""

    value: Decimal
    is_percent: bool

    @property
    def digits(self) -> int:
        return max(-int(self.value.as_tuple().exponent), 0)


def plain(text: str, language: str) -> str:
    """The text with Python's signs: no separator of thousands, a decimal point, a plain minus."""
    if language == "fr":
        text = re.sub(r"(?<=\d)\u202f(?=\d{3})", "", text)
        text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    return text.replace("−", "-").replace("\u00a0", " ").replace("\u202f", " ").replace("’", "'")


def take_dates(text: str, language: str) -> tuple[str, list[tuple[int, ...]]]:
    """What is left of the text without its dates, and those: (2021, 8), (2021, 8, 30) or with hour and minute."""
    found: list[tuple[int, ...]] = []
    names = MONTHS[language]

    def keep(parts: Callable[[re.Match[str]], tuple[int, ...]]) -> Callable[[re.Match[str]], str]:
        def note(match: re.Match[str]) -> str:
            found.append(parts(match))
            return " "

        return note

    def month(name: str) -> int:
        return names.lower().split("|").index(name.lower()) + 1

    text = re.sub(
        r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d)", keep(lambda found: tuple(int(part) for part in found.groups())), text
    )
    text = re.sub(
        rf"(\d+)(?:er)? ({names}) (\d{{4}}) à (\d+) h (\d\d)",
        keep(lambda each: (int(each[3]), month(each[2]), int(each[1]), int(each[4]), int(each[5]))),
        text,
    )
    text = re.sub(
        rf"(?<!\d)(\d\d?)(?:er)? ({names}) (\d{{4}})",
        keep(lambda each: (int(each[3]), month(each[2]), int(each[1]))),
        text,
    )
    text = re.sub(rf"({names}) (\d{{4}})", keep(lambda each: (int(each[2]), month(each[1]))), text, flags=re.IGNORECASE)
    return text, found


def read_numbers(text: str) -> list[Number]:
    """The numbers of a text in Python's signs, with the size that a letter gives them: 2.5K is 2500."""
    text = re.sub(r"(?<![\d:])(\d\d):00(?!\d)", lambda found: str(int(found[1])), text)
    found = []
    for match in _NUMBER.finditer(text):
        is_name = match.start() and text[match.start() - 1].isalpha() and match[0][0] != "-"
        if is_name:
            continue
        digits = match[0]
        if digits.startswith("-") and match.start() and text[match.start() - 1].isalnum():
            digits = digits[1:]  # a hyphen
        sign = "-" if text[: match.start()].rstrip(" $€£").endswith("-") and not digits.startswith("-") else ""
        after = re.match(r" ?(Md|Bn|[KkMBT])(?![\w'])", text[match.end() :])
        size = MAGNITUDES[after[1]] if after else 0
        value = Decimal(sign + digits).scaleb(size)
        found.append(Number(value, text[match.end() :].lstrip(" ").startswith("%")))
    return found


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
    """Every number of a table, the sum of each column, points for ratios that are differences, and counts of rows.

    A table may hold a row of totals, which is not counted among its rows; the page shows the first rows and the rest.
    """
    numbers: list[Any] = [frame.height, frame.height - 1, FIRST_ROWS, FIRST_ROWS + 1]
    for column in frame.iter_columns():
        if column.dtype.is_numeric():
            known = [value for value in column.to_list() if value is not None]
            numbers += [*known, sum(known)]
            numbers += [Decimal(str(value)) * 100 for value in known if column.name == "difference_ratio"]
    return numbers


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
        self._values = {name: [*values_of(frame), *declared(name, frame)] for name, frame in frames.items()}
        self._dates = {name: known_days | dates_of(frame) for name, frame in frames.items()}
        self._words = {name: pattern_of([*names_of(frame), *constants], language) for name, frame in frames.items()}
        self._others = [*others, *(number for kpi in KPIS.values() for number in kpi.values.values())]

    def faults(self, block: Block) -> list[str]:
        """Each number of the block that nothing explains, with its section and text."""
        if block.tag == "svg":
            return []  # the ticks of an axis are no numbers of the data
        is_of_page = block.section not in self._values
        name = OF_THE_PAGE if is_of_page else block.section
        text = self._words[name].sub(" ", plain(block.text, self.language))
        text, dates = take_dates(text, self.language)
        wrong: list[Any] = [found for found in dates if found not in self._dates[name] and len(found) < WITH_TIME]
        known = [*self._values[name], *self._others] if is_of_page else self._values[name]
        wrong += [number.value for number in read_numbers(text) if not is_explained(number, known)]
        return [f"{block.section}: {found} in {block.text!r}" for found in wrong]


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
