"""Where does a record end whose quotes join lines, or are wrong? Lines in, the last line of the record out.

RFC 4180 (section 2.5) has quotes only around whole fields: one that stands first in a field opens it, one inside an
unquoted field is text. A record that is CSV as a whole ends where the RFC says, however many fields it has.

Any other can be read in two ways, since programs write both:

- a single quote inside a quoted field closes it, and what follows up to the comma belongs to it: "Brand" Coffee;
- it is text that should have been doubled, and only one before a comma or a line end closes: "he said "hi" to me".

The end is proven where both readings end a record. By the first, every quote that is opened must be closed. The second
falls if the record does not end within what the longest text column of Redshift holds. What is neither proven nor
refuted has no last line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

MAX_TEXT_BYTES = 65_535  # VARCHAR(MAX)
_COMMA, _QUOTE, _CR, _NEWLINE = b",", ord('"'), ord("\r"), ord("\n")
# Possessive quantifiers: whatever the bytes are, matching takes linear time.
_FIELD = rb'(?:"(?:[^"]++|"")*+"|[^",\r\n]*+)'
_RECORD = re.compile(rb"%b(?:,%b)*+\r?\n" % (_FIELD, _FIELD))
_CLOSED = re.compile(rb'"(?:[^"]++|"")*+"')
_RUN = re.compile(rb'"++(,|\r?\n)?')


@dataclass(frozen=True)
class Found:
    """The last line of a record. None: it cannot be proven, or more data are needed to say which line it is."""

    last: int | None = None
    needs_more: bool = False


_MORE, _UNPROVEN = Found(needs_more=True), Found()


@dataclass(frozen=True)
class Lines:
    """Data that begins where a record begins, the offsets (int64) just after each of its lines and of its quotes."""

    data: bytes
    ends: np.ndarray
    quotes: np.ndarray
    is_last: bool  # nothing follows in the file

    def start(self, line: int) -> int:
        """The offset of a line."""
        return int(self.ends[line - 1]) if line else 0

    def at(self, position: int) -> int:
        """The line that holds an offset."""
        return int(np.searchsorted(self.ends, position, side="right"))

    @cached_property
    def closers(self) -> np.ndarray:
        """Offsets (int64) just after the runs of quotes that close a field of which they are not the beginning.

        Two quotes of a run are one in the text; what is left of an odd run closes before a comma or a line end.
        """
        first = np.diff(self.quotes, prepend=-2) > 1
        starts, ends = self.quotes[first], self.quotes[np.roll(first, -1)] + 1
        octets = np.frombuffer(self.data, dtype=np.uint8)
        following, next_one = (octets[np.minimum(ends + by, len(octets) - 1)] for by in (0, 1))
        is_end = (following == _COMMA[0]) | (following == _NEWLINE) | ((following == _CR) & (next_one == _NEWLINE))
        closers: np.ndarray = ends[is_end & ((ends - starts) % 2 == 1)]
        return closers


def find_last_line(lines: Lines, line: int, limit: int) -> Found:
    """The last line of the record that begins with `line`; if its end is in doubt, within `limit` bytes."""
    whole = _RECORD.match(lines.data, lines.start(line))
    if whole:
        return Found(lines.at(whole.end() - 1))
    last, is_clear = _read_closing(lines, line)
    if last is None:
        return _UNPROVEN if lines.is_last else _MORE
    if last > line and int(lines.ends[last]) - lines.start(line) > limit:
        return _UNPROVEN
    return Found(last) if is_clear else _agree(lines, line, last, lines.start(line) + MAX_TEXT_BYTES)


def _agree(lines: Lines, line: int, last: int, limit: int) -> Found:
    """The first line, from `last` on, that ends a record in both readings; `last` if the second one falls."""
    knows_enough = lines.is_last or len(lines.data) >= limit
    closing: int | None = last
    literal = _read_literal(lines, line, limit)
    if literal is None:
        return Found(last) if knows_enough else _MORE
    while closing is not None and literal is not None and closing != literal:
        if closing < literal:
            closing, _ = _read_closing(lines, closing + 1)
        else:
            literal = _read_literal(lines, literal + 1, limit)
    if closing is None or literal is None:
        return _UNPROVEN if knows_enough else _MORE
    return Found(closing)


def _read_closing(lines: Lines, line: int) -> tuple[int | None, bool]:
    """The last line of a record of which a single quote closes a field; whether it stands where the RFC wants it.

    None: a quote is not closed.
    """
    position, end, is_clear = lines.start(line), int(lines.ends[line]), True
    while True:
        if lines.data[position] == _QUOTE:
            closed = _CLOSED.match(lines.data, position)
            if closed is None:
                return None, is_clear
            position = closed.end()
            is_clear = is_clear and lines.data[position : position + 2].startswith((b",", b"\n", b"\r\n"))
            if position >= end:
                line = lines.at(position)
                end = int(lines.ends[line])
        comma = lines.data.find(_COMMA, position, end)
        if comma < 0:
            return line, is_clear
        position = comma + 1


def _read_literal(lines: Lines, line: int, limit: int) -> int | None:
    """The last line of a record of which a single quote is text, but for one that ends a field.

    None: the record does not end before the offset `limit`.
    """
    position, end = lines.start(line), int(lines.ends[line])
    while True:
        if lines.data[position] == _QUOTE:
            closed = _find_closer(lines, position)
            if closed is None or closed >= limit:
                return None
            position = closed
            if position >= end:
                line = lines.at(position)
                end = int(lines.ends[line])
        comma = lines.data.find(_COMMA, position, end)
        if comma < 0:
            return line if end <= limit else None
        position = comma + 1


def _find_closer(lines: Lines, position: int) -> int | None:
    """The offset after the quote that closes the field that begins with the one at `position`."""
    run = _RUN.match(lines.data, position)
    if run is None:
        return None
    after = run.start(1) if run[1] else run.end()
    if run[1] and (after - position) % 2 == 0:
        return after
    index = int(np.searchsorted(lines.closers, after, side="right"))
    return int(lines.closers[index]) if index < len(lines.closers) else None
