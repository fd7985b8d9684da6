"""Texts seen without a copy are the texts, in whatever chunks, whatever lies under nulls."""

from __future__ import annotations

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from flows.lake.views import INLINED, LENGTH, view_texts

TEXTS = st.lists(st.lists(st.none() | st.text("ab;,é\x00", max_size=20), max_size=8), min_size=1, max_size=4)


def join(chunks: list[list[str | None]]) -> pl.Series:
    return pl.concat((pl.Series("text", chunk, pl.String()) for chunk in chunks), rechunk=False)


@given(TEXTS)
@example([["a" * INLINED, "b" * (INLINED + 1), None], [], ["", "é"]])
def test_views_are_of_the_texts_in_their_order(chunks: list[list[str | None]]) -> None:
    texts = join(chunks)
    words = [tuple(word) for words in view_texts(texts) for word in words.tolist()]
    assert len(words) == len(texts)
    for (low, high), text in zip(words, texts, strict=True):
        octets = (text or "").encode()
        if text is None:
            continue
        assert low & int(LENGTH) == len(octets)
        if len(octets) <= INLINED:
            assert (low.to_bytes(8, "little") + high.to_bytes(8, "little"))[4:].rstrip(b"\x00") == octets.rstrip(
                b"\x00"
            )
        else:
            assert low.to_bytes(8, "little")[4:] == octets[:4]


def test_a_part_of_a_column_is_seen_alone() -> None:
    texts = pl.Series("text", [";", "a", "b", ";"])
    assert [len(words) for words in view_texts(texts[1:3])] == [2]
