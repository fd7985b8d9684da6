"""A report page in; its texts by section out, and the numbers and dates in a text, in whichever language it is.

Numbers are read from what stands on the page, not from what wrote it: signs, separators, dates and times of both
languages are parsed here anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser

BLOCKS = frozenset(
    {"p", "li", "h1", "h2", "h3", "dt", "dd", "td", "th", "caption", "summary", "footer", "title", "a", "b", "small"}
    | {"span", "svg"}
)
KINDS = ("svg", "caption", "summary", "td", "th", "footer")
BETWEEN = " | "  # two texts of one chart
VOID = frozenset({"meta", "br", "img", "link", "path", "polyline", "use"})
MONTHS = {
    "en": "January|February|March|April|May|June|July|August|September|October|November|December",
    "fr": "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre",
}
SHORT_MONTHS = {
    "en": "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec",
    "fr": r"janv\.|févr\.|mars|avr\.|mai|juin|juil\.|août|sept\.|oct\.|nov\.|déc\.",
}
MAGNITUDES = {"K": 3, "k": 3, "M": 6, "B": 9, "Md": 9, "T": 12, "Bn": 12}
_MONTH_TICK = re.compile(r"[^\W\d]+\.? ’?\d\d(\d\d)?")
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
            self.blocks.append(Block(section, text, self._kind()))

    def _kind(self) -> str:
        """What the text belongs to: a cell, the head of a table or a chart, however deep in it, or its own tag."""
        return next((tag for tag in reversed(self._tags) if tag in KINDS), self._tags[-1] if self._tags else "")


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

    def month(name: str, names: str = names) -> int:
        return 1 + [bool(re.fullmatch(each, name, re.IGNORECASE)) for each in names.split("|")].index(True)

    text = re.sub(
        r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d)", keep(lambda found: tuple(int(part) for part in found.groups())), text
    )
    text = re.sub(
        r"(\d\d)/(\d\d)/(\d{4}) (\d\d):(\d\d)",
        keep(lambda each: (int(each[3]), int(each[2]), int(each[1]), int(each[4]), int(each[5]))),
        text,
    )
    text = re.sub(
        rf"(?<!\d)(\d\d?)(?:er)? ({names}) (\d{{4}})",
        keep(lambda each: (int(each[3]), month(each[2]), int(each[1]))),
        text,
    )
    short = SHORT_MONTHS[language]
    text = re.sub(
        rf"(?<!\d)(\d\d?)(?:er)? ({short}) (\d{{4}})",
        keep(lambda each: (int(each[3]), month(each[2], short), int(each[1]))),
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
