"""Parquet files that are either whole or not there.

While its source file is being converted a part has a hidden name. When the whole source file has been checked, its
parts, written, flushed, read back and hashed, are given their names.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from polars.exceptions import ComputeError

from flows.errors import LoadError
from flows.lake.hashing import hash_file

_STATISTICS = {"null_count": True, "min": False, "max": False, "distinct_count": False}  # parts are read as a whole
_GROUP_ROWS = 1 << 15  # whose columns stay in the processor's cache while they are packed
_ZSTD = {"compression": "zstd"}
_SLUG = re.compile(r"[^A-Za-z0-9_-]+")
_FINISHED = re.compile(r"\A[A-Za-z0-9_-]{1,60}\.(?P<stem>[0-9a-f]{16}\.[0-9a-f]{16})(\.[0-9]{5,})?\.parquet\Z")
_UNFINISHED = re.compile(r"\A\.[A-Za-z0-9_-]{1,60}\.[0-9a-f]{16}(\.[0-9]{5,})?\.parquet\.tmp\Z")


@dataclass(frozen=True)
class Part:
    """One Parquet file: its rows, its size in bytes and the SHA-256 of its bytes."""

    path: Path
    rows: int
    size: int
    sha256: str

    def verify(self) -> None:
        """Raise LoadError if the file is not the one that was written; a flipped bit can read back as a wrong value."""
        if not self.path.is_file() or hash_file(self.path) != self.sha256:
            raise LoadError(f"{self.path}: changed or vanished after it was written. Check the disk and run again.")

    def publish(self, path: Path) -> Part:
        """Give the file its name: from now on it counts."""
        with _explained(path):
            self.path.replace(path)
        return replace(self, path=path)


def stem(file_name: str, file_sha256: str) -> str:
    """What names the Parquet files of one version of one source file: hash of its name, hash of its bytes."""
    return f"{_hash_name(file_name)}.{file_sha256[:16]}"


def find_stem(part: str) -> str:
    """The stem in the name of a finished Parquet file; empty if no run names one so."""
    found = _FINISHED.match(part)
    return found["stem"] if found else ""


def version_sha256(file_sha256: str, profile_sha256: str | None) -> str:
    """What names one reading of a file's bytes: their hash; that of both hashes where a profile said how to read."""
    if profile_sha256 is None:
        return file_sha256
    return hashlib.sha256(f"{file_sha256} {profile_sha256}".encode()).hexdigest()


def part_name(file_name: str, file_sha256: str, number: int | None = None) -> str:
    """A file name that is safe whatever the source file is called, and equal for equal bytes."""
    return f"{_slug(file_name)}.{stem(file_name, file_sha256)}{_suffix(number)}.parquet"


def unfinished_name(file_name: str, number: int | None = None) -> str:
    """The name of a part while its source file is still being converted."""
    return f".{_slug(file_name)}.{_hash_name(file_name)}{_suffix(number)}.parquet.tmp"


def write_part(frame: pl.DataFrame, path: Path) -> Part:
    """Write `frame` at `path`, on the disk and read back; on a failure nothing is left there.

    Raises:
        LoadError: the disk is full or not writable, or the file reads back with another number of rows.
    """
    with _finishing(path, [frame.height]) as parts:
        path.unlink(missing_ok=True)  # a leftover, or a link that someone planted
        frame.write_parquet(
            path, compression="zstd", compression_level=1, statistics=_STATISTICS, row_group_size=_GROUP_ROWS
        )
    return parts[0]


class PartWriter:
    """One Parquet file written piece by piece; `options` are those of `pyarrow.parquet.ParquetWriter`."""

    def __init__(self, path: Path, schema: pa.Schema, options: Mapping[str, Any] = _ZSTD) -> None:
        self.path, self.schema, self.options, self.rows = path, schema, options, 0
        self._writer: pq.ParquetWriter | None = None

    def append(self, frame: pl.DataFrame) -> None:
        """Add rows; raises LoadError if they cannot be written."""
        with _explained(self.path):
            if self._writer is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.unlink(missing_ok=True)
                self._writer = pq.ParquetWriter(self.path, self.schema, **self.options)
            self._writer.write_table(frame.to_arrow())
        self.rows += frame.height

    def close(self) -> Part | None:
        """Finish the file; None if nothing was ever written."""
        if self._writer is None:
            return None
        with _finishing(self.path, [self.rows]) as parts:
            self._writer.close()
        return parts[0]

    def discard(self) -> None:
        """Leave nothing behind."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            self.path.unlink(missing_ok=True)


@contextmanager
def _finishing(path: Path, rows: list[int]) -> Iterator[list[Part]]:
    """Let the caller write a file at `path`; then flush it, read it back and hash it."""
    parts: list[Part] = []
    try:
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield parts
            _flush(path)
            parts.append(_read_back(path, rows[0]))
    except BaseException:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what the system says into an error that names the file and the cure."""
    try:
        yield
    except (OSError, ComputeError) as error:
        why = getattr(error, "strerror", None) or error
        raise LoadError(f"{path}: cannot be written ({why}). Free space or rights, then run again.") from error


def _read_back(path: Path, rows: int) -> Part:
    found = int(pq.read_metadata(path).num_rows)
    if found != rows:
        raise LoadError(f"{path}: {rows} rows were written, {found} read back. Check the disk and run again.")
    return Part(path, found, path.stat().st_size, hash_file(path))


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def keep_only(parts: Iterable[Part], folder: Path, file_stem: str) -> None:
    """Remove other parts of the same version of a file, which a killed run may have cut otherwise; flush the folder."""
    kept = {part.path.name for part in parts}
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:  # a glob takes several times as long, and there may be thousands of parts
        names = [entry.name for entry in entries if f".{file_stem}." in entry.name]
    for name in names:
        if name not in kept and _FINISHED.match(name):
            (folder / name).unlink()
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path, keep: set[str]) -> list[Path]:
    """Remove unfinished parts, and those of versions whose stem is not in `keep`; touch nothing with a foreign name."""
    removed = []
    for path in sorted(folder.glob("*")) + sorted(folder.glob(".*.tmp")):
        finished = _FINISHED.match(path.name)
        is_stale = finished["stem"] not in keep if finished else bool(_UNFINISHED.match(path.name))
        if is_stale and path.is_file():
            path.unlink()
            removed.append(path)
    return removed


def _hash_name(file_name: str) -> str:
    return hashlib.sha256(file_name.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _slug(file_name: str) -> str:
    return _SLUG.sub("_", file_name.split(".", 1)[0])[:60] or "_"


def _suffix(number: int | None) -> str:
    return "" if number is None else f".{number:05d}"
