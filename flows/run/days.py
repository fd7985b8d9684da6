"""The days that a person asks for by the first and the last one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from flows.errors import ConfigError

MAX_DAYS = 3_700  # ten years; more are a slip of the pen


def list_days(first: date | None, last: date | None) -> list[date]:
    """All days from the first to the last, both included, in order; without a last one the first alone.

    Raises:
        ConfigError: there is no first day, the last lies before it, or they are too many.
    """
    if first is None:
        if last is not None:
            raise ConfigError("the last day is named, but not the first. Name it by --from.")
        return []
    last = last or first
    count = (last - first).days + 1
    if count < 1:
        raise ConfigError(f"the last day, {last}, lies before the first, {first}. Exchange --from and --to.")
    if count > MAX_DAYS:
        raise ConfigError(f"from {first} to {last} are {count:,} days; at most {MAX_DAYS:,} are made at once.")
    return [first + timedelta(days=number) for number in range(count)]


def check_asked(days: Sequence[date], tables: Sequence[str] | None, *, rebuild: bool) -> None:
    """Raise ConfigError if a backfill is asked for nothing at all."""
    if not (days or tables or rebuild):
        raise ConfigError("nothing is asked for. Name days by --from and --to, files by --tables, or --rebuild.")
