"""Values of a table's columns in, the lines of a draft that say how they are spelled out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import dataframely as dy
import polars as pl

from flows.lake.contracts import CONTRACTS
from flows.lake.draft_columns import fold, is_money
from flows.lake.draft_toml import toml_list, toml_text, unsure
from flows.lake.draft_values import (
    find_currency_mark,
    find_epoch,
    find_marks,
    find_spellings,
    find_yes_and_no,
    take_off_mark,
    tell_days_apart,
)
from flows.lake.draft_words import CENT_WORDS
from flows.lake.timestamps import formats


def draft_spellings(table: str, columns: Mapping[str, str], values: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The lines for amounts, times, yes and no of a table; `columns`: ours and theirs, `values`: by theirs."""
    declared = CONTRACTS[table].columns
    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for ours, theirs in columns.items():
        by_kind[type(declared[ours].dtype).__name__] += values[theirs]
    money = list(dict.fromkeys(theirs for ours, theirs in columns.items() if is_money(declared[ours])))
    marks = {name: mark for name in money if (mark := find_currency_mark(values[name]))}
    amounts = [take_off_mark(value, marks.get(name)) for name in money for value in values[name]]
    counts = [value for ours, theirs in columns.items() if _is_count(declared[ours]) for value in values[theirs]]
    decimal, thousands = find_marks([*amounts, *counts], shares=by_kind["Decimal"])
    if decimal == "," or thousands:
        yield f"decimal_mark = {toml_text(decimal)}"
    if thousands:
        yield f"thousands_mark = {toml_text(thousands)}"
    yield from _draft_currency_mark(marks)
    if amounts:
        units = any(re.search(r"[.,]\d{1,2}$", value) for value in amounts)
        doubt = None if units or all(map(_says_cents, money)) else "no amount has decimals; it may be whole units"
        yield f"money = {toml_text('units' if units else 'cents')}{unsure(doubt)}"
    yield from _draft_times(table, columns, by_kind["Datetime"])
    spelled = find_yes_and_no(by_kind["Boolean"])
    if spelled:
        yield f"yes = {toml_list(spelled[0])}"
        yield f"no = {toml_list(spelled[1])}"


def _draft_currency_mark(marks: Mapping[str, str]) -> Iterator[str]:
    """`marks`: of each column that has one."""
    if marks:
        first = next(iter(marks.values()))
        other = next(((name, mark) for name, mark in marks.items() if mark != first), None)
        doubt = f'"{other[0]}" has {other[1]!r}, but a table has one mark; export them alike' if other else None
        yield f"currency_mark = {toml_text(first)}{unsure(doubt)}"


def _is_count(column: dy.Column) -> bool:
    return column.dtype.is_integer() and not is_money(column)


def _says_cents(name: str) -> bool:
    return not {*fold(name).split("_")}.isdisjoint(CENT_WORDS)


def _draft_times(table: str, columns: Mapping[str, str], times: Sequence[str]) -> Iterator[str]:
    name = next((name for name in columns if isinstance(CONTRACTS[table].dtypes[name], pl.Datetime)), None)
    epoch = find_epoch(times)
    found = [epoch] if epoch else find_spellings(times) if times else []
    if name is None or not found or found[0] in formats(CONTRACTS[table].columns[name]):
        return
    other = tell_days_apart(found)
    doubt = f"no day is above 12, so it may be {other} too" if other else None
    yield f"timestamps = {toml_list(found[:1])}{unsure(doubt)}"
