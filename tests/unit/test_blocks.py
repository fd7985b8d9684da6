"""Blocks with a few odd records among many sound ones: only the odd ones are judged one by one, and rightly so."""

from __future__ import annotations

import csv

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.lake import doubts, records
from flows.lake.blocks import convert_block
from flows.lake.contracts import CONTRACTS
from flows.lake.dialect import SHIPPED_DIALECT, Dialect
from flows.lake.doubts import Doubtful
from flows.lake.forms import Form
from flows.lake.quote_marks import count_inner
from flows.lake.reading import Block
from flows.lake.records import find_odd, judge_records
from flows.lake.splitting import find_byte, find_line_ends, find_lines, split_records
from flows.lake.terms import DEFAULT_TERMS
from tests.fuzz_convert import TABLE_CONTRACTS

HEADER = ["a", "b", "c"]
COUNT = 64
LINE_ENDS = {"lf": "\n", "crlf": "\r\n"}

# The record, its fields if it is sound, and otherwise what is wrong with it.
ODD = {
    "no field": ("", None, "field_count"),
    "one field": ("x", None, "field_count"),
    "field missing": ("x,y", None, "field_count"),
    "field missing, empty": ("x,", None, "field_count"),
    "all empty": (",,", [None, None, None], None),
    "last one empty": ("x,y,", ["x", "y", None], None),
    "empty field too many": ("x,y,z,", None, "field_count"),
    "field too many": ("x,y,z,w", None, "field_count"),
    "last one empty and one too many": ("x,y,,w", None, "field_count"),
    "quoted": ('"x","y, ""1""",z', ["x", 'y, "1"', "z"], None),
    "quoted and empty": ('"x","",""', ["x", None, None], None),
    "quoted, too many": ('"x","y","z","w"', None, "field_count"),
    "quote astray": ('x"x,y,z', None, "quoting"),
    "carriage return": ("x\rx,y,z", None, "stray_cr"),
    "carriage return in quotes": ('"x\rx",y,z', ["x\rx", "y", "z"], None),
    "mark of byte order": ("\ufeffx,y,", ["\ufeffx", "y", None], None),
}


def block_of(lines: list[str], line_end: str, *, first_row: int = 1, dialect: Dialect = SHIPPED_DIALECT) -> Block:
    data = "".join(line + line_end for line in lines).encode()
    inner = count_inner(data, dialect.delimiter_byte, dialect.quote_byte)
    ends = split_records(dialect.exchange(data), is_last=True).ends if inner is None else None
    return Block(0, data, len(lines), first_row, ends, dialect, inner or 0)


def find_few(block: Block, header: list[str]) -> tuple[pl.DataFrame, list[int]]:
    found = records._parse_around_odd(block, header)
    assert found is not None, "nothing was proven, so that every record would be judged by itself"
    text, odd = found
    return text, odd.tolist()


@pytest.mark.parametrize("position", [0, 1, COUNT // 2, COUNT - 1])
@pytest.mark.parametrize("line_end", LINE_ENDS.values(), ids=LINE_ENDS)
@pytest.mark.parametrize("odd", ODD)
def test_find_odd_leaves_out_only_the_odd_record_which_is_judged_rightly(
    odd: str, line_end: str, position: int
) -> None:
    text, fields, code = ODD[odd]
    lines = [f"a{number},b,c{number}" for number in range(COUNT)]
    lines[position] = text
    block = block_of(lines, line_end)
    expected: list[tuple[str | None, ...]] = [tuple(line.split(",")) for line in lines]
    expected[position] = tuple(fields or ())
    found, left_out = find_few(block, HEADER)
    assert left_out in ([[position]] if code else [[position], []])
    assert found.rows() == [row for i, row in enumerate(expected) if i not in left_out]
    judged = judge_records(block, HEADER)
    assert judged.codes.to_list() == [code if i == position else None for i in range(COUNT)]
    assert not fields or judged.text.rows() == expected
    doubtful = Doubtful.take(block, np.array([position]))
    assert (doubtful.data.decode(), doubtful.rows.tolist()) == (text + line_end, [position + 1])


@pytest.mark.parametrize("short", ["x,y", "x", ""])
@pytest.mark.parametrize("long", ["x,y,z,,w", "x,y,z,,", "x,y,z,,,w", "x,y,z,", "x,y,z,w"])
@pytest.mark.parametrize("distance", [1, 2, COUNT, 5 * COUNT])
def test_find_odd_long_and_short_records_do_not_cancel_out(long: str, short: str, distance: int) -> None:
    """Together they may have as many commas as sound records have, in one stretch or in different ones."""
    lines = ["a,b,c"] * (6 * COUNT)
    lines[3], lines[3 + distance], lines[5 + distance] = long, short, "x"
    block = block_of(lines, "\n")
    for text, odd in (find_odd(block, HEADER), find_few(block, HEADER)):
        assert list(odd) == [3, 3 + distance, 5 + distance]
        assert text.unique().rows() == [("a", "b", "c")]
        assert text.height == len(lines) - 3


@pytest.mark.parametrize("long", ["x,y,z,,w", "x,y,z,,", "x,y,z,w", "x,y,z,"])
def test_find_odd_long_record_and_as_many_short_ones_are_found(long: str) -> None:
    """Here the commas of all are those of so many sound records, so only the parser can tell."""
    lines = ["a,b,c"] * COUNT
    lines[10] = long
    for at in range(long.count(",") - 2):
        lines[30 + at] = "x,y"
    _, odd = find_odd(block_of(lines, "\n"), HEADER)
    assert odd.tolist() == [10, *(30 + at for at in range(long.count(",") - 2))]


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("stretch", [1, 2, 7, 64, 1000])
def test_find_miscounted_names_the_same_records_whatever_is_counted_together(stretch: int, delimiter: str) -> None:
    lines = ["a,b,c"] * (3 * COUNT)
    for at, odd in ((0, "x"), (70, "x,y,z,"), (130, "x,y"), (3 * COUNT - 1, "")):
        lines[at] = odd
    data = "".join(f"{line}\n" for line in lines).replace(",", delimiter).encode()
    found, in_all = records._find_miscounted(data, find_line_ends(data), ord(delimiter), 2, stretch)
    assert (found.tolist(), in_all) == ([0, 70, 130, 3 * COUNT - 1], data.count(delimiter.encode()))


@pytest.mark.parametrize("quoted", ['"a","b","{}"', '"a,,",b,"{}"', 'a,"","{}"', '"a""b",,"{}"'])
def test_quoted_records_are_proven_by_counting_too(quoted: str) -> None:
    lines = [quoted.format(number) for number in range(COUNT)]
    expected = [tuple(value or None for value in row) for row in csv.reader(lines)]
    text = records._parse_if_sound(block_of(lines, "\n"), HEADER)
    assert text is not None
    assert text.rows() == expected
    for long, short in (('"x","y","z","w"', '"x","y"'), ('"x,y","z","w","v"', '"x,y,z","w"'), ("x,y,z,", '"x,y",z')):
        broken = [*lines[:5], long, *lines[6:50], short, *lines[51:]]
        assert records._parse_if_sound(block_of(broken, "\n"), HEADER) is None
        found, odd = find_odd(block_of(broken, "\n"), HEADER)
        assert (found.rows(), odd.tolist()) == ([*expected[:5], *expected[6:50], *expected[51:]], [5, 50])


@pytest.mark.parametrize("odd", ["x;y", "x;y;z;w", "x,y,z", '"x";y;z', "'x';y;z"])
def test_records_of_another_delimiter_are_proven_by_counting_too(odd: str) -> None:
    """Commas and quotation marks are letters there; of the records but the odd one none is judged by itself."""
    dialect = Dialect(";", "'")
    lines = [f'a,{number};"b;c{number}' for number in range(COUNT)]
    expected: list[tuple[str, ...]] = [tuple(line.split(";")) for line in lines]
    sound = records._parse_if_sound(block_of(lines, "\n", dialect=dialect), HEADER)
    assert sound is not None
    assert sound.rows() == expected
    lines[7] = odd
    found, left_out = find_few(block_of(lines, "\n", dialect=dialect), HEADER)
    if (first := {'"x";y;z': '"x"', "'x';y;z": "x"}.get(odd)) is not None:
        assert (found.rows()[7], left_out) == ((first, "y", "z"), [])
    else:
        assert (found.rows(), left_out) == ([*expected[:7], *expected[8:]], [7])


def test_odd_records_among_quoted_ones_do_not_make_the_others_judged_one_by_one() -> None:
    lines = [f'"a","b","{number}"' for number in range(COUNT)]
    lines[5], lines[50] = '"x","y","z","w"', '"x","y"'
    found, odd = find_few(block_of(lines, "\n"), HEADER)
    assert (odd, found["c"].to_list()) == ([5, 50], [str(i) for i in range(COUNT) if i not in odd])


def test_find_odd_commas_in_quotes_do_not_make_up_for_those_that_lack() -> None:
    lines = ["a,b,c"] * COUNT
    lines[3], lines[9] = '"x,x",y,z', "x,y"
    text, odd = find_few(block_of(lines, "\n"), HEADER)
    assert odd == [3, 9]
    assert text.rows() == [("a", "b", "c")] * (COUNT - 2)


def test_find_odd_many_bad_records_are_left_out_too() -> None:
    lines = ["a,b,c", "x,y"] * COUNT
    text, odd = find_odd(block_of(lines, "\n"), HEADER)
    assert odd.tolist() == list(range(1, 2 * COUNT, 2))
    assert text.rows() == [("a", "b", "c")] * COUNT


@pytest.mark.parametrize("odd", ["x,y", "x,y,z,w", 'x"x,y,z', "x\r,y,z"])
def test_judge_records_of_only_bad_records_finds_them_all(odd: str) -> None:
    block = block_of([odd] * COUNT, "\n")
    codes = judge_records(block, HEADER).codes
    assert codes.null_count() == 0
    assert codes.n_unique() == 1
    text, left_out = find_odd(block, HEADER)
    assert (text.height, left_out.tolist()) == (0, list(range(COUNT)))


def test_find_odd_with_an_optional_last_column_takes_empty_ones_for_sound() -> None:
    lines = [f"a{number},b," for number in range(COUNT)]
    lines[5] = "x,y"
    text, odd = find_few(block_of(lines, "\n"), HEADER)
    assert odd == [5]
    assert text[5].row(0) == ("a6", "b", None)


@pytest.mark.parametrize("line_end", LINE_ENDS.values(), ids=LINE_ENDS)
def test_judge_records_of_one_column_keeps_blank_records(line_end: str) -> None:
    block = block_of(["x", "", '"y,"', "x,y", ""], line_end)
    found = judge_records(block, ["only"])
    assert found.codes.to_list() == [None, None, None, "field_count", None]
    assert found.text.filter(found.codes.is_null())["only"].to_list() == ["x", None, "y,", None]
    text, odd = find_odd(block, ["only"])
    assert (text["only"].to_list(), odd.tolist()) == (["x", None, "y,", None], [3])


def test_convert_block_numbers_the_records_as_in_the_file() -> None:
    lines = [f"k{number},{number + 1},n" for number in range(COUNT)]
    lines[0], lines[7], lines[COUNT - 1] = "k", "k,007,n", 'k,1,n"'
    good, bad, *_ = convert_block(
        block_of(lines, "\n", first_row=1001), ["key", "count", "note"], TABLE_CONTRACTS["three"], DEFAULT_TERMS
    )
    assert bad is not None
    assert bad.rows() == [
        (1001, "record:field_count", "k"),
        (1008, "count:not_integer", "k,007,n"),
        (1000 + COUNT, "record:quoting", 'k,1,n"'),
    ]
    assert good["_row"].to_list() == [1001 + i for i in range(COUNT) if i not in (0, 7, COUNT - 1)]
    assert good["count"].to_list() == [1 + i for i in range(COUNT) if i not in (0, 7, COUNT - 1)]


def test_convert_block_finds_the_header_again_as_the_file_spells_it() -> None:
    """A profile gives columns our names, and a dialect other marks."""
    form = Form(Dialect(delimiter=";"), columns={"key": "Nr, neu", "note": "key"})
    header = form.name_columns(["Nr, neu", "count", "key"])
    lines = ["Nr, neu;count;key", "k1;1;n", '"Nr, neu";"count";"key"']
    block = block_of(lines, "\n", dialect=form.dialect)
    good, bad, *_ = convert_block(block, header, TABLE_CONTRACTS["three"], DEFAULT_TERMS, form)
    assert bad is not None
    assert bad["_row", "reason"].rows() == [(1, "record:repeated_header"), (3, "record:repeated_header")]
    assert good["key", "count", "note"].rows() == [("k1", 1, "n")]


def test_convert_block_record_that_is_no_csv_is_not_also_one_of_another_encoding() -> None:
    """A byte without a meaning in cp1252 is U+F781 within."""
    form = Form(Dialect(encoding="cp1252"), columns={"key": "key"})
    block = block_of(["k1,1,n", "k\uf781,2,n", "k\uf781,3"], "\n")
    good, bad, *_ = convert_block(block, ["key", "count", "note"], TABLE_CONTRACTS["three"], DEFAULT_TERMS, form)
    assert good["_row"].to_list() == [1]
    assert bad is not None
    assert bad["reason"].to_list() == ["record:encoding", "record:field_count"]


@pytest.mark.parametrize("share", [0, 1, COUNT // 2, COUNT])
def test_convert_block_timestamps_in_the_second_spelling_are_as_good(share: int) -> None:
    moments = ["2026-03-01T10:00:00.000007" if i < share else "2026-03-01T10:00:00" for i in range(COUNT)]
    lines = [f"o{i},c,{moment},s,1,0,1" for i, moment in enumerate(moments)]
    contract = CONTRACTS["raw_orders"]
    good, bad, *_ = convert_block(block_of(lines, "\n"), list(contract.columns), contract, DEFAULT_TERMS)
    assert bad is None
    assert good["ordered_at"].dt.microsecond().to_list() == [7] * share + [0] * (COUNT - share)
    assert good["_row"].to_list() == list(range(1, COUNT + 1))


def test_convert_block_asks_exactly_only_about_the_doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    explain = doubts.explain

    def count(text: pl.DataFrame, *rest: object) -> object:
        asked.append(text.height)
        return explain(text, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(doubts, "explain", count)
    lines = ["k,1,n"] * COUNT
    lines[4], lines[9] = "k,+1,n", "k"
    convert_block(block_of(lines, "\n"), ["key", "count", "note"], TABLE_CONTRACTS["three"], DEFAULT_TERMS)
    assert asked == [2]


@given(st.text(st.sampled_from("ab\n"), max_size=40), st.sampled_from([1, 2, 50]))
def test_find_lines_names_each_line_that_holds_one_of_many_bytes_or_of_few(text: str, times: int) -> None:
    lines = (text * times).split("\n")
    data = "\n".join(lines).encode()
    ends = find_line_ends(data)
    expected = [number for number, line in enumerate(lines[:-1]) if "a" in line]
    assert find_lines(find_byte(data, ord("a")), ends).tolist() == expected
