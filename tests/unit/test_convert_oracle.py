"""The converter agrees with an independent slow reader, whatever is in the file and wherever its blocks are cut."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.lake.contracts import CONTRACTS
from tests.fuzz_convert import TABLE_CONTRACTS, TABLE_FIELDS, Case, convert, disagreement, make_case, required_columns
from tests.slow_reader import TABLES, Read, Refused, lenient_end, read_csv, split_records, strict_fields

ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=6)


def written(rows: Iterable[Iterable[str]], quoting: int, line_end: str) -> Iterator[str]:
    """Records as Python's csv module writes them; only with CRLF as line end does it quote a lone CR."""
    for row in rows:
        text = io.StringIO()
        csv.writer(text, quoting=quoting, lineterminator="\r\n").writerow(row)
        yield text.getvalue().removesuffix("\r\n") + line_end


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oracle")


@given(case=st.builds(make_case, st.randoms(use_true_random=False)))
@settings(max_examples=250, deadline=None)
def test_convert_broken_file_agrees_with_slow_reader(folder: Path, case: Case) -> None:
    assert disagreement(case, folder) is None


@given(
    table=st.sampled_from(("one", "two", "three", "raw_items")),
    body=st.text(st.sampled_from('"",,\n\n\ra1é'), max_size=40),
    block_bytes=st.integers(1, 60),
)
@settings(max_examples=250, deadline=None)
def test_convert_soup_of_separators_agrees_with_slow_reader(
    folder: Path, table: str, body: str, block_bytes: int
) -> None:
    assert disagreement(Case(table, body, (block_bytes, 1 << 20)), folder) is None


@given(
    table=st.sampled_from(("two", "three", "raw_items", "raw_products")),
    odd=st.lists(st.tuples(st.integers(0, 120), st.text(st.sampled_from('",\r\na1é'), max_size=8)), max_size=6),
    block_bytes=st.integers(100, 3000),
)
@settings(max_examples=100, deadline=None)
def test_convert_few_odd_lines_among_many_agree_with_slow_reader(
    folder: Path, table: str, odd: list[tuple[int, str]], block_bytes: int
) -> None:
    kinds = [field.kind for field in TABLE_FIELDS[table] if not field.optional]
    lines = [",".join({"text": f"t{i}", "integer": str(i)}[kind] for kind in kinds) for i in range(120)]
    for at, text in odd:
        lines.insert(at, text)
    assert disagreement(Case(table, "\n".join(lines) + "\n", (block_bytes, 1 << 20)), folder) is None


@given(
    rows=st.lists(st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT), max_size=8),
    quoting=st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
    line_end=st.sampled_from(("\n", "\r\n")),
    block_bytes=st.integers(1, 60),
)
@settings(max_examples=100, deadline=None)
def test_convert_written_by_csv_module_comes_back(
    folder: Path, rows: list[tuple[str, ...]], quoting: int, line_end: str, block_bytes: int
) -> None:
    """Python's csv module writes: every field comes back as it was, or its record is set aside for its value."""
    path = folder / "three.csv"
    path.write_bytes("".join(written([("key", "count", "note"), *rows], quoting, line_end)).encode())
    found = convert(path, TABLE_CONTRACTS["three"], folder / "out", block_bytes)
    assert isinstance(found, Read)
    assert [row for row, *_ in sorted(found.good + found.bad)] == list(range(1, len(rows) + 1))
    for row, *values in found.good:
        key, count, note = rows[row - 1]
        assert values == [key, int(count) if count else None, note or None]
    assert not [reason for _, reason, _ in found.bad if reason.startswith("record:")]


@given(st.lists(st.lists(ANY_TEXT, min_size=2, max_size=4), max_size=6), st.sampled_from(("\n", "\r\n")))
@settings(max_examples=100, deadline=None)
def test_slow_reader_reads_what_the_csv_module_writes(rows: list[list[str]], line_end: str) -> None:
    lines = "".join(written(rows, csv.QUOTE_MINIMAL, line_end)).split("\n")[:-1]
    assert [strict_fields(raw) for raw, _ in split_records(lines, 2)] == rows


@pytest.mark.parametrize(
    ("body", "good", "bad"),
    [
        ("a,1,b\n", [1], []),
        ("a,1,b\r\nc,2,d", [1, 2], []),
        ('"a\nb",1,"c""\r\n"\r\n', [1], []),
        ("a,1,b\n\nc,2,d\n", [1, 3], [(2, "record:field_count", "")]),
        ("a,1,b\n\r", [1], []),
        ("a,1,b\n\n\r\n", [1], []),
        ("key,count,note\na,1,b\n", [2], [(1, "record:repeated_header", "key,count,note")]),
        ("a,1\r,b\n", [], [(1, "record:stray_cr", "a,1\r,b")]),
        ('a"b",1,c\r\nc,2,d\n', [2], [(1, "record:quoting", 'a"b",1,c')]),
        ('"a\nb",1\n', [], [(1, "record:field_count", '"a\nb",1')]),
        # what lies within quotes is no record, however much it looks like one
        ('a,"1,b\nc,2,d\ne"\nf,3,g\n', [2], [(1, "record:field_count", 'a,"1,b\nc,2,d\ne"')]),
        ('a,"1,b\nc,2,d\ne",x,3,f\n', [], [(1, "record:field_count", 'a,"1,b\nc,2,d\ne",x,3,f')]),
        ('a,"1,b\nc,2,d\n"e,3,f\ng,4,h\n', [2], [(1, "record:doubtful_lines", 'a,"1,b\nc,2,d\n"e,3,f')]),
        ('a"b,1,"c\nd,2,e\nf"\ng,3,h\n', [2], [(1, "record:doubtful_lines", 'a"b,1,"c\nd,2,e\nf"')]),
        # a single quote within quotes is text if another one closes the field, else it closes
        ('a,1,"say "b\nc,2,d\ne"\nf,3,g\n', [2], [(1, "record:doubtful_lines", 'a,1,"say "b\nc,2,d\ne"')]),
        ('"a" b,1,c\nd,2,e\n', [2], [(1, "record:quoting", '"a" b,1,c')]),
        ('"a "b" c",1,d\ne,2,f\n', [2], [(1, "record:quoting", '"a "b" c",1,d')]),
        # the end is where both agree: the second record begins within the first one of the other reading
        (
            'a,1,"b "c\nd"\n"e",2,f\n',
            [2],
            [(1, "record:doubtful_lines", 'a,1,"b "c\nd"')],
        ),
        (
            'a,1,"b "c\nd","\ne,2,f\n",3,g\nh,4,i\n',
            [2],
            [(1, "record:doubtful_lines", 'a,1,"b "c\nd","\ne,2,f\n",3,g')],
        ),
        # the same shape with the right number of fields is a text of several lines
        ('a,1,"b\nc,2,d\ne,3,f"\n', [1], []),
        ('a,"1\nc,2,d\n3",f\n', [], [(1, "count:not_integer", 'a,"1\nc,2,d\n3",f')]),
    ],
)
def test_slow_reader_follows_the_rules(body: str, good: list[int], bad: list[tuple[int, str, str]]) -> None:
    found = read_csv(Case("three", body).data, TABLE_FIELDS["three"])
    assert ([row for row, *_ in found.good], found.bad) == (good, bad)


@pytest.mark.parametrize(
    ("table", "body", "record"),
    [
        ("three", '"a,1,b\nc,2,d\n', 1),  # sound lines prove nothing
        ("three", 'a,1,b\nc,2,"d', 2),  # nor does the end of the file
        ("three", '"a"b,1,"c\nd,2,e\n', 1),
        ("three", 'a,1,b\n"c "d,2,"\ne,3,f\n', 2),  # closed in one reading only
        ("three", '"a "b,1,c\n2,"\nc,3,d\n",4\n', 1),  # the readings never agree
        ("two", '1,"a\n2,b\n', 1),
        ("one", 'a\nb\n"c', 3),
    ],
)
def test_slow_reader_refuses_what_cannot_be_proven(table: str, body: str, record: int) -> None:
    with pytest.raises(Refused) as refused:
        read_csv(Case(table, body).data, TABLE_FIELDS[table])
    assert refused.value.record == record


@pytest.mark.parametrize(
    ("line", "closes", "closes_if_text"),
    [
        ("a,b", True, True),
        ('a,"b', False, False),
        ('a"b', True, True),
        (' "b', True, True),
        ('"a""', False, False),
        ('"a"b"', True, True),
        ('"a"b', True, False),
        ('"a" ,"', False, True),
        ('"', False, False),
        ('""', True, True),
        ('"""', False, False),
    ],
)
def test_slow_reader_knows_where_quotes_close(line: str, closes: bool, closes_if_text: bool) -> None:
    ends = [lenient_end([line], 0, is_text=is_text) for is_text in (False, True)]
    assert [end == 1 for end in ends] == [closes, closes_if_text]


def test_slow_reader_declares_the_tables_of_the_contracts() -> None:
    assert {table: [*contract.columns, *contract.check_only] for table, contract in CONTRACTS.items()} == {
        table: [field.name for field in fields] for table, fields in TABLES.items()
    }
    assert {table: contract.required for table, contract in CONTRACTS.items()} == {
        table: required_columns(table) for table in TABLES
    }
