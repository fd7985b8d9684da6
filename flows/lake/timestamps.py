"""Text → the wall-clock time of a store, in every accepted spelling.

A spelling may end in an offset such as +02:00, +0200 or +02, after a blank or none: what stands before it is what the
clock in the store showed. `Z`, `UTC` or `GMT` says that the time is UTC. Such an instant is no wall-clock time before
the time zone of the store is known; without it the record is set aside. An offset of nothing may be either, London's
winter or a program that writes UTC so: it is read by the store's time zone where that is known, and as any other offset
where it is not. So is a number of seconds or milliseconds since 1970, which is of UTC wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import dataframely as dy
import polars as pl

from flows.lake.contracts import Contract
from flows.lake.time_zones import time_zone_names

# Beyond, the parser's tables of time zones know nothing of summer time.
FIRST_INSTANT, LAST_INSTANT = datetime(1900, 1, 1), datetime(2099, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001  naive UTC
# An offset of hours alone follows minutes or seconds, as PostgreSQL writes it: elsewhere it may be a part of the time.
_CLOCK = r"(:[0-9]{2}(?:\.[0-9]+)?(?: (?:AM|PM|am|pm))?)"
UTC = " ?(?:Z|UTC|GMT)"
SUFFIX = rf"(?:{UTC}| ?[+-](?:0[0-9]|1[0-4]):?[0-5][0-9]|{_CLOCK} ?[+-](?:0[0-9]|1[0-4]))"
_OFFSET = rf"(?: ?[+-](?:(?:0[1-9]|1[0-4]):?[0-5][0-9]|00:?(?:0[1-9]|[1-5][0-9]))|{_CLOCK} ?[+-](?:0[1-9]|1[0-4]))\z"
_NO_OFFSET = rf"(?: ?[+-]00:?00|{_CLOCK} ?[+-]00)\z"
_UTC = rf"{UTC}\z"
_MISREAD_YEAR, _CENTURY = 2069, timedelta(days=36_525)  # from any day of 1969 to that of 2069
_FORMAT_SHAPES = {
    "%Y": "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)",
    "%m": "[0-9]{2}",
    "%d": "[0-9]{2}",
    "%H": "[0-9]{2}",
    "%M": "[0-9]{2}",
    "%S": "[0-5][0-9]",
    "%.6f": r"\.[0-9]{6}",
    "%.3f": r"\.[0-9]{3}",
    "%y": "[0-9]{2}",
    "%I": "(?:0[1-9]|1[0-2])",
    "%p": "(?:AM|PM|am|pm)",
    "%-d": "[0-9]{1,2}",
    "%-m": "[0-9]{1,2}",
    "%-H": "[0-9]{1,2}",
    "%-I": "(?:0?[1-9]|1[0-2])",
}

EPOCHS = {"%s": (12, 1_000_000), "%Q": (15, 1_000)}  # since 1970 in UTC: most digits, microseconds in one
DIRECTIVES = (*_FORMAT_SHAPES, *EPOCHS)
DIRECTIVE = re.compile(r"(%(?:-|\.[0-9])?[A-Za-z%])")


def read_spelling(text: pl.Expr, spelling: str) -> tuple[pl.Expr, pl.Expr]:
    """The value of a text in one spelling (a strptime format), null if unreadable; whether it really is spelled so.

    A number of seconds is no wall-clock time, of whatever text.
    """
    if spelling in EPOCHS:
        never = text.str.len_bytes() < 0
        return pl.when(never).then(pl.lit(FIRST_INSTANT, pl.Datetime("us"))), never
    value = text.str.to_datetime(spelling, time_unit="us", strict=False, cache=False)
    if "%y" in spelling:  # 69 is 1969 as in POSIX and Python's strptime, of which polars has but 70 to 99
        value = pl.when(value.dt.year() == _MISREAD_YEAR).then(value - _CENTURY).otherwise(value)
    return value, text.str.contains(_shape(spelling))


def formats(column: dy.Column) -> tuple[str, ...]:
    """The spellings of a timestamp column that a suffix may follow, as strptime formats."""
    return tuple((column.metadata or {})["formats"])


def read_suffixed(
    text: pl.DataFrame, typed: pl.DataFrame, contract: Contract, time_zones: Callable[[], Mapping[str, str]]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`typed` with the wall-clock times of what is null there but spelled with an offset, or in UTC of a known zone.

    Beside it a Boolean column for each timestamp, `utc_name`: whether the text is a time in UTC, of whatever zone.
    """
    is_utc = {}
    for name, column in contract.columns.items():
        if not isinstance(column.dtype, pl.Datetime):
            continue
        flags = pl.Series(utc_name(name), [False]).new_from_index(0, text.height)
        unread = (text[name].is_not_null() & typed[name].is_null()).arg_true()
        if len(unread):  # few as a rule, so that they alone are looked at again
            few = text[unread]
            walls = few.select(_read_any(_cut(pl.col(name), _OFFSET), column)).to_series()
            instants = few.select(_read_instant(pl.col(name), column)).to_series()
            local = _to_wall_clock(instants, few, column, time_zones)
            bare = few.select(_read_any(_cut(pl.col(name), _NO_OFFSET), column)).to_series()
            for other in (local, bare):
                walls = walls.zip_with(walls.is_not_null(), other)
            typed = typed.with_columns(typed[name].scatter(unread, walls))
            flags = flags.scatter(unread, instants.is_not_null())
        is_utc[utc_name(name)] = flags
    return typed, pl.DataFrame(is_utc)


def utc_name(name: str) -> str:
    """The name under which stands whether the text of a column is a time in UTC."""
    return f"utc of {name}"


def _read_instant(text: pl.Expr, column: dy.Column) -> pl.Expr:
    """The naive UTC time of a text that says it is UTC; null for any other text."""
    bare = pl.coalesce(pl.when(text.str.contains(end)).then(_cut(text, end)) for end in (_UTC, _NO_OFFSET))
    epochs = [_read_epoch(text, each) for each in formats(column) if each in EPOCHS]
    instant = pl.coalesce(_read_any(bare, column), *epochs)
    return pl.when(instant.is_between(FIRST_INSTANT, LAST_INSTANT)).then(instant)


def _read_epoch(text: pl.Expr, spelling: str) -> pl.Expr:
    """The naive UTC time of a number of seconds or milliseconds since 1970, null for any other text."""
    digits, microseconds = EPOCHS[spelling]
    is_number = text.str.contains(rf"\A(?:0|-?[1-9][0-9]{{0,{digits - 1}}})\z")
    return pl.when(is_number).then((text.cast(pl.Int64, strict=False) * microseconds).cast(pl.Datetime("us")))


def _cut(text: pl.Expr, end: str) -> pl.Expr:
    """The text without its end; what the pattern sets in brackets stays."""
    return text.str.replace(end, "${1}")


def _read_any(text: pl.Expr, column: dy.Column) -> pl.Expr:
    readings = (read_spelling(text, spelling) for spelling in formats(column))
    return pl.coalesce(pl.when(fits).then(value) for value, fits in readings)


def _find_zones(text: pl.DataFrame, column: dy.Column, time_zones: Callable[[], Mapping[str, str]]) -> pl.Series:
    """The name of the time zone of each record (String), null where it is not known."""
    zone, store = ((column.metadata or {}).get(name) for name in ("zone_column", "store_column"))
    if zone:
        return text[str(zone)]
    if store:
        return text[str(store)].replace_strict(time_zones(), default=None, return_dtype=pl.String)
    return pl.Series(dtype=pl.String).extend_constant(None, text.height)


def _to_wall_clock(
    instants: pl.Series, text: pl.DataFrame, column: dy.Column, time_zones: Callable[[], Mapping[str, str]]
) -> pl.Series:
    """Naive UTC times → naive local times of the zones of their records, null where the zone is not known."""
    local = instants.clear().extend_constant(None, len(instants))
    if instants.null_count() == len(instants):
        return local
    zones = _find_zones(text, column, time_zones)
    for zone in set(zones.filter(instants.is_not_null()).drop_nulls()) & time_zone_names():
        which = (zones == zone).fill_null(value=False).arg_true()
        there = instants.gather(which).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
        local = local.scatter(which, there.dt.replace_time_zone(None))
    return local


def _shape(spelling: str) -> str:
    pieces = DIRECTIVE.split(spelling)
    shape = "".join(_FORMAT_SHAPES[piece] if piece in _FORMAT_SHAPES else re.escape(piece) for piece in pieces)
    return rf"\A{shape}\z"
