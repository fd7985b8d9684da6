"""Bytes of a shop's files become UTF-8, whatever pieces they are decoded in; delimiter and quote change places."""

from __future__ import annotations

from collections.abc import Iterator
from encodings.aliases import aliases

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.lake.dialect import Dialect, find_encoding

ENCODINGS = sorted({name for alias in set(aliases.values()) if (name := find_encoding(alias))})
SINGLE = [name for name in ENCODINGS if Dialect(encoding=name).is_single_byte]


def decode_plainly(data: bytes, encoding: str) -> str:
    """Character by character, a byte without a meaning as U+F700 and the byte."""
    return "".join(bytes([byte]).decode(encoding, "ignore") or chr(0xF700 + byte) for byte in data)


@pytest.mark.parametrize("encoding", SINGLE)
def test_every_byte_of_an_encoding_becomes_its_character_or_a_mark_of_its_own(encoding: str) -> None:
    every = bytes(range(256)) * 2
    for data in (every, bytes([byte for byte in every if not 0x80 <= byte < 0xC0]), every[:128], every[:128] + b"\xe9"):
        decoded = b"".join(Dialect(";", '"', encoding).decode([b"x\n", data]))
        assert decoded.decode() == decode_plainly(b"x\n" + data, encoding)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["cp1252", "iso8859-1", "iso8859-15", "cp1250", "koi8-r", "ascii"]),
    st.lists(st.sampled_from([b"a;b,", b"\xe9", b"\x80", b"\x81", b"\xa4", b"\n"]), min_size=1, max_size=40),
    st.sampled_from([1, 300, (1 << 16) - 3]),
)
def test_decoding_is_the_same_in_whatever_chunks(encoding: str, pieces: list[bytes], padding: int) -> None:
    data = b"x" * padding + b"\xff" + b"".join(pieces)  # no UTF-8 by accident
    for size in (padding + 7, 1 << 16, len(data)):
        chunks = [data[start : start + size] for start in range(0, len(data), size)]
        assert b"".join(Dialect(";", '"', encoding).decode(chunks)).decode() == decode_plainly(data, encoding)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-16", "utf-16-be", "shift_jis"])
def test_chunks_may_lie_in_the_same_memory(encoding: str) -> None:
    text = "".join(f"{number};é,x\n" for number in range(3000)) if encoding == "cp1252" else "a;ж,x\n" * 3000
    data, buffer = text.encode(encoding), bytearray(4000)

    def fill() -> Iterator[bytearray]:
        for start in range(0, len(data), len(buffer)):
            some = data[start : start + len(buffer)]
            buffer[: len(some)] = some
            yield buffer if len(some) == len(buffer) else buffer[: len(some)]

    within = list(Dialect(";", '"', encoding).decode(fill()))
    assert b"".join(within).decode() == text
    assert len(within) > 3


@given(
    st.sampled_from(";\t|,:x"),
    st.sampled_from(["'", '"', "`", "", "~"]),
    st.lists(st.sampled_from([b"a", b";", b"\t,", b"|", b":x", b"'", b'"', b"`~\x1f", "é".encode()]), max_size=30),
    st.sampled_from([0, 1, (1 << 18) - 2]),
)
def test_delimiter_and_quote_change_places_and_change_back(
    delimiter: str, quote: str, pieces: list[bytes], padding: int
) -> None:
    data, dialect = b"-" * padding + b"".join(pieces), Dialect(delimiter, quote)
    within = dialect.exchange(data)
    pairs = str.maketrans(delimiter + "," + (quote or "\x1f") + '"', "," + delimiter + '"' + (quote or "\x1f"))
    assert within.decode() == data.decode().translate(pairs)
    assert dialect.exchange(within) == data
