"""Full disk, missing rights, a strange lock, tables dropped by hand: a message, the cure, the last good state."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import ConfigError, DataError, LoadError
from flows.lake.contracts import CONTRACTS
from flows.lake.sources import find_sources
from flows.warehouse.duckdb.load import literal
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion
from flows.warehouse.lock import hold_work_dir
from tests.small_disks import fill, mounted
from tests.tiny_shop import FILES, write_shop
from tests.warehouse.crashes import ORDERS_HEADER, Core, read_state


@pytest.fixture(scope="module")
def core() -> Iterator[Core]:
    core = Core()
    yield core
    core.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_shop(tmp_path / "source")


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    return tmp_path / "work"


def deliver_many_orders(source: Path, orders: int = 60_000) -> None:
    rows = "".join(f"n{n},c{n * 7919 % 1000},2025-06-01T00:00:00,s1,{n * 31},0,{n * 31}\n" for n in range(orders))
    (source / "raw_orders_many.csv").write_text(f"{ORDERS_HEADER}\n{rows}")


def ingest(source: Path, work_dir: Path) -> dict[str, str]:
    """Name → status of each file, in this process."""
    warehouse = DuckDBWarehouse(work_dir / "warehouse.duckdb")
    try:
        ingestion = Ingestion(warehouse, work_dir, "run", 0.5)
        ingestion.load(ingestion.convert(find_sources(source, CONTRACTS).files))
    finally:
        warehouse.close()
    return {outcome.file: outcome.status for outcome in ingestion.outcomes}


def assert_same_state(work_dir: Path, before: dict[str, Any]) -> None:
    """DuckDB may leave its log, which it needs or clears when it opens the file again; what was seen is noted."""
    state = read_state(work_dir)
    assert set(before["deliveries"]) <= set(state["deliveries"])
    state["deliveries"] = before["deliveries"]
    state["files"] = [name for name in state["files"] if name != "warehouse.duckdb.wal"]
    assert state == before


@pytest.mark.parametrize("max_file_bytes", [100_000, 900_000])
def test_ingest_no_file_may_grow_further_keeps_the_last_good_state(
    source: Path, work_dir: Path, core: Core, max_file_bytes: int
) -> None:
    assert core.run(source, work_dir)["exit_code"] == 0
    before = read_state(work_dir)
    deliver_many_orders(source)
    answer = core.run(source, work_dir, max_file_bytes=max_file_bytes)
    assert answer["exit_code"] == 1, answer
    assert "File too large" in answer["message"]
    assert "then run again" in answer["message"]
    assert_same_state(work_dir, before)
    assert core.run(source, work_dir)["exit_code"] == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB."""
    with mounted(tmp_path / "disk", 16) as disk:
        yield disk


@pytest.mark.parametrize("spare_kilobytes", [8, 400, 1800])
def test_ingest_full_disk_keeps_the_last_good_state(
    source: Path, small_disk: Path, core: Core, spare_kilobytes: int
) -> None:
    work_dir = small_disk / "work"
    assert core.run(source, work_dir)["exit_code"] == 0
    before = read_state(work_dir)
    deliver_many_orders(source)
    ballast = fill(small_disk, spare_kilobytes)
    answer = core.run(source, work_dir, kill_at=10**9)
    assert answer["exit_code"] == 1, answer
    assert "run again" in answer["message"]
    ballast.unlink()
    assert_same_state(work_dir, before)
    assert core.run(source, work_dir)["exit_code"] == 0
    assert len(read_state(work_dir)["load_ledger"]) == len(FILES) + 1


@pytest.mark.parametrize(
    ("spare_kilobytes", "checkpoints"), [(1400, "usual"), (700, "each transaction"), (1400, "each transaction")]
)
def test_full_disk_amid_a_delivery_says_by_name_what_is_loaded(
    source: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, spare_kilobytes: int, checkpoints: str
) -> None:
    """Each file in a transaction of its own; a checkpoint that fails leaves DuckDB unusable until it is opened anew."""
    work_dir = small_disk / "work"
    monkeypatch.setattr(DuckDBWarehouse, "batch_files", 1)
    if checkpoints != "usual":
        opened = DuckDBWarehouse._open_file

        def open_file(self: DuckDBWarehouse) -> duckdb.DuckDBPyConnection:
            return opened(self).execute("set checkpoint_threshold = '1KB'")

        monkeypatch.setattr(DuckDBWarehouse, "_open_file", open_file)
    ingest(source, work_dir)
    for number in range(4):
        deliver_many_orders(source, 20_000)
        (source / "raw_orders_many.csv").rename(source / f"raw_orders_many_{number}.csv")
    ballast = fill(small_disk, spare_kilobytes)
    try:
        ingest(source, work_dir)
        said = ""
    except LoadError as error:
        said = str(error)
    state = read_state(work_dir)
    loaded = sorted(row[1] for row in state["load_ledger"] if "_many_" in row[1])
    missing = [name for number in range(4) if (name := f"raw_orders_many_{number}.csv") not in loaded]
    if not missing:
        assert not said
    elif loaded:
        assert f"{', '.join(loaded)}. Not loaded: {', '.join(missing)}." in said
        assert "last good state stands" not in said
    else:
        assert "No file of this run was loaded" in said or "cannot be written" in said
    parts = [path.name for path in (work_dir / "lake/raw_orders").iterdir() if "_many_" in path.name]
    assert len(parts) == len(loaded), "of files that were not loaded nothing stays: it may be what fills the disk"
    ballast.unlink()
    ingest(source, work_dir)
    assert len(read_state(work_dir)["load_ledger"]) == len(FILES) + 4
    assert set(ingest(source, work_dir).values()) == {"unchanged"}


def test_ingest_without_rights_on_a_source_file_refuses_it(source: Path, work_dir: Path, core: Core) -> None:
    (source / "raw_stores.csv").chmod(0)
    answer = core.run(source, work_dir, without_rights=True)
    assert answer["exit_code"] == 1
    assert "raw_stores.csv: cannot be read (Permission denied). Check the file and its rights" in answer["message"]


@pytest.mark.parametrize("folder", ["source", "work", "work/lake/raw_orders"])
def test_ingest_without_rights_on_a_folder_says_which(source: Path, work_dir: Path, core: Core, folder: str) -> None:
    assert core.run(source, work_dir)["exit_code"] == 0
    before = read_state(work_dir)
    (source / "raw_orders.csv").write_text(FILES["raw_orders.csv"].replace("o7", "o8"))
    denied = source.parent / folder
    denied.chmod(0 if folder == "source" else 0o500)
    if folder == "work":
        (work_dir / ".lock").unlink()
    answer = core.run(source, work_dir, without_rights=True)
    denied.chmod(0o700)
    assert answer["exit_code"] == (1 if "lake" in folder else 2), answer
    assert str(denied) in answer["message"]
    assert "Permission denied" in answer["message"]
    assert read_state(work_dir)["load_ledger"] == before["load_ledger"]


def test_ingest_without_rights_on_the_warehouse_says_so(source: Path, work_dir: Path, core: Core) -> None:
    assert core.run(source, work_dir)["exit_code"] == 0
    (work_dir / "warehouse.duckdb").chmod(0o400)
    answer = core.run(source, work_dir, without_rights=True)
    assert answer["exit_code"] == 1
    assert "warehouse.duckdb: the warehouse cannot be opened" in answer["message"]


def test_ingest_missing_source_is_a_configuration_error(tmp_path: Path, work_dir: Path, core: Core) -> None:
    answer = core.run(tmp_path / "none", work_dir)
    assert answer["exit_code"] == 2
    assert "--source" in answer["message"]


def test_load_that_fails_half_way_keeps_what_was_loaded_and_leaves_nothing_else(
    source: Path, work_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_files = DuckDBWarehouse.load_files

    def fail_at_orders(self: DuckDBWarehouse, contract: Any, conversions: Any, run_id: str) -> Any:
        if contract.table == "raw_orders":
            conversions = [replace(conversion, rows_loaded=99) for conversion in conversions]
        return load_files(self, contract, conversions, run_id)

    monkeypatch.setattr(DuckDBWarehouse, "load_files", fail_at_orders)
    warehouse = DuckDBWarehouse(work_dir / "warehouse.duckdb")
    ingestion = Ingestion(warehouse, work_dir, "run")
    conversions = ingestion.convert(find_sources(source, CONTRACTS).files)
    with pytest.raises(LoadError, match="99 rows were to be loaded") as failure:
        ingestion.load(conversions)
    warehouse.close()
    stay = "2 files were loaded before that and stay loaded: raw_customers.csv, raw_items.csv."
    told = f"{stay} Not loaded: raw_orders.csv"
    assert told in str(failure.value)
    assert [outcome.rows_loaded for outcome in ingestion.outcomes if outcome.status == "not loaded"] == [0] * 4
    loaded = {outcome.file for outcome in ingestion.outcomes if outcome.status == "loaded"}
    assert loaded == {"raw_customers.csv", "raw_items.csv"}
    state = read_state(work_dir)
    assert {row[1] for row in state["load_ledger"]} == loaded
    assert len(state["hashes"]) == len(loaded)
    monkeypatch.undo()
    assert sorted(ingest(source, work_dir).values()) == ["loaded"] * 4 + ["unchanged"] * 2


@pytest.mark.parametrize("by_hand", ["drop table raw.raw_orders", "delete from raw.raw_orders where id = 'o1'"])
def test_ingest_raw_rows_removed_by_hand_are_loaded_again(source: Path, work_dir: Path, by_hand: str) -> None:
    ingest(source, work_dir)
    before = read_state(work_dir)
    with duckdb.connect(str(work_dir / "warehouse.duckdb")) as connection:
        connection.execute(by_hand)
    assert ingest(source, work_dir)["raw_orders.csv"] == "loaded"
    assert read_state(work_dir) == before


def test_ingest_raw_rows_removed_by_hand_without_their_file_are_refused(source: Path, work_dir: Path) -> None:
    ingest(source, work_dir)
    with duckdb.connect(str(work_dir / "warehouse.duckdb")) as connection:
        connection.execute("drop table raw.raw_orders")
    (source / "raw_orders.csv").rename(work_dir / "archived.csv")
    with pytest.raises(DataError, match=r"raw_orders\.csv: raw\.raw_orders does not hold the 7 rows"):
        ingest(source, work_dir)
    assert len(list((work_dir / "lake/raw_orders").iterdir())) == 1, "the last copy of it stays"
    (work_dir / "archived.csv").rename(source / "raw_orders.csv")
    assert ingest(source, work_dir)["raw_orders.csv"] == "loaded"


@pytest.mark.parametrize("size", [0, 1, 4096, 8192])
def test_warehouse_left_half_made_by_a_killed_run_is_made_anew(work_dir: Path, size: int) -> None:
    work_dir.mkdir()
    beside = work_dir / ".warehouse.duckdb.new"
    duckdb.connect(str(beside)).close()
    os.truncate(beside, size)
    (work_dir / "warehouse.duckdb.tmp").mkdir()
    (work_dir / "warehouse.duckdb.tmp" / "duckdb_temp_storage_DEFAULT-0.tmp").touch()
    warehouse = DuckDBWarehouse(work_dir / "warehouse.duckdb")
    warehouse.prepare(CONTRACTS.values())
    assert warehouse.read_ledger() == []
    warehouse.close()
    assert [path.name for path in work_dir.iterdir()] == ["warehouse.duckdb"]


def test_lock_that_is_a_link_does_not_overwrite_what_it_leads_to(tmp_path: Path, work_dir: Path) -> None:
    work_dir.mkdir()
    (tmp_path / "precious").write_text("precious")
    for link in (Path.symlink_to, Path.hardlink_to):
        link(work_dir / ".lock", tmp_path / "precious")
        with pytest.raises(ConfigError, match="cannot be the lock"), hold_work_dir(work_dir, "run"):
            pass
        (work_dir / ".lock").unlink()
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
@pytest.mark.timeout(60)
def test_lock_that_is_no_file_is_a_configuration_error(work_dir: Path, make: Any) -> None:
    work_dir.mkdir()
    make(work_dir / ".lock")
    with pytest.raises(ConfigError, match=r"cannot be the lock|cannot be written"), hold_work_dir(work_dir, "run"):
        pass


def test_lock_is_free_again_and_names_nobody(work_dir: Path) -> None:
    with hold_work_dir(work_dir, "one"):
        assert (work_dir / ".lock").read_text() == "one"
        with pytest.raises(LoadError, match="another run is at work here"), hold_work_dir(work_dir, "two"):
            pass
        assert (work_dir / ".lock").read_text() == "one"
    assert (work_dir / ".lock").read_text() == ""
    with hold_work_dir(work_dir, "two"):
        pass


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_literal_any_text_is_itself(text: str) -> None:
    assert duckdb.execute(f"select {literal(text)}").fetchall() == [(text,)]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)
