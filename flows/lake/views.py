"""Texts as polars and Arrow hold them, without a copy: 16 bytes each, in which those of up to 12 bytes lie whole.

The layout is that of string views in Arrow's columnar format: the length in 4 bytes, the least first; then the text
and zeros up to the end, or, of a longer text, its first 4 bytes and where it lies in the buffers that follow.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

WORDS = 2  # of eight bytes a view
INLINED = 12  # bytes of the longest text that lies in its view
LENGTH_BITS = np.uint64(32)
LENGTH = np.uint64((1 << 32) - 1)


def view_texts(texts: pl.Series) -> Iterator[np.ndarray]:
    """The views of texts (String), one chunk of theirs after another; empty chunks are left out.

    Words (uint64, two a text), whatever it is under a null.
    """
    for chunk in texts.get_chunks():
        array = chunk.to_arrow(compat_level=pl.CompatLevel.newest())
        _, views, *_ = array.buffers()
        if len(array):
            yield np.frombuffer(views, dtype="<u8").reshape(-1, WORDS)[array.offset : array.offset + len(array)]
