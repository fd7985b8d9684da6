"""SHA-256 of files: of one as it is, and of one while it is read."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import IO


class Hashing(io.RawIOBase):
    """A binary file that hashes every byte that is read through it."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = self._raw.readinto(buffer)  # type: ignore[attr-defined]
        self.sha256.update(buffer[:count])
        return int(count)

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self.sha256.update(data)
        return data


def hash_file(path: Path) -> str:
    """SHA-256 of the bytes of a file, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
