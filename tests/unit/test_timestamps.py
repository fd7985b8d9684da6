"""Business times: the wall clock of the store, with an offset or without; a time in UTC needs the store's zone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion, convert_csv
from flows.lake.forms import Form
from flows.lake.stores import read_time_zones
from flows.lake.terms import Terms
from flows.lake.time_zones import time_zone_names

ORDERS = "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total"
STORES = "id,name,opened_at,tax_rate,time_zone"
ZONES = {"ny": "America/New_York", "dehli": "Asia/Kolkata", "odd": "Mars/Base"}


def convert(folder: Path, table: str, *lines: str, zones: dict[str, str] | None = None) -> Conversion:
    path = folder / f"{table}.csv"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return convert_csv(path, CONTRACTS[table], folder / "out", terms=Terms(time_zones=lambda: zones or {}))


def convert_orders(folder: Path, *moments: str, store: str = "ny", zones: dict[str, str] | None = None) -> Conversion:
    records = [f"o{i},c,{moment},{store},1,0,1" for i, moment in enumerate(moments)]
    return convert(folder, "raw_orders", ORDERS, *records, zones=zones)


def read_column(conversion: Conversion, column: str) -> list[datetime]:
    return [value for part in conversion.parts for value in pl.read_parquet(part.path)[column].to_list()]


OFFSETS = ("+02:00", "+0200", "-05:30", "-0530", "+14:59", "+00:01", "-0030", "+02", "-05")


@pytest.mark.parametrize("offset", ["", *OFFSETS, *(f" {offset}" for offset in OFFSETS)])
@pytest.mark.parametrize("fraction", ["", ".000007"])
def test_timestamp_with_an_offset_keeps_the_wall_clock(tmp_path: Path, offset: str, fraction: str) -> None:
    """As Java, Shopify and Ruby write it, with a blank, and as PostgreSQL does, without minutes."""
    conversion = convert_orders(tmp_path, f"2026-03-01T10:00:00{fraction}{offset}", zones=ZONES)
    assert read_column(conversion, "ordered_at") == [datetime(2026, 3, 1, 10, 0, 0, 7 if fraction else 0)]


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T10:00:00+2:00",
        "2026-03-01T10:00:00  +02:00",
        "2026-03-01T10:00:00+ 02:00",
        "2026-03-01T10:00:00+02:00 ",
        "2026-03-01T10:00:00+020",
        "2026-03-01T10:00:00+15",
        "2026-03-01T10:00:00+02+02",
        "2026-03-01T10:00:00+02:00 UTC",
        "2026-03-01T10:00:00 utc",
        "2026-03-01T10:00:00 UTCZ",
        "2026-03-01T10:00:00 UTC+2",
        "2026-03-01T10:00:00 EST",
        "2026-03-01-05",
        "2026-03-01T10:00:00+15:00",
        "2026-03-01T10:00:00+02:60",
        "2026-03-01T10:00:00+02:00+02:00",
        "2026-03-01T10:00:00Z+02:00",
        "2026-03-01T10:00:00ZZ",
        "2026-03-01T10:00:00z",
        "2026-03-01T10:00:00.5+02:00",
        "2026-02-29T10:00:00+02:00",
        "2026-02-29T10:00:00Z",
        "2026-03-01+02:00",
        "1899-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
        "+02:00",
        "Z",
    ],
)
def test_timestamp_with_an_offset_that_is_none_is_set_aside(tmp_path: Path, text: str) -> None:
    assert convert_orders(tmp_path, text, zones=ZONES).reasons == {"ordered_at:not_timestamp": 1}


@pytest.mark.parametrize(
    "suffix", ["Z", "+00:00", "-00:00", "+0000", "+00", " Z", " +00:00", " -0000", " +00", "UTC", " UTC", " GMT"]
)
@pytest.mark.parametrize(
    ("store", "utc", "local"),
    [
        ("ny", "2026-01-01T03:00:00", datetime(2025, 12, 31, 22)),
        ("ny", "2026-07-01T03:00:00.000007", datetime(2026, 6, 30, 23, 0, 0, 7)),
        ("ny", "2026-11-01T05:30:00", datetime(2026, 11, 1, 1, 30)),  # the hour that comes twice
        ("ny", "2026-11-01T06:30:00", datetime(2026, 11, 1, 1, 30)),
        ("dehli", "2026-03-01T20:00:00", datetime(2026, 3, 2, 1, 30)),
    ],
)
def test_timestamp_in_utc_becomes_the_wall_clock_of_its_store(
    tmp_path: Path, store: str, utc: str, local: datetime, suffix: str
) -> None:
    conversion = convert_orders(tmp_path, utc + suffix, store=store, zones=ZONES)
    assert read_column(conversion, "ordered_at") == [local]


@pytest.mark.parametrize("store", ["unknown", "odd"])
def test_timestamp_in_utc_of_a_store_without_time_zone_is_set_aside(tmp_path: Path, store: str) -> None:
    """An offset of nothing is then one like others: London's winter."""
    conversion = convert_orders(
        tmp_path,
        *(f"2026-03-01T10:00:00{suffix}" for suffix in ("Z", " Z", " UTC", "GMT")),
        *(f"2026-03-01T{suffix}" for suffix in ("11:00:00", "12:00:00+00:00", "13:00:00 +0000", "14:00 +00")),
        store=store,
        zones=ZONES,
    )
    assert conversion.reasons == {"ordered_at:utc_needs_time_zone": 4}
    assert read_column(conversion, "ordered_at") == [datetime(2026, 3, 1, hour) for hour in (11, 12, 13, 14)]


def test_offset_of_hours_is_none_where_dashes_stand_between_the_parts_of_a_time(tmp_path: Path) -> None:
    """Seconds that the profile does not know must not be taken for an offset."""
    path, form = tmp_path / "orders.csv", Form(timestamps=("%Y-%m-%d %H-%M", "%d-%m-%y", "%d.%m.%Y %I:%M %p"))
    texts = ("2026-03-01 10-05-09", "01-03-26-09", "2026-03-01 10-05 +0200", "01.03.2026 10:05 AM-05")
    path.write_text("\n".join((ORDERS, *(f"o{at},c,{text},ny,1,0,1" for at, text in enumerate(texts)))) + "\n")
    conversion = convert_csv(path, CONTRACTS["raw_orders"], tmp_path / "out", form=form)
    assert conversion.reasons == {"ordered_at:not_timestamp": 2}
    assert read_column(conversion, "ordered_at") == [datetime(2026, 3, 1, 10, 5)] * 2


@pytest.mark.parametrize("spelling", ["%d/%m/%y %H:%M", "%-m/%-d/%y %-I:%M %p", "%y%m%d%H%M"])
def test_year_of_two_digits_is_of_the_century_that_python_and_posix_say(tmp_path: Path, spelling: str) -> None:
    path, form = tmp_path / "orders.csv", Form(timestamps=(spelling,))
    texts = [datetime(2000 + year, 2, 28, 13, 5).strftime(spelling.replace("%-", "%")) for year in range(100)]
    path.write_text("\n".join((ORDERS, *(f"o{at},c,{text},ny,1,0,1" for at, text in enumerate(texts)))) + "\n")
    conversion = convert_csv(path, CONTRACTS["raw_orders"], tmp_path / "out", form=form)
    expected = [datetime.strptime(text, spelling.replace("%-", "%")) for text in texts]  # noqa: DTZ007  a wall clock's
    assert [moment.year for moment in expected] == [*range(2000, 2069), *range(1969, 2000)]
    assert read_column(conversion, "ordered_at") == expected


def convert_epochs(folder: Path, spellings: tuple[str, ...], *texts: str, store: str = "ny") -> Conversion:
    path = folder / "orders.csv"
    path.write_text("\n".join((ORDERS, *(f"o{at},c,{text},{store},1,0,1" for at, text in enumerate(texts)))) + "\n")
    terms = Terms(time_zones=lambda: ZONES)
    return convert_csv(path, CONTRACTS["raw_orders"], folder / "out", form=Form(timestamps=spellings), terms=terms)


@pytest.mark.parametrize(("spelling", "end"), [("%s", ""), ("%Q", "000"), ("%Q", "123")])
def test_seconds_since_1970_are_read_by_the_time_zone_of_the_store(tmp_path: Path, spelling: str, end: str) -> None:
    seconds = [0, 1748772000, 1762063200, 4102444799]  # of which the third is in the hour that comes twice
    texts = [f"{each}{end}" if each else "0" for each in seconds]
    conversion = convert_epochs(tmp_path, (spelling,), *texts)
    assert read_column(conversion, "ordered_at") == [
        datetime.fromtimestamp(each, ZoneInfo("America/New_York")).replace(
            tzinfo=None, microsecond=int(f"0{end}") * 1000 if each else 0
        )
        for each in seconds
    ]


@pytest.mark.parametrize("store", ["unknown", "odd"])
def test_seconds_since_1970_of_a_store_without_time_zone_are_set_aside(tmp_path: Path, store: str) -> None:
    conversion = convert_epochs(tmp_path, ("%s",), "1748772000", store=store)
    assert conversion.reasons == {"ordered_at:utc_needs_time_zone": 1}
    assert conversion.asked["ordered_at:utc_needs_time_zone"].startswith("a time in UTC of a store whose time zone is")


@pytest.mark.parametrize(
    "text",
    [
        *("+1748772000", "01748772000", "1748772000.5", "1748772000Z", " 1748772000", "-0", "1e9", ""),
        *("1748772000000", "9" * 12, "9" * 30, "-2208988801", "2025-06-01T10:00:00", "\uff11748772000"),
    ],
)
def test_text_that_is_no_number_of_seconds_is_set_aside(tmp_path: Path, text: str) -> None:
    conversion = convert_epochs(tmp_path, ("%s",), text)
    assert conversion.reasons == {f"ordered_at:{'not_timestamp' if text else 'required'}": 1}


def test_seconds_since_1970_may_stand_among_other_spellings(tmp_path: Path) -> None:
    texts = ("2025-06-01 06:00", "1748772000", "2025-06-01 10:00 Z", "2025-06-01 06:00 +0200")
    conversion = convert_epochs(tmp_path, ("%Y-%m-%d %H:%M", "%s"), *texts)
    assert read_column(conversion, "ordered_at") == [datetime(2025, 6, 1, 6)] * 4


def test_timestamps_of_many_spellings_and_stores_stay_with_their_records(tmp_path: Path) -> None:
    moments = ["2026-03-01T10:00:00Z", "2026-03-01T10:00:00", "2026-03-01T10:00:00+02:00", "x"]
    stores = ["ny", "dehli", "none"]
    pairs = [(moment, store) for moment in moments for store in stores] * 20
    records = [f"o{i},c,{moment},{store},1,0,1" for i, (moment, store) in enumerate(pairs)]
    conversion = convert(tmp_path, "raw_orders", ORDERS, *records, zones=ZONES)
    local = {"ny": datetime(2026, 3, 1, 5), "dehli": datetime(2026, 3, 1, 15, 30)}
    assert read_column(conversion, "ordered_at") == [
        local[store] if moment.endswith("Z") else datetime(2026, 3, 1, 10)
        for moment, store in pairs
        if moment != "x" and (store, moment[-1]) != ("none", "Z")
    ]
    assert conversion.reasons == {"ordered_at:not_timestamp": 60, "ordered_at:utc_needs_time_zone": 20}


@given(
    instant=st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31)), zone=st.sampled_from(sorted(time_zone_names()))
)
@settings(max_examples=100, deadline=None)
def test_timestamp_in_utc_agrees_with_zoneinfo(
    tmp_path_factory: pytest.TempPathFactory, instant: datetime, zone: str
) -> None:
    instant = instant.replace(microsecond=0)
    record = f"s,n,{instant.isoformat()}Z,0.1,{zone}"
    conversion = convert(tmp_path_factory.mktemp("zone"), "raw_stores", STORES, record)
    local = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert read_column(conversion, "opened_at") == [local]


def test_store_opened_in_utc_takes_the_zone_of_its_own_record(tmp_path: Path) -> None:
    records = [f"s,n,2026-01-01T03:00:00Z,0.1,{zone}" for zone in ("America/New_York", "Asia/Kolkata", "", "Mars/Base")]
    conversion = convert(tmp_path, "raw_stores", STORES, *records)
    assert read_column(conversion, "opened_at") == [datetime(2025, 12, 31, 22), datetime(2026, 1, 1, 8, 30)]
    assert conversion.reasons == {"opened_at:utc_needs_time_zone": 2, "time_zone:not_time_zone": 1}


def test_store_opened_in_utc_without_the_column_is_set_aside(tmp_path: Path) -> None:
    conversion = convert(tmp_path, "raw_stores", STORES.removesuffix(",time_zone"), "s,n,2026-01-01T03:00:00Z,0.1")
    assert conversion.reasons == {"opened_at:utc_needs_time_zone": 1}


def test_stock_count_in_utc_takes_the_zone_of_its_store(tmp_path: Path) -> None:
    records = [f"{store},u,2026-01-01T03:00:00Z,1" for store in ("ny", "none")]
    conversion = convert(
        tmp_path, "raw_stock_counts", "store_id,supply_id,counted_at,unit_count", *records, zones=ZONES
    )
    assert read_column(conversion, "counted_at") == [datetime(2025, 12, 31, 22)]
    assert conversion.reasons == {"counted_at:utc_needs_time_zone": 1}


def test_refund_in_utc_is_set_aside_for_it_names_no_store(tmp_path: Path) -> None:
    header = "id,order_id,item_id,refunded_at,amount,tax_amount,reason"
    records = [f"r,o,,{moment},1,0," for moment in ("2026-01-01T03:00:00Z", "2026-01-01T03:00:00-05:00")]
    conversion = convert(tmp_path, "raw_refunds", header, *records, zones=ZONES)
    assert read_column(conversion, "refunded_at") == [datetime(2026, 1, 1, 3)]
    assert conversion.reasons == {"refunded_at:utc_needs_time_zone": 1}


def test_time_zones_are_not_asked_for_where_no_time_is_in_utc(tmp_path: Path) -> None:
    def fail() -> dict[str, str]:
        raise AssertionError("not needed")

    path = tmp_path / "raw_orders.csv"
    path.write_text(f"{ORDERS}\no,c,2026-03-01T10:00:00,ny,1,0,1\np,c,2026-03-01T10:00:00+02:00,ny,1,0,x\n")
    assert convert_csv(path, CONTRACTS["raw_orders"], tmp_path / "out", terms=Terms(time_zones=fail)).rows_in == 2


def test_read_time_zones_of_stores_that_have_one(tmp_path: Path) -> None:
    texts = {
        "raw_stores.csv": f"{STORES}\na,n,2026-01-01T00:00:00,0.1,Europe/Berlin\nb,n,2026-01-01T00:00:00Z,0.1,UTC\n",
        "raw_stores_2.csv": f"{STORES}\nb,n,2026-01-01T00:00:00,0.1,Asia/Tokyo\na,n,2026-01-01T00:00:00,0.1,\n",
        "raw_stores_3.csv": f"{STORES}\nc,n,2026-01-01T00:00:00,0.1,Asia/Tokyo\nd,n,2026-01-01T00:00:00,9,UTC\n",
        "raw_stores_4.csv": f"{STORES},till\ne,n,2026-01-01T00:00:00,0.1,UTC,1\n",
        "raw_stores_5.csv": "id,name,opened_at,tax_rate\nf,n,2026-01-01T00:00:00,0.1\n",
        "raw_stores_6.csv": "no header of ours\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "raw_stores_7.csv").mkdir()
    paths = sorted(tmp_path.iterdir())
    assert read_time_zones(paths) == {"a": "Europe/Berlin", "c": "Asia/Tokyo"}
    assert read_time_zones(paths, allow_extra_columns=True) == {"a": "Europe/Berlin", "c": "Asia/Tokyo", "e": "UTC"}
    assert sorted(tmp_path.iterdir()) == paths
