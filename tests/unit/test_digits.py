"""Amounts read digit by digit are those that the exact pattern and cast read; what neither reads is null."""

from __future__ import annotations

import itertools

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.lake import digits
from flows.lake.amounts import Marks, read_amount
from flows.lake.digits import MAX_DIGITS, read_digits

UNITS = Marks(",", ".", 2)
MARKS = [UNITS, Marks(), Marks(".", ",", 2), Marks(";", "\u202f", 2), Marks(",", "", 2), Marks(".", "'", 0)]
TEXTS = st.text(st.sampled_from("0123456789.,;'-+ \u202f\x00é/:"), max_size=12)
GROUPED = st.builds(
    lambda number, mark, end: f"{number:,}".replace(",", mark) + end,
    st.integers(0, 10**17),
    st.sampled_from([".", ",", "'", "\u202f", ""]),
    st.sampled_from(["", ",5", ",50", ".07", ";99", ",999", ",", ";"]),
)


def read_exactly(texts: list[str | None], marks: Marks) -> list[int | None]:
    value, fits = read_amount(pl.col("text"), marks)
    frame = pl.DataFrame({"text": texts}, {"text": pl.String()})
    return frame.select(pl.when(fits).then(value)).to_series().to_list()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | TEXTS | GROUPED, max_size=30), st.sampled_from(MARKS))
@example(["1.234,56", None, "12", "0,05", "00,05", "-1,00", "1.2345,00", "1234,5", ",50", "0", "9" * 19], UNITS)
def test_digits_are_the_number_that_the_pattern_reads(texts: list[str | None], marks: Marks) -> None:
    exact = read_exactly(texts, marks)
    found = read_digits(pl.Series("text", texts, pl.String()), marks).to_list()
    expected = [
        number if number is not None and not str(text).startswith("-") and number < 10**MAX_DIGITS else None
        for number, text in zip(exact, texts, strict=True)
    ]
    too_long = {at for at, text in enumerate(texts) if sum(map(str.isdigit, text or "")) > MAX_DIGITS - 2}
    assert [found[at] for at in range(len(texts)) if at not in too_long] == [
        expected[at] for at in range(len(texts)) if at not in too_long
    ]
    assert {found[at] for at in too_long} <= {None, *(expected[at] for at in too_long)}


@pytest.mark.parametrize("marks", [UNITS, Marks(), Marks("/", "", 2)])
def test_short_texts_of_every_spelling_are_what_the_pattern_reads(marks: Marks) -> None:
    """With the neighbours of the digits in ASCII, and a byte that is a digit but for its upper half."""
    alphabet = "09" + marks.decimal + "/:-\x01"
    texts = ["".join(letters) for length in range(1, 6) for letters in itertools.product(alphabet, repeat=length)]
    texts += [text[:at] + fill + text[at:] for text in texts[:2000] for fill in ("111", "1111") for at in (0, 1)]
    exact = read_exactly(texts, marks)
    found = read_digits(pl.Series("text", texts), marks).to_list()
    assert found == [None if text.startswith("-") else number for number, text in zip(exact, texts, strict=True)]
    assert any(found)


@pytest.mark.parametrize("marks", [UNITS, Marks(",", ".", 0), Marks(",", ".", 1), Marks("\u066b", ".", 2)])
def test_texts_of_every_layout_of_marks_are_what_the_pattern_reads(marks: Marks) -> None:
    """Every text of up to nine bytes whose digits are 0 and 1, then the same with all others."""
    texts = [
        "".join(letters)
        for length in range(1, 10)
        for letters in itertools.product("01.,", repeat=length)
        if letters.count(",") <= 1 and letters.count(".") <= 2
    ]
    texts += [text.replace("1", "9", 1).replace("1", "87", 1).replace("11", "65") for text in texts[-20_000:]]
    exact = read_exactly(texts, marks)
    assert read_digits(pl.Series("text", texts), marks).to_list() == exact
    assert sum(number is not None for number in exact) > 300


@pytest.mark.parametrize("marks", [UNITS, Marks(",", ".", 0), Marks(",", ".", 1), Marks(".", "", 2)])
def test_one_other_byte_in_any_place_is_judged_as_the_pattern_does(marks: Marks) -> None:
    """Amounts of all lengths, in all their spellings, whole and with each byte exchanged for what might be mistaken."""
    numbers = [int("8172635490318272"[:digits]) for digits in range(1, 17)]
    wholes = [spelled for number in numbers for spelled in (str(number), f"{number:,}".replace(",", marks.thousands))]
    spelled = [whole + end for whole in wholes for end in ("", marks.decimal + "5", marks.decimal + "07")]
    changed = [
        text[:at] + byte + text[at + 1 :] for text in spelled for at in range(len(text)) for byte in "05.,/:-\x10"
    ]
    texts = [text for text in dict.fromkeys([*spelled, *changed]) if not text.startswith("-")]
    exact = read_exactly(texts, marks)
    found = read_digits(pl.Series("text", texts), marks).to_list()
    assert found == [
        number if sum(map(str.isdigit, text)) <= MAX_DIGITS - 2 else got
        for number, text, got in zip(exact, texts, found, strict=True)
    ]
    assert sum(number is not None for number in found) > 200


def test_usual_amounts_are_read_in_whatever_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """And without the way that is for the others."""
    monkeypatch.setattr(digits, "_read_bytes", None)
    numbers = [*range(0, 99_999_99, 991), 5, 99, 100, 99_999_99]
    texts = [f"{number // 100},{number % 100:02}" for number in numbers]
    chunked = pl.concat([pl.Series("text", texts[at : at + 777]) for at in range(0, len(texts), 777)], rechunk=False)
    assert read_digits(chunked, UNITS).to_list() == numbers
    assert read_digits(chunked, UNITS).chunk_lengths() == chunked.chunk_lengths()
    assert read_digits(chunked.rechunk(), UNITS).to_list() == numbers
    cents = pl.Series("text", [str(number) for number in numbers])
    assert read_digits(cents, Marks()).to_list() == numbers


@pytest.mark.parametrize("marks", MARKS)
def test_digits_of_a_part_of_a_column_are_those_of_its_own_texts(marks: Marks) -> None:
    texts = pl.Series("text", ["1", None, "22", "x", "333"])
    assert read_digits(texts[1:4], marks).to_list() == [None, 22 * 10**marks.money_decimals, None]
    assert read_digits(texts[:0], marks).to_list() == []


def test_digits_hidden_under_a_null_are_none() -> None:
    hidden = pl.DataFrame({"text": ["7", "8"]}).select(pl.when(pl.col("text") != "7").then(pl.col("text"))).to_series()
    assert read_digits(hidden, Marks()).to_list() == [None, 8]
