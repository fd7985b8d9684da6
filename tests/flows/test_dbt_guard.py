"""dbt is stopped, or waits too long, in the midst of a statement: a small project on DuckDB and on the stand-in."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper
from dbt_common.exceptions import DbtRuntimeError

from flows.marts.guard import guard_connections
from flows.marts.results import TIMED_OUT, NodeResult
from flows.run import interruption
from flows.run.interruption import Terminated, heed_signals, raise_if_stopped
from flows.run.settings import load_settings
from tests.flows.stop_child import ENDLESS_SQL
from tests.redshift_python.project import write_project
from tests.redshift_python.runs import Dbt, on_duckdb, on_standin, prepare_schema
from tests.warehouse.redshift import Redshift
from tests.warehouse.redshift_standin import RedshiftStandin
from tests.warehouse.test_redshift_lease import until
from tests.warehouse.test_redshift_stopping import is_waiting, locked

NAMES = ("one", "two", "three")
ENDLESS = {f"{name}.sql": "{{ config(materialized='table') }} " + ENDLESS_SQL for name in NAMES}
BLOCKED = {f"{name}.sql": "select count(*) as rows_of_it from data_mart.plain" for name in NAMES}


def stop_when(happens: Callable[[], bool]) -> threading.Thread:
    """Send this process a SIGTERM, as a worker does, as soon as that happens."""

    def stop() -> None:
        until(happens)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=stop)
    thread.start()
    return thread


def run_and_stop(dbt: Dbt, happens: Callable[[], bool], target: str) -> None:
    """Run the project in one thread until it is stopped; what dbt makes of the signal is its own affair."""
    with heed_signals(), guard_connections(load_settings(target=target)):
        stopper = stop_when(happens)
        with suppress(AssertionError, Terminated):
            dbt.run("run", RETAIL_DBT_THREADS="1")
        stopper.join()
        with pytest.raises(Terminated):
            raise_if_stopped()


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "GRACE_SECONDS", 120)  # the process that would be ended is that of the tests


def test_dbt_that_is_stopped_on_duckdb_begins_no_other_statement(tmp_path: Path) -> None:
    log = tmp_path / "project" / "logs" / "dbt.log"
    with on_duckdb(write_project(tmp_path / "project", ENDLESS), tmp_path / "small.duckdb") as dbt:
        run_and_stop(dbt, lambda: log.exists() and ENDLESS_SQL in log.read_text(encoding="utf-8"), "local")
    assert log.read_text(encoding="utf-8").count("Began executing node") == 1


def test_no_statement_of_dbt_begins_on_duckdb_after_the_stop() -> None:
    """As the next one of a node does, whose last one was just over when dbt cancelled what ran."""
    with duckdb.connect() as connection, heed_signals(), guard_connections(load_settings()):
        cursor = DuckDBCursorWrapper(connection)
        assert cursor.execute("select 1").fetchall() == [(1,)]
        with pytest.raises(Terminated):
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(DbtRuntimeError, match="the run was stopped"):
            cursor.execute("select 1")


def test_dbt_that_is_stopped_on_redshift_leaves_no_statement_and_begins_no_other(
    redshift: Redshift, standin: RedshiftStandin, tmp_path: Path
) -> None:
    prepare_schema(standin)
    dbt = on_standin(write_project(tmp_path / "project", BLOCKED), standin)
    with locked(standin, "data_mart.plain"):
        run_and_stop(dbt, lambda: is_waiting(standin), "redshift")
        assert not is_waiting(standin)
    assert sum("rows_of_it" in statement for statement in standin.log) == 1
    assert standin.run("select relname from pg_class where relname in ('one', 'two', 'three')") == []


def test_statement_of_dbt_that_takes_too_long_on_duckdb_is_ended_and_told(tmp_path: Path) -> None:
    with (
        on_duckdb(
            write_project(tmp_path / "project", {"one.sql": ENDLESS["one.sql"]}), tmp_path / "small.duckdb"
        ) as dbt,
        guard_connections(load_settings(statement_timeout_s=1)),
    ):
        outcome = dbt.run("run")["one"]
    assert outcome.status == "error"
    assert "ran for more than 1 s" in outcome.message
    assert NodeResult("model.small.one", "error", outcome.message, 1).has_timed_out


def test_statement_of_dbt_that_waits_too_long_on_redshift_is_ended_and_told(
    redshift: Redshift, standin: RedshiftStandin, tmp_path: Path
) -> None:
    prepare_schema(standin)
    dbt = on_standin(write_project(tmp_path / "project", {"one.sql": BLOCKED["one.sql"]}), standin)
    with (
        locked(standin, "data_mart.plain"),
        guard_connections(load_settings(target="redshift", statement_timeout_s=1)),
    ):
        outcome = dbt.run("run")["one"]
    assert outcome.status == "error"
    assert NodeResult("model.small.one", "error", outcome.message, 1).has_timed_out


@pytest.mark.parametrize(
    ("message", "is_timeout"),
    [
        ("Database Error: canceling statement due to statement timeout", True),
        ("Database Error: Query (12345) cancelled on user's request", True),
        ("a statement was ended …, set RETAIL_STATEMENT_TIMEOUT_S higher", True),
        ("Database Error: relation cancelled_orders does not exist", False),
        ("Database Error: division by zero", False),
    ],
)
def test_node_has_timed_out_by_the_words_of_its_warehouse(message: str, *, is_timeout: bool) -> None:
    assert (TIMED_OUT.search(message) is not None) is is_timeout
    assert NodeResult("model.small.one", "error", message, 1).has_timed_out is is_timeout
    assert not NodeResult("model.small.one", "success", message, 1).has_timed_out
