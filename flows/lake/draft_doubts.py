"""Columns of a shop's file in; what a person must know of them that a profile cannot say out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dataframely as dy
import polars as pl

from flows.lake.contracts import CONTRACTS
from flows.lake.draft_columns import find_named, fold, is_money, is_time_zone
from flows.lake.draft_values import are_amounts, are_shares, are_whole, find_currency_mark, find_epoch, find_spellings
from flows.lake.draft_words import QUANTITY_WORDS
from flows.lake.time_zones import time_zone_names

_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[AaPp][Mm])?")
_SIGN = r"(?:[^\w\s.,()%+-]|[A-Z]{3})?"
_SIGNED_AMOUNT = re.compile(rf"\(?-?{_SIGN}\s?-?\d[\d., '\u00a0\u202f]*\s?{_SIGN}\)?-?")
_RATE = re.compile(r"(?=.*\d)[%\uff05]?\s?\d{0,3}(?:[.,]\d+)?\s?[%\uff05]?")
NONE_FOUND = "no column was found; name one, or give a value under constants"
KEY_LEFT = 'no column was found by its name, but "{}" differs in each record; name it, or the right one'
NO_KEY = "no column was found that differs in each record; add one to the export, e.g. the order and the line's number"


def describe_lack(
    table: str,
    name: str,
    values: Mapping[str, Sequence[str]],
    columns: Mapping[str, str],
    differing: Sequence[str] = (),
) -> str:
    """Why a column of ours has none of the file's: one may be there, but spelled as nobody can read it.

    `differing` are the columns of the file that differ in each record, any of which may be the key.
    """
    unread = describe_unread(table, name, values, columns)
    if unread or CONTRACTS[table].key != [name]:
        return unread or NONE_FOUND
    free = [theirs for theirs in differing if theirs not in columns.values()]
    return KEY_LEFT.format(free[0]) if free else NO_KEY


def describe_unread(
    table: str, name: str, values: Mapping[str, Sequence[str]], columns: Mapping[str, str]
) -> str | None:
    """The column that is ours by its name, but spelled in no known way, with the cure; None where there is none."""
    kind = _find_kind(CONTRACTS[table].columns[name])
    if kind is None:
        return None
    free = {theirs: sample for theirs, sample in values.items() if theirs not in columns.values() and sample}
    found = find_named(table, name, (theirs for theirs, sample in free.items() if kind.may_be(sample)))
    if found is None:
        return None
    examples = kind.find_examples(free[found])
    how = "in several ways" if len(examples) > 1 else "in no known way"
    return f"{found} is spelled {how}, e.g. {' and '.join(examples)}; export it as {kind.cure}"


@dataclass(frozen=True)
class _Kind:
    """What values of ours are: what a sample of them looks like however it is spelled, and whether it can be read."""

    may_be: Callable[[Sequence[str]], bool]
    are_read: Callable[[Sequence[str]], bool]
    cure: str

    def find_examples(self, sample: Sequence[str]) -> list[str]:
        """The first value that cannot be read, or two that cannot be together; digits aside, equal ones count once."""
        shapes: dict[str, str] = {}
        for value in sample:
            shapes.setdefault(re.sub(r"\d", "0", value), value)
        unread = next((value for value in shapes.values() if not self.are_read([value])), None)
        if unread is not None:
            return [unread]
        other = next((value for value in shapes.values() if not self.are_read([sample[0], value])), None)
        return [sample[0], *([other] if other is not None else [])]


def _find_kind(column: dy.Column) -> _Kind | None:
    """None where every text is a value."""
    if isinstance(column.dtype, pl.Datetime):
        return _TIME
    if isinstance(column.dtype, pl.Decimal):
        return _SHARE
    if column.dtype.is_numeric():
        return _MONEY if is_money(column) else _COUNT
    return _ZONE if is_time_zone(column) else None


def are_signed(sample: Sequence[str]) -> bool:
    """Whether they are amounts, of which some have more than digits and marks."""
    return all(map(_SIGNED_AMOUNT.fullmatch, sample)) and not are_amounts(sample)


def _are_mostly(pattern: re.Pattern[str], sample: Sequence[str]) -> bool:
    """Whether more than half are spelled so: one that is misspelt makes no other column of the others."""
    return 2 * sum(pattern.fullmatch(value) is not None for value in sample) > len(sample)


_TIME = _Kind(
    lambda _: True,
    lambda sample: bool(find_spellings(sample) or find_epoch(sample)),
    "2024-12-31T14:05:00",
)
_SHARE = _Kind(
    lambda sample: _are_mostly(_RATE, sample),
    are_shares,
    "a share of 1 with at most six decimals, e.g. 0.0725",
)
_MONEY = _Kind(
    lambda sample: _are_mostly(_SIGNED_AMOUNT, sample) and not are_amounts(sample),
    lambda sample: are_amounts(sample) or find_currency_mark(sample) is not None,
    "1234.50, with at most two decimals, without a currency's sign and without brackets",
)
_COUNT = _Kind(
    lambda sample: _are_mostly(_SIGNED_AMOUNT, sample) and not are_whole(sample),
    are_whole,
    "a whole number, e.g. 1234",
)
_ZONE = _Kind(
    lambda _: True,
    lambda sample: time_zone_names().issuperset(sample),
    "the name of an IANA time zone, e.g. America/New_York",
)


def find_clock_apart(times: Sequence[str], left: Mapping[str, Sequence[str]]) -> str | None:
    """What to say of days without a time where another column holds nothing but times."""
    if any(":" in each for each in times) or find_epoch(times):
        return None
    clock = next((name for name, sample in left.items() if sample and all(map(_CLOCK.fullmatch, sample))), None)
    return clock and (
        f'the time of the day is apart, in "{clock}"; export both in one column, or every time is that of midnight'
    )


def find_quantity(table: str, left: Mapping[str, Sequence[str]]) -> str | None:
    """What to say of a column of quantities in a file of items, where each record is one unit."""
    if table != "raw_items":
        return None
    for name, sample in left.items():
        more = sum(re.fullmatch(r"1(?:[.,]0+)?", each) is None for each in sample)
        if more and any(word in fold(name) for word in QUANTITY_WORDS):
            return (
                f'"{name}" is not 1 in {more} of {len(sample)} records, and here a record is one unit; write such a '
                "line once for each unit, or sales are wrong"
            )
    return None
