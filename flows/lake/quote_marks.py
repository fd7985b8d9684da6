"""Are all quotes of some lines where RFC 4180 wants them, and no line end within? One bit a byte, 64 bytes at a time.

Of quotes that are so placed every other one opens: whether a byte is in quotes is whether an odd number of them stands
before it, which is known of a whole word of bits by six shifts.
"""

from __future__ import annotations

import numpy as np

_BITS = 64
_WINDOW = 1 << 17  # bytes that stay in the processor's cache
_ONE = np.uint64(1)
_NEWLINE, _CR = ord("\n"), ord("\r")


def count_inner(data: bytes, delimiter: int, quote: int) -> int | None:
    """How many delimiters stand in quotes, if each line of `data` is CSV by itself (RFC 4180, sections 2.5 to 2.7).

    None: a quote is somewhere else, or a line end within two of them. A lone carriage return in an unquoted field is
    not looked for.
    """
    octets = np.frombuffer(data, dtype=np.uint8)
    quotes, delimiters, newlines, returns = (_mark(octets, byte) for byte in (quote, delimiter, _NEWLINE, _CR))
    inside = _find_inside(quotes)
    if (newlines & inside).any():
        return None
    opening = quotes & inside
    closing = quotes ^ opening
    limits = delimiters | newlines | quotes  # of two quotes in a row the first closes and the second opens again
    before = limits << _ONE
    before[1:] |= limits[:-1] >> np.uint64(_BITS - 1)
    before[:1] |= _ONE
    if (opening & ~before).any() or (closing & ~_look_ahead(limits | returns & _look_ahead(newlines))).any():
        return None
    return int(np.bitwise_count(delimiters & inside).sum())


def _mark(octets: np.ndarray, byte: int) -> np.ndarray:
    """Which bytes are this one: a bit each (uint64), the first the least; zeros at the end."""
    marks = np.zeros(-(-len(octets) // _BITS), dtype="<u8")
    packed = marks.view(np.uint8)
    for start in range(0, len(octets), _WINDOW):
        some = np.packbits(octets[start : start + _WINDOW] == byte, bitorder="little")
        packed[start // 8 : start // 8 + len(some)] = some
    return marks


def _find_inside(quotes: np.ndarray) -> np.ndarray:
    """Which bytes have an odd number of quotes before them, themselves included."""
    inside = quotes.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        inside ^= inside << np.uint64(shift)
    is_odd = np.bitwise_xor.accumulate(inside >> np.uint64(_BITS - 1))  # up to the end of each word
    inside[1:] ^= np.uint64(0) - is_odd[:-1]
    return inside


def _look_ahead(marks: np.ndarray) -> np.ndarray:
    """Which bytes have a marked one after them."""
    after = marks >> _ONE
    after[:-1] |= marks[1:] << np.uint64(_BITS - 1)
    return after
