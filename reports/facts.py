"""What a report says of itself, kept beside its page; read without the libraries that draw."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path


@dataclass(frozen=True)
class Facts:
    """What a report says of itself; `made_at` is UTC, `build_id` is empty where it is not known.

    `covers_all`: no order known when it was made is later than `as_of`. `made_from` is a hash of all that made it, by
    which whoever makes reports knows whether another would be the same; empty where it is not known. `is_backfilled`:
    somebody asked for this very day, long after it; it stays for good, and `latest` does not follow it.
    """

    as_of: date
    title: str
    made_at: datetime
    build_id: str
    run_id: str
    covers_all: bool
    made_from: str = ""
    is_backfilled: bool = False


def hash_files(folder: Path, leave_out: str) -> dict[str, str]:
    """SHA-256 of each file of a report by name, but of the one that holds them."""
    paths = sorted(path for path in folder.iterdir() if path.name != leave_out)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
