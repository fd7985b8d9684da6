"""SHA-256 of files: of one as it is, and of one while it is read."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import IO

WINDOW = 1 << 18  # bytes, which are hashed while they are in the processor's cache


class Hashing(io.RawIOBase):
    """A binary file that hashes every byte that is read through it."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = 0
        while count < len(buffer):
            more = self._raw.readinto(buffer[count : count + WINDOW])  # type: ignore[attr-defined]
            if not more:
                break
            self.sha256.update(buffer[count : count + more])
            count += more
        return count

    def read(self, size: int = -1) -> bytes:
        pieces = list[bytes]()
        left = size
        while left and (piece := self._raw.read(min(left, WINDOW))):
            self.sha256.update(piece)
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)


def hash_file(path: Path) -> str:
    """SHA-256 of the bytes of a file, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
