"""Past days made again: each kept, `latest` where it was, and what cannot be made is named."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import polars as pl
import pytest

from flows.backfill import backfill
from flows.errors import ConfigError, LoadError
from flows.ingest import ingest
from flows.run.summary import Run
from flows.warehouse.base import Warehouse
from flows.warehouse.lock import hold_work_dir
from reports.archive import archive_report
from reports.archive_page import Facts
from reports.redrawing import write_facts
from tests.conftest import Finished
from tests.tiny_shop import AS_OF, write_shop

FIRST, LAST = date(2025, 3, 1), date(2025, 3, 3)


@pytest.fixture
def work_dir(tiny_run: Finished, tmp_path: Path) -> Path:
    """A work folder with one report, of a later day."""
    return Path(shutil.copytree(tiny_run.work_dir, tmp_path / "work", symlinks=True))


def read_latest(work_dir: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (work_dir / "reports" / "latest").iterdir()}


def read_tables(work_dir: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the warehouse holds."""
    with duckdb.connect(str(work_dir / "warehouse.duckdb"), read_only=True) as connection:
        names = connection.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        return {name: sorted(connection.execute(f"select * from {name}").fetchall(), key=repr) for (name,) in names}


def read_summaries(work_dir: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in (work_dir / "runs").glob("*.json")]


def make_quickly(run: Run, warehouse: Warehouse, *, is_backfill: bool) -> None:
    """In place of a drawn report, a page that names its day."""
    day = run.settings.as_of
    assert day
    assert is_backfill
    fresh = run.settings.reports_dir / f".{run.run_id}.new"
    fresh.mkdir()
    (fresh / "index.html").write_text(f"report of {day}")
    made_at = duckdb.sql("select now()").fetchall()[0][0]
    write_facts(Facts(day, "t", made_at, "b", run.run_id, covers_all=False, is_backfilled=True), fresh)
    archive_report(fresh, run.settings.reports_dir, 1)


def test_drawn_reports_of_past_days_are_kept_and_nothing_shared_is_changed(work_dir: Path) -> None:
    latest, tables = read_latest(work_dir), read_tables(work_dir)
    backfill(FIRST, date(2025, 3, 2), work_dir=str(work_dir))
    assert read_latest(work_dir) == latest
    assert read_tables(work_dir) == tables
    for day in ("2025-03-01", "2025-03-02"):
        folder = work_dir / "reports" / day
        assert json.loads((folder / "report.json").read_text("utf-8"))["as_of"] == day
        sales = pl.read_parquet(folder / "sales_per_customer.parquet")
        assert sales["customer_id"].sort().to_list() == ["c1", "c2", "c5"]  # o6 of c1 lies after them
        assert day in (work_dir / "reports" / "index.html").read_text("utf-8")


def test_days_that_cannot_be_made_are_named_and_the_others_are_made(work_dir: Path) -> None:
    def fail_once(run: Run, warehouse: Warehouse, *, is_backfill: bool) -> None:
        if run.settings.as_of == date(2023, 1, 2):
            raise LoadError("the disk is full")
        make_quickly(run, warehouse, is_backfill=is_backfill)

    with patch("flows.backfill.make_report", fail_once), pytest.raises(LoadError) as error:
        backfill(date(2022, 12, 31), date(2023, 1, 3), work_dir=str(work_dir))
    told = str(error.value)
    assert "2 of 4 reports could not be made; 2 were, and stay." in told
    assert "2022-12-31: no such day is past: the orders are of 2023-01-01 to 2025-07-01" in told
    assert "2023-01-02: the disk is full" in told
    (said,) = [summary for summary in read_summaries(work_dir) if "days" in summary]
    assert said["status"] == "failed"
    assert [said["days"][f"2023-01-0{day}"] for day in (1, 2, 3)] == ["made", "the disk is full", "made"]
    assert (work_dir / "reports" / "2023-01-03" / "index.html").read_text() == "report of 2023-01-03"


def test_run_that_was_stopped_half_way_is_made_good_by_the_next_one(work_dir: Path) -> None:
    latest = read_latest(work_dir)

    def stop(run: Run, warehouse: Warehouse, *, is_backfill: bool) -> None:
        if run.settings.as_of == date(2025, 3, 2):
            (run.settings.reports_dir / f".{run.run_id}.new").mkdir()
            raise KeyboardInterrupt
        make_quickly(run, warehouse, is_backfill=is_backfill)

    with patch("flows.backfill.make_report", stop), pytest.raises(KeyboardInterrupt):
        backfill(FIRST, LAST, work_dir=str(work_dir))
    (said,) = [summary for summary in read_summaries(work_dir) if "days" in summary]
    assert said["days"] == {"2025-03-01": "made"}
    with patch("flows.backfill.make_report", make_quickly):
        assert set(backfill(FIRST, LAST, work_dir=str(work_dir))["days"].values()) == {"made"}
    days = {path.name for path in (work_dir / "reports").glob("2025-*")}
    assert days == {"2025-03-01", "2025-03-02", "2025-03-03", AS_OF.isoformat()}
    assert read_latest(work_dir) == latest
    assert list((work_dir / "reports").glob(".*")) == []


def test_backfill_is_refused_while_another_run_holds_the_folder(work_dir: Path) -> None:
    with hold_work_dir(work_dir, "nightly"), pytest.raises(LoadError, match="another run is at work here"):
        backfill(FIRST, LAST, work_dir=str(work_dir))


def test_tables_are_loaded_again_from_the_source_and_only_those(prefect_server: None, tmp_path: Path) -> None:
    source, work_dir = write_shop(tmp_path / "source"), tmp_path / "work"
    ingest(source=str(source), work_dir=str(work_dir))
    with duckdb.connect(str(work_dir / "warehouse.duckdb")) as connection:
        connection.execute("update raw.raw_orders set subtotal = 1")
        connection.execute("update raw.raw_items set sku = 'p1'")
    built: list[bool] = []
    with patch("flows.backfill.build_marts", lambda *_, anew: built.append(anew)):
        said = backfill(tables=["orders"], source=str(source), work_dir=str(work_dir))
        backfill(rebuild=True, source=str(source), work_dir=str(work_dir))
    assert built == [False, True]
    assert {file["file"]: file["status"] for file in said["files"]} == {"raw_orders.csv": "loaded"}
    tables = read_tables(work_dir)
    assert sorted(row[4] for row in tables["raw.raw_orders"]) == [0, 250, 250, 1000, 1250, 2000, 250000]
    assert {row[2] for row in tables["raw.raw_items"]} == {"p1"}
    assert len(tables["ops.load_ledger"]) == 6


def test_backfill_that_is_asked_for_nothing_is_refused(prefect_server: None, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing is asked for"):
        backfill(work_dir=str(tmp_path))
