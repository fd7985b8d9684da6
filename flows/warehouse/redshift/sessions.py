"""Sessions of one run in Redshift: ended together from outside, limited in how long a statement may take.

A statement goes on in Redshift when its client has gone; only another session can end it (AWS: "PG_TERMINATE_BACKEND",
which a user may do to sessions of their own). Whoever waits for it then gets an error at once.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field

import redshift_connector
from redshift_connector.core import Connection
from redshift_connector.cursor import Cursor
from redshift_connector.error import DatabaseError

from flows.errors import LoadError
from flows.warehouse.redshift.access import Access

ANSWER_SECONDS = 4  # to end sessions; the process that stops has few


@dataclass
class Sessions:
    """The sessions of a run, by their process ids; once they were ended, there are no more."""

    _ids: set[int] = field(default_factory=set)
    _has_ended: bool = False
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def add(self, process_id: int) -> None:
        """Take in a session that was opened.

        Raises:
            LoadError: the run was stopped meanwhile.
        """
        with self._guard:
            self._ids.add(process_id)
        self.check()

    def check(self) -> None:
        """Raise LoadError if the run was stopped."""
        if self._has_ended:
            raise LoadError("the run was stopped; nothing more is asked of the warehouse.")

    def list_ids(self) -> list[int]:
        """The process ids, as Redshift knows them."""
        with self._guard:
            return sorted(self._ids)

    def end(self, access: Access) -> None:
        """End them, from a session that is opened for it; what cannot be reached is left."""
        self._has_ended = True
        ids = self.list_ids()
        if not ids:
            return
        with suppress(Exception):
            connection = connect_briefly(access)
            for each in ids:
                with suppress(DatabaseError):  # it has ended already
                    connection.cursor().execute(f"select pg_terminate_backend({each})")
            connection.close()


def connect_briefly(access: Access) -> Connection:
    """A connection for a few quick questions, each of which is its own transaction."""
    connection = redshift_connector.connect(**access.driver_arguments(), timeout=ANSWER_SECONDS)
    connection.autocommit = True
    return connection


def begin_session(connection: Connection, statement_seconds: int) -> int:
    """Limit its statements; the process id by which Redshift knows this session. No transaction is left open."""
    cursor = connection.cursor()
    _limit(cursor, statement_seconds)
    cursor.execute("select pg_backend_pid()")
    (found,) = cursor.fetchone() or (0,)
    connection.commit()
    return int(found)


def limit_statements(connection: Connection, seconds: int) -> None:
    """Have Redshift cancel each statement of this session that takes longer (AWS: "statement_timeout"); 0: none."""
    if seconds:
        _limit(connection.cursor(), seconds)
        connection.commit()


def _limit(cursor: Cursor, seconds: int) -> None:
    if seconds:
        cursor.execute(f"set statement_timeout to {int(seconds) * 1000}")
