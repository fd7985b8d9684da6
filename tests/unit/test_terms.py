"""What may differ between files of one table: optional columns, extra ones, and one currency for all."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.errors import DataError
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion, convert_csv
from flows.lake.terms import Terms

HEADERS = {
    "raw_orders": "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total",
    "raw_products": "sku,name,type,price,description",
    "raw_supplies": "id,name,cost,perishable,sku",
    "raw_refunds": "id,order_id,item_id,refunded_at,amount,tax_amount,reason",
}
RECORDS = {
    "raw_orders": "o1,c1,2026-03-01T10:00:00,s1,1000,60,1060",
    "raw_products": "p1,Soup,jaffle,1000,warm",
    "raw_supplies": "u1,bowl,10,False,p1",
    "raw_refunds": "r1,o1,i1,2026-03-01T10:00:00,1000,60,cold",
}
STORES = "id,name,opened_at,tax_rate"
LENIENT = Terms(allow_extra_columns=True)


def convert(folder: Path, table: str, *lines: str, terms: Terms = Terms(), block_bytes: int = 1 << 20) -> Conversion:  # noqa: B008
    path = folder / f"{table}.csv"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return convert_csv(path, CONTRACTS[table], folder / "out", terms=terms, block_bytes=block_bytes)


def read_good(conversion: Conversion) -> pl.DataFrame:
    return pl.concat(pl.read_parquet(part.path, glob=False) for part in conversion.parts)


def read_bad(conversion: Conversion) -> list[tuple[int, str, str]]:
    assert conversion.quarantine is not None
    return pl.read_parquet(conversion.quarantine.path, glob=False).select("_row", "reason", "raw").rows()


def written(folder: Path) -> list[Path]:
    return [path for path in (folder / "out").rglob("*") if path.is_file()]


# Optional columns and tables


def test_optional_column_absent_is_null_and_has_its_type(tmp_path: Path) -> None:
    conversion = convert(tmp_path, "raw_stores", STORES, "s1,North,2022-01-01T00:00:00,0.05", "s2,S,x,0.05")
    frame = read_good(conversion)
    assert frame.schema == {**CONTRACTS["raw_stores"].dtypes, "_file": pl.Categorical(), "_row": pl.Int64()}
    assert frame["time_zone"].to_list() == [None]
    assert read_bad(conversion) == [(2, "opened_at:not_timestamp", "s2,S,x,0.05")]


def test_optional_column_present_is_kept_wherever_it_stands(tmp_path: Path) -> None:
    header = "time_zone,tax_rate,opened_at,name,id"
    lines = [f"{zone},0.05,2022-01-01T00:00:00,n,s" for zone in ("Europe/Berlin", "", '"America/New_York"', "UTC")]
    frame = read_good(convert(tmp_path, "raw_stores", header, *lines))
    assert frame["time_zone"].to_list() == ["Europe/Berlin", None, "America/New_York", "UTC"]
    assert frame.columns[:5] == ["id", "name", "opened_at", "tax_rate", "time_zone"]


@pytest.mark.parametrize(
    "zone", ["Mars/Base", "europe/berlin", "+02:00", "EST5EDT4", " UTC", "localtime", "Factory", "posix/UTC", "../UTC"]
)
def test_time_zone_that_is_no_iana_name_is_set_aside(tmp_path: Path, zone: str) -> None:
    record = f"s1,North,2022-01-01T00:00:00,0.05,{zone}"
    conversion = convert(tmp_path, "raw_stores", f"{STORES},time_zone", record)
    assert read_bad(conversion) == [(1, "time_zone:not_time_zone", record)]


def test_refunds_item_and_reason_may_be_empty_and_nothing_else(tmp_path: Path) -> None:
    lines = ["r1,o1,,2026-03-01T10:00:00,5,1,", ",,,,,,", "r3,o1,i1,2026-03-01T10:00:00,-1,-1,cold"]
    conversion = convert(tmp_path, "raw_refunds", HEADERS["raw_refunds"], *lines)
    assert read_good(conversion).select("item_id", "reason", "amount", "tax_amount").rows() == [(None, None, 5, 1)]
    assert [reason.split(";") for _, reason, _ in read_bad(conversion)] == [
        [f"{column}:required" for column in ("id", "order_id", "refunded_at", "amount", "tax_amount")],
        ["amount:below_min", "tax_amount:below_min"],
    ]


def test_stock_counts_may_be_nothing_but_not_less(tmp_path: Path) -> None:
    lines = [f"s1,u1,2026-03-01T10:00:00,{count}" for count in ("0", "-1", "1.5", "")]
    conversion = convert(tmp_path, "raw_stock_counts", "store_id,supply_id,counted_at,unit_count", *lines)
    assert read_good(conversion)["unit_count"].to_list() == [0]
    assert [reason for _, reason, _ in read_bad(conversion)] == [
        "unit_count:below_min",
        "unit_count:not_integer",
        "unit_count:required",
    ]


# Currency


@pytest.mark.parametrize("table", HEADERS)
def test_currency_that_agrees_is_checked_and_not_stored(tmp_path: Path, table: str) -> None:
    lines = [f"EUR,{RECORDS[table]}", f",{RECORDS[table]}", f'"EUR",{RECORDS[table]}']
    conversion = convert(tmp_path, table, f"currency,{HEADERS[table]}", *lines, terms=Terms(currency="EUR"))
    assert (conversion.rows_in, conversion.rows_loaded, conversion.rows_quarantined) == (3, 3, 0)
    assert read_good(conversion).columns == [*CONTRACTS[table].columns, "_file", "_row"]
    assert conversion.extra_columns == ()


@pytest.mark.parametrize("block_bytes", [1, 60, 1 << 20])
@pytest.mark.parametrize("found", ["EUR", "usd", "$", " USD", "US\x00D"])
@pytest.mark.parametrize("table", HEADERS)
def test_currency_that_differs_refuses_the_file_with_its_cure(
    tmp_path: Path, table: str, found: str, block_bytes: int
) -> None:
    record = RECORDS[table]
    lines = [f"{record},USD", f"{record},", "broken", f"{record},{found}", f"{record},USD", f"{record},GBP"]
    with pytest.raises(DataError) as refusal:
        convert(tmp_path, table, f"{HEADERS[table]},currency", *lines, block_bytes=block_bytes)
    message = str(refusal.value)
    shown = found.replace("\x00", "\\x00")
    assert message.startswith(f"{table}.csv: currency is '{shown}' in record 4, but all amounts are in USD")
    assert "RETAIL_CURRENCY" in message
    assert written(tmp_path) == []


def test_currency_is_looked_for_in_records_whose_values_are_bad_too(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'EUR' in record 1,"):
        convert(tmp_path, "raw_products", f"{HEADERS['raw_products']},currency", "p1,Soup,jaffle,ten,warm,EUR")


def test_currency_among_quoted_records_is_found(tmp_path: Path) -> None:
    """Records with quotes are read apart from many without."""
    lines = [f"{RECORDS['raw_products']},USD"] * 100
    lines[70], lines[90] = 'p2,"So,up",jaffle,1000,warm,"EUR"', f"{RECORDS['raw_products']},GBP"
    with pytest.raises(DataError, match="'EUR' in record 71,"):
        convert(tmp_path, "raw_products", f"{HEADERS['raw_products']},currency", *lines)


def test_currency_of_a_table_without_amounts_is_an_unknown_column(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unknown: 'currency'"):
        convert(tmp_path, "raw_customers", "id,name,currency", "c1,Ada,EUR")


# Extra columns


def test_extra_column_refuses_the_file_and_the_message_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"unknown: 'till'.*RETAIL_ALLOW_EXTRA_COLUMNS=true leaves unknown columns out"):
        convert(tmp_path, "raw_products", f"{HEADERS['raw_products']},till", f"{RECORDS['raw_products']},7")
    assert written(tmp_path) == []


def test_extra_column_allowed_is_left_out_and_named(tmp_path: Path) -> None:
    header, good = "till,sku,name,type,,price,description", "7,p1,Soup,jaffle,x,1000,warm"
    bad = '"7",p1,Soup,jaffle,"a ""b""",ten,warm'
    conversion = convert(tmp_path, "raw_products", header, good, bad, "7,p1,Soup,jaffle,x,1000", terms=LENIENT)
    assert conversion.extra_columns == ("till", "")
    assert read_good(conversion).columns == [*CONTRACTS["raw_products"].columns, "_file", "_row"]
    assert read_good(conversion).row(0)[:5] == ("p1", "Soup", "jaffle", 1000, "warm")
    assert read_bad(conversion) == [
        (2, "price:not_integer", bad),
        (3, "record:field_count", "7,p1,Soup,jaffle,x,1000"),
    ]


def test_extra_column_is_no_excuse_for_a_missing_one_or_one_twice(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing: 'name'; twice: 'till'") as refusal:
        convert(tmp_path, "raw_customers", "id,till,till", "c1,1,2", terms=LENIENT)
    assert "RETAIL_ALLOW_EXTRA_COLUMNS" not in str(refusal.value)


def test_extra_column_of_hostile_name_cannot_break_a_message(tmp_path: Path) -> None:
    name = "\x1b[31m" + "x" * 100
    conversion = convert(tmp_path, "raw_customers", f"id,name,{name}", "c1,Ada,1", terms=LENIENT)
    assert conversion.extra_columns == ("\\x1b[31m" + "x" * 35 + "…",)


def test_header_wrong_is_said_before_what_its_records_look_like(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing: 'name'"):
        convert(tmp_path, "raw_customers", "id,title", 'c1,"Ada', 'c2,"Bo')


@given(table=st.sampled_from(sorted(CONTRACTS)), seed=st.integers(0, 10**6), extra=st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_header_in_any_order_accounts_for_every_record(
    tmp_path_factory: pytest.TempPathFactory, table: str, seed: int, extra: int
) -> None:
    """Whatever optional, extra and check-only columns a file has: rows_in = rows_loaded + rows_quarantined."""
    rng, contract = random.Random(seed), CONTRACTS[table]
    columns = list(contract.required)
    columns += [
        name for name in [*contract.columns, *contract.check_only] if name not in columns and rng.random() < 0.5
    ]
    columns += [f"extra {i}" for i in range(extra)]
    rng.shuffle(columns)
    good = {"currency": "USD", "time_zone": "UTC"} | sound_values(table)
    lines = [",".join(good.get(column, "") for column in columns) for _ in range(rng.randrange(1, 40))]
    spoilt = {i for i in range(len(lines)) if rng.random() < 0.2}
    for i in spoilt:
        lines[i] += ",one too many"
    folder = tmp_path_factory.mktemp("any")
    conversion = convert(folder, table, ",".join(columns), *lines, terms=LENIENT, block_bytes=rng.choice((1, 50, 9999)))
    assert conversion.rows_in == conversion.rows_loaded + conversion.rows_quarantined == len(lines)
    assert conversion.rows_quarantined == len(spoilt)
    assert sorted(conversion.extra_columns) == [f"extra {i}" for i in range(extra)]
    for part in conversion.parts:
        assert pl.read_parquet_schema(part.path).keys() == {*contract.columns, "_file", "_row"}


def sound_values(table: str) -> dict[str, str]:
    """A value that each required column of the table takes."""
    kinds = {pl.String(): "x", pl.Int64(): "0", pl.Boolean(): "True", pl.Datetime("us"): "2026-03-01T10:00:00"}
    return {name: kinds.get(kind, "0.5") for name, kind in CONTRACTS[table].dtypes.items() if name != "time_zone"}
