"""A run on Redshift is stopped, or waits too long, while a table that it needs is locked by somebody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.errors import LoadError
from flows.lake.contracts import CONTRACTS
from flows.warehouse.ledger import Version
from flows.warehouse.redshift.warehouse import RedshiftWarehouse
from flows.warehouse.waiting import Patience
from tests.warehouse.redshift import Redshift, convert, open_redshift
from tests.warehouse.redshift_standin import RedshiftStandin
from tests.warehouse.test_redshift_lease import until

WAITING = "select count(*) from svv_transactions where not granted"


@contextmanager
def locked(standin: RedshiftStandin, table: str) -> Iterator[int]:
    """The table is locked by a session with that process id."""
    with standin.connect() as connection:
        cursor = connection.cursor()
        cursor.execute(f"lock {table}")
        cursor.execute("select pg_backend_pid()")
        yield int(cursor.fetchone()[0])
        connection.rollback()


class InThread:
    """Something that is done meanwhile; `error` is how it failed."""

    def __init__(self, action: Callable[[], object]) -> None:
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(action,), daemon=True)
        self._thread.start()

    def _run(self, action: Callable[[], object]) -> None:
        try:
            action()
        except BaseException as error:
            self.error = error

    def ends_within(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


def is_waiting(standin: RedshiftStandin) -> bool:
    return standin.run(WAITING) != [(0,)]


def load(warehouse: RedshiftWarehouse, folder: Path) -> Any:
    """Something that writes to raw.raw_customers."""
    conversion = convert(folder, "id,name\na,Ada\n")
    warehouse.note_deliveries([Version.of(conversion)], "run-1")
    return lambda: warehouse.load_files(CONTRACTS["raw_customers"], [conversion], "run-1")


def read_marts(warehouse: RedshiftWarehouse) -> None:
    with warehouse.engine().connect() as connection:
        connection.exec_driver_sql('select count(*) from "raw".raw_customers').all()


@pytest.mark.parametrize("work", ["load", "read"])
def test_interrupt_ends_statements_in_redshift_itself_and_lets_none_begin(
    redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin, tmp_path: Path, work: str
) -> None:
    action = load(warehouse, tmp_path / "files") if work == "load" else lambda: read_marts(warehouse)
    with locked(standin, '"raw".raw_customers'):
        working = InThread(action)
        until(lambda: is_waiting(standin))
        warehouse.interrupt()
        assert working.ends_within(5)
        assert working.error is not None
        until(lambda: not is_waiting(standin), 5)
        with pytest.raises(LoadError, match="the run was stopped"):
            warehouse.read_ledger()
        with pytest.raises(LoadError, match="the run was stopped"):
            read_marts(warehouse)
    assert redshift.run('select count(*) from "{p}raw".raw_customers') == [(0,)]


def test_run_that_was_interrupted_gives_the_lease_back_to_a_run_from_elsewhere(
    redshift: Redshift, tmp_path: Path
) -> None:
    first = open_redshift()
    with first.hold("run-1"):
        first.interrupt()
    with open_redshift(work_dir=tmp_path / "elsewhere").hold("run-2"):
        pass


def test_process_that_is_ended_in_mid_run_gives_the_lease_back_and_loads_nothing_more(
    redshift: Redshift, tmp_path: Path
) -> None:
    first = open_redshift()
    with first.hold("run-1"):
        first.let_go()
        with open_redshift(work_dir=tmp_path / "elsewhere").hold("run-2"), pytest.raises(LoadError, match="taken over"):
            first.prove_hold()


@pytest.mark.parametrize("work", ["load", "read"])
def test_statement_that_takes_too_long_is_ended_and_the_message_names_who_blocks(
    redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin, tmp_path: Path, work: str
) -> None:
    warehouse.close()
    warehouse.access = warehouse._connections.access = replace(warehouse.access, statement_seconds=1)
    conversion = convert(tmp_path / "files", "id,name\na,Ada\n")
    warehouse.note_deliveries([Version.of(conversion)], "run-1")
    actions: dict[str, Callable[[], object]] = {
        "load": lambda: warehouse.load_files(CONTRACTS["raw_customers"], [conversion], "run-1"),
        "read": lambda: warehouse.count_rows(CONTRACTS["raw_customers"]),
    }
    with locked(standin, '"raw".raw_customers') as blocker:
        start = time.monotonic()
        with pytest.raises(LoadError, match="RETAIL_STATEMENT_TIMEOUT_S") as raised:
            actions[work]()
        assert time.monotonic() - start < 10
        assert f"raw.raw_customers locked by {standin.user}, process {blocker}, since 20" in str(raised.value)
        assert f"select pg_terminate_backend({blocker})" in str(raised.value)
    assert redshift.run('select count(*) from "{p}raw".raw_customers') == [(0,)]


def test_every_connection_of_a_run_is_limited_also_after_it_waited_for_the_lease(redshift: Redshift) -> None:
    warehouse = open_redshift()
    warehouse.access = warehouse._connections.access = replace(warehouse.access, statement_seconds=77)
    with warehouse.hold("run-1"):
        for _ in range(2):  # the connection that took the lease, and a new one
            assert [tuple(row) for row in warehouse._query("show statement_timeout")] == [("77s",)]
            warehouse.close()


def test_lease_that_is_lost_is_told_at_once(redshift: Redshift) -> None:
    first, told = open_redshift(lease_seconds=2), list[str]()
    first.tell_lost = told.append
    with first.hold("run-1"):
        redshift.run("update ops.run_lease set lease_id = 'of another run'")
        until(lambda: bool(told))
    assert "another run has taken over" in told[0]


def test_run_that_waits_for_a_lease_says_for_whom_and_begins_once_it_is_free(
    redshift: Redshift, tmp_path: Path
) -> None:
    first, second, said = open_redshift(), open_redshift(work_dir=tmp_path / "elsewhere"), list[str]()
    holding = first.hold("run-1", "run 1 (calm-owl), process 7 on host, since noon UTC")
    holding.__enter__()

    def enter() -> None:
        with second.hold("run-2", patience=Patience(60, said.append, pause=0.1)):
            pass

    waiting = InThread(enter)
    until(lambda: bool(said))
    assert not waiting.ends_within(0.3)
    holding.__exit__(None, None, None)
    assert waiting.ends_within(20)
    assert waiting.error is None
    assert "calm-owl" in said[0]
    assert "for at most 60 s" in said[0]


def test_run_that_has_waited_in_vain_is_refused_and_does_not_take_the_lease_away(
    redshift: Redshift, tmp_path: Path
) -> None:
    first = open_redshift()
    with first.hold("run-1"):
        with pytest.raises(LoadError, match=r"another run writes to this warehouse.*has waited for 1 s; --wait"):
            open_redshift(work_dir=tmp_path / "elsewhere").hold("run-2", patience=Patience(1, pause=0.1)).__enter__()
        first.prove_hold()
