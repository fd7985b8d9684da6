"""Statements on the adapter's own connection: that of the thread, in the transaction of the materialization."""

from __future__ import annotations

from typing import Any

import sqlparse
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.exceptions import DbtRuntimeError

LOG = AdapterLogger("Redshift")


class Statements:
    """Runs SQL as the adapter does, save that nothing is tried again: a new connection knows nothing of the old one's
    transaction, so that half of it would be committed by itself."""

    def __init__(self, adapter: Any) -> None:
        self._connections = adapter.connections

    def run(self, sql: str) -> Any:
        """Run one statement in the transaction, which begins if none is open; its cursor."""
        connection = self._connections.get_thread_connection()
        if not connection.transaction_open:
            self._connections.begin()
        LOG.debug(f"Using Python model connection {connection.name!r}: {sql}")
        with self._connections.exception_handler(sql):
            cursor = connection.handle.cursor()
            cursor.execute(sql)
            return cursor

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and hold all of its rows."""
        cursor = self.run(sql)
        with self._connections.exception_handler(sql):
            return [tuple(row) for row in cursor.fetchall()]


def check_query(sql: str) -> str:
    """The one query that a text holds, without the semicolon at its end.

    Raises:
        DbtRuntimeError: it is several statements, or none.
    """
    found = [each.strip().rstrip(";").strip() for each in sqlparse.split(sql)]
    found = [each for each in found if each]
    if len(found) != 1:
        raise DbtRuntimeError(f"a query is one statement; {len(found)} were given: {sql[:200]!r}")
    return found[0]


def literal(text: str) -> str:
    """A text of SQL: Redshift takes a backslash in it for an escape, as it does a quote."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def authorize(role: str) -> str:
    """The clause that names the role: the word default, or its ARN."""
    return "iam_role default" if role == "default" else f"iam_role {literal(role)}"
