"""The hash of a folder's files, by which code is known again."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

MADE_BY_PYTHON = "__pycache__"


def folder_sha256(folder: Path, leave_out: Collection[str] = ()) -> str:
    """A hash of the path and the bytes of every file; not of hidden ones, Python's caches, and folders `leave_out`."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        parts = path.relative_to(folder).parts
        if parts[0] in leave_out or MADE_BY_PYTHON in parts or parts[-1].startswith("."):
            continue
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{content} {'/'.join(parts)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
