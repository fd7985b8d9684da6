"""The corpus of defects: each one planted at every place, and exactly the planted records are set aside.

Structure is tried at the first, a middle and the last record, with LF and CRLF, among plain and quoted records, and
with a block's border before, at, inside and after the defect. Values are tried quoted and not. Whole files that must
be refused come last, with the table of docs/quarantine.md that lists them.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pytest

from flows.errors import DataError
from flows.lake.contracts import CONTRACTS, Contract
from flows.lake.convert import convert_csv
from flows.lake.records import STRUCTURE_CODES
from flows.lake.values import VALUE_CODES
from tests.conftest import PROJECT
from tests.fuzz_convert import convert
from tests.slow_reader import Read, Refused

ORDERS = CONTRACTS["raw_orders"]
HEADER = "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total"
MOMENT = datetime(2026, 3, 1, 10)
MIB = 1024 * 1024
ONE_BLOCK = 16 * MIB
LINE_ENDS = {"lf": "\n", "crlf": "\r\n"}
POSITIONS = (0, 2, 4)


def order(number: int, *, quoted: bool = False) -> str:
    fields = [f"o{number}", "c1", "2026-03-01T10:00:00", "s1", "1000", "60", "1060"]
    return ",".join(f'"{field}"' for field in fields) if quoted else ",".join(fields)


def loaded(number: int, row: int) -> tuple[Any, ...]:
    """The row that `order(number)` becomes, as record `row` of its file."""
    return (row, f"o{number}", "c1", MOMENT, "s1", 1000, 60, 1060)


def words(text: str) -> list[str]:
    return text.split()


def write(folder: Path, data: str | bytes, name: str = "raw.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def convert_bytes(
    folder: Path, data: str | bytes, contract: Contract = ORDERS, block_bytes: int = ONE_BLOCK
) -> Read | Refused:
    return convert(write(folder, data), contract, folder / "out", block_bytes)


@dataclass(frozen=True)
class Planted:
    """A file of four good records with a text planted among them."""

    data: bytes
    good: list[tuple[Any, ...]]  # as they must be loaded
    rows: list[int]  # the number of the first record of each planted text
    borders: list[int]  # sizes of blocks that put a border into, at and around the one in the middle


def plant(
    text: str, records: int, line_end: str, *, quoted: bool = False, positions: tuple[int, ...] = POSITIONS
) -> Planted:
    """Plant a text that makes so many records at each of the positions: first, middle and last."""
    data, good, rows, borders, row = HEADER + line_end, [], [], [1], 1
    for number in range(5):
        if number in positions:
            start = len(data.encode())
            data += text + line_end
            end = len(data.encode())
            rows.append(row)
            row += records
            if number == sorted(positions)[len(positions) // 2]:
                borders += [start, (start + end) // 2, end - 1, end]
        if number < POSITIONS[-1]:
            data += order(number, quoted=quoted) + line_end
            good.append(loaded(number, row))
            row += 1
    return Planted(data.encode(), good, rows, [*borders, ONE_BLOCK])


# The text, and the code and raw text of each bad record that it makes ({0} stands for the line end).
DEFECTS = {
    "blanks": ("  ", [("field_count", "  ")]),
    "quoted nothing": ('""', [("field_count", '""')]),
    "field missing": ("o,c,2026-03-01T10:00:00,s,1,0", [("field_count", "o,c,2026-03-01T10:00:00,s,1,0")]),
    "field too many": ("o,c,2026-03-01T10:00:00,s,1,0,1,x", [("field_count", "o,c,2026-03-01T10:00:00,s,1,0,1,x")]),
    "comma at the end": ("o,c,2026-03-01T10:00:00,s,1,0,1,", [("field_count", "o,c,2026-03-01T10:00:00,s,1,0,1,")]),
    "comma unquoted": ("o,c,d,2026-03-01T10:00:00,s,1,0,1", [("field_count", "o,c,d,2026-03-01T10:00:00,s,1,0,1")]),
    "field too many, quoted": ('"o","c",",","d",s,1,0,1', [("field_count", '"o","c",",","d",s,1,0,1')]),
    "comment": ("# exported by till 3", [("field_count", "# exported by till 3")]),
    "end of a DOS file": ("\x1a", [("field_count", "\x1a")]),
    "NUL bytes": ("\x00\x00\x00", [("field_count", "\x00\x00\x00")]),
    "other separator": ("o;c;2026-03-01T10:00:00;s;1;0;1", [("field_count", "o;c;2026-03-01T10:00:00;s;1;0;1")]),
    "two records on a line": (order(8) + order(9), [("field_count", order(8) + order(9))]),
    "record on two lines": (
        "o,c{0}2026-03-01T10:00:00,s,1,0,1",
        [("field_count", "o,c"), ("field_count", "2026-03-01T10:00:00,s,1,0,1")],
    ),
    "lines in quotes, too few fields": ('"o{0}x","c""{0}"', [("field_count", '"o{0}x","c""{0}"')]),
    "lines in quotes, too many fields": ('"{0}{0}",,,,,,,', [("field_count", '"{0}{0}",,,,,,,')]),
    "quote within a field": ('o"x,c,2026-03-01T10:00:00,s,1,0,1', [("quoting", 'o"x,c,2026-03-01T10:00:00,s,1,0,1')]),
    "quotes within a field": ('o,c "x" d,m,s,1,0,1', [("quoting", 'o,c "x" d,m,s,1,0,1')]),
    "inches": ('o,c 12",m,s,1,0,1', [("quoting", 'o,c 12",m,s,1,0,1')]),
    "quote in the last field": ('o,c,m,s,1,0,1"', [("quoting", 'o,c,m,s,1,0,1"')]),
    "blank before an opening quote": ('o, "c",m,s,1,0,1', [("quoting", 'o, "c",m,s,1,0,1')]),
    "comma in a field quoted late": ('o,x"c,d",m,s,1,0,1', [("quoting", 'o,x"c,d",m,s,1,0,1')]),
    "quote not doubled": ('o,"c"d"e",m,s,1,0,1', [("quoting", 'o,"c"d"e",m,s,1,0,1')]),
    "quote escaped by backslash": (r'o,"c\"d",m,s,1,0,1', [("quoting", r'o,"c\"d",m,s,1,0,1')]),
    "two bad lines": ('o"{0}x"', [("quoting", 'o"'), ("quoting", 'x"')]),
    "CR in a field": ("o,c\rd,m,s,1,0,1", [("stray_cr", "o,c\rd,m,s,1,0,1")]),
    "CR at the start": ("\ro,c,m,s,1,0,1", [("stray_cr", "\ro,c,m,s,1,0,1")]),
    "CR as line end": ("o,c,m,s,1,0,1\ro,c,m,s,1,0,1", [("stray_cr", "o,c,m,s,1,0,1\ro,c,m,s,1,0,1")]),
}

# A quote within quotes that is not doubled: it costs one record, if no later one can close the field.
LATE_CLOSINGS = {
    "text after a closing quote": '"o"x,c,m,s,1,0,1',
    "blank after a closing quote": 'o,c,m,s,1,0,"1" ',
    "CR and quotes": 'o,"c"\r,m,s,1,0,1',
}

# Open quotes: what follows may lie inside them, and nothing proves that it does not.
OPEN_QUOTES = {
    "first field": '"o,c,m,s,1,0,1',
    "middle field": 'o,"c,m,s,1,0,1',
    "last field": 'o,c,m,s,1,0,"1',
    "lone quote": '"',
    "at the end": 'o,c,m,s,1,0,"',
    "three quotes": '"""',
    "after good quotes": '"o","c",m,s,1,0,"1""',
    "after a broken field": '"o"x,c,m,s,1,0,"1',
}

# Quotes that close late: {1} stands for lines that look like records, {0} for the line end.
STRETCHES = {
    "too few fields": ('o,"c{0}{1}{0}d"', "field_count"),
    "too many fields": ('o,"c{0}{1}{0}d",m,s,1,0,1,2', "field_count"),
    "two strays": ('o,"c,m,s,1,0,1{0}{1}{0}o",c,m,s,1,0,1', "field_count"),
    "text after the closing quote": ('o,"c{0}{1}{0}d"x,"m",s,1,0,1', "doubtful_lines"),
    "stray quote before": ('o"x,"c{0}{1}{0}d",m,s,1,0,1', "doubtful_lines"),
    "stray quote after": ('o,"c{0}{1}{0}d",m"x,s,1,0,1', "doubtful_lines"),
    "stray CR": ('o\r,"c{0}{1}{0}d",m,s,1,0,1', "doubtful_lines"),
    "quotes not doubled": ('o,"he said "hi" to{0}{1}{0}me",m,s,1,0,1', "doubtful_lines"),
    "quote not doubled": ('o,"12" wide{0}{1}{0}5" high",m,s,1,0,1', "doubtful_lines"),
    "quote not doubled, then two texts": ('o,"12" wide{0}{1}{0}d",m,s,1,0,"{0}{1}{0}"', "doubtful_lines"),
}

# Sound, however odd: the first two fields of the record as they must be loaded.
DECOYS = {
    "all quoted": (order(7, quoted=True), ("o7", "c1")),
    "comma": ('"o,7",c', ("o,7", "c")),
    "doubled quotes": ('"""o""7",""""""', ('"o"7', '""')),
    "newline": ('"o\n7","\n"', ("o\n7", "\n")),
    "blank lines": ('"o\n\n\n7",c', ("o\n\n\n7", "c")),
    "CRLF": ('"o\r\n7","\r\n"', ("o\r\n7", "\r\n")),
    "CR": ('"o\r7","\r"', ("o\r7", "\r")),
    "quote, comma, newline": ('"o"",\n""",c', ('o",\n"', "c")),
    "records in a text": (f'"o\n{order(8)}\n{order(9)}\n",c', None),
    "other line ends": ("o\x0b\x0c\x85\u2028\u2029,c", ("o\x0b\x0c\x85\u2028\u2029", "c")),
    "many bytes": ("é日😀,ﬁ", ("é日😀", "ﬁ")),
    "mark of byte order": ("\ufeffo,c", ("\ufeffo", "c")),
    "blanks": (" o , c ", (" o ", " c ")),
    "null words": ("NULL,NaN", ("NULL", "NaN")),
    "formula": ("=1+1,@x", ("=1+1", "@x")),
    "comment": ("#o,#", ("#o", "#")),
}


MIXES = [
    pytest.param(line_end, quoted, id=f"{name}-{'quoted' if quoted else 'plain'}")
    for (name, line_end), quoted in zip(LINE_ENDS.items(), (False, True), strict=True)
]


def check_at_borders(folder: Path, planted: Planted, expected: Read) -> None:
    for block_bytes in planted.borders:
        assert convert_bytes(folder, planted.data, block_bytes=block_bytes) == expected, block_bytes


def check_refused_at_borders(folder: Path, planted: Planted) -> None:
    """The file is refused for the planted record, whatever the blocks."""
    for block_bytes in planted.borders:
        found = convert_bytes(folder, planted.data, block_bytes=block_bytes)
        assert isinstance(found, Refused), block_bytes
        assert found.record == planted.rows[0], str(found)


@pytest.mark.parametrize(("line_end", "quoted"), MIXES)
@pytest.mark.parametrize("defect", DEFECTS)
def test_defect_of_structure_costs_its_own_record(tmp_path: Path, defect: str, line_end: str, quoted: bool) -> None:
    text, records = DEFECTS[defect]
    planted = plant(text.replace("{0}", line_end), len(records), line_end, quoted=quoted)
    bad = [
        (row + index, f"record:{code}", raw.replace("{0}", line_end))
        for row in planted.rows
        for index, (code, raw) in enumerate(records)
    ]
    check_at_borders(tmp_path, planted, Read(planted.good, bad))


@pytest.mark.parametrize(("line_end", "quoted"), MIXES)
def test_defects_of_structure_and_decoys_in_one_file(tmp_path: Path, line_end: str, quoted: bool) -> None:
    """All of them, a good record after each, for blocks of many sizes."""
    lines, expected, row = [HEADER], Read(), 1
    for text, records in [*DEFECTS.values(), *((decoy_text(decoy), []) for decoy in DECOYS)]:
        lines += [text.replace("{0}", line_end), order(row, quoted=quoted)]
        for code, raw in records:
            expected.bad.append((row, f"record:{code}", raw.replace("{0}", line_end)))
            row += 1
        row += not records  # a decoy
        lines[-1] = order(row, quoted=quoted)
        expected.good.append(loaded(row, row))
        row += 1
    data = line_end.join(lines) + line_end
    for block_bytes in (37, 144, 233, 610, 987, len(data.encode()), ONE_BLOCK):
        found = convert_bytes(tmp_path, data, block_bytes=block_bytes)
        assert isinstance(found, Read)
        assert [bad for bad in found.bad if bad[1] != "id:too_long"] == expected.bad
        good = [values for values in found.good if values == loaded(values[0], values[0])]
        assert good == expected.good
        assert len(found.good) + len(found.bad) == row - 1


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("text", OPEN_QUOTES.values(), ids=OPEN_QUOTES)
def test_defect_open_quote_refuses_the_file_and_names_the_record(tmp_path: Path, text: str, position: int) -> None:
    """Sound records after it prove nothing, nor does the end of the file."""
    check_refused_at_borders(tmp_path, plant(text, 1, "\n", positions=(position,)))


@pytest.mark.parametrize("line_end", LINE_ENDS.values(), ids=LINE_ENDS)
@pytest.mark.parametrize("text", LATE_CLOSINGS.values(), ids=LATE_CLOSINGS)
def test_defect_quote_not_doubled_costs_its_own_record_among_plain_ones(
    tmp_path: Path, text: str, line_end: str
) -> None:
    planted = plant(text, 1, line_end)
    check_at_borders(tmp_path, planted, Read(planted.good, [(row, "record:quoting", text) for row in planted.rows]))


@pytest.mark.parametrize("line_end", LINE_ENDS.values(), ids=LINE_ENDS)
@pytest.mark.parametrize("text", (OPEN_QUOTES | LATE_CLOSINGS).values(), ids=OPEN_QUOTES | LATE_CLOSINGS)
def test_defect_quotes_that_those_of_the_next_record_may_close_cost_both(
    tmp_path: Path, text: str, line_end: str
) -> None:
    text += line_end + order(9, quoted=True)
    planted = plant(text, 1, line_end, quoted=True)
    bad = [(row, "record:doubtful_lines", text) for row in planted.rows]
    check_at_borders(tmp_path, planted, Read(planted.good, bad))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("line_end", "quoted"), MIXES)
@pytest.mark.parametrize("stretch", STRETCHES)
def test_defect_lines_within_quotes_are_never_records(
    tmp_path: Path, stretch: str, line_end: str, quoted: bool, count: int
) -> None:
    text, code = STRETCHES[stretch]
    text = text.format(line_end, line_end.join([order(9)] * count))
    planted = plant(text, 1, line_end, quoted=quoted)
    check_at_borders(tmp_path, planted, Read(planted.good, [(row, f"record:{code}", text) for row in planted.rows]))


@pytest.mark.parametrize("line_end", LINE_ENDS.values(), ids=LINE_ENDS)
def test_defect_second_cr_before_the_line_end_is_stray(tmp_path: Path, line_end: str) -> None:
    planted = plant(order(9) + "\r\r", 1, line_end)
    raw = order(9) + "\r\r"[: len(line_end)]
    check_at_borders(tmp_path, planted, Read(planted.good, [(row, "record:stray_cr", raw) for row in planted.rows]))


@pytest.mark.parametrize("line_end", LINE_ENDS.values(), ids=LINE_ENDS)
@pytest.mark.parametrize("decoy", DECOYS)
def test_defect_free_record_is_loaded_however_odd(tmp_path: Path, decoy: str, line_end: str) -> None:
    text, values = decoy_text(decoy), DECOYS[decoy][1]
    planted = plant(text, 1, line_end)
    good = [(row, *values, *loaded(0, 0)[3:]) for row in planted.rows] if values else []
    # the decoy that is no good row is longer than an id may be, but one record
    bad = [] if values else [(row, "id:too_long", text) for row in planted.rows]
    check_at_borders(tmp_path, planted, Read(sorted(planted.good + good), bad))


def decoy_text(decoy: str) -> str:
    return DECOYS[decoy][0] + ("" if decoy == "all quoted" else ",2026-03-01T10:00:00,s1,1000,60,1060")


@pytest.mark.parametrize("line_end", LINE_ENDS.values(), ids=LINE_ENDS)
def test_defect_blank_line_is_a_record_but_at_the_end(tmp_path: Path, line_end: str) -> None:
    planted = plant("", 1, line_end, positions=(0, 2))
    bad = [(row, "record:field_count", "") for row in planted.rows]
    check_at_borders(tmp_path, planted, Read(planted.good, bad))
    for quoted, blanks in ((False, 1), (True, 1), (False, 2), (True, 3)):
        data = f"{HEADER}{line_end}{order(0)}{line_end * 2}{order(1, quoted=quoted)}{line_end}{line_end * blanks}"
        for block_bytes in (1, len(data) - blanks * len(line_end), ONE_BLOCK):
            found = convert_bytes(tmp_path, data, block_bytes=block_bytes)
            assert found == Read([loaded(0, 1), loaded(1, 3)], [(2, "record:field_count", "")])


@pytest.mark.parametrize(("line_end", "quoted"), MIXES)
def test_defect_repeated_header_is_set_aside_as_such(tmp_path: Path, line_end: str, quoted: bool) -> None:
    """Also quoted, also in a table whose columns are all text, where it would pass for a record."""
    text = '"' + HEADER.replace(",", '","') + '"' if quoted else HEADER
    planted = plant(text, 1, line_end, quoted=quoted)
    bad = [(row, "record:repeated_header", text) for row in planted.rows]
    check_at_borders(tmp_path, planted, Read(planted.good, bad))
    data = f"id,name{line_end}id,name{line_end}id,name1{line_end}name,id{line_end}"
    found = convert_bytes(tmp_path, data, CONTRACTS["raw_customers"])
    assert found == Read([(2, "id", "name1"), (3, "name", "id")], [(1, "record:repeated_header", "id,name")])


def test_defect_repeated_header_names_no_currency_and_does_not_count_against_its_file(tmp_path: Path) -> None:
    data = f"{HEADER},currency\n{order(0)},USD\n{HEADER},currency\n{order(1)},USD\nx\n"
    conversion = convert_csv(write(tmp_path, data), ORDERS, tmp_path / "out")
    assert conversion.reasons == {"record:field_count": 1, "record:repeated_header": 1}
    assert (conversion.rows_in, conversion.quarantined_ratio) == (4, 1 / 3)


def test_defect_doubtful_lines_count_one_by_one_against_their_file(tmp_path: Path) -> None:
    data = f'{HEADER}\n{order(0)}\no,"c\n{order(1)}\n{order(2)}\nd"x,m\n'
    conversion = convert_csv(write(tmp_path, data), ORDERS, tmp_path / "out")
    assert (conversion.rows_in, conversion.rows_quarantined, conversion.quarantined_ratio) == (2, 1, 4 / 5)


def test_defect_last_record_without_line_end_is_a_record(tmp_path: Path) -> None:
    for last, reason in (('o"', "quoting"), ("o", "field_count"), ("o,\rc", "stray_cr"), ('""x', "quoting")):
        for block_bytes in (1, 30, ONE_BLOCK):
            found = convert_bytes(tmp_path, f"{HEADER}\n{order(0)}\r\n{last}", block_bytes=block_bytes)
            assert found == Read([loaded(0, 1)], [(2, f"record:{reason}", last)])
    for end in ("", "\r", "\n", "\r\n"):
        assert convert_bytes(tmp_path, f"{HEADER}\r\n{order(0, quoted=True)}{end}") == Read([loaded(0, 1)], [])


LINES_OF_5_MIB = f"{order(1)}\n" * (5 * MIB // len(order(1) + "\n"))


@pytest.mark.parametrize("fields", ["c1,2026-03-01T10:00:00,s1,1000,60,1060", "c"], ids=["sound", "short"])
def test_defect_closed_text_over_four_mebibytes_is_one_record_too_long(tmp_path: Path, fields: str) -> None:
    data = f'{HEADER}\n{order(0)}\n"{LINES_OF_5_MIB}",{fields}\n{order(2)}\n'
    for block_bytes in (MIB, ONE_BLOCK):
        found = convert_bytes(tmp_path, data, block_bytes=block_bytes)
        assert isinstance(found, Read)
        assert [bad[:2] for bad in found.bad] == [(2, "record:too_long")]
        assert found.good == [loaded(0, 1), loaded(2, 3)]


def test_defect_doubtful_lines_over_four_mebibytes_refuse_the_file(tmp_path: Path) -> None:
    data = f'{HEADER}\n{order(0)}\n"{LINES_OF_5_MIB}"x,c\n{order(2)}\n'
    for block_bytes in (MIB, ONE_BLOCK):
        found = convert_bytes(tmp_path, data, block_bytes=block_bytes)
        assert isinstance(found, Refused)
        assert found.record == 2


@pytest.mark.parametrize("by", [0, 1])
def test_defect_quote_not_doubled_is_closed_by_one_within_a_text_column_only(tmp_path: Path, by: int) -> None:
    """A text column of Redshift holds 65,535 bytes, and so may the record be long that such a quote makes."""
    text, last = '"o"x,c\n', order(2, quoted=True) + "\n"
    count, rest = divmod(65_535 + by - len(text + last), len(order(1) + "\n"))
    text += order(1) + "x" * rest + "\n" + f"{order(1)}\n" * (count - 1)
    for block_bytes in (1000, 65_536, ONE_BLOCK):
        found = convert_bytes(tmp_path, f"{HEADER}\n{text}{last}{order(3)}\n", block_bytes=block_bytes)
        assert isinstance(found, Read)
        if by:
            assert found.bad[0] == (1, "record:quoting", '"o"x,c')
            assert found.good[-2:] == [loaded(2, count + 2), loaded(3, count + 3)]
        else:
            assert found == Read([loaded(3, 2)], [(1, "record:doubtful_lines", (text + last).rstrip())])


@pytest.mark.parametrize("quote", ["", '"'], ids=["plain", "quoted"])
def test_defect_record_over_four_mebibytes_is_set_aside(tmp_path: Path, quote: str) -> None:
    rest = ",c1,2026-03-01T10:00:00,s1,1000,60,1060"
    texts = [quote + "x" * (4 * MIB + by - len(rest) - 2 * len(quote)) + quote + rest for by in (0, 1)]
    for block_bytes in (MIB, ONE_BLOCK):
        found = convert_bytes(
            tmp_path, "\n".join([HEADER, order(0), *texts, order(1)]) + "\r\n", block_bytes=block_bytes
        )
        bad = [(2, "id:too_long", texts[0]), (3, "record:too_long", texts[1])]
        is_equal = found == Read([loaded(0, 1), loaded(1, 4)], bad)
        assert is_equal  # without the megabytes in the message


# Values: the table, the column, the text, and the code or the value it is loaded as.
GOOD_VALUES = {
    "raw_customers": {"id": "c1", "name": "Ada"},
    "raw_orders": dict(zip(HEADER.split(","), order(0).split(","), strict=True)),
    "raw_products": {"sku": "p", "name": "n", "type": "t", "price": "1", "description": "d"},
    "raw_stores": {
        "id": "s",
        "name": "n",
        "opened_at": "2026-03-01T00:00:00",
        "tax_rate": "0.1",
        "time_zone": "Europe/Berlin",
    },
    "raw_supplies": {"id": "u", "name": "n", "cost": "1", "perishable": "True", "sku": "p"},
    "raw_refunds": {
        "id": "r",
        "order_id": "o",
        "item_id": "i",
        "refunded_at": "2026-03-01T00:00:00",
        "amount": "1",
        "tax_amount": "0",
        "reason": "cold",
    },
    "raw_stock_counts": {"store_id": "s", "supply_id": "u", "counted_at": "2026-03-01T00:00:00", "unit_count": "1"},
}
MAY_BE_EMPTY = ("description", "time_zone", "item_id", "reason")
NOT_INTEGERS = words("1.0 19.07 1e3 007 00 -0 +1 1,000 1_000 0x10 NaN null - ٣ １ \ufeff1 --1")
NOT_DECIMALS = words("1e-1 .5 0. 00.1 +0.1 0,1 1/2 5% NaN inf 0.0000001 1000 - -.1 0.1.1 ٠.1")
NOT_TIMESTAMPS = words("""
    2026-02-29T10:00:00 2100-02-29T00:00:00 2026-04-31T10:00:00 2026-13-01T10:00:00 2026-00-01T10:00:00
    2026-03-01T24:00:00 2026-03-01T10:60:00 2026-03-01T10:00:60 2026-03-01T10 2026-03-01T10: 2026-03-01
    01.03.2026 1772359200 2026-03-01T10:00:00z 2026-03-01T10:00:00+15:00 2026-03-01T10:00:00.1 2026-03-01T10:00:00.123
    2026-03-01T10:00:00.1234567 2026-3-1T10:00:00 26-03-01T10:00:00 12026-03-01T10:00:00 +2026-03-01T10:00:00
    2026-03-01t10:00:00 ٢٠٢٦-03-01T10:00:00 0000-00-00T00:00:00 0000-01-01T00:00:00
""")
SPACED = (" {0}", "{0} ", "{0}\n", "\t{0}", "{0}\x00", "\ufeff{0}")  # they look right in a spreadsheet
BAD_VALUES = [
    *[("raw_orders", "tax_paid", text, "not_integer") for text in NOT_INTEGERS],
    *[("raw_orders", "tax_paid", text.format("60"), "not_integer") for text in SPACED],
    *[("raw_orders", "tax_paid", str(number), "overflow") for number in (2**63, -(2**63) - 1, 10**19, 10**40)],
    *[("raw_supplies", "cost", text, "below_min") for text in ("-1", str(-(2**63)))],
    *[("raw_supplies", "cost", text, "above_max") for text in (str(10**15 + 1), str(2**63 - 1))],
    *[("raw_stores", "tax_rate", text, "not_decimal") for text in NOT_DECIMALS],
    *[("raw_stores", "tax_rate", text.format("0.1"), "not_decimal") for text in SPACED],
    ("raw_stores", "tax_rate", "-0.000001", "below_min"),
    ("raw_stores", "tax_rate", "1.000001", "above_max"),
    ("raw_stores", "tax_rate", "999.999999", "above_max"),
    *[("raw_orders", "ordered_at", text, "not_timestamp") for text in NOT_TIMESTAMPS],
    *[("raw_orders", "ordered_at", text.format("2026-03-01T10:00:00"), "not_timestamp") for text in SPACED],
    ("raw_orders", "ordered_at", "2026-03-01  10:00:00", "not_timestamp"),
    ("raw_orders", "ordered_at", "2026-03-01 10:00  +02:00", "not_timestamp"),
    *[("raw_supplies", "perishable", text, "not_boolean") for text in ("TRUE", "FALSE", "1", "0", "yes", "t", "True ")],
    *[("raw_orders", "id", text, "too_long") for text in ("x" * 65, "é" * 33, "😀" * 17)],
    ("raw_customers", "name", "x" * 257, "too_long"),
    ("raw_products", "description", "é" * 513, "too_long"),
    *[("raw_customers", "name", text, "nul_byte") for text in ("\x00", "a\x00", "\x00a", "é\x00\x00😀")],
    *[("raw_orders", "ordered_at", f"2026-03-01T10:00:00{utc}", "utc_needs_time_zone") for utc in ("Z", ".000000Z")],
    *[("raw_stores", "time_zone", text, "not_time_zone") for text in ("Mars/Base", "europe/berlin", " UTC", "+02:00")],
    *[("raw_refunds", name, "-1", "below_min") for name in ("amount", "tax_amount")],
    ("raw_stock_counts", "unit_count", "-1", "below_min"),
    ("raw_stock_counts", "unit_count", str(10**12 + 1), "above_max"),
    *[(table, name, "", "required") for table, row in GOOD_VALUES.items() for name in row if name not in MAY_BE_EMPTY],
]
MOMENTS = ("0001-01-01T00:00:00", "9999-12-31T23:59:59.999999", "2024-02-29T12:34:56.000007", "1582-10-10T00:00:00")
OFFSETS = ("+02:00", "+0200", "-05:30", "-0001", "+14:59", "+02", " +02:00", " -0530", " -05")
EXACT_VALUES = [
    *[("raw_supplies", "cost", text, int(text)) for text in ("0", "7", "10", str(10**15))],
    *[("raw_stores", "tax_rate", text, Decimal(text)) for text in ("0", "1", "0.0", "0.000001", "1.000000", "0.0625")],
    *[("raw_stores", "opened_at", text, datetime.fromisoformat(text)) for text in MOMENTS],
    *[("raw_supplies", "perishable", text, text.lower() == "true") for text in ("True", "true", "False", "false")],
    *[("raw_customers", "id", text, text) for text in ("x" * 64, "é" * 32, "😀" * 16, "007", " ", "'; drop", "\x01")],
    *[("raw_stores", "opened_at", f"2026-03-01T01:30:00{offset}", datetime(2026, 3, 1, 1, 30)) for offset in OFFSETS],
    *[
        ("raw_stores", "opened_at", f"2026-03-01T01:30:00{end}", datetime(2026, 3, 1, 2, 30))
        for end in ("Z", " Z", " UTC", "GMT")
    ],
    *[
        ("raw_stores", "opened_at", f"2026-03-01 01:30{end}", datetime(2026, 3, 1, 1, 30))
        for end in ("", ":00", "+0200")
    ],
    ("raw_stores", "opened_at", "2026-03-01T01:30", datetime(2026, 3, 1, 1, 30)),
    ("raw_stores", "opened_at", "2026-03-01 01:30Z", datetime(2026, 3, 1, 2, 30)),
    ("raw_stores", "opened_at", "2026-03-01 01:30:00.000007", datetime(2026, 3, 1, 1, 30, 0, 7)),
    ("raw_stores", "time_zone", "", None),
    ("raw_refunds", "item_id", "", None),
    ("raw_refunds", "reason", "", None),
    ("raw_stock_counts", "unit_count", "0", 0),
    ("raw_products", "description", "", None),
    ("raw_products", "description", "x" * 1024, "x" * 1024),
]


@pytest.mark.parametrize("quoted", [False, True], ids=["bare", "quoted"])
@pytest.mark.parametrize("line_end", LINE_ENDS.values(), ids=LINE_ENDS)
@pytest.mark.parametrize("table", GOOD_VALUES)
def test_defect_of_value_costs_its_own_record(tmp_path: Path, table: str, line_end: str, quoted: bool) -> None:
    """Each bad value in a record of its own, a good record after each, in one file of many block sizes."""
    names = list(GOOD_VALUES[table])
    lines, expected = [",".join(names)], Read()
    for of_table, column, text, outcome in BAD_VALUES + EXACT_VALUES:
        if of_table != table:
            continue
        raw = spell(GOOD_VALUES[table] | {column: text}, column, quoted=quoted)
        is_good = (of_table, column, text, outcome) in EXACT_VALUES
        for record in (raw, spell(GOOD_VALUES[table], column, quoted=quoted)):
            lines.append(record)
            if record == raw and not is_good:
                expected.bad.append((len(lines) - 1, f"{column}:{outcome}", raw))
            else:
                value = [outcome] if record == raw else []
                expected.good.append((len(lines) - 1, column, *value))
    data = line_end.join(lines) + line_end
    for block_bytes in (300, len(data) // 2, ONE_BLOCK):
        found = convert_bytes(tmp_path, data, CONTRACTS[table], block_bytes)
        assert isinstance(found, Read)
        assert found.bad == expected.bad
        assert [row for row, *_ in found.good] == [row for row, *_ in expected.good]
        for (_, *values), (_, column, *value) in zip(found.good, expected.good, strict=True):
            assert value in ([], [values[names.index(column)]]), column


def spell(values: dict[str, str], column: str, *, quoted: bool) -> str:
    """A record; the field of `column` is quoted if told so or if it must be."""
    fields = {name: f'"{text}"' if re.search('[,\n"]', text) else text for name, text in values.items()}
    if quoted:
        fields[column] = f'"{values[column]}"'
    return ",".join(fields.values())


def test_defect_several_in_one_record_are_all_named_in_the_order_of_the_contract(tmp_path: Path) -> None:
    header = ",".join(reversed(HEADER.split(",")))
    long = "\x00" + "x" * 64
    found = convert_bytes(tmp_path, f'{header}\n-1,,1.5,{long},now,,"o"\n7,60,1000,s,2026-03-01T10:00:00,c,o\n')
    reasons = [
        "customer:required",
        "ordered_at:not_timestamp",
        "store_id:nul_byte",
        "store_id:too_long",
        "subtotal:not_integer",
        "tax_paid:required",
        "order_total:below_min",
    ]
    assert isinstance(found, Read)
    assert [reason for _, reason, _ in found.bad] == [";".join(reasons), "order_total:sum_mismatch"]
    assert [raw for _, _, raw in found.bad] == [f'-1,,1.5,{long},now,,"o"', "7,60,1000,s,2026-03-01T10:00:00,c,o"]


# Contracts of any shape: nothing in the conversion knows the retail tables.


class Kinds(dy.Schema):
    """What a contract may say beyond the retail tables."""

    day = dy.String(nullable=False, regex=r"^\d{4}-\d{2}-\d{2}$")
    level = dy.Int64(nullable=True, is_in=[1, 2, 3])
    even = dy.Int64(nullable=True, check={"odd": lambda number: number % 2 == 0})
    small = dy.Int8(nullable=True)
    unsigned = dy.UInt16(nullable=True)
    whole = dy.Decimal(precision=4, scale=0, nullable=True)
    share = dy.Decimal(precision=2, scale=2, nullable=True)
    flag = dy.Bool(nullable=True)
    last = dy.String(nullable=True)


KINDS_LEAST = ("2026-03-01", None, None, -128, 65535, Decimal(-9999), Decimal("-0.99"), False, None)
KINDS_GOOD = ("2026-03-01", 1, 2, 3, 4, Decimal(5), Decimal("0.12"), True, "end")


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        ("2026-03-01,1,2,3,4,5,0.12,True,end", KINDS_GOOD),
        ("2026-03-01,,,,,,,,", ("2026-03-01", *[None] * 8)),
        ('"2026-03-01","","","","","","","",""', ("2026-03-01", *[None] * 8)),
        ("2026-3-1,,,,,,,,", "day:pattern"),
        ("2026-03-01,4,,,,,,,", "level:not_allowed"),
        ("2026-03-01,,3,,,,,,", "even:odd"),
        ("2026-03-01,,,-128,65535,-9999,-0.99,false,", KINDS_LEAST),
        ("2026-03-01,,,128,,,,,", "small:overflow"),
        ("2026-03-01,,,-129,,,,,", "small:overflow"),
        ("2026-03-01,,,,65536,,,,", "unsigned:overflow"),
        ("2026-03-01,,,,-1,,,,", "unsigned:overflow"),
        ("2026-03-01,,,,,10000,,,", "whole:not_decimal"),
        ("2026-03-01,,,,,1.0,,,", "whole:not_decimal"),
        ("2026-03-01,,,,,,1,,", "share:not_decimal"),
        ("2026-03-01,,,,,,1.00,,", "share:not_decimal"),
        ("2026-03-01,,,,,,0.123,,", "share:not_decimal"),
        (
            "x,9,1,999,x,x,x,x,\x00",
            "day:pattern;level:not_allowed;even:odd;small:overflow;unsigned:not_integer;whole:not_decimal;"
            "share:not_decimal;flag:not_boolean;last:nul_byte",
        ),
        ("2026-03-01,,,,,,,", "record:field_count"),
    ],
)
def test_defect_contract_of_many_kinds(tmp_path: Path, record: str, outcome: str | tuple[Any, ...]) -> None:
    contract = Contract("kinds", Kinds)
    data = ",".join(contract.columns) + f"\n2026-03-01,1,2,3,4,5,0.12,True,end\n{record}\n"
    good = [(1, *KINDS_GOOD)]
    if isinstance(outcome, str):
        assert convert_bytes(tmp_path, data, contract) == Read(good, [(2, outcome, record)])
    else:
        assert convert_bytes(tmp_path, data, contract) == Read([*good, (2, *outcome)], [])


class Keyed(dy.Schema):
    """One required column."""

    only = dy.String(nullable=False, max_length=5)


class Optional(dy.Schema):
    """One column that may be empty."""

    only = dy.Int64(nullable=True)


@pytest.mark.parametrize("line_end", LINE_ENDS.values(), ids=LINE_ENDS)
@pytest.mark.parametrize("block_bytes", [1, 5, 9, ONE_BLOCK])
def test_defect_contract_of_one_column(tmp_path: Path, block_bytes: int, line_end: str) -> None:
    """A blank line is a record of one empty field there."""
    lines = ["only", "a", "", '""', '"b\n\n"', "a,b", 'c"', "toolong", '"c,d"', "", "e"]
    bad = [
        (2, "only:required", ""),
        (3, "only:required", '""'),
        (5, "record:field_count", "a,b"),
        (6, "record:quoting", 'c"'),
        (7, "only:too_long", "toolong"),
        (9, "only:required", ""),
    ]
    found = convert_bytes(tmp_path, line_end.join(lines), Contract("one", Keyed), block_bytes)
    assert found == Read([(1, "a"), (4, "b\n\n"), (8, "c,d"), (10, "e")], bad)
    lines = ["only", "", "1", "", "", "x", ""]
    found = convert_bytes(tmp_path, line_end.join(lines), Contract("one", Optional), block_bytes)
    assert found == Read([(1, None), (2, 1), (3, None), (4, None)], [(5, "only:not_integer", "x")])


@pytest.mark.parametrize("count", [40, 300])
def test_defect_contract_of_many_columns(tmp_path: Path, count: int) -> None:
    schema = type("Wide", (dy.Schema,), {f"c{number}": dy.Int64(nullable=True) for number in range(count)})
    header = ",".join(f"c{number}" for number in range(count))
    sound, empty, bad = ",".join(map(str, range(count))), "," * (count - 1), "," * (count - 1) + "x"
    data = "\n".join([header, sound, sound + ",", empty, sound.rpartition(",")[0], bad, f'"{sound}"', sound])
    found = convert_bytes(tmp_path, data, Contract("wide", schema), 1000)
    assert isinstance(found, Read)
    assert found.good == [(1, *range(count)), (3, *[None] * count), (7, *range(count))]
    count_wrong = "record:field_count"
    assert [reason for _, reason, _ in found.bad] == [
        count_wrong,
        count_wrong,
        f"c{count - 1}:not_integer",
        count_wrong,
    ]


class Awkward(dy.Schema):
    """Names that the conversion may use itself, and names that must be quoted in a header."""

    raw = dy.String(nullable=False)
    reason = dy.Int64(nullable=True)
    code = dy.Int64(nullable=True)
    index = dy.Int64(nullable=True)
    good = dy.Bool(nullable=True)
    row = dy.Int64(nullable=True, alias='a "b", c')


def test_defect_contract_with_awkward_names(tmp_path: Path) -> None:
    header = 'raw,reason,code,index,good,"a ""b"", c"'
    data = f'{header}\nx,1,2,3,True,4\nx,a,,,,b\n"x\ny",,,,,\n,1,1,1,1,1\nx\n'
    found = convert_bytes(tmp_path, data, Contract("awkward", Awkward), 30)
    bad = [
        (2, 'reason:not_integer;a "b", c:not_integer', "x,a,,,,b"),
        (4, "raw:required;good:not_boolean", ",1,1,1,1,1"),
        (5, "record:field_count", "x"),
    ]
    assert found == Read([(1, "x", 1, 2, 3, True, 4), (3, "x\ny", None, None, None, None, None)], bad)


# Files: what is read in spite of its looks, and what is refused.


def gzip_members(data: bytes) -> bytes:
    return gzip.compress(b"") + b"".join(gzip.compress(data[at : at + 50]) for at in range(0, len(data), 50))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, gzip_members])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["no-bom", "bom"])
@pytest.mark.parametrize("name", ["raw_orders.csv", "raw_orders.csv.gz"])
def test_defect_free_file_is_read_by_content_whatever_its_name(
    tmp_path: Path, pack: Any, bom: bytes, name: str
) -> None:
    header = '"' + HEADER.replace(",", '","') + '"' if bom else HEADER
    text = "\r\n".join([header, order(0), order(1, quoted=True)])
    path = write(tmp_path, pack(bom + text.encode()), name)
    for block_bytes in (1, 2, 3, 4, 60, ONE_BLOCK):
        assert convert(path, ORDERS, tmp_path / "out", block_bytes) == Read([loaded(0, 1), loaded(1, 2)], [])


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"], ids=["no-bom", "bom"])
def test_defect_free_header_alone_is_an_empty_table(tmp_path: Path, bom: str, end: str) -> None:
    for block_bytes in (1, ONE_BLOCK):
        assert convert_bytes(tmp_path, bom + HEADER + end, block_bytes=block_bytes) == Read()


def zipped() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("raw_orders.csv", HEADER)
    return data.getvalue()


def parquet() -> bytes:
    data = io.BytesIO()
    pl.DataFrame({name: ["x"] for name in HEADER.split(",")}).write_parquet(data)
    return data.getvalue()


def priced(*currencies: str) -> bytes:
    """A file whose orders name these currencies."""
    return "\n".join([f"{HEADER},currency", *(f"{order(i)},{name}" for i, name in enumerate(currencies))]).encode()


GOOD_FILE = "\n".join([HEADER, *map(order, range(3))]).encode() + b"\n"
PACKED = gzip.compress(GOOD_FILE, mtime=0)
NOT_CSV = r"not (a )?CSV"
# What is wrong (a row of the table in the docs) → files that are so, each with what its message must say.
REFUSALS: dict[str, list[tuple[bytes, str]]] = {
    "empty": [(b"", "empty"), (b"\xef\xbb\xbf", "empty"), (gzip.compress(b""), "empty")],
    "blank first line": [(b"\n" + GOOD_FILE, "blank"), (b"\r\n" + GOOD_FILE, "blank"), (b"\xef\xbb\xbf\n", "blank")],
    "wrong header": [
        (GOOD_FILE.replace(b"customer,", b""), "missing: 'customer'"),
        (GOOD_FILE.replace(b"customer,", b"customer,kind,"), "unknown: 'kind'"),
        (GOOD_FILE.replace(b"customer,", b"customer,customer,"), "twice: 'customer'"),
        (GOOD_FILE.replace(b"customer", b"Customer"), "missing: 'customer'; unknown: 'Customer'"),
        (GOOD_FILE.replace(b"customer", b" customer"), "missing: 'customer'; unknown: ' customer'"),
        (GOOD_FILE.replace(b"order_total\n", b"order_total,\n"), "unknown: ''"),
        (GOOD_FILE.replace(b"id,", b"\xef\xbb\xbfid,", 1).replace(b"id,", b"\xef\xbb\xbfid,", 1), "missing: 'id'"),
        (GOOD_FILE.replace(b"customer,ordered_at,store_id", b"x"), "missing: 'customer', 'ordered_at', 'store_id';"),
        (b"x,y\n1,2\n", "missing: .*'order_total'; unknown: 'x', 'y'.*python -m flows.profile"),
        (order(0).encode() + b"\n", "missing: 'id'"),
    ],
    "broken header": [
        (GOOD_FILE.replace(b"customer", b'"customer', 1), "header"),
        (GOOD_FILE.replace(b"customer", b'cust"omer', 1), "header"),
        (GOOD_FILE.replace(b"customer", b'"customer" ', 1), "header"),
        (GOOD_FILE.replace(b"customer", b"cust\xe9mer", 1), "header|UTF-8"),
    ],
    "UTF-16": [
        (GOOD_FILE.decode().encode("utf-16"), "UTF-16"),
        (GOOD_FILE.decode().encode("utf-16-le"), "UTF-16.*iconv -f utf-16le -t utf-8 raw_orders.csv"),
        (GOOD_FILE.decode().encode("utf-16-be"), "UTF-16.*iconv -f utf-16be -t utf-8 raw_orders.csv"),
        (b"\xfe\xff" + GOOD_FILE.decode().encode("utf-16-be"), "UTF-16"),
        (gzip.compress(GOOD_FILE.decode().encode("utf-16")), "UTF-16"),
    ],
    "other separator": [
        (GOOD_FILE.replace(b",", b";"), r"separated by ; \(semicolons\).*python -m flows.profile"),
        (GOOD_FILE.replace(b",", b"\t"), "separated by tabs"),
        (GOOD_FILE.replace(b",", b"|"), "separated by |"),
    ],
    "not UTF-8": [
        (GOOD_FILE.replace(b"o1,c1", b"o1,\xe9"), "record 2 is not UTF-8.*iconv -f latin1 -t utf-8 raw_orders.csv"),
        (GOOD_FILE.replace(b"o1,c1", b"o1,\xe9\x80"), "record 2 is not UTF-8.*iconv -f cp1252 -t utf-8 raw_orders.csv"),
        (GOOD_FILE.replace(b"o1,c1", b"o1,\x81"), "record 2 is not UTF-8.*nor cp1252"),
        (GOOD_FILE.replace(b"o1,c1", b"o1,\xe9") + b"\x80\n", "record 2 is not UTF-8.*iconv -f cp1252"),
        (gzip.compress(GOOD_FILE.replace(b"o1,c1", b"o1,\xe9") + b"\x80\n"), "record 2 .*iconv -f cp1252"),
        ("é\n".encode().join([GOOD_FILE, b"o,\x80\n"]), "record 5 is not UTF-8.*though other text in it is"),
        (GOOD_FILE.replace(b"o0,c1", b"o0,\x80"), "record 1 is not UTF-8"),
        (GOOD_FILE.replace(b"o2,c1", b"o2,\xed\xa0\x80"), "record 3 is not UTF-8"),
        (GOOD_FILE + b"o,\xc3", "record 4 is not UTF-8"),
        (GOOD_FILE.replace(b"o0,c1", b'"o\n0","c\n\n1"').replace(b"o2,c1", b'o2,"\xff"'), "record 3 is not UTF-8"),
        (GOOD_FILE.replace(b"o0,c1", b'"o\n0","c\n\n1"').replace(b"o2,c1", b"o2,\xff"), "record 3 is not UTF-8"),
    ],
    "line ends of CR": [(GOOD_FILE.replace(b"\n", b"\r"), r"\bCR\b"), (b"id\rc1\r", r"\bCR\b")],
    "damaged gzip": [
        *[(PACKED[:size], "gzip") for size in (3, 11, len(PACKED) // 2, len(PACKED) - 8, len(PACKED) - 1)],
        (PACKED[:-6] + b"\x00\x00" + PACKED[-4:], "gzip"),
        (PACKED[:30] + bytes([PACKED[30] ^ 0xFF]) + PACKED[31:], "gzip"),
        (PACKED + b"rubbish", "gzip"),
        (PACKED + PACKED[:20], "gzip"),
    ],
    "not CSV": [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", NOT_CSV),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", NOT_CSV),
        (zipped(), NOT_CSV),
        (parquet(), NOT_CSV),
        (gzip.compress(zipped()), NOT_CSV),
        (gzip.compress(PACKED), NOT_CSV),
    ],
    "unproven quote": [
        (GOOD_FILE.replace(b"o1,", b'"o1,') + b"o,c\n", "record 2 .*quote"),
        (GOOD_FILE.replace(b"o1,", b'"o1,'), "record 2 .*quote"),
    ],
    "another currency": [
        (priced("USD", "EUR", "GBP"), r"'EUR' in record 2, .*USD.*RETAIL_CURRENCY"),
        (priced("", "USD", "usd"), "'usd' in record 3"),
    ],
    "endless line": [(gzip.compress(HEADER.encode() + b"\n" + b"x" * (65 * MIB), 1), "record 1 .*64 M")],
}  # fmt: skip


@pytest.mark.parametrize(
    ("data", "message"),
    [pytest.param(*file, id=f"{what}-{i}") for what, files in REFUSALS.items() for i, file in enumerate(files)],
)
def test_defect_of_file_refuses_it_and_leaves_nothing(tmp_path: Path, data: bytes, message: str) -> None:
    path = write(tmp_path, data, "raw_orders.csv")
    for block_bytes in (ONE_BLOCK,) if len(data) > 10_000 else (1, 2, 50, ONE_BLOCK):
        with pytest.raises(DataError, match=message) as refusal:
            convert_csv(path, ORDERS, tmp_path / "out", block_bytes=block_bytes)
        assert str(refusal.value).startswith("raw_orders.csv: ")
        assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_defect_two_quotes_that_end_lines_hold_one_text(tmp_path: Path) -> None:
    """Well-formed, and of the right number of fields: nothing tells it from a text of three lines."""
    text = 'p,n,t,1,"\nq,n,t,1,d\nr,n,t,1,"'
    found = convert_bytes(tmp_path, f"sku,name,type,price,description\n{text}\n", CONTRACTS["raw_products"])
    assert found == Read([(1, "p", "n", "t", 1, "\nq,n,t,1,d\nr,n,t,1,")], [])


# The documentation lists what is there.


def documented(heading: str) -> dict[str, str]:
    """First and second column of the table under a heading of docs/quarantine.md."""
    text = (PROJECT / "docs/quarantine.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip("` "): row[1].strip() for row in rows}


def test_docs_list_the_structure_codes() -> None:
    assert documented("Codes of structure") == STRUCTURE_CODES


def test_docs_list_the_value_codes() -> None:
    assert documented("Codes of values") == VALUE_CODES


def test_docs_list_the_rule_codes() -> None:
    rules = {f"{rule.column}:{rule.code}": rule for contract in CONTRACTS.values() for rule in contract.rules}
    assert documented("Codes of rules") == {reason: rule.description for reason, rule in rules.items()}


def test_docs_list_the_refusals() -> None:
    assert list(documented("Files that are refused")) == list(REFUSALS)
