"""Bytes of one CSV file in, blocks that end at a record's end out.

Here the file is hashed, unpacked, checked to be UTF-8, and its records are counted from bytes and quote
parity alone, so that the count does not depend on the parser whose work it checks.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from flows.errors import DataError

BLOCK_BYTES = 32 * 1024 * 1024
MAX_RECORD_BYTES = 4 * 1024 * 1024  # a loaded row of Redshift is at most 4 MB
_GZIP_MAGIC = b"\x1f\x8b"
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_NEWLINE, _QUOTE = ord("\n"), ord('"')


@dataclass(frozen=True)
class Block:
    """Whole records: `data` ends with a newline; record i (0-based) is data[ends[i-1]:ends[i]]."""

    data: bytes
    ends: np.ndarray  # int64, offsets just after each record's newline
    first_row: int  # 1-based record number in the file of the block's first record
    has_quotes: bool

    def __len__(self) -> int:
        return len(self.ends)


class _Hashing(io.RawIOBase):
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


@dataclass
class CsvReader:
    """Reads one file once, front to back. `rows_in` and `sha256` are true after the last block."""

    path: Path
    block_bytes: int = BLOCK_BYTES
    header: list[str] = field(default_factory=list)
    rows_in: int = 0
    sha256: str = ""

    def blocks(self) -> Iterator[Block]:
        """Yield the records of the file in blocks; `header` is set before the first one.

        Raises:
            DataError: not UTF-8, a damaged gzip, no header, a quote that is never closed, or a file that
                changed while it was read.
        """
        before = self.path.stat()
        with self.path.open("rb", buffering=0) as raw:
            hashing = _Hashing(raw)
            yield from self._records(self._chunks(hashing))
            while hashing.read(1 << 20):  # what gzip left unread belongs to the hash too
                pass
            self.sha256 = hashing.sha256.hexdigest()
        after = self.path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise DataError(
                f"{self.path.name}: changed while it was read. Deliver it under another name and rename it."
            )

    def _chunks(self, hashing: _Hashing) -> Iterator[bytes]:
        """Plain bytes of the file, unpacked if they are gzip (known by content, not by name), without BOM."""
        buffered: io.BufferedReader = io.BufferedReader(hashing, 1 << 20)
        packed = buffered.peek(2)[:2] == _GZIP_MAGIC
        stream: gzip.GzipFile | io.BufferedReader = gzip.GzipFile(fileobj=buffered) if packed else buffered
        try:
            chunk = _without_bom(stream.read(self.block_bytes), self.path.name)
            while chunk:
                yield chunk
                chunk = stream.read(self.block_bytes)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{self.path.name}: the gzip data is damaged ({error}). Deliver the file again.") from error

    def _records(self, chunks: Iterator[bytes]) -> Iterator[Block]:
        rest = b""
        for chunk in chunks:
            data = rest + chunk
            block, rest = self._cut(data)
            if block is not None:
                yield block
            if len(rest) > self.block_bytes + MAX_RECORD_BYTES:
                raise self._unclosed_quote()
        if rest and not rest.endswith(b"\n"):
            rest += b"\n"  # the last record may lack its line end
        block, rest = self._cut(rest)
        if rest:
            raise self._unclosed_quote()
        if block is not None:
            yield block
        if not self.header:
            raise DataError(f"{self.path.name}: the file is empty; a header was expected. Deliver the file again.")

    def _cut(self, data: bytes) -> tuple[Block | None, bytes]:
        """Cut `data` after its last complete record; take the header off first."""
        ends, has_quotes = record_ends(data)
        if len(ends) and not self.header:
            self.header = self._parse_header(data[: int(ends[0])])
            data, ends = data[int(ends[0]) :], ends[1:] - ends[0]
        if not len(ends):
            return None, data
        cut = int(ends[-1])
        block = Block(data[:cut], ends, self.rows_in + 1, has_quotes)
        self._check_utf8(block)
        self.rows_in += len(block)
        return block, data[cut:]

    def _parse_header(self, line: bytes) -> list[str]:
        try:
            rows = list(csv.reader([line.decode("utf-8").rstrip("\r\n")], strict=True))
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(
                f"{self.path.name}: the header cannot be read ({error}). Is it a CSV file in UTF-8?"
            ) from error
        header = rows[0] if rows else []
        if not header:
            raise DataError(f"{self.path.name}: the first line is blank; a header was expected.")
        return header

    def _check_utf8(self, block: Block) -> None:
        try:
            block.data.decode("utf-8")
        except UnicodeDecodeError as error:
            row = block.first_row + int(np.searchsorted(block.ends, error.start, side="right"))
            raise DataError(
                f"{self.path.name}: record {row} is not UTF-8 (byte 0x{block.data[error.start]:02x}). "
                "Convert the file to UTF-8, e.g. with iconv -f latin1 -t utf-8."
            ) from error

    def _unclosed_quote(self) -> DataError:
        return DataError(
            f"{self.path.name}: a quote opened at or after record {self.rows_in + 1} is not closed, "
            "so the records after it cannot be told apart. Correct the file and deliver it again."
        )


def record_ends(data: bytes) -> tuple[np.ndarray, bool]:
    """Offsets just after each newline that is outside quotes, and whether there is any quote at all."""
    octets = np.frombuffer(data, dtype=np.uint8)
    newlines = np.flatnonzero(octets == _NEWLINE).astype(np.int64)
    has_quotes = _QUOTE in data
    if has_quotes:
        quotes = np.flatnonzero(octets == _QUOTE)
        newlines = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
    return newlines + 1, has_quotes


def hash_file(path: Path) -> str:
    """SHA-256 of the bytes of a file, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _without_bom(chunk: bytes, name: str) -> bytes:
    if chunk.startswith(_UTF16_BOMS):
        raise DataError(f"{name}: the file is UTF-16. Convert it to UTF-8, e.g. with iconv -f utf-16 -t utf-8.")
    return chunk.removeprefix(_UTF8_BOM)
