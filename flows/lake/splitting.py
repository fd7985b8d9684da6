"""Where does a record end? The answer for data with quotes, decided from the bytes alone.

A line without a quote is a record. A line with quotes that is CSV by itself (RFC 4180) is a record too. Only the
others are looked at one by one (`flows.lake.quotes`): what may lie inside a quoted field is part of a record, never
a record, however much it looks like one. A record whose end cannot be proven refuses its file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from flows.lake.quotes import Lines, find_last_line

MAX_RECORD_BYTES = 4 * 1024 * 1024  # a loaded row of Redshift is at most 4 MB
FEW_LINES = 500  # so few lines with quotes are soon looked at one by one
NEWLINE, CR, COMMA, QUOTE = ord("\n"), ord("\r"), ord(","), ord('"')
WINDOW = 1 << 18
FEW_BYTES = 256  # so many are found one by one
FEW_OF = 4  # of this many records one is taken with a copy of it, and more with views of all

_LINE = r'\A(?:[^",\r\n]*|"(?:[^"]|"")*")(?:,(?:[^",\r\n]*|"(?:[^"]|"")*"))*\r?\n\z'


@dataclass(frozen=True)
class Split:
    """`ends`: offsets (int64) just after each record; what follows the last waits for more data. `refused`: the index
    of the record whose end cannot be proven, if there is one."""

    ends: np.ndarray
    refused: int | None = None


def find_byte(data: bytes, byte: int) -> np.ndarray:
    """The offsets (int64) of a byte, looked for in windows that stay in the processor's cache, unless it is rare."""
    few = _find_few(data, byte)
    if few is not None:
        return few
    octets = np.frombuffer(data, dtype=np.uint8)
    found = [np.flatnonzero(octets[i : i + WINDOW] == byte) + i for i in range(0, len(octets), WINDOW)]
    return np.concatenate(found)


def has_many(data: bytes, byte: int) -> bool:
    """Whether a byte occurs more often than it is worth to look at each."""
    return _find_few(data, byte) is None


def _find_few(data: bytes, byte: int) -> np.ndarray | None:
    """The offsets of a byte, None if there are many; the processor skips what lies between at its full speed."""
    found, at = list[int](), data.find(byte)
    while at >= 0:
        found.append(at)
        if len(found) > FEW_BYTES:
            return None
        at = data.find(byte, at + 1)
    return np.array(found, dtype=np.int64)


def count_byte(data: bytes, byte: int) -> int:
    """How often a byte occurs."""
    octets = np.frombuffer(data, dtype=np.uint8)
    return sum(int(np.count_nonzero(octets[i : i + WINDOW] == byte)) for i in range(0, len(octets), WINDOW))


def distinct(numbers: np.ndarray) -> np.ndarray:
    """Each of the numbers (int64, none negative) once, in order."""
    ordered = np.sort(numbers)
    return ordered[np.diff(ordered, prepend=-1) > 0]


def find_stray_cr(data: bytes) -> np.ndarray:
    """The offsets (int64) of the carriage returns that are not followed by a newline."""
    if CR not in data:
        return np.empty(0, dtype=np.int64)
    positions = find_byte(data, CR)
    octets = np.frombuffer(data, dtype=np.uint8)
    stray: np.ndarray = positions[octets[np.minimum(positions + 1, len(data) - 1)] != NEWLINE]
    return stray


def find_lines(positions: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The indices (int64) of the lines that hold one of these offsets (int64, in order); `ends` as of `find_line_ends`.

    What is after the last end is in no line.
    """
    if len(positions) < len(ends):
        lines = distinct(np.searchsorted(ends, positions, side="right"))
        return lines[lines < len(ends)]
    found: np.ndarray = np.flatnonzero(np.diff(np.searchsorted(positions, ends), prepend=0))
    return found


def find_line_ends(data: bytes) -> np.ndarray:
    """Offsets (int64) just after each newline."""
    return find_byte(data, NEWLINE) + 1


def find_end_of_text(data: bytes) -> int:
    """The offset where the blank lines at the end of some lines begin."""
    end = len(data)
    while end and data.endswith((b"\n\n", b"\n\r\n"), max(end - 3, 0), end):
        end = data.rfind(b"\n", 0, end - 1) + 1
    return 0 if data[:end] in (b"\n", b"\r\n") else end


def as_series(data: bytes, ends: np.ndarray) -> pl.Series:
    """The pieces of `data` that end at `ends`, as text, without copying them one by one (String)."""
    offsets = np.concatenate((np.zeros(1, dtype=np.int64), ends))
    array = pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))
    return pl.DataFrame(pl.from_arrow(pa.RecordBatch.from_arrays([array], ["raw"]))).to_series()


def take_records(data: bytes, ends: np.ndarray, which: np.ndarray) -> tuple[bytes, np.ndarray]:
    """A few of the records (by their indices), with their line ends, and the offsets (int64) just after each."""
    lasts = ends[which]
    firsts = np.where(which > 0, ends[which - 1], 0)
    pieces = [data[first:last] for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)]
    return b"".join(pieces), np.cumsum(lasts - firsts)


def leave_out(data: bytes, ends: np.ndarray, which: np.ndarray, instead: bytes = b"") -> bytes:
    """The data with something else instead of each of those records (by their indices)."""
    firsts = np.concatenate((np.zeros(1, dtype=np.int64), ends[which]))
    lasts = np.concatenate((np.where(which > 0, ends[which - 1], 0), ends[-1:]))
    view = memoryview(data)  # so as to copy the data once only, when they are joined
    return instead.join([view[first:last] for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)])


def gather_records(data: bytes, ends: np.ndarray, which: np.ndarray) -> pl.Series:
    """Some of the records (by their indices), with their line ends (String)."""
    if len(which) > len(ends) // FEW_OF:
        return as_series(data, ends).gather(which)
    return as_series(*take_records(data, ends, which))


def split_records(data: bytes, *, is_last: bool) -> Split:
    """Split `data`, which begins where a record begins and is UTF-8 up to its last newline."""
    ends = find_line_ends(data)
    quotes = find_byte(data, QUOTE)
    quoted = find_lines(quotes, ends)  # what follows the last newline is no line yet
    inner: list[tuple[int, int]] = []  # (first, last) line of each record of several lines
    known = Lines(data, ends, quotes, is_last)
    done = -1  # the last line that belongs to a record already
    for line in _suspicious(data, ends, quoted):
        if line <= done:
            continue
        found = find_last_line(known, line, MAX_RECORD_BYTES)
        if found.needs_more:
            return Split(_without(ends, inner, line))
        if found.last is None:
            return Split(_without(ends, inner, line), refused=line - sum(b - a for a, b in inner))
        if found.last > line:
            inner.append((line, found.last))
        done = found.last
    return Split(_without(ends, inner, len(ends)))


def _suspicious(data: bytes, ends: np.ndarray, quoted: np.ndarray) -> list[int]:
    """The lines with quotes that need a closer look; those that are CSV by themselves do not."""
    if len(quoted) < FEW_LINES:
        return [int(line) for line in quoted]
    lines = gather_records(data, ends, quoted)
    return [int(line) for line in quoted[~lines.str.contains(_LINE).to_numpy()]]


def _without(ends: np.ndarray, inner: list[tuple[int, int]], end: int) -> np.ndarray:
    """The line ends up to `end` that end a record."""
    keep = np.ones(end, dtype=bool)
    for first, last in inner:
        keep[first:last] = False
    return ends[:end][keep]
