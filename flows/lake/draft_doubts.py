"""Columns of a shop's file in; what a person must know of them that a profile cannot say out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from flows.lake.contracts import CONTRACTS
from flows.lake.draft_columns import find_named
from flows.lake.draft_values import are_amounts
from flows.lake.draft_words import QUANTITY_WORDS

_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[AaPp][Mm])?")
_SIGN = r"(?:[^\w\s.,()%+-]|[A-Z]{3})?"
_SIGNED_AMOUNT = re.compile(rf"\(?-?{_SIGN}\s?-?\d[\d., '\u00a0\u202f]*\s?{_SIGN}\)?-?")
NONE_FOUND = "no column was found; name one, or give a value under constants"
NO_KEY = "no column was found that differs in each record; add one to the export, e.g. the order and the line's number"


def describe_lack(table: str, name: str, values: Mapping[str, Sequence[str]], columns: Mapping[str, str]) -> str:
    """Why a column of ours has none of the file's: one may be there, but spelled as nobody can read it."""
    return describe_unread(table, name, values, columns) or (NO_KEY if CONTRACTS[table].key == [name] else NONE_FOUND)


def describe_unread(
    table: str, name: str, values: Mapping[str, Sequence[str]], columns: Mapping[str, str]
) -> str | None:
    """The column that is ours by its name, but spelled in no known way, with the cure; None where there is none."""
    dtype = CONTRACTS[table].dtypes[name]
    free = {theirs: sample for theirs, sample in values.items() if theirs not in columns.values() and sample}
    if isinstance(dtype, pl.Datetime):
        found, cure = find_named(table, name, free), "2024-12-31T14:05:00"
    elif dtype.is_numeric():
        signed = {theirs: sample for theirs, sample in free.items() if are_signed(sample)}
        found, cure = find_named(table, name, signed), "1234.50, without a currency's sign and without brackets"
    else:
        return None
    if found is None:
        return None
    example = next((each for each in free[found] if each.startswith("(")), free[found][0])
    return f"{found} is spelled in no known way, e.g. {example}; export it as {cure}"


def are_signed(sample: Sequence[str]) -> bool:
    """Whether they are amounts, of which some have more than digits and marks."""
    return all(map(_SIGNED_AMOUNT.fullmatch, sample)) and not are_amounts(sample)


def find_clock_apart(times: Sequence[str], left: Mapping[str, Sequence[str]]) -> str | None:
    """What to say of days without a time where another column holds nothing but times."""
    if any(":" in each for each in times):
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
        if more and any(word in name.lower() for word in QUANTITY_WORDS):
            return (
                f'"{name}" is not 1 in {more} of {len(sample)} records, and here a record is one unit; write such a '
                "line once for each unit, or sales are wrong"
            )
    return None
