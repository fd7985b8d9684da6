"""Parquet files that are either whole or not there: written beside, flushed, read back, hashed, renamed."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from flows.errors import LoadError
from flows.lake.reading import hash_file

_SLUG = re.compile(r"[^A-Za-z0-9_-]+")
_NAME = re.compile(r"\A\.?[A-Za-z0-9_-]{1,60}\.(?P<stem>[0-9a-f]{8}\.[0-9a-f]{16})(\.[0-9]{5})?\.parquet(\.tmp)?\Z")


@dataclass(frozen=True)
class Part:
    """One published Parquet file: its rows, its size in bytes and the SHA-256 of its bytes."""

    path: Path
    rows: int
    size: int
    sha256: str

    def verify(self) -> None:
        """Raise LoadError if the file is not the one that was written; a flipped bit can read back as a wrong value."""
        if not self.path.is_file() or hash_file(self.path) != self.sha256:
            raise LoadError(f"{self.path}: changed or vanished after it was written. Check the disk and run again.")


def stem(file_name: str, file_sha256: str) -> str:
    """What names the Parquet files of one version of one source file: hash of its name, hash of its bytes."""
    return f"{hashlib.sha256(file_name.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}.{file_sha256[:16]}"


def part_name(file_name: str, file_sha256: str, number: int | None = None) -> str:
    """A file name that is safe whatever the source file is called, and equal for equal bytes."""
    slug = _SLUG.sub("_", file_name.split(".", maxsplit=1)[0])[:60] or "_"
    suffix = "" if number is None else f".{number:05d}"
    return f"{slug}.{stem(file_name, file_sha256)}{suffix}.parquet"


def write_part(frame: pl.DataFrame, path: Path) -> Part:
    """Publish `frame` at `path`; on any failure nothing stands there that was not there before.

    Raises:
        LoadError: the disk is full or not writable, or the file reads back with another number of rows.
    """
    beside = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            frame.write_parquet(file, compression="zstd", compression_level=1)
            file.flush()
            os.fsync(file.fileno())
        rows = int(pq.read_metadata(beside).num_rows)
        if rows != frame.height:
            raise LoadError(
                f"{path}: {frame.height} rows were written, {rows} read back. Check the disk and run again."
            )
        part = Part(path, rows, beside.stat().st_size, hash_file(beside))
        beside.replace(path)
    except OSError as error:
        raise LoadError(
            f"{path}: cannot be written ({error.strerror or error}). Free space or rights, then run again."
        ) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return part


def sweep(folder: Path, keep: set[str]) -> list[Path]:
    """Remove the Parquet files of source versions whose stem is not in `keep`; touch nothing with a foreign name."""
    removed = []
    for path in sorted(folder.glob("*")) + sorted(folder.glob(".*.tmp")):
        match = _NAME.match(path.name)
        if match and match["stem"] not in keep and path.is_file():
            path.unlink()
            removed.append(path)
    return removed
