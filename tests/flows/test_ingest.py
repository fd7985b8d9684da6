"""The ingest flow: every record accounted for, unchanged files skipped, and all or nothing."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from flows.errors import ConfigError, DataError, LoadError
from flows.ingest import ingest
from flows.run.settings import load_settings
from flows.run.summary import open_run
from tests.tiny_shop import FILES, write_shop

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_shop(tmp_path / "source")


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    return tmp_path / "work"


def run_ingest(source: Path, work_dir: Path) -> dict[str, Any]:
    return ingest(source=str(source), work_dir=str(work_dir))


def query(work_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(work_dir / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def raw_state(work_dir: Path) -> list[list[tuple[Any, ...]]]:
    """Every raw row and the whole ledger, with the run that loaded them and when."""
    tables = [name.removesuffix(".csv") for name in FILES]
    return [query(work_dir, f"select * from raw.{table} order by all") for table in tables] + [
        query(work_dir, "select * from ops.load_ledger order by all")
    ]


def statuses(summary: dict[str, Any]) -> dict[str, str]:
    return {file["file"]: file["status"] for file in summary["files"]}


def last_summary(work_dir: Path) -> dict[str, Any]:
    newest = max((work_dir / "runs").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return json.loads(newest.read_text(encoding="utf-8"))


def test_ingest_clean_files_balances_everywhere(source: Path, work_dir: Path) -> None:
    summary = run_ingest(source, work_dir)
    assert statuses(summary) == dict.fromkeys(FILES, "loaded")
    for file in summary["files"]:
        assert file["rows_in"] == file["rows_loaded"] == len(FILES[file["file"]].splitlines()) - 1
        count = query(work_dir, f"select count(*) from raw.{file['table']} where _file = '{file['file']}'")
        assert count == [(file["rows_loaded"],)]
    assert last_summary(work_dir) == summary
    assert summary["status"] == "completed"


def test_ingest_second_run_changes_nothing(source: Path, work_dir: Path) -> None:
    run_ingest(source, work_dir)
    before = raw_state(work_dir)
    assert statuses(run_ingest(source, work_dir)) == dict.fromkeys(FILES, "unchanged")
    assert raw_state(work_dir) == before


def test_ingest_changed_file_replaces_only_its_rows(source: Path, work_dir: Path) -> None:
    run_ingest(source, work_dir)
    more = FILES["raw_orders.csv"].splitlines(keepends=True)[0] + "n1,c1,2025-06-01T00:00:00,s1,100,5,105\n"
    (source / "raw_orders_june.csv").write_text(more)
    run_ingest(source, work_dir)
    june = query(work_dir, "select * from raw.raw_orders where _file = 'raw_orders_june.csv'")
    (source / "raw_orders.csv").write_text(FILES["raw_orders.csv"].replace("o7,c5", "o8,c5"))
    summary = run_ingest(source, work_dir)
    assert statuses(summary)["raw_orders.csv"] == "replaced"
    assert statuses(summary)["raw_orders_june.csv"] == "unchanged"
    assert query(work_dir, "select * from raw.raw_orders where _file = 'raw_orders_june.csv'") == june
    ids = query(work_dir, "select id from raw.raw_orders where _file = 'raw_orders.csv' order by _row")
    assert [row[0] for row in ids] == ["o1", "o2", "o3", "o4", "o5", "o6", "o8"]
    lake = pl.read_parquet(work_dir / "lake/raw_orders/*.parquet")
    assert sorted(lake["id"]) == ["n1", "o1", "o2", "o3", "o4", "o5", "o6", "o8"]


def test_ingest_bad_records_are_quarantined_and_counted(
    source: Path, work_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_MAX_QUARANTINED_RATIO", "0.5")
    (source / "raw_orders.csv").write_text(
        FILES["raw_orders.csv"] + "bad,c1\nworse,,2025-06-01T00:00:00,s1,1.5,5,105\n"
    )
    summary = run_ingest(source, work_dir)
    orders = next(file for file in summary["files"] if file["file"] == "raw_orders.csv")
    assert (orders["rows_in"], orders["rows_loaded"], orders["rows_quarantined"]) == (9, 7, 2)
    assert orders["reasons"] == {"customer:required": 1, "record:field_count": 1, "subtotal:not_integer": 1}
    ledger = query(
        work_dir, "select rows_in, rows_loaded, rows_quarantined from ops.load_ledger where table_name = 'raw_orders'"
    )
    assert ledger == [(9, 7, 2)]
    quarantine = pl.read_parquet(work_dir / "quarantine/raw_orders/*.parquet")
    assert quarantine.select("_file", "_row", "reason", "raw").rows() == [
        ("raw_orders.csv", 8, "record:field_count", "bad,c1"),
        ("raw_orders.csv", 9, "customer:required;subtotal:not_integer", "worse,,2025-06-01T00:00:00,s1,1.5,5,105"),
    ]
    again = next(file for file in run_ingest(source, work_dir)["files"] if file["file"] == "raw_orders.csv")
    assert again == orders | {"status": "unchanged"}


def test_ingest_refused_files_load_nothing_and_are_all_named(source: Path, work_dir: Path) -> None:
    run_ingest(source, work_dir)
    before = raw_state(work_dir)
    (source / "raw_customers.csv").write_text(FILES["raw_customers.csv"] + "c6,New\n")
    (source / "raw_stores.csv").write_text("id,title\ns1,North\n")
    (source / "raw_items.csv").write_text(FILES["raw_items.csv"] + "bad\n")
    with pytest.raises(DataError) as refusal:
        run_ingest(source, work_dir)
    message = str(refusal.value)
    assert "2 files were refused" in message
    assert "raw_stores.csv: the header is not that of raw_stores" in message
    assert "raw_items.csv: 1 of 9 records break" in message
    assert "RETAIL_MAX_QUARANTINED_RATIO" in message
    assert raw_state(work_dir) == before
    summary = last_summary(work_dir)
    assert summary["status"] == "failed"
    assert statuses(summary)["raw_stores.csv"] == statuses(summary)["raw_items.csv"] == "refused"
    assert statuses(summary)["raw_customers.csv"] == "not loaded"
    assert [file["rows_loaded"] for file in summary["files"] if file["status"] != "unchanged"] == [0, 0, 0]
    assert len(list((work_dir / "lake").rglob("*.parquet"))) == len(FILES)
    assert len(list((work_dir / "quarantine").rglob("*.parquet"))) == 1, "the bad records stay for inspection"
    (source / "raw_stores.csv").write_text(FILES["raw_stores.csv"])
    (source / "raw_items.csv").write_text(FILES["raw_items.csv"])
    assert statuses(run_ingest(source, work_dir))["raw_customers.csv"] == "replaced"
    assert not list((work_dir / "quarantine").rglob("*.parquet"))


def test_ingest_file_that_vanished_from_the_source_stays_loaded(source: Path, work_dir: Path) -> None:
    run_ingest(source, work_dir)
    before = raw_state(work_dir)
    (source / "raw_orders.csv").unlink()
    run_ingest(source, work_dir)
    assert raw_state(work_dir) == before


def test_ingest_unknown_table_is_ignored_and_named(source: Path, work_dir: Path) -> None:
    (source / "raw_tweets.csv").write_text("id\n1\n")
    (source / "notes.txt").write_text("hello")
    (source / "README.md").write_text("hello")
    assert run_ingest(source, work_dir)["ignored"] == ["notes.txt", "raw_tweets.csv"]


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_ingest_source_without_files_is_a_configuration_error(tmp_path: Path, work_dir: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"RETAIL_SOURCE|no raw data found"):
        run_ingest(tmp_path / name, work_dir)


def test_ingest_while_another_run_holds_the_work_folder_fails_at_once(source: Path, work_dir: Path) -> None:
    with open_run(load_settings(work_dir=work_dir / "other")):  # another folder does not matter
        run_ingest(source, work_dir)
    import fcntl

    with (work_dir / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(LoadError, match="another run is at work here"):
            run_ingest(source, work_dir)


def test_ingest_target_redshift_is_refused_before_any_work(source: Path, work_dir: Path) -> None:
    with pytest.raises(ConfigError, match="these settings are missing or wrong"):
        ingest(source=str(source), work_dir=str(work_dir), target="redshift")
    assert not (work_dir / "lake").exists()


def test_ingest_optional_tables_without_files_are_empty(source: Path, work_dir: Path) -> None:
    assert run_ingest(source, work_dir)["status"] == "completed"
    assert query(work_dir, "select * from raw.raw_refunds union all by name select * from raw.raw_stock_counts") == []
    refunds = "id,order_id,item_id,refunded_at,amount,tax_amount,reason\nr1,o1,,2025-06-30T12:00:00,500,25,cold\n"
    (source / "raw_refunds.csv").write_text(refunds)
    assert statuses(run_ingest(source, work_dir))["raw_refunds.csv"] == "loaded"
    assert query(work_dir, "select id, item_id, amount from raw.raw_refunds") == [("r1", None, 500)]


def test_ingest_extra_columns_are_left_out_if_the_setting_says_so(
    source: Path, work_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "raw_customers.csv").write_text("id,mail,name\nc1,ada@example.org,Ada\n")
    with pytest.raises(DataError, match=r"unknown: 'mail'.*RETAIL_ALLOW_EXTRA_COLUMNS=true"):
        run_ingest(source, work_dir)
    monkeypatch.setenv("RETAIL_ALLOW_EXTRA_COLUMNS", "true")
    summary = run_ingest(source, work_dir)
    assert {file["file"]: file["extra_columns"] for file in summary["files"] if file["extra_columns"]} == {
        "raw_customers.csv": ["mail"]
    }
    assert last_summary(work_dir) == summary
    assert query(work_dir, "select id, name from raw.raw_customers") == [("c1", "Ada")]


def test_ingest_other_currency_is_refused_until_the_setting_says_so(
    source: Path, work_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, record = "id,name,cost,perishable,sku,currency", "u1,bowl,10,False,p1,EUR"
    (source / "raw_supplies.csv").write_text(f"{header}\n{record}\n")
    with pytest.raises(DataError, match="'EUR' in record 1, but all amounts are in USD"):
        run_ingest(source, work_dir)
    monkeypatch.setenv("RETAIL_CURRENCY", "EUR")
    assert statuses(run_ingest(source, work_dir))["raw_supplies.csv"] == "loaded"
    assert query(work_dir, "select * exclude (_run_id, _loaded_at) from raw.raw_supplies")[0][:5] == (
        "u1",
        "bowl",
        10,
        False,
        "p1",
    )


def test_ingest_times_in_utc_take_the_zone_of_their_store_also_from_unchanged_files(
    source: Path, work_dir: Path
) -> None:
    stores = FILES["raw_stores.csv"].splitlines()
    zoned = [f"{stores[0]},time_zone", f"{stores[1]},America/New_York", *(f"{line}," for line in stores[2:])]
    (source / "raw_stores.csv").write_text("\n".join(zoned))
    header = FILES["raw_orders.csv"].splitlines()[0]
    for day, moment in (("1", "2025-06-01T02:00:00Z"), ("2", "2025-06-02T02:00:00+00:00")):
        (source / f"raw_orders_{day}.csv").write_text(f"{header}\nn{day},c1,{moment},s1,0,0,0\n")
        run_ingest(source, work_dir)
    found = query(work_dir, "select id, ordered_at from raw.raw_orders where id like 'n%' order by id")
    assert found == [("n1", datetime(2025, 5, 31, 22)), ("n2", datetime(2025, 6, 1, 22))]
    (source / "raw_orders_3.csv").write_text(f"{header}\nn3,c1,2025-06-01T02:00:00Z,s2,0,0,0\n")
    with pytest.raises(DataError, match="ordered_at:utc_needs_time_zone"):
        run_ingest(source, work_dir)
