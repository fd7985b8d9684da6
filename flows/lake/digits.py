"""Texts of amounts → whole numbers: the usual ones by words, the others of one length at once, digit by digit.

The length of an amount nearly tells its spelling: thirteen bytes are `1234567890,12`, `12.345.678,90` or a number
without a mark. So a few comparisons of whole columns of bytes read it, at a quarter of the cost of a pattern, a
replacement and a cast. What is not spelled in one of these ways stays null here and is for `amounts` to judge, exactly
and with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import numpy as np
import polars as pl

from flows.lake.amounts import Marks
from flows.lake.digit_words import GROUP, read_words

MAX_DIGITS = 18  # of a number that surely fits 64 bits
MAX_BYTES = 40  # of an amount of so many digits, with marks of three bytes
_ZERO = ord("0")


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
    values, is_read = read_words(text, marks)
    numbers = pl.Series(text.name, values)
    if not is_read.all():
        left = np.flatnonzero(~is_read)
        values[left], is_read[left] = _read_bytes(text.gather(left), marks)
        numbers = pl.Series(text.name, values).set(pl.Series(~is_read), None)
    lengths = text.chunk_lengths()
    starts = accumulate(lengths, initial=0)
    return pl.concat([numbers.slice(start, rows) for start, rows in zip(starts, lengths, strict=False)], rechunk=False)


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
            if not len(left):
                break
            alike = _find_alike(octets, ends[left], spelling)  # the marks tell nearly all, and are few
            found, fits = _read(octets, ends[left[alike]], spelling)
            chosen = left[alike[fits]]
            values[chosen] = found[fits] * spelling.factor
            is_read[chosen] = True
            left = np.delete(left, alike[fits])
    return values, is_read


def _find_alike(octets: np.ndarray, starts: np.ndarray, spelling: _Spelling) -> np.ndarray:
    """The indices (int64) of the texts that begin there and have the marks in their places."""
    alike = np.arange(len(starts))
    for place, mark in enumerate(spelling.shape):
        if mark != _ZERO:
            alike = alike[octets[starts[alike] + place] == mark]
    return alike


def _read(octets: np.ndarray, starts: np.ndarray, spelling: _Spelling) -> tuple[np.ndarray, np.ndarray]:
    """The digits of the texts that begin there as one number (int64), and which of them are spelled so (bool)."""
    values = np.zeros(len(starts), dtype=np.int64)
    fits = octets[starts] != _ZERO if spelling.whole_digits > 1 else np.ones(len(starts), dtype=bool)
    for place, expected in enumerate(spelling.shape):
        if expected == _ZERO:
            digit = octets[starts + place] - np.uint8(_ZERO)  # what comes before 0 wraps, and is above 9 too
            fits &= digit <= 9  # noqa: PLR2004
            values *= 10
            values += digit
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
