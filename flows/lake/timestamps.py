"""Text → the wall-clock time of a store, in every accepted spelling.

A spelling may end in an offset such as +02:00: what stands before it is what the clock in the store showed. A `Z`, or
an offset of nothing, which many programs write for it, says that the time is UTC. Such an instant is no wall-clock
time before the time zone of the store is known; without it the record is set aside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

import dataframely as dy
import polars as pl

from flows.lake.contracts import Contract
from flows.lake.time_zones import time_zone_names

# Beyond, the parser's tables of time zones know nothing of summer time.
FIRST_INSTANT, LAST_INSTANT = datetime(1900, 1, 1), datetime(2099, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001  naive UTC
_OFFSET = r"[+-](?:(?:0[1-9]|1[0-4]):?[0-5][0-9]|00:?(?:0[1-9]|[1-5][0-9]))\z"
_UTC = r"(?:Z|[+-]00:?00)\z"
_FORMAT_SHAPES = {
    "%Y": "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)",
    "%m": "[0-9]{2}",
    "%d": "[0-9]{2}",
    "%H": "[0-9]{2}",
    "%M": "[0-9]{2}",
    "%S": "[0-5][0-9]",
    "%.6f": r"\.[0-9]{6}",
}


def read_spelling(text: pl.Expr, spelling: str) -> tuple[pl.Expr, pl.Expr]:
    """The value of a text in one spelling (a strptime format), null if unreadable; whether it really is spelled so."""
    value = text.str.to_datetime(spelling, time_unit="us", strict=False, cache=False)
    return value, text.str.contains(_shape(spelling))


def read_wall_clock(text: pl.Expr, column: dy.Column) -> pl.Expr:
    """The wall-clock time in any spelling, with an offset or without; null if it is none."""
    return _read_any(text.str.replace(_OFFSET, ""), column)


def read_instant(text: pl.Expr, column: dy.Column) -> pl.Expr:
    """The naive UTC time of a text that says it is UTC; null for any other text."""
    instant = _read_any(text.str.replace(_UTC, ""), column)
    return pl.when(text.str.contains(_UTC) & instant.is_between(FIRST_INSTANT, LAST_INSTANT)).then(instant)


def read_instants(
    text: pl.DataFrame, typed: pl.DataFrame, contract: Contract, time_zones: Callable[[], Mapping[str, str]]
) -> pl.DataFrame:
    """`typed` with the wall-clock times of what `text` gives in UTC, where the store's time zone is known."""
    for name, column in contract.columns.items():
        if isinstance(column.dtype, pl.Datetime) and text[name].str.contains(_UTC).any():
            instants = text.select(read_instant(pl.col(name), column)).to_series()
            local = _to_wall_clock(instants, _find_zones(text, column, time_zones))
            typed = typed.with_columns(pl.coalesce(pl.col(name), local).alias(name))
    return typed


def _read_any(text: pl.Expr, column: dy.Column) -> pl.Expr:
    readings = (read_spelling(text, spelling) for spelling in (column.metadata or {})["formats"])
    return pl.coalesce(pl.when(fits).then(value) for value, fits in readings)


def _find_zones(text: pl.DataFrame, column: dy.Column, time_zones: Callable[[], Mapping[str, str]]) -> pl.Series:
    """The name of the time zone of each record (String), null where it is not known."""
    zone, store = ((column.metadata or {}).get(name) for name in ("zone_column", "store_column"))
    if zone:
        return text[str(zone)]
    if store:
        return text[str(store)].replace_strict(time_zones(), default=None, return_dtype=pl.String)
    return pl.Series(dtype=pl.String).extend_constant(None, text.height)


def _to_wall_clock(instants: pl.Series, zones: pl.Series) -> pl.Series:
    """Naive UTC times → naive local times of their zones, null where the zone is not known."""
    local = instants.clear().extend_constant(None, len(instants))
    for zone in set(zones.filter(instants.is_not_null()).drop_nulls()) & time_zone_names():
        which = (zones == zone).fill_null(value=False).arg_true()
        there = instants.gather(which).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
        local = local.scatter(which, there.dt.replace_time_zone(None))
    return local


def _shape(spelling: str) -> str:
    shape = re.escape(spelling).replace(r"\.6f", ".6f")
    for token, pattern in _FORMAT_SHAPES.items():
        shape = shape.replace(token, pattern)
    return rf"\A{shape}\z"
