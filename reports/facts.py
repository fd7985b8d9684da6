"""What a report says of itself, kept beside its page; read without the libraries that draw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Facts:
    """What a report says of itself; `made_at` is UTC, `build_id` is empty where it is not known.

    `covers_all`: no order known when it was made is later than `as_of`. `made_from` is a hash of all that made it, by
    which whoever makes reports knows whether another would be the same; empty where it is not known.
    """

    as_of: date
    title: str
    made_at: datetime
    build_id: str
    run_id: str
    covers_all: bool
    made_from: str = ""
