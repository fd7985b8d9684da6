"""Good records of some files in S3, packed for the warehouse, and what it must hold of them once they are loaded."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True)
class StoredPart:
    """One Parquet file in S3, named by its content: its URI, its rows, its size in bytes, the SHA-256 of its bytes."""

    uri: str
    rows: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Pack:
    """Parts that hold the records of one or several files, which are loaded together; packs of the same parts are one.

    `figures` has a row a file: `_file`, and what the warehouse is asked for when the parts are loaded.
    """

    parts: tuple[StoredPart, ...]
    figures: pl.DataFrame = field(compare=False)

    @property
    def size(self) -> int:
        """Of all its parts, in bytes."""
        return sum(part.size for part in self.parts)
