"""What a run and its source agree upon beyond the contracts; handed down to whoever converts, never looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flows.lake.forgetting import NOBODY, Forgotten

DEFAULT_CURRENCY = "USD"


@dataclass(frozen=True)
class Terms:
    """`currency` is that of every amount, three capital letters; a column that no contract knows may come or not.

    `time_zones` gives store id → IANA name. It is called when a file first has a time in UTC, for that is rare.
    `forgotten` are the customers whose id and name are never written.
    """

    currency: str = DEFAULT_CURRENCY
    allow_extra_columns: bool = False
    time_zones: Callable[[], Mapping[str, str]] = dict
    forgotten: Forgotten = NOBODY


DEFAULT_TERMS = Terms()
