"""Where does a record end? The answer for data with quotes, decided from the bytes alone.

A line without a quote is a record. A line with quotes that is CSV by itself (RFC 4180) is a record too. Only the
others are looked at one by one, and the fewest bytes that can be proven bad are given up:

- A record that spans lines and is CSV as a whole is one record. But if its number of fields is wrong while every line
  inside it is a sound record of its own, its two quotes are strays, and only its first line is bad.
- A line whose quotes are wrong but all closed is one bad record.
- A line that leaves a quote open is one bad record if all that follows, up to the next quote, are sound records.
  Otherwise where it ends cannot be proven, and the file is refused.

"Sound" needs at least three fields: a line of prose with one comma in it would pass for a record of two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

MAX_RECORD_BYTES = 4 * 1024 * 1024  # a loaded row of Redshift is at most 4 MB
MIN_FIELDS_OF_PROOF = 3
FEW_LINES = 500  # so few lines with quotes are soon looked at one by one
NEWLINE, CR, COMMA, QUOTE = ord("\n"), ord("\r"), ord(","), ord('"')
WINDOW = 1 << 18

# Possessive quantifiers: whatever the bytes are, matching takes linear time.
_FIELD = rb'(?:"(?:[^"]++|"")*+"|[^",\r\n]*+)'
_RECORD = re.compile(rb"%b(?:,%b)*+\r?\n" % (_FIELD, _FIELD))
_QUOTED = re.compile(rb'"(?:[^"]++|"")*+"')
_FIELD_START = re.compile(_FIELD + rb"(,|\r?\n)")
_LINE = r'\A(?:[^",\r\n]*|"(?:[^"]|"")*")(?:,(?:[^",\r\n]*|"(?:[^"]|"")*"))*\r?\n\z'


@dataclass(frozen=True)
class Split:
    """`ends`: offsets (int64) just after each record; what follows the last waits for more data. `refused`: the index
    of the record whose end cannot be proven, if there is one."""

    ends: np.ndarray
    refused: int | None = None


def find_byte(data: bytes, byte: int) -> np.ndarray:
    """The offsets (int64) of a byte, looked for in windows that stay in the processor's cache."""
    octets = np.frombuffer(data, dtype=np.uint8)
    found = [np.flatnonzero(octets[i : i + WINDOW] == byte) + i for i in range(0, len(octets), WINDOW)]
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


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


def find_line_ends(data: bytes) -> np.ndarray:
    """Offsets (int64) just after each newline."""
    return find_byte(data, NEWLINE) + 1


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


def gather_records(data: bytes, ends: np.ndarray, which: np.ndarray) -> pl.Series:
    """A few of the records (by their indices), with their line ends (String)."""
    return as_series(*take_records(data, ends, which))


def split_records(data: bytes, fields: int, *, is_last: bool) -> Split:
    """Split `data`, which begins where a record begins and is UTF-8 up to its last newline."""
    return _Splitter(data, fields, is_last=is_last).split()


class _Splitter:
    """One piece of data, its lines, and which of them hold quotes."""

    def __init__(self, data: bytes, fields: int, *, is_last: bool) -> None:
        self.data, self.fields, self.is_last = data, fields, is_last
        self.ends = find_line_ends(data)
        quotes = find_byte(data, QUOTE)
        lines = distinct(np.searchsorted(self.ends, quotes, side="right"))
        self.quoted = lines[lines < len(self.ends)]  # what follows the last newline is no line yet

    def split(self) -> Split:
        inner: list[tuple[int, int]] = []  # (first, last) line of each record of several lines
        done = -1  # the last line that belongs to a record already
        for line in self._suspicious():
            if line <= done:
                continue
            last = self._last_line(line)
            if last is None:
                return Split(self._without(inner, line))
            if last < line:
                return Split(self._without(inner, line), refused=line - sum(b - a for a, b in inner))
            if last > line:
                inner.append((line, last))
            done = last
        return Split(self._without(inner, len(self.ends)))

    def _suspicious(self) -> list[int]:
        """The lines with quotes that need a closer look; those that are CSV by themselves do not."""
        if len(self.quoted) < FEW_LINES:
            return [int(line) for line in self.quoted]
        lines = gather_records(self.data, self.ends, self.quoted)
        return [int(line) for line in self.quoted[~lines.str.contains(_LINE).to_numpy()]]

    def _last_line(self, line: int) -> int | None:
        """The last line of the record that begins with `line`. None: more data are needed; less: none can be proven."""
        start = self._start(line)
        limit = min(start + MAX_RECORD_BYTES, len(self.data))
        whole = _RECORD.match(self.data, start, limit)
        if whole:
            last = int(np.searchsorted(self.ends, whole.end()))
            return line if last > line and self._joins_sound_lines(line, last) else last
        if not self._leaves_quote_open(line):
            return line
        if limit == len(self.data) and not self.is_last:
            return None
        return line if self._is_followed_by_sound_lines(line, limit) else line - 1

    def _joins_sound_lines(self, first: int, last: int) -> bool:
        """Whether the quotes of a record of several lines look like two strays with sound records between them."""
        if first + 1 == last or self.fields < MIN_FIELDS_OF_PROOF:
            return False
        return self._count_fields(first, last) != self.fields and self._are_sound(first + 1, last)

    def _is_followed_by_sound_lines(self, line: int, limit: int) -> bool:
        if self.fields < MIN_FIELDS_OF_PROOF:
            return False
        following = self.quoted[np.searchsorted(self.quoted, line, side="right") :]
        end = int(following[0]) if len(following) else len(self.ends)
        within = int(np.searchsorted(self.ends, limit, side="right"))
        if end == line + 1:
            return self.is_last and end == len(self.ends)
        return self._are_sound(line + 1, max(line + 2, min(end, within)))

    def _are_sound(self, first: int, end: int) -> bool:
        """Whether each line from `first` up to `end` is a record without quotes of the right number of fields."""
        starts, ends = self._start(first), self.ends[first:end]
        data = self.data[starts : int(self.ends[end - 1])]
        if QUOTE in data or len(find_stray_cr(data)):
            return False
        commas = find_byte(data, COMMA) + starts
        if len(commas) != (end - first) * (self.fields - 1):
            return False
        by_line = commas.reshape(end - first, self.fields - 1)
        return bool((by_line[:, -1] < ends).all() and (by_line[1:, 0] >= ends[:-1]).all())

    def _count_fields(self, first: int, last: int) -> int:
        position, end, count = self._start(first), int(self.ends[last]), 0
        while position < end:
            match = _FIELD_START.match(self.data, position)
            if match is None:
                break
            position, count = match.end(), count + 1
        return count

    def _leaves_quote_open(self, line: int) -> bool:
        """Read leniently: a quote opens at the start of a field only, and after its closing anything may follow."""
        text = self.data[self._start(line) : int(self.ends[line])]
        position = 0
        while position < len(text):
            if text[position] == QUOTE:
                closed = _QUOTED.match(text, position)
                if closed is None:
                    return True
                position = closed.end()
            comma = text.find(b",", position)
            if comma < 0:
                return False
            position = comma + 1
        return False

    def _start(self, line: int) -> int:
        return int(self.ends[line - 1]) if line else 0

    def _without(self, inner: list[tuple[int, int]], end: int) -> np.ndarray:
        """The line ends up to `end` that end a record."""
        keep = np.ones(end, dtype=bool)
        for first, last in inner:
            keep[first:last] = False
        return self.ends[:end][keep]
