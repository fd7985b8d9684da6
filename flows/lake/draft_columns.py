"""The columns of a shop's files in; which of ours each of them is out, by their names and by their values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

import dataframely as dy
import polars as pl

from flows.lake.contracts import CONTRACTS
from flows.lake.draft_values import are_amounts, are_shares, are_whole, find_currency_mark, find_epoch, find_spellings
from flows.lake.draft_words import COLUMN_WORDS
from flows.lake.look import Look
from flows.lake.time_zones import time_zone_names

EXACT, WORD, PART = 4, 2, 1
LEAST_PART = 4  # of a word, so that `net` is not found in `internet`
REFERENCES = {
    "customer": "raw_customers",
    "order_id": "raw_orders",
    "store_id": "raw_stores",
    "item_id": "raw_items",
    "supply_id": "raw_supplies",
}
_NUMBER = re.compile(r"(?<![^\W\d_])n\.? ?[°º˚]|№")
Keys = Mapping[str, Sequence[frozenset[str]]]  # table → the values of each of its columns in which none is twice


def match_columns(table: str, values: Mapping[str, Sequence[str]], keys: Keys | None = None) -> dict[str, str]:
    """Our column → the one of the file whose name and values fit best; each of them once.

    A column whose values are all in a key of the table that ours refers to is very likely ours.
    """
    keys = keys or {}
    ranked = sorted(
        (
            (-score, place, ours, theirs)
            for place, (ours, words) in enumerate(COLUMN_WORDS[table].items())
            for theirs, sample in values.items()
            if (score := _score(fold(theirs), ours, words) + _refers(table, ours, sample, keys))
            and _can_be(table, ours, theirs, sample)
        ),
    )
    found: dict[str, str] = {}
    for _, _, ours, theirs in ranked:
        if ours not in found and theirs not in found.values():
            found[ours] = theirs
    return found


def fold(name: str) -> str:
    """A name in small letters without accents; signs that are read as a letter are that letter, N.º and № are no."""
    text = unicodedata.normalize("NFKD", _NUMBER.sub("no ", name.lower()))
    return re.sub(r"[^a-z0-9]+", "_", "".join(each for each in text if not unicodedata.combining(each))).strip("_")


def is_money(column: dy.Column) -> bool:
    """Whether the values of a column of ours are amounts of the currency."""
    return (column.metadata or {}).get("unit") == "cents"


def is_time_zone(column: dy.Column) -> bool:
    """Whether the values of a column of ours are names of time zones."""
    return isinstance(column.check, Mapping) and "not_time_zone" in column.check


def find_keys(looks: Sequence[Look]) -> Iterator[frozenset[str]]:
    for values in looks[0].values.values():
        if len(set(values)) == len(values) and not _is_no_reference(values):
            yield frozenset(values).union(*(look.values.get(name, ()) for look in looks[1:] for name in look.values))


def find_differing(looks: Sequence[Look]) -> list[str]:
    """The columns with a value in each record and none twice in a file, which is neither a time nor an amount."""
    return [
        name
        for name, values in looks[0].values.items()
        if not _is_no_reference(values) and all(_differs(look, name) for look in looks)
    ]


def find_named(table: str, ours: str, names: Iterable[str]) -> str | None:
    """Which of these columns is ours by its name, whatever its values are; None where none is."""
    scores = {name: _score(fold(name), ours, COLUMN_WORDS[table].get(ours, ())) for name in names}
    best = max(scores, key=lambda name: scores[name], default=None)
    return best if best and scores[best] else None


def _differs(look: Look, name: str) -> bool:
    values = look.values.get(name, [])
    return len(set(values)) == len(values) == len(look.records)


def _is_no_reference(values: Sequence[str]) -> bool:
    """Whether they are times, or amounts with decimals, which no other table refers to."""
    are_numbers = are_amounts(values) or are_shares(values)
    return bool(find_spellings(values)) or (are_numbers and not are_whole(values))


def _is_named_time(table: str, theirs: str) -> bool:
    """Whether a column is named as a time where the table has one of ours."""
    times = (name for name, dtype in CONTRACTS[table].dtypes.items() if isinstance(dtype, pl.Datetime))
    return any(_score(fold(theirs), name, COLUMN_WORDS[table][name]) >= WORD for name in times)


def _refers(table: str, ours: str, sample: Sequence[str], keys: Keys) -> int:
    """How much it says that all values are in a key of the table that this column of ours refers to."""
    other = "raw_products" if ours == "sku" and table != "raw_products" else REFERENCES.get(ours)
    if not other or other == table or not sample:
        return 0
    return EXACT if any(set(sample) <= key for key in keys.get(other, ())) else 0


def _score(name: str, ours: str, words: Sequence[str]) -> int:
    if name == ours:
        return 2 * EXACT
    parts = name.split("_")
    return max(
        (
            EXACT
            if name == word
            else WORD + PART * (sum(each in parts for each in words) > 1)
            if word in parts
            else PART
            if len(word) >= LEAST_PART and word in name
            else 0
            for word in words
        ),
        default=0,
    )


def _can_be(table: str, ours: str, theirs: str, sample: Sequence[str]) -> bool:
    contract, dtype = CONTRACTS[table], CONTRACTS[table].dtypes[ours]
    if contract.key == [ours] and len(set(sample)) < len(sample):
        return False
    if isinstance(dtype, pl.Datetime):
        return not sample or bool(find_spellings(sample) or find_epoch(sample))
    if is_time_zone(contract.columns[ours]):
        return time_zone_names().issuperset(sample)
    if _is_named_time(table, theirs):
        return False
    return not dtype.is_numeric() or _are_numbers(contract.columns[ours], sample)


def _are_numbers(column: dy.Column, sample: Sequence[str]) -> bool:
    """Whether they can be the numbers of a column of ours: shares of 1, amounts of money, or counts."""
    if isinstance(column.dtype, pl.Decimal):
        return are_shares(sample)
    if is_money(column):
        return are_amounts(sample) or find_currency_mark(sample) is not None
    return are_whole(sample)


def find_doubt(  # noqa: PLR0913  what is in doubt, and all that may say more of it
    table: str, ours: str, theirs: str, *, values: Mapping[str, Sequence[str]], left: Iterable[str], keys: Keys
) -> str | None:
    """What else a column may be: one that is left out, whose name fits as well; or any whose values do, if its own
    name says little. None if its values alone are those of the table that it refers to."""
    words = COLUMN_WORDS[table][ours]
    score = _score(fold(theirs), ours, words)
    refers = _refers(table, ours, values[theirs], keys)
    others = [name for name in left if _can_be(table, ours, name, values[name])]
    others = [name for name in others if _refers(table, ours, values[name], keys) >= refers]
    rivals = [name for name in others if _score(fold(name), ours, words) >= score]
    if rivals:
        return f'it may be "{rivals[0]}" too'
    return "its name is only a part of a known word" if score == PART and others else None
