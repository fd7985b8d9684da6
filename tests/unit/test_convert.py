"""CSV → Parquet and quarantine: exactly the bad records are set aside, and every record is in one place."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.errors import DataError, LoadError
from flows.lake import doubts, gathering, quarantine, reading
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion, convert_csv
from flows.lake.quarantine import QUARANTINE_SCHEMA

ORDERS = CONTRACTS["raw_orders"]
HEADER = "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total\n"
GOOD = "o1,c1,2026-03-01T10:00:00,s1,1000,60,1060\n"


def write(folder: Path, data: str | bytes, name: str = "raw_orders.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def read_good(conversion: Conversion) -> pl.DataFrame:
    return pl.concat(pl.read_parquet(part.path, glob=False) for part in conversion.parts)


def read_bad(conversion: Conversion) -> pl.DataFrame:
    assert conversion.quarantine is not None
    return pl.read_parquet(conversion.quarantine.path, glob=False)


def test_convert_good_file_has_exact_values_and_lineage(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + GOOD + 'o2,"c,""2""",2026-03-01T10:00:00.000007,é,0,0,0')
    conversion = convert_csv(path, ORDERS, tmp_path / "out")
    frame = read_good(conversion)
    assert frame.schema == {**ORDERS.dtypes, "_file": pl.Categorical(), "_row": pl.Int64()}
    assert frame.rows() == [
        ("o1", "c1", datetime(2026, 3, 1, 10), "s1", 1000, 60, 1060, "raw_orders.csv", 1),
        ("o2", 'c,"2"', datetime(2026, 3, 1, 10, 0, 0, 7), "é", 0, 0, 0, "raw_orders.csv", 2),
    ]
    assert (conversion.rows_in, conversion.rows_loaded, conversion.rows_quarantined) == (2, 2, 0)
    assert conversion.quarantine is None
    assert conversion.file_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    part = conversion.parts[0]
    assert part.sha256 == hashlib.sha256(part.path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (",c1,2026-03-01T10:00:00,s1,1000,60,1060", "id:required"),
        ('"",c1,2026-03-01T10:00:00,s1,1000,60,1060', "id:required"),
        ("o1,c1,2026-03-01T10:00:00,s1,,60,1060", "subtotal:required"),
        ("o1,c1,2026-03-01T10:00:00,s1,10.00,60,1060", "subtotal:not_integer"),
        ("o1,c1,2026-03-01T10:00:00,s1,1e3,60,1060", "subtotal:not_integer"),
        ("o1,c1,2026-03-01T10:00:00,s1,01000,60,1060", "subtotal:not_integer"),
        ("o1,c1,2026-03-01T10:00:00,s1,+1000,60,1060", "subtotal:not_integer"),
        ("o1,c1,2026-03-01T10:00:00,s1, 1000,60,1060", "subtotal:not_integer"),
        ('o1,c1,2026-03-01T10:00:00,s1,"1,000",60,1060', "subtotal:not_integer"),
        ("o1,c1,2026-03-01T10:00:00,s1,NULL,60,1060", "subtotal:not_integer"),
        ("o1,c1,2026-03-01T10:00:00,s1,99999999999999999999,60,1060", "subtotal:overflow"),
        (
            "o1,c1,2026-03-01T10:00:00,s1,9999999999999999,0,9999999999999999",
            "subtotal:above_max;order_total:above_max",
        ),
        ("o1,c1,2026-03-01T10:00:00,s1,-1,1,0", "subtotal:below_min"),
        ("o1,c1,2026-03-01T10:00:00,s1,1000,60,1061", "order_total:sum_mismatch"),
        ("o1,c1,2026-02-29T10:00:00,s1,1000,60,1060", "ordered_at:not_timestamp"),
        ("o1,c1,2026-3-1T10:00:00,s1,1000,60,1060", "ordered_at:not_timestamp"),
        ("o1,c1,2026-03-01  10:00:00,s1,1000,60,1060", "ordered_at:not_timestamp"),
        ("o1,c1,2026-03-01T24:00:00,s1,1000,60,1060", "ordered_at:not_timestamp"),
        ("o1,c1,2026-03-01T10:00:60,s1,1000,60,1060", "ordered_at:not_timestamp"),
        ("o1,c1,2026-03-01T10:00:00Z,s1,1000,60,1060", "ordered_at:utc_needs_time_zone"),
        ("o1,c1,2026-03-01T10:00:00,s1,1000,60", "record:field_count"),
        ("o1,c1,2026-03-01T10:00:00,s1,1000,60,1060,", "record:field_count"),
        ("", "record:field_count"),
        ('o"1",c1,2026-03-01T10:00:00,s1,1000,60,1060', "record:quoting"),
        ('"o1" ,c1,2026-03-01T10:00:00,s1,1000,60,1060', "record:quoting"),
        ("o1,c\r1,2026-03-01T10:00:00,s1,1000,60,1060", "record:stray_cr"),
        ("o\x001,c1,2026-03-01T10:00:00,s1,1000,60,1060", "id:nul_byte"),
        ("é" * 33 + ",c1,2026-03-01T10:00:00,s1,1000,60,1060", "id:too_long"),
        (",,,,,,", ";".join(f"{column}:required" for column in ORDERS.columns)),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("block_bytes", [70, 1 << 20], ids=["small-blocks", "one-block"])
def test_convert_bad_record_is_set_aside_alone(
    tmp_path: Path, record: str, reason: str, line_end: str, block_bytes: int
) -> None:
    lines = [HEADER.strip(), GOOD.strip(), record, GOOD.strip().replace("o1", "o3")]
    path = write(tmp_path, "".join(line + line_end for line in lines))
    conversion = convert_csv(path, ORDERS, tmp_path / "out", block_bytes=block_bytes)
    assert read_good(conversion)["_row"].to_list() == [1, 3]
    assert read_good(conversion)["id"].to_list() == ["o1", "o3"]
    bad = read_bad(conversion)
    assert bad.schema == QUARANTINE_SCHEMA
    assert bad.select("_row", "reason", "raw").rows() == [(2, reason, record)]
    assert conversion.reasons == dict.fromkeys(sorted(reason.split(";")), 1)


def test_convert_other_types_are_exact(tmp_path: Path) -> None:
    stores = write(tmp_path, "id,name,opened_at,tax_rate\ns,n,2026-03-01T00:00:00,0.0625\n", "raw_stores.csv")
    assert read_good(convert_csv(stores, CONTRACTS["raw_stores"], tmp_path))["tax_rate"].to_list() == [
        Decimal("0.0625")
    ]
    supplies = write(
        tmp_path, "id,name,cost,perishable,sku\na,n,1,True,p\nb,n,1,False,p\nc,n,1,yes,p\n", "raw_supplies.csv"
    )
    conversion = convert_csv(supplies, CONTRACTS["raw_supplies"], tmp_path)
    assert read_good(conversion)["perishable"].to_list() == [True, False]
    assert conversion.reasons == {"perishable:not_boolean": 1}


def test_convert_rate_with_too_many_digits_is_set_aside(tmp_path: Path) -> None:
    path = write(tmp_path, "id,name,opened_at,tax_rate\ns,n,2026-03-01T00:00:00,0.06250001\n", "raw_stores.csv")
    assert convert_csv(path, CONTRACTS["raw_stores"], tmp_path).reasons == {"tax_rate:not_decimal": 1}


def test_convert_empty_optional_text_is_null(tmp_path: Path) -> None:
    path = write(tmp_path, 'sku,name,type,price,description\np,n,t,1,\nq,n,t,1,""\n', "raw_products.csv")
    assert read_good(convert_csv(path, CONTRACTS["raw_products"], tmp_path))["description"].to_list() == [None, None]


def test_convert_header_only_is_an_empty_table(tmp_path: Path) -> None:
    conversion = convert_csv(write(tmp_path, HEADER), ORDERS, tmp_path)
    assert (conversion.rows_in, conversion.parts, conversion.quarantine) == (0, (), None)


def test_convert_columns_in_another_order_are_matched_by_name(tmp_path: Path) -> None:
    conversion = convert_csv(
        write(tmp_path, "name,id\nAda,c1\n", "raw_customers.csv"), CONTRACTS["raw_customers"], tmp_path
    )
    assert read_good(conversion).select("id", "name").rows() == [("c1", "Ada")]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["no-bom", "bom"])
def test_convert_packed_or_marked_file_reads_alike(tmp_path: Path, pack: type[bytes], bom: bytes) -> None:
    path = write(tmp_path, pack(bom + (HEADER + GOOD).encode()))
    assert read_good(convert_csv(path, ORDERS, tmp_path))["id"].to_list() == ["o1"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\n" + GOOD.encode(), "blank"),
        (HEADER.replace("customer,", "").encode(), "missing: 'customer'"),
        (HEADER.replace("customer", "Customer").encode(), "missing: 'customer'; unknown: 'Customer'"),
        (HEADER.replace("customer", "id").encode(), "missing: 'customer'; twice: 'id'"),
        (
            HEADER.encode() + "caf\u00e9".encode("latin-1") + b",c1,2026-03-01T10:00:00,s1,1000,60,1060\n",
            "record 1 is not UTF-8",
        ),
        ((HEADER + GOOD).encode("utf-16"), "UTF-16"),
        (gzip.compress((HEADER + GOOD).encode(), mtime=0)[:-9], "gzip"),
        ((HEADER + GOOD + '"o2,c1\nnot a sound record\n' + GOOD).encode(), "record 2 opens a quote"),
        (b"id\rc1\rc2\r", "CR alone"),
        (b"\x89PNG\r\n\x1a\n", "PNG image"),
        (b"i\x00\x00d\n", "NUL bytes"),
        (b"i\x00d\x00\n\x00", "iconv -f utf-16le -t utf-8 raw_orders.csv"),
    ],
    ids=[
        "empty",
        "blank line first",
        "column missing",
        "column in other case",
        "column twice",
        "latin-1",
        "utf-16",
        "gzip cut short",
        "quote left open",
        "CR alone",
        "PNG",
        "NUL bytes",
        "UTF-16",
    ],
)
def test_convert_untrustworthy_file_is_refused_and_leaves_nothing(tmp_path: Path, data: bytes, message: str) -> None:
    path = write(tmp_path, data)
    with pytest.raises(DataError, match=message) as refusal:
        convert_csv(path, ORDERS, tmp_path / "out", block_bytes=len(HEADER) + len(GOOD))
    assert "raw_orders.csv" in str(refusal.value)
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("block_bytes", [1, 70, 1 << 20])
@pytest.mark.parametrize("broken", ['o2,c"1,x,s1,1000,60,1060', 'o"2"'])
def test_convert_quote_within_a_field_costs_its_own_record_only(tmp_path: Path, broken: str, block_bytes: int) -> None:
    lines = [HEADER, GOOD, broken + "\n", GOOD, GOOD, broken + "\n", GOOD]
    conversion = convert_csv(write(tmp_path, "".join(lines)), ORDERS, tmp_path, block_bytes=block_bytes)
    assert read_good(conversion)["_row"].to_list() == [1, 3, 4, 6]
    assert read_bad(conversion).select("_row", "reason", "raw").rows() == [
        (2, "record:quoting", broken),
        (5, "record:quoting", broken),
    ]


@pytest.mark.parametrize("block_bytes", [1, 70, 1 << 20])
def test_convert_open_quote_costs_all_that_may_lie_inside_it(tmp_path: Path, block_bytes: int) -> None:
    opening = '"' + GOOD.rstrip("\n")
    lines = [HEADER, GOOD, opening + "\n", GOOD, GOOD, opening + "\n", GOOD]
    conversion = convert_csv(write(tmp_path, "".join(lines)), ORDERS, tmp_path, block_bytes=block_bytes)
    assert read_good(conversion)["_row"].to_list() == [1, 3]
    assert read_bad(conversion).select("_row", "reason", "raw").rows() == [
        (2, "record:doubtful_lines", f"{opening}\n{GOOD}{GOOD}{opening}")
    ]
    refused = write(tmp_path, "".join([HEADER, GOOD, opening + "\n", GOOD]))
    with pytest.raises(DataError, match="record 2"):
        convert_csv(refused, ORDERS, tmp_path, block_bytes=block_bytes)


def test_convert_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="changed while it was read"):
        convert_csv(write(tmp_path, HEADER + GOOD), ORDERS, tmp_path / "out", sha256="0" * 64)
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_convert_unwritable_output_says_so(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file where a folder must be")
    with pytest.raises((LoadError, DataError), match="lake"):
        convert_csv(write(tmp_path, HEADER + GOOD), ORDERS, tmp_path)


@pytest.mark.parametrize(
    "name", ["raw_orders'; drop.csv", "raw_orders[*]?.csv", "raw_orders ü\n%s.csv", "raw_orders..csv"]
)
def test_convert_hostile_name_is_inert(tmp_path: Path, name: str) -> None:
    conversion = convert_csv(write(tmp_path, HEADER + GOOD, name), ORDERS, tmp_path / "out")
    assert read_good(conversion)["_file"].to_list() == [name.replace("\n", "\\n")]
    assert conversion.parts[0].path.parent == tmp_path / "out/lake/raw_orders"


def test_convert_same_bytes_again_gives_the_same_files(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + GOOD + "bad\n")
    assert convert_csv(path, ORDERS, tmp_path) == convert_csv(path, ORDERS, tmp_path)


FIELD = st.one_of(
    st.sampled_from(["1000", "60", "1060", "0", "2026-03-01T10:00:00", "", "-5", "007", "x"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
)


@given(
    rows=st.lists(st.lists(FIELD, min_size=1, max_size=8), max_size=12),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    block_bytes=st.integers(1, 400),
)
@settings(max_examples=150, deadline=None)
def test_convert_any_written_csv_accounts_for_every_record(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], quoting: int, line_end: str, block_bytes: int
) -> None:
    """Python's csv module writes, a slow reader judges: each record is good or quarantined, with its own text."""
    folder = tmp_path_factory.mktemp("csv")
    good = ["o", "c", "2026-03-01T10:00:00", "s", "1", "2", "3"]
    rows = [*rows, good]
    texts = []
    for row in rows:
        text = io.StringIO()
        csv.writer(text, quoting=quoting, lineterminator="\r\n").writerow(row)  # with LF it would not quote a lone CR
        texts.append(text.getvalue().removesuffix("\r\n") + line_end)
    path = write(folder, HEADER + "".join(texts))
    conversion = convert_csv(path, ORDERS, folder, block_bytes=block_bytes)
    expected = [i for i, row in enumerate(rows, 1) if is_good(row)]
    assert conversion.rows_in == len(rows)
    assert read_good(conversion)["_row"].to_list() == expected
    loaded = read_good(conversion).select(list(ORDERS.columns)[:2]).rows()
    assert loaded == [tuple(rows[i - 1][:2]) for i in expected]
    if conversion.quarantine:
        for row, raw in read_bad(conversion).select("_row", "raw").rows():
            assert raw == texts[row - 1].removesuffix("\n").removesuffix("\r")


def is_good(row: list[str]) -> bool:
    """The contract of raw_orders in plain words."""
    if len(row) != len(ORDERS.columns):
        return False
    identifiers, moment, amounts = [*row[:2], row[3]], row[2], row[4:]
    return (
        all(1 <= len(text.encode()) <= 64 for text in identifiers)
        and moment == "2026-03-01T10:00:00"
        and all(text.isascii() and text.isdigit() and str(int(text)) == text for text in amounts)
        and int(amounts[0]) + int(amounts[1]) == int(amounts[2])
    )


@pytest.mark.parametrize("held_bytes", [0, 1 << 30], ids=["from-drafts", "at-once"])
def test_convert_many_bad_records_are_all_in_quarantine_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held_bytes: int
) -> None:
    monkeypatch.setattr(quarantine, "_HELD_BYTES", held_bytes)
    records = [f"o{i},c1,2026-03-01T10:00:00,s1,1000,60,{1060 + i % 2}\n" for i in range(60)]
    conversion = convert_csv(write(tmp_path, HEADER + "".join(records)), ORDERS, tmp_path / "out", block_bytes=200)
    bad = read_bad(conversion)
    assert bad.schema == QUARANTINE_SCHEMA
    assert bad["_row"].to_list() == list(range(2, 61, 2))
    assert bad["raw"].to_list() == [record.strip() for record in records[1::2]]
    assert bad["_file_sha256"].unique().to_list() == [conversion.file_sha256]
    assert conversion.reasons == {"order_total:sum_mismatch": 30}
    assert conversion.examples == tuple(f"record {row}: order_total:sum_mismatch" for row in (2, 4, 6, 8, 10))
    assert len([path for path in (tmp_path / "out/quarantine").rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize("window", [1, 50, 1 << 18])
@pytest.mark.parametrize("row", [1, 2, 7, 8])
@pytest.mark.parametrize("quote", ["", '"'])
def test_convert_byte_that_is_not_utf8_is_found_in_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: int, window: int, quote: str
) -> None:
    monkeypatch.setattr(reading, "WINDOW", window)
    lines = [GOOD.replace("c1", f"{quote}cé{quote}").encode() for _ in range(8)]
    lines[row - 1] = lines[row - 1].replace("é".encode(), b"\xe9")
    with pytest.raises(DataError, match=rf"record {row} is not UTF-8 \(byte 0xe9\)"):
        convert_csv(write(tmp_path, HEADER.encode() + b"".join(lines)), ORDERS, tmp_path / "out")


def test_convert_few_bad_records_before_a_block_of_many_stand_before_them(tmp_path: Path) -> None:
    records = [GOOD] * 400
    records[7] = records[390] = "few\n"
    records[200:300] = ["many\n"] * 100
    block_bytes = len(HEADER + "".join(records[:100]))
    conversion = convert_csv(write(tmp_path, HEADER + "".join(records)), ORDERS, tmp_path, block_bytes=block_bytes)
    assert read_bad(conversion)["_row"].to_list() == [8, *range(201, 301), 391]
    assert conversion.examples[0] == "record 8: record:field_count"
    assert sorted(read_good(conversion)["_row"]) == [row for row in range(1, 401) if records[row - 1] == GOOD]


@pytest.mark.parametrize(("held_bytes", "examinations"), [(1 << 20, 1), (0, 8)])
def test_convert_few_doubtful_records_of_many_blocks_are_examined_together(
    tmp_path: Path, held_bytes: int, examinations: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has a spelling of time that must be looked at twice, one breaks its contract, one is no CSV."""
    asked: list[int] = []
    explain = doubts.explain

    def count(text: pl.DataFrame, *rest: object) -> object:
        asked.append(text.height)
        return explain(text, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(doubts, "explain", count)
    monkeypatch.setattr(gathering, "HELD_BYTES", held_bytes)
    records, blocks = [GOOD] * 800, 8
    records[40::100] = [GOOD.replace(":00:00", ":00:00.000007")] * blocks
    records[41::100] = [GOOD.replace(",60,", ",+60,")] * blocks
    records[42::100] = [GOOD.replace(",", "")] * blocks
    path = write(tmp_path, HEADER + "".join(records))
    conversion = convert_csv(path, ORDERS, tmp_path, block_bytes=len(HEADER + "".join(records[:100])))
    assert (len(asked), sum(asked)) == (examinations, 3 * blocks)
    assert len(conversion.parts) == blocks + examinations
    good = read_good(conversion).sort("_row")
    assert good["_row"].to_list() == [row for row in range(1, 801) if row % 100 not in (42, 43)]
    assert good.filter(good["_row"] % 100 == 41)["ordered_at"].dt.microsecond().to_list() == [7] * blocks
    bad = read_bad(conversion)
    assert bad["_row"].to_list() == [row for row in range(1, 801) if row % 100 in (42, 43)]
    assert bad["reason"].to_list() == ["tax_paid:not_integer", "record:field_count"] * blocks
    assert conversion.examples[0] == "record 42: tax_paid:not_integer"


def test_convert_parts_of_different_files_are_read_together(tmp_path: Path) -> None:
    """The name of the file is a category in each part; readers of several parts must not stumble over it."""
    for name in ("raw_orders_1.csv", "raw_orders_2.csv"):
        convert_csv(write(tmp_path, HEADER + GOOD, name), ORDERS, tmp_path / "out")
    parts = str(tmp_path / "out/lake/raw_orders/*.parquet")
    names = ["raw_orders_1.csv", "raw_orders_2.csv"]
    assert pl.scan_parquet(parts).collect()["_file"].cast(pl.String).sort().to_list() == names
    with duckdb.connect() as connection:
        found = connection.execute(f"select _file, typeof(_file) from '{parts}' order by _file").fetchall()
    assert found == [(name, "VARCHAR") for name in names]
    assert pq.read_schema(next(iter((tmp_path / "out/lake/raw_orders").iterdir()))).field("_file").type.value_type in (
        pa.string(),
        pa.large_string(),
    )
