"""Bytes of one CSV file in, blocks of whole records out.

Here the file is hashed, unpacked, cut where records end, and its records are counted from the bytes alone, so that
the count does not depend on the parser whose work it checks.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np

from flows.errors import DataError
from flows.lake.dialect import SHIPPED_DIALECT, Dialect, EncodingError, Piece
from flows.lake.encodings import LONGEST_MAGIC, describe_foreign, describe_kind, describe_utf16
from flows.lake.hashing import Hashing
from flows.lake.quote_marks import count_inner
from flows.lake.splitting import (
    NEWLINE,
    WINDOW,
    count_byte,
    find_end_of_text,
    find_line_ends,
    has_many,
    split_records,
)

BLOCK_BYTES = 8 * 1024 * 1024
MAX_LINE_BYTES = 64 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_UTF8_BOM = b"\xef\xbb\xbf"
_SEPARATOR_NOTE = re.compile(rb"(?i)\"?sep=.\"?\r?")  # of Excel, on a line above the header


@dataclass(frozen=True)
class Block:
    """Whole records in UTF-8, with delimiter and quote as `dialect` has them.

    `ends` (int64 offsets just after each record) is given where quotes made it necessary; where it is not, `inner` is
    how many delimiters stand in quotes, and each line is CSV by itself.
    """

    number: int
    data: bytes
    rows: int
    first_row: int  # 1-based record number in the file of the block's first record
    ends: np.ndarray | None = None
    dialect: Dialect = SHIPPED_DIALECT
    inner: int = 0

    @cached_property
    def record_ends(self) -> np.ndarray:
        """Offsets (int64) just after each record."""
        return find_line_ends(self.data) if self.ends is None else self.ends

    @cached_property
    def delimiters(self) -> int:
        """How many delimiters there are, in quotes or not."""
        return count_byte(self.data, self.dialect.delimiter_byte)


@dataclass
class CsvReader:
    """Reads one file once, front to back. `rows_in` and `sha256` are true after the last block."""

    path: Path
    block_bytes: int = BLOCK_BYTES
    dialect: Dialect = SHIPPED_DIALECT
    header: list[str] = field(default_factory=list)
    rows_in: int = 0
    sha256: str = ""
    name: str = ""  # what people call the file, if not as its path does
    _blocks: int = 0
    _has_utf8: bool = False  # beyond ASCII

    @property
    def _label(self) -> str:
        return self.name or self.path.name

    def blocks(self) -> Iterator[Block]:
        """Yield the records of the file in blocks; `header` is set before the first one.

        Raises:
            DataError: not CSV in UTF-8, a damaged gzip, no header, a record whose end cannot be proven, or a file
                that changed while it was read.
        """
        before = self.path.stat()
        with self.path.open("rb", buffering=0) as raw:
            hashing = Hashing(raw)
            packed = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            raw.seek(0)
            yield from self._cut_blocks(self._decode(self._unpack(hashing) if packed else self._read(hashing, raw)))
            while hashing.read(1 << 20):  # what gzip left unread belongs to the hash too
                pass
            self.sha256 = hashing.sha256.hexdigest()
        after = self.path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise self._refuse("the file changed while it was read. Deliver it under another name and rename it.")

    def _read(self, hashing: Hashing, raw: io.FileIO) -> Iterator[bytes | bytearray]:
        """The bytes of a plain file; where a byte is a letter and lines are short, pieces end with one, so that none is
        put together."""
        letter_bytes = self.dialect.letter_bytes
        if letter_bytes == 1:
            while chunk := hashing.read(_find_stop(raw, self.block_bytes)):
                yield chunk
            return
        buffer = bytearray(min(self.block_bytes * letter_bytes, WINDOW))  # which is decoded while it is in the cache
        while count := hashing.readinto(memoryview(buffer)):  # the same again, for new memory costs time
            yield buffer if count == len(buffer) else buffer[:count]

    def _unpack(self, hashing: Hashing) -> Iterator[bytes]:
        """The bytes of a gzip file (known by content, not by name), of all its members."""
        stream = gzip.GzipFile(fileobj=io.BufferedReader(hashing, 1 << 20))
        try:
            while chunk := stream.read(self.block_bytes * self.dialect.letter_bytes):
                yield chunk
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise self._refuse(f"the gzip data is damaged ({error}). Deliver the file again.") from error

    def _decode(self, chunks: Iterator[bytes] | Iterator[bytes | bytearray]) -> Iterator[bytes]:
        """The bytes as UTF-8."""
        if not self.dialect.gives_utf8:
            yield from map(bytes, chunks)  # which copies none
            return
        try:
            yield from self._gather(self.dialect.decode(chunks))
        except EncodingError as error:
            raise self._refuse(
                f"{error}; found from record {self.rows_in + 1} on. "
                f"Correct encoding in the profile, which is {self.dialect.encoding}, or deliver the file again."
            ) from error

    def _gather(self, pieces: Iterator[Piece]) -> Iterator[bytes]:
        """Pieces put together to blocks, which end with a line where lines are short."""
        held, size = list[Piece](), 0
        for piece in pieces:
            held.append(piece)
            size += len(piece)
            if size > self.block_bytes - len(piece) // 2:  # no other number of pieces comes nearer
                last = bytes(held.pop())
                end = last.rfind(b"\n") + 1 or len(last)
                yield b"".join((*held, last[:end]))
                held, size = [last[end:]], len(last) - end
        if size:
            yield b"".join(held)

    def _cut_blocks(self, chunks: Iterator[bytes]) -> Iterator[Block]:
        rest = b""
        for chunk in chain([self._beginning(chunks)], chunks):
            cut = chunk.rfind(b"\n") + 1
            is_whole = not rest and cut == len(chunk)  # the usual case, in which nothing is copied
            lines = chunk if is_whole else b"".join((rest, memoryview(chunk)[:cut])) if cut else b""
            rest = b"" if cut else rest
            block, more = self._cut(self._take_header(lines), is_last=False)
            rest += more + chunk[cut:]
            del chunk, lines, more  # so as to hold no more than a block while others are converted
            if block is not None:
                yield block
            del block
            if len(rest) > MAX_LINE_BYTES:
                raise self._too_long(rest)
        if rest and not rest.endswith(b"\n"):
            rest += b"\n"  # the last record may lack its line end
        block, _ = self._cut(self._take_header(rest), is_last=True)
        if block is not None:
            yield block
        if not self.header:
            raise self._refuse("the file is empty; a header was expected. Deliver the file again.")

    def _cut(self, data: bytes, *, is_last: bool) -> tuple[Block | None, bytes]:
        """Cut `data`, whole lines, after its last complete record."""
        if not self.dialect.gives_utf8:
            self._check_utf8(data)
        ends: np.ndarray | None = None
        inner: int | None = 0
        # blank lines wait for what follows them: at the end of a file they are nothing, but in a table of one column
        cut = find_end_of_text(data) if len(self.header) > 1 else len(data)
        if self.dialect.quote_byte in data:  # a few are soon looked at one by one
            are_many = has_many(data, self.dialect.quote_byte)
            inner = count_inner(data[:cut], self.dialect.delimiter_byte, self.dialect.quote_byte) if are_many else None
        if inner is None:
            split = split_records(self.dialect.exchange(data[:cut]), is_last=is_last)
            if split.refused is not None:
                raise self._refuse(
                    f"record {self.rows_in + split.refused + 1} opens a quote that is not closed, or in a wrong place, "
                    "and where the record ends cannot be proven. Correct the quotes there and deliver the file again."
                )
            ends, cut = split.ends, int(split.ends[-1]) if len(split.ends) else 0
        if not cut:
            return None, data
        text = data if cut == len(data) else data[:cut]
        rows = count_byte(text, NEWLINE) if ends is None else len(ends)
        block = Block(self._blocks, text, rows, self.rows_in + 1, ends, self.dialect, inner or 0)
        self.rows_in += rows
        self._blocks += 1
        return block, data[cut:]

    def _take_header(self, data: bytes) -> bytes:
        """Take the header off the first data; what is left waits until it is complete."""
        end = data.find(b"\n")
        if self.header or end < 0:
            return data
        line = data[:end]
        if b"\x00" in line:
            utf16 = describe_utf16(self._label, line)
            raise self._refuse(utf16 or "the header contains NUL bytes: this is not CSV in UTF-8. Deliver it again.")
        if b"\r" in line.removesuffix(b"\r"):
            raise self._cr_only()
        if _SEPARATOR_NOTE.fullmatch(line):
            return self._take_header(data[end + 1 :])
        try:
            text, marks = line.removesuffix(b"\r").decode("utf-8"), self.dialect
            rows = list(csv.reader([text], delimiter=marks.delimiter, quotechar=marks.quote_mark, strict=True))
        except UnicodeDecodeError as error:
            foreign = describe_foreign(self.path, has_utf8=False)
            raise self._refuse(f"the header is not UTF-8 (byte 0x{line[error.start]:02x}), {foreign}.") from error
        except csv.Error as error:
            raise self._refuse(f"the header cannot be read ({error}). Is it a CSV file in UTF-8?") from error
        if not rows or not rows[0]:
            raise self._refuse("the first line is blank; a header was expected. Deliver the file again.")
        self.header = rows[0]
        return data[end + 1 :]

    def _check_utf8(self, data: bytes) -> None:
        """Refuse the file if the lines are not UTF-8. Only pieces that are not ASCII cost time."""
        if data.isascii():
            return
        start = 0
        while start < len(data):
            stop = data.find(b"\n", min(start + WINDOW, len(data)) - 1) + 1
            piece = data[start:stop]
            if not piece.isascii():
                try:
                    piece.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise self._not_utf8(data, start + error.start) from error
                self._has_utf8 = True
            start = stop

    def _not_utf8(self, data: bytes, position: int) -> DataError:
        before = data[: data.rfind(b"\n", 0, position) + 1]
        self._has_utf8 = self._has_utf8 or not before.isascii()
        row = self.rows_in + len(split_records(before, is_last=False).ends) + 1
        return self._refuse(
            f"record {row} is not UTF-8 (byte 0x{data[position]:02x}), "
            f"{describe_foreign(self.path, has_utf8=self._has_utf8)}."
        )

    def _beginning(self, chunks: Iterator[bytes]) -> bytes:
        """The first bytes, without BOM; enough of them to tell what kind of file it is."""
        chunk = b""
        for more in chunks:
            chunk += more
            if len(chunk) >= LONGEST_MAGIC:
                break
        fault = describe_kind(self._label, chunk)
        if fault:
            raise self._refuse(fault)
        return chunk.removeprefix(_UTF8_BOM)

    def _too_long(self, rest: bytes) -> DataError:
        if not self.header and b"\r" in rest:
            return self._cr_only()
        return self._refuse(f"record {self.rows_in + 1} is longer than 64 MB. Is it a CSV file with line ends?")

    def _cr_only(self) -> DataError:
        return self._refuse("the line ends are CR alone. Convert them, e.g. with tr '\\r' '\\n'.")

    def _refuse(self, why: str) -> DataError:
        return DataError(f"{self._label}: {why}")


def _find_stop(raw: io.FileIO, most: int) -> int:
    """How many of the next bytes to read, so that they end with a line; `most` if none ends shortly before."""
    window = min(most, WINDOW)
    tail = os.pread(raw.fileno(), window, raw.tell() + most - window)
    end = tail.rfind(b"\n") + 1
    return most - window + end if end and len(tail) == window else most
