"""Texts seen without a copy are the texts, in whatever chunks, whatever lies under nulls; what they hold is found."""

from __future__ import annotations

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from flows.lake.views import INLINED, LENGTH, may_hold, view_texts

TEXTS = st.lists(st.lists(st.none() | st.text("ab;,é\x00", max_size=20), max_size=8), min_size=1, max_size=4)


def join(chunks: list[list[str | None]]) -> pl.Series:
    return pl.concat((pl.Series("text", chunk, pl.String()) for chunk in chunks), rechunk=False)


@given(TEXTS)
@example([["a" * INLINED, "b" * (INLINED + 1), None], [], ["", "é"]])
def test_views_are_of_the_texts_in_their_order(chunks: list[list[str | None]]) -> None:
    texts = join(chunks)
    words = [tuple(word) for views in view_texts(texts) for word in views.words.tolist()]
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


@given(TEXTS, st.sampled_from([b";", b",;", b"ab", b"x"]))
@example([["a" * INLINED + ";"], ["b"]], b";")
@example([["a" * (INLINED - 1) + ";", "b" * 30]], b";")
@example([["aaaa;", "b" * 30]], b";")
@example([["a" * 59, "b;"]], b";")
def test_a_character_that_the_texts_hold_is_never_missed(chunks: list[list[str | None]], characters: bytes) -> None:
    texts = join(chunks)
    held = set("".join(text or "" for text in texts))
    assert may_hold(texts, [bytes([each]) for each in characters]) or held.isdisjoint(characters.decode())


def test_a_character_that_no_text_holds_is_not_suspected_for_a_length_or_a_place() -> None:
    """59 is the length of the text and the number of the semicolon."""
    texts = pl.Series("text", ["a" * 59] * 1000 + ["b"] * 1000)
    assert not may_hold(texts, [b";"])
    assert may_hold(texts, [b";", b"b"])


def test_a_part_of_a_column_is_seen_alone() -> None:
    texts = pl.Series("text", [";", "a", "b", ";"])
    assert not may_hold(texts[1:3], [b";"])
    assert [len(views.words) for views in view_texts(texts[1:3])] == [2]
