"""What people deliver by mistake: the message says what was found, what is accepted, and the cure that is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.errors import DataError
from flows.lake.contracts import CONTRACTS
from flows.lake.profile_files import find_profiled_sources
from flows.lake.profiles import read_profile
from flows.lake.sources import find_sources
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion

HEADER = "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total\n"
ORDER = "1,c,2024-01-03T08:00:00,s,100,0,100\n"
PROFILE = """
[defaults]
delimiter = ";"
encoding = "{encoding}"
decimal_mark = ","
money = "units"
timestamps = ["%d/%m/%Y"]
[tables.raw_orders]
files = ["o*.csv"]
columns = {{ id = "N°", customer = "Client", ordered_at = "Date", subtotal = "Total", order_total = "Total" }}
constants = {{ store_id = "S", tax_paid = "0" }}
"""


def load(folder: Path, files: dict[str, bytes], profile: str | None = None) -> Ingestion:
    source, work = folder / "source", folder / "work"
    source.mkdir()
    work.mkdir()
    for name, data in files.items():
        (source / name).write_bytes(data)
    (work / "shop.toml").write_text(profile or "", encoding="utf-8")
    read = read_profile(work / "shop.toml")
    delivery = find_profiled_sources(source, read) if profile else find_sources(source, CONTRACTS)
    warehouse = DuckDBWarehouse(work / "warehouse.duckdb")
    ingestion = Ingestion(warehouse, work, "run", forms=read.forms if profile else {})
    try:
        ingestion.load(ingestion.convert(delivery.files))
    finally:
        warehouse.close()
        assert not {outcome.status for outcome in ingestion.outcomes} >= {"refused", "loaded"}
    return ingestion


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER + ORDER.replace("100", "19.07"), "order_total:not_integer: 1, e.g. '19.07': not a plain whole number"),
        (
            HEADER + ORDER.replace("100", "19.07"),
            r"say in a source profile how it is written \(money, decimal_mark, thousands_mark\), or raise",
        ),
        (HEADER + ORDER.replace("2024-01-03T08:00:00", "3.1.2024"), r"e\.g\. '3\.1\.2024': not a timestamp"),
        (HEADER + ORDER.replace("2024-01-03T08:00:00", "3.1.2024"), r"how it is written \(timestamps\), or raise"),
        (HEADER + ORDER.replace("c,", ",").replace("s,", ","), r"may be bad\. Correct the file, or raise"),
        ("<!DOCTYPE html>\n<html>403 Forbidden</html>\n", "this is not CSV but an HTML page"),
        ("\n <HTML><body>\n", "this is not CSV but an HTML page"),
        ("<?xml version='1.0'?>\n", "this is not CSV but XML"),
        ('[{"id": 1}]\n', "this is not CSV but JSON"),
        ("Export of 31 January\n" + HEADER + ORDER, "If the header stands further down, delete the lines above it"),
        ("sep=;\n" + (HEADER + ORDER).replace(",", ";"), r"separated by ; \(semicolons\).*'id;customer"),
    ],
)
def test_refusal_names_what_was_found_and_the_right_cure(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load(tmp_path, {"raw_orders.csv": text.encode(), "raw_customers.csv": b"id,name\nc,Ann\n"})


def test_refusal_for_a_text_shows_no_text(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        load(tmp_path, {"raw_customers.csv": b"id,name\n" + b"secret" * 12 + b",Ann\n"})
    assert "id:too_long: 1\n" in str(error.value)
    assert "secret" not in str(error.value)


def test_refusal_of_many_files_with_other_values_is_one_problem(tmp_path: Path) -> None:
    files = {f"raw_orders_{n}.csv": (HEADER + ORDER.replace("100", text)).encode() for n, text in enumerate("xyz")}
    with pytest.raises(DataError, match="- 3 files: ") as error:
        load(tmp_path, files)
    assert str(error.value).count("\n- ") == 1


@pytest.mark.parametrize(
    ("data", "encoding", "said"),
    [
        ("N°;Client;Date;Total\n1;c;03/01/2024;5,00 €\n".encode("cp1252"), "cp1252", r"e\.g\. '5,00 €': not a plain"),
        ("N°;Client;Date;Total\n1;c;2024-01-03;5,00\n".encode("cp1252"), "cp1252", r"e\.g\. '2024-01-03': not a time"),
        ("N°;Client;Date;Total\n1;é;03/01/2024;5\n".encode(), "cp1252", 'UTF-8, so encoding = "utf-8" may be meant'),
        (
            "N°;Client;Date;Total\n1;é;03/01/2024;5\n".encode("cp1252"),
            "utf-8",
            'the header is not UTF-8 .byte 0xb0.*"l',
        ),
        ("N°;Client;Date;Total\n1;é;03/01/2024;5\n".encode("cp1252"), "utf-16", "it is not utf-16.*Correct encoding"),
        ("N°;Kunde;Date;Total\n1;é;03/01/2024;5\n".encode("cp1252"), "cp1252", r"lacks: 'Client'.*delimiter or encod"),
        (
            "N°;Client;Date;Total;Ville\n1;é;03/01/2024;5;x\n".encode("cp1252"),
            "cp1252",
            r"columns of raw_orders \(unknown: 'Ville'\)\. Name what is not to be read under leave_out there",
        ),
    ],
    ids=["currency", "times", "utf-8", "not utf-8", "not utf-16", "columns", "unknown"],
)
def test_refusal_of_a_profiled_file_has_its_cure_in_the_profile(
    tmp_path: Path, data: bytes, encoding: str, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        load(tmp_path, {"o.csv": data}, PROFILE.format(encoding=encoding))


@pytest.mark.parametrize(
    ("keys", "record", "said"),
    [
        ('decimal_mark = ","', "12,345;c;s;8", "'12,345': not a plain amount as 1234,56, of at most two decimals"),
        (
            'decimal_mark = ","\nthousands_mark = "."',
            "12,345;c;s;8",
            "'12,345': not a plain amount as 1.234,56 or 1234,56, of at most two decimals",
        ),
        (
            'decimal_mark = ","\ncurrency_mark = " €"',
            "5 $;c;s;8",
            "'5 $': not a plain amount as 1234,56 € or 1234,56, of at most two decimals",
        ),
        ('currency_mark = "$"', "5 $;c;s;8", "'5 $': not a plain amount as $1234.56 or 1234.56, of at most"),
        (
            'money = "cents"\ndecimal_mark = ","\nthousands_mark = "."',
            "5,0;c;s;8",
            "'5,0': not a plain whole number as 1.234 or 1234",
        ),
        ('money = "cents"', "5.0;c;s;8", "'5.0': not a plain whole number\n"),
        (
            'timestamps = ["%d/%m/%Y", "%Y.%m.%d"]',
            "5;c;s;8",
            "'8': not a timestamp as %d/%m/%Y or %Y.%m.%d, or not a date of the calendar",
        ),
    ],
)
def test_reason_of_a_profiled_file_says_what_its_profile_asks_for(
    tmp_path: Path, keys: str, record: str, said: str
) -> None:
    profile = ['[defaults]\ndelimiter = ";"', keys, *(['money = "units"'] if "money" not in keys else [])]
    profile += ['[tables.raw_orders]\nfiles = ["o.csv"]', 'constants = { tax_paid = "0" }']
    profile += [
        'columns = { id = "c", customer = "c", store_id = "s", ordered_at = "t", subtotal = "a", order_total = "a" }'
    ]
    with pytest.raises(DataError) as error:
        load(tmp_path, {"o.csv": f"a;c;s;t\n{record}\n".encode()}, "\n".join(profile))
    assert said in str(error.value)


STORES = "id,name,opened_at,tax_rate,time_zone\ns,Shop,2024-01-03T08:00:00,0,{}\n"
REFUNDS = "id,order_id,item_id,refunded_at,amount,tax_amount,reason\nr,1,,2024-01-03T08:00:00Z,1,0,\n"


def test_time_in_utc_names_the_cure_that_works(tmp_path: Path) -> None:
    orders = (HEADER + ORDER.replace("00,s", "00Z,s")).encode()
    with pytest.raises(DataError) as error:
        load(tmp_path, {"raw_orders.csv": orders, "raw_refunds.csv": REFUNDS.encode()})
    assert (
        "ordered_at:utc_needs_time_zone: 1, e.g. '2024-01-03T08:00:00Z': a time in UTC (with `Z`, `UTC` or `GMT`) of a "
        "store whose time zone is not known; give raw_stores its time_zone, in the file or under constants of a profile"
    ) in str(error.value)
    assert (
        "refunded_at:utc_needs_time_zone: 1, e.g. '2024-01-03T08:00:00Z': a time in UTC (with `Z`, `UTC` or `GMT`) of "
        "a store whose time zone is not known; raw_refunds names no store, so export it as the store's local time"
    ) in str(error.value)


def test_refusal_of_a_column_that_the_profile_forgets_asks_for_it_there(tmp_path: Path) -> None:
    profile = PROFILE.format(encoding="cp1252").replace('store_id = "S", ', "")
    with pytest.raises(DataError, match=r"\(missing: 'store_id'\).*under columns, or a value under constants there"):
        load(tmp_path, {"o.csv": "N°;Client;Date;Total\n1;é;03/01/2024;5\n".encode("cp1252")}, profile)


@pytest.mark.parametrize("note", ["sep=;", "SEP=;\r", '"sep=;"'])
def test_note_of_the_separator_above_the_header_is_no_header(tmp_path: Path, note: str) -> None:
    data = f"{note}\nN°;Client;Date;Total\n1;é;03/01/2024;5\n".encode("cp1252")
    (outcome,) = load(tmp_path, {"o.csv": data}, PROFILE.format(encoding="cp1252")).outcomes
    assert (outcome.status, outcome.rows_in, outcome.rows_loaded) == ("loaded", 1, 1)


def test_files_that_look_like_data_and_are_not_taken_are_named(tmp_path: Path) -> None:
    taken = ("raw_orders.csv", "RAW_ORDERS_2.CSV")
    named = ("raw_order.csv", "raw_orders", "raw_orders.csv.bak", "raw_orders.csv ", "orders.CSV.part", "sales.xlsx")
    for name in (*taken, *named, "notes.md", ".raw_orders.csv", "~$sales.xlsx", "shop.toml"):
        (tmp_path / name).touch()
    delivery = find_sources(tmp_path, CONTRACTS)
    assert sorted(file.name for file in delivery.files) == sorted(taken)
    assert delivery.ignored == tuple(sorted(named))
