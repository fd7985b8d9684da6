"""A file with another delimiter and quote is judged as the same one with commas and quotation marks, however broken."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from flows.errors import DataError
from flows.lake.convert import Conversion, convert_csv
from flows.lake.dialect import Dialect
from flows.lake.forms import SHIPPED_FORM, Form
from flows.lake.terms import Terms
from tests.fuzz_convert import TABLE_CONTRACTS, TABLE_FIELDS, Case, make_case

DIALECTS = st.sampled_from([Dialect(";", "'"), Dialect("|"), Dialect("\t", ""), Dialect(";", ""), Dialect(",", "'")])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("marks")


def exchange(text: str, dialect: Dialect) -> str:
    """Delimiter and comma, quote and quotation mark, each in the place of the other."""
    delimiter, quote = dialect.delimiter, dialect.quote or "\x1f"
    return text.translate(str.maketrans(f'{delimiter},{quote}"', f',{delimiter}"{quote}'))


def convert(folder: Path, case: Case, data: bytes, block_bytes: int, form: Form) -> Conversion | None:
    """What became of the file; None if it was refused."""
    path, terms = folder / "file.csv", Terms(allow_extra_columns=case.allow_extra)
    path.write_bytes(data)
    try:
        return convert_csv(path, TABLE_CONTRACTS[case.table], folder, form=form, block_bytes=block_bytes, terms=terms)
    except DataError:
        return None


def read(conversion: Conversion, dialect: Dialect) -> tuple[pl.DataFrame, list[tuple[int, str, str]]]:
    """The good records and the others, their texts with commas and quotation marks."""
    frames = [pl.read_parquet(part.path, glob=False).drop("_file") for part in conversion.parts]
    good = pl.concat(frames) if frames else pl.DataFrame()
    for name in [name for name, dtype in good.schema.items() if dtype == pl.String]:
        texts = [text and exchange(text, dialect) for text in good[name]]
        good = good.with_columns(pl.Series(name, texts, pl.String))
    if conversion.quarantine is None:
        return good, []
    bad = pl.read_parquet(conversion.quarantine.path, glob=False)["_row", "reason", "raw"].rows()
    return good, [(row, reason, exchange(raw, dialect)) for row, reason, raw in bad]


def compare(folder: Path, case: Case, dialect: Dialect) -> None:
    ours = case.data
    theirs = exchange(ours.decode(), dialect).encode()
    for block_bytes in case.block_bytes:
        expected = convert(folder, case, ours, block_bytes, SHIPPED_FORM)
        wanted = expected and (read(expected, Dialect(",")), expected.rows_in, expected.lines_joined)
        found = convert(folder, case, theirs, block_bytes, Form(dialect))
        assert (found is None) == (wanted is None), theirs
        if found is None or wanted is None:
            continue
        good, bad = read(found, dialect)
        assert_frame_equal(good, wanted[0][0])
        assert (bad, found.rows_in, found.lines_joined) == (wanted[0][1], *wanted[1:])


@given(st.builds(make_case, st.randoms(use_true_random=False)), DIALECTS)
@settings(max_examples=60, deadline=None)
def test_broken_file_in_other_marks_is_judged_as_in_ours(folder: Path, case: Case, dialect: Dialect) -> None:
    compare(folder, case, dialect)


@example("one", '"a""b"\n', 60, Dialect(";", "'"))
@given(
    st.sampled_from(("one", "two", "three", "raw_items")),
    st.text(st.sampled_from("\"\"'',,;|\n\n\ra1é"), max_size=40),
    st.integers(1, 60),
    DIALECTS,
)
@settings(max_examples=100, deadline=None)
def test_soup_of_separators_in_other_marks_is_judged_as_in_ours(
    folder: Path, table: str, body: str, block_bytes: int, dialect: Dialect
) -> None:
    compare(folder, Case(table, body, (block_bytes, 1 << 20)), dialect)


@given(
    st.sampled_from(("two", "three", "raw_items", "raw_products")),
    st.lists(st.tuples(st.integers(0, 120), st.text(st.sampled_from("\",;'\r\na1é"), max_size=8)), max_size=6),
    st.integers(100, 3000),
    DIALECTS,
)
@settings(max_examples=40, deadline=None)
def test_few_odd_lines_among_many_in_other_marks_are_judged_as_in_ours(
    folder: Path, table: str, odd: list[tuple[int, str]], block_bytes: int, dialect: Dialect
) -> None:
    kinds = [field.kind for field in TABLE_FIELDS[table] if not field.optional]
    lines = [",".join({"text": f"t{i}", "integer": str(i)}[kind] for kind in kinds) for i in range(120)]
    for at, text in odd:
        lines.insert(at, text)
    compare(folder, Case(table, "\n".join(lines) + "\n", (block_bytes, 1 << 20)), dialect)
