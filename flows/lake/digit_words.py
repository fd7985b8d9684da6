"""Texts of amounts of up to twelve bytes → whole numbers, a word of the processor at a time.

Eight bytes are one word, whose digits are put together in pairs: by thirty operations on whole columns, at a tenth of
the cost of a pattern, a replacement and a cast. Where the marks stand tells which spelling a text has, if any.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

from flows.lake.amounts import Marks
from flows.lake.views import INLINED, LENGTH, LENGTH_BITS, view_texts

GROUP = 3  # digits between two marks of thousands
_ZERO = ord("0")
_WORD, _BYTE = 8, 8  # bytes of a word, bits of a byte
_OUTER_PAIRS = np.uint64(0x000000FF000000FF)
_WINDOW = 1 << 14  # texts at a time, whose words stay in the processor's cache


def read_words(text: pl.Series, marks: Marks) -> tuple[np.ndarray, np.ndarray]:
    """Texts (String) → numbers of the least unit (int64), none negative, and which texts are surely such (bool).

    What longer texts are, and all where a mark is not one byte, is not known here.
    """
    values, is_read = np.zeros(len(text), dtype=np.int64), np.zeros(len(text), dtype=bool)
    layouts = _list_layouts(marks)
    start = 0
    for words in view_texts(text) if layouts else ():
        for some in np.split(words, range(_WINDOW, len(words), _WINDOW)):
            window = slice(start, start := start + len(some))
            _read_window(some, layouts, values[window], is_read[window])
    if text.null_count():
        is_read &= text.is_not_null().to_numpy()  # what lies under a null is no text
    return values, is_read


def _read_window(views: np.ndarray, layouts: list[_Layout], values: np.ndarray, is_read: np.ndarray) -> None:
    """Write what is read of as many views (uint64, two words each) as the processor holds at once."""
    texts = _align(views)
    usual = next(layout for layout in layouts if layout.units)
    values[:], is_read[:] = _read_as(texts, usual)
    if is_read.all():
        return
    is_short = texts.lengths <= _WORD
    left = np.flatnonzero(~is_read & is_short)
    if len(left):
        values[left], is_read[left] = _read_any(None, texts.take(left), layouts)
    left = np.flatnonzero(~is_short & (texts.lengths <= INLINED) & ~texts.begins_zero)
    if len(left):
        values[left], is_read[left] = _read_any(*_halve(views[left]), layouts)


def _read_any(heads: _Aligned | None, tails: _Aligned, layouts: list[_Layout]) -> tuple[np.ndarray, np.ndarray]:
    """The numbers (int64) of texts in any of these layouts, and which are (bool); `heads` is what is before, if any."""
    values, is_read = np.zeros(len(tails.words), dtype=np.int64), np.zeros(len(tails.words), dtype=bool)
    left = np.arange(len(tails.words))
    for layout in layouts:
        alike = left[tails.words[left] & layout.places == layout.marks]  # the marks tell nearly all
        if not len(alike):
            continue
        numbers, fits = _read_as(tails.take(alike), layout)
        if heads is not None:
            before = heads.take(alike)
            upper, has_digits = _read_as(before, _list_layouts(Marks())[0])
            upper *= layout.above
            numbers += upper
            fits &= has_digits & (before.lengths <= layout.before)
        values[alike], is_read[alike] = numbers, fits
        left = left[~is_read[left]]
        if not len(left):
            break
    return values, is_read


class _Aligned(NamedTuple):
    """Texts, one word (uint64) each: the last byte at its end, zeros before the first, and digits are their values."""

    words: np.ndarray
    lengths: np.ndarray  # bytes, uint64
    begins_zero: np.ndarray  # whether it begins with a zero

    def take(self, which: np.ndarray) -> _Aligned:
        """Some of the texts."""
        return _Aligned(self.words[which], self.lengths[which], self.begins_zero[which])


def _align(views: np.ndarray) -> _Aligned:
    """What is longer than eight bytes becomes something or other."""
    lengths = views[:, 0] & LENGTH
    words = views[:, 0] >> LENGTH_BITS
    begins_zero = words & np.uint64(0xFF) == _ZERO
    words |= views[:, 1] << LENGTH_BITS
    words ^= np.uint64(_each_byte(_ZERO))
    empty = _WORD - lengths
    empty *= np.uint64(_BYTE)
    words <<= empty
    return _Aligned(words, lengths, begins_zero)


def _halve(views: np.ndarray) -> tuple[_Aligned, _Aligned]:
    """Texts of nine to twelve bytes: what comes before the last eight, and these."""
    first, lengths = views[:, 0] >> LENGTH_BITS, views[:, 0] & LENGTH
    heads = lengths - np.uint64(_WORD)
    bits = heads * np.uint64(_BYTE)
    tail = first >> bits | views[:, 1] << LENGTH_BITS - bits
    head = (first ^ np.uint64(_each_byte(_ZERO))) << np.uint64(_WORD * _BYTE) - bits
    nothing = np.zeros(len(views), dtype=bool)
    return (
        _Aligned(head, heads, nothing),
        _Aligned(tail ^ np.uint64(_each_byte(_ZERO)), np.full(len(views), _WORD, dtype=np.uint64), nothing),
    )


class _Layout(NamedTuple):
    """What makes a number of eight bytes, of which the last is the end of the text: one constant (uint64) a step."""

    least: np.uint64  # bytes of the text
    spread: np.uint64  # how many bytes more there may be
    units: np.uint64  # bytes of a text that may begin with a zero, because that is all before the mark
    marks: np.uint64  # at their places, as they are when digits are their values
    places: np.uint64  # all bits of these
    beyond: np.uint64  # which makes a digit above 9 reach beyond the lower half of its byte
    wrong: np.uint64  # the bits that are then not to be set: of a mark all, of a digit the upper half
    outer: np.uint64  # what the first pair of bytes and the third count, in the upper and the lower half
    inner: np.uint64  # the same of the second pair and the fourth
    factor: int  # from the last decimal to the least unit
    before: np.uint64  # how many bytes may be before these eight, all of them digits
    above: int  # what the last of these counts, in the least unit


@cache
def _list_layouts(marks: Marks) -> list[_Layout]:
    """The spellings of eight bytes, those with the most marks first, for these tell most; none where a mark is not one
    byte."""
    decimal, thousands = marks.decimal.encode(), marks.thousands.encode()
    if len(decimal) != 1 or len(thousands) > 1:
        return []
    layouts = []
    for decimals in range(marks.money_decimals, -1, -1):
        tail = (decimal + b"0" * decimals) if decimals else b""
        factor = 10 ** (marks.money_decimals - decimals)
        grouped = thousands + b"0" * GROUP + tail
        if thousands and len(grouped) < _WORD:
            layouts.append(_lay_out(grouped, len(grouped) + GROUP, factor, is_grouped=True))
        layouts.append(_lay_out(tail, INLINED, factor, is_grouped=False))
    return layouts


def _lay_out(tail: bytes, most: int, factor: int, *, is_grouped: bool) -> _Layout:
    """The layout of texts of at most so many bytes that end so: a zero for each digit, the marks in their places."""
    least = len(tail) + 1
    shape = tail.rjust(_WORD, b"0")
    is_mark = [byte != _ZERO for byte in shape]
    weights, weight = [0] * _WORD, 1
    for at in range(_WORD - 1, -1, -1):
        weights[at] = weight
        weight *= 1 if is_mark[at] else 10
    # a pair is ten times its first byte and its second; where that is a mark, and thus 0, it is ten times the first
    pairs = [weights[at] // 10 if is_mark[at + 1] else weights[at + 1] for at in range(0, _WORD, 2)]
    places = sum(0xFF << _BYTE * at for at in range(_WORD) if is_mark[at])
    return _Layout(
        least=np.uint64(least),
        spread=np.uint64(min(most, _WORD) - least),
        units=np.uint64(0 if is_grouped else least),
        marks=np.uint64(sum((shape[at] ^ _ZERO) << _BYTE * at for at in range(_WORD) if is_mark[at])),
        places=np.uint64(places),
        beyond=np.uint64(_each_byte(6) & ~places),
        wrong=np.uint64(_each_byte(0xF0) | places),
        outer=np.uint64(pairs[0] << 32 | pairs[2]),
        inner=np.uint64(pairs[1] << 32 | pairs[3]),
        factor=factor,
        before=np.uint64(max(0, most - _WORD)),
        above=weight * factor,
    )


def _read_as(texts: _Aligned, layout: _Layout) -> tuple[np.ndarray, np.ndarray]:
    """The numbers (int64) of texts that are laid out so, and which are (bool)."""
    fits = texts.lengths - layout.least <= layout.spread  # of a shorter text it wraps, and is large
    fits &= ~texts.begins_zero | (texts.lengths == layout.units)
    words = texts.words ^ layout.marks
    over = words + layout.beyond
    over |= words
    over &= layout.wrong
    fits &= over == 0
    numbers = _join_digits(words, over, layout)
    if layout.factor > 1:
        numbers *= layout.factor
    return numbers, fits


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
