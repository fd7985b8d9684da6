"""dbt's connections while it runs for us: limited in time, ended together, and none that begins after the end.

dbt cancels its statements by itself when it is interrupted, but goes on with what its threads are at: the next
statement of a node, or a new connection where the last one was cut. Its adapters have no settings for either, so the
one function of each through which all statements go is replaced while dbt runs: `RedshiftConnectionManager.open`
(dbt-redshift) and `DuckDBCursorWrapper.execute` (dbt-duckdb).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any
from unittest.mock import patch

from dbt_common.exceptions import DbtRuntimeError

from flows.run.blocks import read_blocks
from flows.run.interruption import help_to_stop, is_stopped
from flows.run.settings import Settings
from flows.run.target import find_access
from flows.warehouse.duckdb.limit import interrupt_after
from flows.warehouse.redshift.access import Access
from flows.warehouse.redshift.sessions import Sessions, limit_statements


def guard_connections(settings: Settings) -> AbstractContextManager[None]:
    """Guard what dbt does with the warehouse of these settings, for as long as this lasts."""
    if settings.target == "local":
        return _guard_duckdb(settings.statement_timeout_s)
    return _guard_redshift(find_access(settings, read_blocks(settings)))


@contextmanager
def _guard_redshift(access: Access) -> Iterator[None]:
    from dbt.adapters.redshift.connections import RedshiftConnectionManager

    sessions, original = Sessions(), vars(RedshiftConnectionManager)["open"].__func__

    def open_guarded(cls: Any, connection: Any) -> Any:
        was_open = connection.state == "open"
        opened = original(cls, connection)
        if not was_open:
            sessions.add(int(opened.backend_pid))
            limit_statements(opened.handle, access.statement_seconds)
        return opened

    with (
        patch.object(RedshiftConnectionManager, "open", classmethod(open_guarded)),
        help_to_stop(lambda: sessions.end(access)),
    ):
        yield


@contextmanager
def _guard_duckdb(seconds: int) -> Iterator[None]:
    from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper

    running: set[Any] = set()
    guard, original = threading.Lock(), DuckDBCursorWrapper.execute

    def execute_guarded(wrapper: Any, sql: str, bindings: Any = None) -> Any:
        with guard:
            if is_stopped():
                raise DbtRuntimeError("the run was stopped")
            running.add(wrapper)
        try:
            with interrupt_after(wrapper, seconds):  # which passes it on to its cursor
                return original(wrapper, sql, bindings)  # type: ignore[no-untyped-call]
        finally:
            running.discard(wrapper)

    def interrupt_all() -> None:
        with guard:
            for wrapper in list(running):
                with suppress(Exception):  # it has just been closed
                    wrapper.interrupt()

    with patch.object(DuckDBCursorWrapper, "execute", execute_guarded), help_to_stop(interrupt_all):
        yield
