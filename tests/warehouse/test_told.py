"""The log of an ingest: a line for each table, and a line for a file only where something is wrong with it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from flows.errors import DataError
from flows.lake.contracts import CONTRACTS
from flows.lake.sources import find_sources
from flows.lake.terms import Terms
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion
from flows.warehouse.told import MAX_TOLD


def load(folder: Path, *, allowed: float = 0.5) -> Ingestion:
    (folder / "work").mkdir(exist_ok=True)
    warehouse = DuckDBWarehouse(folder / "work" / "warehouse.duckdb")
    ingestion = Ingestion(warehouse, folder / "work", "run", allowed, terms=Terms(allow_extra_columns=True))
    try:
        ingestion.load(ingestion.convert(find_sources(folder, CONTRACTS).files))
    finally:
        warehouse.close()
    return ingestion


def deliver(folder: Path, count: int, text: str, name: str = "raw_customers_{:03}.csv") -> None:
    for number in range(count):
        (folder / name.format(number)).write_text(text.format(number))


def told(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def test_good_files_share_a_line_and_each_has_its_own_only_for_who_debugs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "flows")
    deliver(tmp_path, 30, "id,name\nc{0},Ann\nd{0},Bo\n")
    deliver(tmp_path, 1, "id,order_id,sku\ni,o,s\n", "raw_items.csv")
    load(tmp_path)
    assert told(caplog, logging.INFO) == [
        "31 files found, 0 of them unchanged",
        "raw_customers: 30 files, 60 records, all good",
        "raw_items: 1 file, 1 record, all good",
        "raw_customers: 60 rows of 30 files loaded into raw.raw_customers",
        "raw_items: 1 row of 1 file loaded into raw.raw_items",
    ]
    assert "raw_customers_007.csv: 2 records, all good" in told(caplog, logging.DEBUG)
    assert "raw_customers_007.csv: 2 rows loaded into raw.raw_customers" in told(caplog, logging.DEBUG)
    caplog.clear()
    load(tmp_path)
    assert told(caplog, logging.INFO) == ["31 files found, 31 of them unchanged"]


def test_files_with_records_set_aside_have_a_line_each_up_to_a_limit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "flows")
    deliver(tmp_path, MAX_TOLD + 3, "id,name\nc{0},Ann\n,Bo\n")
    load(tmp_path)
    warnings = told(caplog, logging.WARNING)
    assert len(warnings) == MAX_TOLD + 1
    assert warnings[0].startswith("raw_customers_000.csv: 1 of 2 records break the contract of raw_customers")
    assert warnings[-1].startswith("and in 3 files more of raw_customers: 3 records; the run summary names each file")
    assert "raw_customers: 23 files, 46 records, 23 of them set aside" in told(caplog, logging.INFO)


def test_files_with_the_same_unknown_columns_share_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    deliver(tmp_path, 4, "id,name,town\nc{0},Ann,Oslo\n")
    (tmp_path / "raw_customers_old.csv").write_text("id,name,fax\no,Old,7\n")
    load(tmp_path)
    assert told(caplog, logging.WARNING) == [
        "4 files of raw_customers, e.g. raw_customers_000.csv: left out, for no contract knows them: 'town'",
        "raw_customers_old.csv: left out, for no contract knows them: 'fax'",
    ]


def test_refused_run_says_of_no_file_that_it_was_loaded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "flows")
    deliver(tmp_path, 3, "id,name\nc{0},Ann\n")
    (tmp_path / "raw_customers_bad.csv").write_text("id,name\n,Ann\n")
    with pytest.raises(DataError, match="1 file was refused"):
        load(tmp_path, allowed=0.1)
    assert [message for record in caplog.records if "loaded" in (message := record.getMessage())] == []
    assert "raw_customers: 3 files, 3 records, all good" in told(caplog, logging.INFO)
