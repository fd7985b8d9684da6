"""Texts of amounts → whole numbers: the usual ones all at once, the others of one length at once, digit by digit.

A text of up to eight bytes is one word of the processor, whose digits are put together in pairs: by thirty operations
on whole columns, at a tenth of the cost of a pattern, a replacement and a cast. The length of any other nearly tells
its spelling: nine bytes are `123456,78`, `1.234.567` or `123456789`. What is not spelled in one of these ways stays
null here and is for `amounts` to judge, exactly and with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import polars as pl

from flows.lake.amounts import Marks
from flows.lake.views import LENGTH, LENGTH_BITS, view_texts

MAX_DIGITS = 18  # of a number that surely fits 64 bits
MAX_BYTES = 40  # of an amount of so many digits, with marks of three bytes
CENTS = 2  # decimals
GROUP = 3  # digits between two marks of thousands
_ZERO = ord("0")
_WORD, _BYTE = 8, 8  # bytes of a word, bits of a byte
_OUTER_PAIRS = np.uint64(0x000000FF000000FF)
_WINDOW = 1 << 15  # texts at a time, whose words stay in the processor's cache


@dataclass(frozen=True)
class _Spelling:
    """How an amount may be written: a zero for each digit, the marks in their places."""

    shape: bytes
    whole_digits: int
    factor: int  # from the last decimal to the least unit


def read_digits(text: pl.Series, marks: Marks) -> pl.Series:
    """Texts (String) → numbers of the least unit (Int64), null for what is not surely one, negative ones among them.

    They are in the chunks of the texts: beside columns of other chunks polars would copy those together.
    """
    values, is_read = _read_words(text, marks)
    if text.null_count():
        is_read &= text.is_not_null().to_numpy()  # what lies under a null is no text
    numbers = pl.Series(text.name, values)
    if not is_read.all():
        left = np.flatnonzero(~is_read)
        values[left], is_read[left] = _read_bytes(text.gather(left), marks)
        numbers = pl.Series(text.name, values).set(pl.Series(~is_read), None)
    lengths = text.chunk_lengths()
    starts = accumulate(lengths, initial=0)
    return pl.concat([numbers.slice(start, rows) for start, rows in zip(starts, lengths, strict=False)], rechunk=False)


def _read_words(text: pl.Series, marks: Marks) -> tuple[np.ndarray, np.ndarray]:
    """The numbers (int64) of texts with all their decimals, without marks of thousands, of at most eight bytes; and
    which are such (bool)."""
    values, is_read = np.zeros(len(text), dtype=np.int64), np.zeros(len(text), dtype=bool)
    layout = _lay_out(marks)
    if layout is None:
        return values, is_read
    start = 0
    for words, _ in view_texts(text):
        for some in np.split(words, range(_WINDOW, len(words), _WINDOW)):
            window = slice(start, start := start + len(some))
            values[window], is_read[window] = _read_window(some, layout)
    return values, is_read


class _Layout(NamedTuple):
    """What makes a number of eight bytes, of which the last is the end of the text: one constant (uint64) a step."""

    least: np.uint64  # bytes of a text with one digit before the mark
    mark: np.uint64  # at its place, as it is when digits are their values
    beyond: np.uint64  # which makes a digit above 9 reach beyond the lower half of its byte
    wrong: np.uint64  # the bits that are then not to be set: of the mark all, of a digit the upper half
    outer: np.uint64  # what the first pair of digits and the third count, in the upper and the lower half
    inner: np.uint64  # the same of the second pair and the fourth


@cache
def _lay_out(marks: Marks) -> _Layout | None:
    """None where the mark is not one byte, or not before two decimals: then the third pair is a digit and the mark."""
    mark, decimals = marks.decimal.encode(), marks.money_decimals
    if decimals == 0:
        least, places = 1, (1_000_000, 10_000, 100, 1)
        mark_bits, place = 0, 0
    elif decimals == CENTS and len(mark) == 1:
        least, places = CENTS + 2, (100_000, 1_000, 10, 1)
        place = (_WORD - CENTS - 1) * _BYTE
        mark_bits = 0xFF << place
    else:
        return None
    return _Layout(
        least=np.uint64(least),
        mark=np.uint64((mark[0] ^ _ZERO) << place & mark_bits),
        beyond=np.uint64(_each_byte(6) & ~mark_bits),
        wrong=np.uint64(_each_byte(0xF0) | mark_bits),
        outer=np.uint64(places[0] << 32 | places[2]),
        inner=np.uint64(places[1] << 32 | places[3]),
    )


def _read_window(views: np.ndarray, layout: _Layout) -> tuple[np.ndarray, np.ndarray]:
    """The same of as many views (uint64, two words each) as the processor holds at once."""
    lengths = views[:, 0] & LENGTH
    word = views[:, 0] >> LENGTH_BITS
    fits = word & np.uint64(0xFF) != _ZERO
    fits |= lengths == layout.least
    word |= views[:, 1] << LENGTH_BITS
    word ^= np.uint64(_each_byte(_ZERO))  # a digit becomes its value
    empty = np.subtract(_WORD, lengths, out=lengths)
    fits &= empty <= _WORD - layout.least  # of a longer text it wraps, and is large
    empty *= np.uint64(_BYTE)
    word <<= empty  # the last byte goes to the end, and before the first come zeros
    word ^= layout.mark
    over = word + layout.beyond
    over |= word
    over &= layout.wrong
    fits &= over == 0
    return _join_digits(word, over, layout), fits


def _join_digits(word: np.ndarray, later: np.ndarray, layout: _Layout) -> np.ndarray:
    """The numbers (int64) of eight digits, one a byte: first in pairs, two of which one multiplication weighs and adds.

    `later` is memory to write into.
    """
    np.right_shift(word, _BYTE, out=later)
    word *= np.uint64(10)
    word += later  # a pair in every other byte, and in the others what nobody asks for
    np.right_shift(word, 2 * _BYTE, out=later)
    word &= _OUTER_PAIRS
    word *= layout.outer
    later &= _OUTER_PAIRS
    later *= layout.inner
    word += later
    word >>= np.uint64(32)
    return word.view(np.int64)


def _each_byte(byte: int) -> int:
    return byte * 0x0101010101010101


def _read_bytes(text: pl.Series, marks: Marks) -> tuple[np.ndarray, np.ndarray]:
    """The numbers (int64) of texts in any spelling, and which are surely such (bool).

    The layout of the bytes is that of large strings in Arrow's columnar format: offsets of 64 bits, then the data.
    """
    array = text.to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    octets = np.frombuffer(data or b"", dtype=np.uint8)
    lengths = np.minimum(np.diff(ends), MAX_BYTES + 1)
    lengths[text.is_null().to_numpy()] = 0  # what lies under a null is no text
    values, is_read = np.zeros(len(text), dtype=np.int64), np.zeros(len(text), dtype=bool)
    for length in np.flatnonzero(np.bincount(lengths)).tolist():
        left = np.flatnonzero(lengths == length)
        for spelling in _list_spellings(length, marks):
            found, fits = _read(octets, ends[left], spelling)
            values[left[fits]] = found[fits] * spelling.factor
            is_read[left[fits]] = True
            left = left[~fits]
            if not len(left):
                break
    return values, is_read


def _read(octets: np.ndarray, starts: np.ndarray, spelling: _Spelling) -> tuple[np.ndarray, np.ndarray]:
    """The digits of the texts that begin there as one number (int64), and which of them are spelled so (bool)."""
    values = np.zeros(len(starts), dtype=np.int64)
    fits = octets[starts] != _ZERO if spelling.whole_digits > 1 else np.ones(len(starts), dtype=bool)
    for place, expected in enumerate(spelling.shape):
        found = octets[starts + place]
        if expected == _ZERO:
            digit = found - np.uint8(_ZERO)  # what comes before 0 wraps, and is above 9 too
            fits &= digit <= 9  # noqa: PLR2004
            values *= 10
            values += digit
        else:
            fits &= found == expected
    return values, fits


@cache
def _list_spellings(length: int, marks: Marks) -> list[_Spelling]:
    """The spellings of so many bytes, that of all decimals first."""
    return [
        _Spelling(shape, whole, 10 ** (marks.money_decimals - decimals))
        for decimals in range(marks.money_decimals, -1, -1)
        for whole in range(1, MAX_DIGITS - marks.money_decimals + 1)
        for shape in _write_shapes(whole, decimals, marks)
        if len(shape) == length
    ]


def _write_shapes(whole: int, decimals: int, marks: Marks) -> Iterator[bytes]:
    """With that many digits before and after the mark: without marks of thousands, and with them."""
    after = (marks.decimal + "0" * decimals if decimals else "").encode()
    yield b"0" * whole + after
    if marks.thousands and whole > GROUP:
        first = (whole - 1) % GROUP + 1
        groups = [b"0" * first, *[b"0" * GROUP] * ((whole - first) // GROUP)]
        yield marks.thousands.encode().join(groups) + after
