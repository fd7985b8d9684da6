"""A reason against a record in (`column:code`), what was asked for out: as the shop's profile says it, if one does."""

from __future__ import annotations

from collections.abc import Callable

import dataframely as dy
import polars as pl

from flows.lake.amounts import Marks
from flows.lake.contracts import TIMESTAMP_FORMATS, Contract
from flows.lake.timestamps import EPOCHS
from flows.lake.values import VALUE_CODES

_UTC_WORDS = " (with `Z`, `UTC` or `GMT`)"  # which numbers have not


def describe_reason(contract: Contract, reason: str) -> str:
    """What the reason means for values of a contract that is adapted to a form; empty where the code is no value's."""
    name, _, code = reason.partition(":")
    meaning, column = VALUE_CODES.get(code, ""), contract.columns.get(name)
    describe = _DESCRIBED.get(code)
    return (describe(column, contract.table) if describe and column is not None else None) or meaning


def _describe_number(column: dy.Column, _table: str) -> str | None:
    """Of money in units, of cents and counts, or of a share; None where no profile says how they are written."""
    marks: Marks | None = (column.metadata or {}).get("marks")
    if marks is None:
        return None
    if isinstance(column.dtype, pl.Decimal):
        return f"not a plain decimal number as 0{marks.decimal}0725, of at most {column.dtype.scale} decimals"
    if marks.money_decimals:
        return f"not a plain amount as {_write(marks, f'{marks.decimal}56')}, of at most two decimals"
    return f"not a plain whole number as {_write(marks, '')}" if marks.thousands or marks.currency else None


def _write(marks: Marks, decimals: str) -> str:
    """A number with every mark that may be there, and without."""
    grouped, plain = f"1{marks.thousands}234{decimals}", f"1234{decimals}"
    stands_after = marks.currency.startswith((" ", "\u00a0", "\u202f"))
    marked = f"{grouped}{marks.currency}" if stands_after else f"{marks.currency}{grouped}"
    return plain if marked == plain else f"{marked} or {plain}"


def _describe_timestamp(column: dy.Column, _table: str) -> str | None:
    spellings = (column.metadata or {}).get("formats", TIMESTAMP_FORMATS)
    if spellings == TIMESTAMP_FORMATS:
        return None
    return f"not a timestamp as {' or '.join(spellings)}, or not a date of the calendar"


def _describe_boolean(column: dy.Column, _table: str) -> str | None:
    spellings = (column.metadata or {}).get("booleans")
    return f"not one of {', '.join(spellings)}" if spellings else None


def _describe_utc(column: dy.Column, table: str) -> str:
    knows_zone = {"zone_column", "store_column"} & {*(column.metadata or {})}
    cure = (
        "give raw_stores its time_zone, in the file or under constants of a profile"
        if knows_zone
        else f"{table} names no store, so export it as the store's local time"
    )
    is_number = not EPOCHS.keys().isdisjoint((column.metadata or {}).get("formats", ()))
    meaning = VALUE_CODES["utc_needs_time_zone"]
    return f"{meaning.replace(_UTC_WORDS, '') if is_number else meaning}; {cure}"


_DESCRIBED: dict[str, Callable[[dy.Column, str], str | None]] = {
    "not_integer": _describe_number,
    "not_decimal": _describe_number,
    "not_timestamp": _describe_timestamp,
    "not_boolean": _describe_boolean,
    "utc_needs_time_zone": _describe_utc,
}
