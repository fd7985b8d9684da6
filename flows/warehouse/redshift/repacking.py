"""The lake's parts of one load → few Parquet files in the dialect of COPY, about equal in size; memory stays flat.

The lake cuts its parts where the CSV file's blocks end, and writes zstd. COPY is at its best with about equal files; a
columnar one below 128 MB is read as a whole, by one slice (AWS: "Loading data files"), and many small ones are slow. Of
compression the page "COPY from columnar data formats" names gzip, Snappy and bzip2. So the rows are packed anew: 64 to
128 MB a file, or one file if that is all there is. Format 1.0 has neither annotations nor encodings that a reader might
not know.

The same parts give the same bytes, so that names by content stay the same when a load is tried again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import polars as pl

from flows.lake.contract_versions import find_lacking
from flows.lake.contracts import Contract
from flows.lake.parts import Part, PartWriter
from flows.warehouse.redshift.dialect import spell, staged_columns
from flows.warehouse.redshift.values import Values

FOLDER = "staged"  # in the work folder
TARGET_BYTES = 108 << 20
MAX_BYTES = 128 << 20
GROUP_BYTES = 8 << 20  # of rows in memory that become one row group
_OURS = re.compile(r"\A[0-9]{5}\.parquet\Z")
FORMAT = {
    "version": "1.0",
    "compression": "snappy",
    "data_page_version": "1.0",
    "write_statistics": False,
    "store_schema": False,
}


@dataclass(frozen=True)
class Repacked:
    """What is uploaded, and what the warehouse must hold of each source file when it is loaded."""

    parts: tuple[Part, ...]
    values: Values


@contextmanager
def repack(contract: Contract, parts: Sequence[Part], folder: Path) -> Iterator[Repacked]:
    """Write the rows of these parts of the lake into `folder`, which is there as long as the context lasts.

    Raises:
        LoadError: the disk is full or not writable.
    """
    values, packer = Values(contract), _Packer(folder, sum(part.rows for part in parts))
    _empty(folder)
    try:
        for rows in _read_groups(parts, contract):
            values.add(rows)
            packer.append(spell(rows).select(list(staged_columns(contract))))
        yield Repacked(packer.finish(), values)
    finally:
        packer.discard()
        _empty(folder)


def sweep_repacked(work_dir: Path, tables: Iterable[str]) -> None:
    """Remove what a killed run left; for the one run that holds the work folder."""
    for table in tables:
        _empty(work_dir / FOLDER / table)


def _empty(folder: Path) -> None:
    """Remove what a run names so, then the folder, unless something else lies in it."""
    for path in folder.glob("*.parquet"):
        if _OURS.match(path.name):
            path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def _read_groups(parts: Iterable[Part], contract: Contract) -> Iterator[pl.DataFrame]:
    """The rows in their order, about `GROUP_BYTES` at a time; a column that a part is too old for is null there."""
    held: list[pl.DataFrame] = []
    for part in parts:
        added = (pl.lit(None, contract.dtypes[name]).alias(name) for name in find_lacking([part], contract))
        rows = pl.read_parquet(part.path, glob=False).with_columns(*added)
        held.append(rows.select(*contract.columns, "_file", "_row"))
        size = sum(frame.estimated_size() for frame in held)
        if size >= GROUP_BYTES:
            rows = pl.concat(held)
            yield from rows.iter_slices(ceil(rows.height / round(size / GROUP_BYTES)))
            held = []
    if held:
        yield pl.concat(held)


class _Packer:
    """Cuts rows into files of about `TARGET_BYTES`, all about equal, by the bytes that a row took so far."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder, self.rows_left = folder, rows
        self._finished: list[Part] = []
        self._writer: PartWriter | None = None

    def append(self, rows: pl.DataFrame) -> None:
        """Add rows to the file that is open, and close it if it has its share.

        Before these rows it had less than that, so that it has at most one group more than the target now.
        """
        if self._writer is None:
            path = self.folder / f"{len(self._finished):05d}.parquet"
            self._writer = PartWriter(path, rows.to_arrow().schema, FORMAT)
        self._writer.append(rows)
        files = ceil(self.rows_left * _size(self._writer) / self._writer.rows / TARGET_BYTES)
        if self._writer.rows * files >= self.rows_left:
            self._close()

    def finish(self) -> tuple[Part, ...]:
        """Close what is open; all files in their order."""
        self._close()
        return tuple(self._finished)

    def discard(self) -> None:
        """Let go of the file that is open, if a failure left one."""
        if self._writer is not None:
            self._writer.discard()

    def _close(self) -> None:
        if self._writer is None:
            return
        part = self._writer.close()
        self._writer = None
        if part is not None:
            self._finished.append(part)
            self.rows_left -= part.rows


def _size(writer: PartWriter) -> int:
    return writer.path.stat().st_size
