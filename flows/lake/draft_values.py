"""Values of a column in → how they are spelled out: amounts, timestamps, yes and no; and what else they may mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import compress

import polars as pl

from flows.lake.draft_words import YES_AND_NO
from flows.lake.timestamps import SUFFIX, UTC, read_spelling

# After a leading 0 three digits are decimals, never thousands; between thousands is one mark, before decimals another
_GROUPED = r"[1-9]\d{0,2}(?P<mark>[., '\u00a0\u202f])\d{3}(?:(?P=mark)\d{3})*(?:(?!(?P=mark))[.,]\d{1,2})?"
_AMOUNT = re.compile(rf"-?(?:{_GROUPED}|\d+(?:[.,]\d{{1,2}})?)")
_DECIMALS = re.compile(r"[.,]\d\d?$")
_SHARE = re.compile(r"0(?:[.,]\d{1,6})?|1(?:[.,]0{1,6})?")
_CURRENCY = r"[^\w\s.,()%+'\"-]|[^\W\d_]{2,3}\.?"  # a sign, or a short word such as kr, zł, Fr. and CHF
_BLANK = "[ \u00a0\u202f]?"
_MARKED = re.compile(rf"(?P<before>(?:{_CURRENCY}){_BLANK})?(?:{_AMOUNT.pattern})(?P<after>{_BLANK}(?:{_CURRENCY}))?")
_DAYS_FIRST = [f"%d{mark}%m{mark}{year}" for mark in "/.-" for year in ("%Y", "%y")]
_MONTHS_FIRST = [f"%m{mark}%d{mark}{year}" for mark in "/.-" for year in ("%Y", "%y")]
_YEARS_FIRST = ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"]
_TIMES = [
    *("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S"),
    *(f"{mark}%H:%M:%S{decimals}" for mark in "T " for decimals in ("%.3f", "%.6f")),
]
_PADDED = tuple(day + time for day in (*_YEARS_FIRST, *_DAYS_FIRST, *_MONTHS_FIRST) for time in _TIMES)
_BARE = tuple(re.sub("%([dmHI])", r"%-\1", each) for each in _PADDED if not each.startswith("%Y%m"))  # no leading zeros
_SUFFIX = re.compile(rf"{SUFFIX}$")  # which may follow every spelling
_UTC = re.compile(rf"{UTC}$")
_EPOCHS = {"%s": re.compile(r"[1-3][0-9]{9}"), "%Q": re.compile(r"[1-3][0-9]{12}")}
MOST_TRIED = 500


def are_amounts(values: Sequence[str]) -> bool:
    """Whether all of them are numbers as a shop writes them."""
    return bool(values) and all(_AMOUNT.fullmatch(value) for value in values)


def are_whole(values: Sequence[str]) -> bool:
    """Whether all of them are numbers without decimals."""
    return are_amounts(values) and not any(_DECIMALS.search(value) for value in values)


def are_shares(values: Sequence[str]) -> bool:
    """Whether all of them are shares of 1 as a contract of rates takes them, with six decimals at most."""
    return bool(values) and all(_SHARE.fullmatch(value) for value in values)


def find_currency_mark(values: Iterable[str]) -> str | None:
    """What stands before or after amounts, with its blank; None where that is nothing, or differs, or not all are."""
    found = set[str]()
    for value in values:
        match = _MARKED.fullmatch(value)
        if match is None or (match["before"] and match["after"]):
            return None
        found.add(match["before"] or match["after"] or "")
    marks = found - {""}
    return marks.pop() if len(marks) == 1 else None


def take_off_mark(value: str, mark: str | None) -> str:
    """An amount without the mark of a currency before or after it."""
    if mark is None:
        return value
    return value.removeprefix(mark) if value.startswith(mark) else value.removesuffix(mark)


def find_marks(amounts: Iterable[str], shares: Iterable[str] = ()) -> tuple[str, str]:
    """Decimal mark and mark of thousands; shares of 1 have no thousands, however many digits follow the mark."""
    decimals, thousands = {".": 0, ",": 0}, ""
    for value in amounts:
        match = re.search(r"([.,])\d{1,2}$", value)
        if match:
            decimals[match[1]] += 1
        grouped = re.search(r"(?<!\d)[1-9]\d{0,2}([., '\u00a0\u202f])\d{3}(?!\d)", value)
        if grouped:
            thousands = grouped[1]
    for value in shares:
        for mark in decimals:
            decimals[mark] += mark in value
    decimal = "," if decimals[","] > decimals["."] or (thousands == "." and not decimals["."]) else "."
    return decimal, "" if thousands == decimal else thousands


def find_spellings(values: Sequence[str]) -> list[str]:
    """The timestamp spellings that read all values, an offset aside; several where nothing tells days from months.

    Spellings without leading zeros come into question where no other fits.
    """
    texts = tuple(dict.fromkeys(_SUFFIX.sub(r"\1", value) for value in values))[:MOST_TRIED]
    return list(_find_fitting(texts, _PADDED) or _find_fitting(texts, _BARE))


def find_epoch(values: Sequence[str]) -> str | None:
    """The spelling that reads all values as seconds or milliseconds since 1970, of this century; None if none does."""
    fit = (each for each, shape in _EPOCHS.items() if values and all(map(shape.fullmatch, values)))
    return next(fit, None)


def are_utc(values: Sequence[str]) -> bool:
    """Whether any of these times ends in a word for UTC, or all are numbers of seconds."""
    return any(map(_UTC.search, values)) or find_epoch(values) is not None


def tell_days_apart(spellings: Sequence[str]) -> str | None:
    """Another spelling than the first one that takes days for months; None where there is none."""
    order = [each.replace("-", "").find("%d") < each.replace("-", "").find("%m") for each in spellings]
    return next((each for each, days_first in zip(spellings, order, strict=True) if days_first != order[0]), None)


@lru_cache(maxsize=1024)  # each column is asked about for many of ours
def _find_fitting(texts: tuple[str, ...], spellings: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the spellings that read all texts."""
    for some in (texts[:1], texts):  # most spellings fail on the first text
        if not some or not spellings:
            return ()
        readings = (read_spelling(pl.col("text"), spelling) for spelling in spellings)
        fit = [(fits & value.is_not_null()).all().alias(str(at)) for at, (value, fits) in enumerate(readings)]
        spellings = tuple(compress(spellings, pl.DataFrame({"text": some}).select(fit).row(0)))
    return spellings


def find_yes_and_no(values: Iterable[str]) -> tuple[list[str], list[str]] | None:
    """The spellings of true and false among the values; None where they are ours, or not known."""
    seen = set(values)
    if seen <= {"True", "true", "False", "false"}:
        return None
    for yes, no in YES_AND_NO:
        if {value.lower() for value in seen} <= {yes, no}:
            return [v for v in sorted(seen) if v.lower() == yes] or [yes], [
                v for v in sorted(seen) if v.lower() == no
            ] or [no]
    return None
