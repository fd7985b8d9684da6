"""A statement of DuckDB takes no longer than it may, and ends when the run is stopped."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import duckdb
import pytest

from flows.errors import LoadError
from flows.warehouse.duckdb.limit import interrupt_after
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.flows.stop_child import ENDLESS_SQL


def test_statement_that_takes_too_long_is_ended_and_the_message_names_the_limit(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", statement_seconds=1)
    start = time.monotonic()
    with pytest.raises(LoadError, match=r"for more than 1 s.*RETAIL_STATEMENT_TIMEOUT_S"):
        warehouse._query(ENDLESS_SQL)
    assert 1 <= time.monotonic() - start < 10
    assert warehouse._query("select 1") == [(1,)]
    warehouse.close()


def test_statement_within_its_time_is_left_alone_and_so_are_its_own_errors() -> None:
    connection = duckdb.connect()
    with interrupt_after(connection, 1):
        connection.execute("select 1")
    time.sleep(1.2)
    assert connection.execute("select 2").fetchall() == [(2,)]
    with pytest.raises(duckdb.Error, match="no_such_table"), interrupt_after(connection, 60):
        connection.execute("select * from no_such_table")
    with interrupt_after(connection, 0):
        connection.execute("select 3")
    connection.close()


def test_interrupt_ends_what_a_warehouse_is_at(tmp_path: Path) -> None:
    warehouse, errors = DuckDBWarehouse(tmp_path / "warehouse.duckdb"), list[BaseException]()

    def work() -> None:
        try:
            warehouse._query(ENDLESS_SQL)
        except LoadError as error:
            errors.append(error)

    warehouse._query("select 1")
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    time.sleep(0.5)
    warehouse.interrupt()
    thread.join(10)
    assert len(errors) == 1
    warehouse.close()
    warehouse.interrupt()
