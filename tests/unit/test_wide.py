"""UTF-16 read by our own decoder: Python's codec is the oracle, however the bytes are cut."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.lake.dialect import Dialect, EncodingError
from flows.lake.reading import CsvReader
from flows.lake.wide import WideDecoder

TEXTS = st.one_of(
    st.text("ab,;\r\n", max_size=40), st.text("aé\xff\x80", max_size=40), st.text("aé€\ufeff😀\ud7ff", max_size=40)
)
CUTS = st.lists(st.integers(0, 80), max_size=6)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(place for place in places if place < len(data)), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(ends)]


def encode(text: str, encoding: str) -> bytes:
    """As `encoding` has it; `utf-16` of either byte order, with its mark."""
    marked = {"little": b"\xff\xfe", "big": b"\xfe\xff"}
    orders = {"little": "utf-16-le", "big": "utf-16-be"}
    return marked[encoding] + text.encode(orders[encoding]) if encoding in marked else text.encode(encoding)


@given(TEXTS, st.sampled_from(["little", "big", "utf-16-le", "utf-16-be"]), CUTS)
@example("a😀b", "utf-16-le", [3, 4, 5])
@example("a😀b", "big", [1, 3, 5, 7])
@example("aé", "utf-16-be", [1])
def test_utf16_cut_anywhere_is_what_was_written(text: str, encoding: str, places: list[int]) -> None:
    decoder = WideDecoder("utf-16" if encoding in ("little", "big") else encoding)
    decoded = b"".join(decoder.decode(memoryview(piece)) for piece in cut(encode(text, encoding), places))
    decoder.finish()
    assert decoded == text.encode()


@given(st.binary(max_size=24), st.sampled_from(["utf-16-le", "utf-16-be"]), CUTS)
@example(b"a", "utf-16-le", [])
@example(b"\x3d\xd8", "utf-16-le", [])
@example(b"\x00\xdea\x00", "utf-16-le", [1])
def test_bytes_that_are_no_utf16_are_refused_where_python_refuses_them(
    data: bytes, encoding: str, places: list[int]
) -> None:
    try:
        expected = data.decode(encoding).encode()
    except UnicodeError:
        with pytest.raises(EncodingError, match=f"not {encoding}"):
            list(Dialect(encoding=encoding).decode(cut(data, places)))
        return
    assert b"".join(Dialect(encoding=encoding).decode(cut(data, places))) == expected


@pytest.mark.parametrize("data", [b"a\x00b\x00", b"ab", b"a"], ids=["little", "ascii", "byte"])
def test_utf16_without_a_byte_order_mark_is_refused(data: bytes) -> None:
    with pytest.raises(EncodingError, match="not utf-16"):
        list(Dialect(encoding="utf-16").decode([data]))


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(("encoding", "width"), [("utf-16", 2), ("utf-16-be", 2), ("utf-32", 4), ("cp1252", 1)])
def test_block_holds_as_many_records_whatever_bytes_a_letter_takes(
    tmp_path: Path, encoding: str, width: int, suffix: str
) -> None:
    """A block has costs of its own: half a block of UTF-16 each time made a file twice as many parts."""
    assert Dialect(encoding=encoding).letter_bytes == width
    text = "id,name\n" + "1234567,abcdefg\n" * 1000
    path = tmp_path / f"raw_orders.csv{suffix}"
    path.write_bytes(gzip.compress(text.encode(encoding)) if suffix else text.encode(encoding))
    blocks = [block.rows for block in CsvReader(path, 4000, Dialect(encoding=encoding)).blocks()]
    assert len(blocks) == 5
    assert sum(blocks) == 1000
