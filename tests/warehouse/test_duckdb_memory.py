"""A load into DuckDB takes a bounded part of the memory, however large the file, and gives the rest back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.lake.contracts import CONTRACTS
from flows.lake.sources import find_sources
from flows.warehouse.duckdb.load import Load
from flows.warehouse.duckdb.memory import bound_memory
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion

MIB = 1 << 20
UNITS = {"MiB": MIB, "GiB": MIB << 10, "KiB": 1 << 10}


def read_limit(connection: duckdb.DuckDBPyConnection) -> float:
    """The limit in MiB, as DuckDB spells it: `488.2 MiB`."""
    ((said,),) = connection.execute("select current_setting('memory_limit')").fetchall()
    number, unit = said.split()
    return float(number) * UNITS[unit] / MIB


@pytest.mark.parametrize(
    ("allowed", "threads", "during"), [(4096, 2, 256), (4096, 1, 256), (4096, 4, 512), (300, 4, 300), (200, 2, 200)]
)
def test_a_load_has_128_mib_a_thread_but_never_more_than_is_allowed(allowed: int, threads: int, during: int) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{allowed}MiB'; set threads = {threads}")
        with bound_memory(connection, allowed):
            assert read_limit(connection) == pytest.approx(during, rel=0.01)
        assert read_limit(connection) == pytest.approx(allowed, rel=0.01)


def test_memory_is_given_back_where_a_load_fails() -> None:
    with duckdb.connect() as connection:
        connection.execute("set threads = 2")
        with pytest.raises(duckdb.CatalogException), bound_memory(connection, 2048):
            connection.execute("select * from no_such_table")
        assert read_limit(connection) == pytest.approx(2048, rel=0.01)


def test_without_a_limit_of_ours_duckdb_has_its_own_again() -> None:
    with duckdb.connect() as connection:
        own = read_limit(connection)
        with bound_memory(connection, None):
            assert read_limit(connection) < own
        assert read_limit(connection) == own


def test_the_rows_of_a_file_are_inserted_within_that_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[float] = []

    def insert_and_look(load: Load, connection: duckdb.DuckDBPyConnection, *args: Any) -> None:
        limits.append(read_limit(connection))
        insert(load, connection, *args)

    insert = Load._insert_rows
    monkeypatch.setattr(Load, "_insert_rows", insert_and_look)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "raw_items.csv").write_text("id,order_id,sku\n1,1,A\n")
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", memory_mb=3000)
    warehouse._connect().execute("set threads = 2")
    job = Ingestion(warehouse, tmp_path, "run")
    job.load(job.convert(find_sources(tmp_path / "source", CONTRACTS).files))
    after = read_limit(warehouse._connect())
    warehouse.close()
    assert limits == [pytest.approx(256, rel=0.01)]
    assert after == pytest.approx(3000, rel=0.05)  # DuckDB says 2.9 GiB
