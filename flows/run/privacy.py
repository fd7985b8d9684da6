"""What a run writes is for its own user alone: files 0600, folders 0700, whatever umask the process was given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIVATE_UMASK = 0o077
# What runs write at the top of a work folder; whatever else lies there is a person's own
OURS = (
    *("lake", "quarantine", "staged", "incoming", "runs", "reports", "dbt", "prefect"),
    *("warehouse.duckdb", "warehouse.duckdb.wal", ".lock", ".owner"),
)


@contextmanager
def private_files() -> Iterator[None]:
    """Everything that this process makes meanwhile, and whatever it starts, is for its own user."""
    before = os.umask(PRIVATE_UMASK)
    try:
        yield
    finally:
        os.umask(before)


def close_to_others(work_dir: Path) -> None:
    """Take from others what runs before this version left open to them; what lies in a closed folder is closed, too."""
    for path in (work_dir / name for name in OURS):
        if path.is_symlink() or not path.exists():
            continue
        mode = path.stat().st_mode
        if mode & PRIVATE_UMASK:
            with suppress(PermissionError):  # another user's, who may have meant it so
                path.chmod(mode & 0o700)
