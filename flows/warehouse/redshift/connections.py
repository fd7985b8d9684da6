"""Open connections to Redshift, asked for with patience: a Serverless workgroup that sleeps takes a while to wake."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import redshift_connector
from redshift_connector.core import Connection

from flows.errors import ConfigError, LoadError
from flows.warehouse.redshift.access import Access
from flows.warehouse.redshift.failures import describe_error, fault_of_settings, is_transient
from flows.warehouse.redshift.sessions import Sessions, begin_session

T = TypeVar("T")
LONGEST_PAUSE = 15.0


@dataclass
class Connections:
    """Open connections, lent one to a thread; one that failed is closed, never lent again."""

    access: Access
    sessions: Sessions = field(default_factory=Sessions)
    _idle: list[Connection] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """A connection with no transaction open.

        Raises:
            LoadError: the run was stopped.
        """
        self.sessions.check()
        with self._guard:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self.open()
        try:
            yield connection
            connection.rollback()
        except BaseException:
            with suppress(Exception):
                connection.close()
            raise
        with self._guard:
            self._idle.append(connection)

    def open(self) -> Connection:
        """A connection of the caller's own, whose statements end with the run all the same."""
        connection = connect(self.access)
        try:
            self.sessions.add(begin_session(connection, self.access.statement_seconds))
        except BaseException:
            with suppress(Exception):
                connection.close()
            raise
        return connection

    def interrupt(self) -> None:
        """End what runs on any of them; none is opened or lent any more."""
        self.sessions.end(self.access)

    def close(self) -> None:
        """Close what is not lent."""
        with self._guard:
            idle, self._idle = self._idle, []
        for connection in idle:
            with suppress(Exception):
                connection.close()


def connect(access: Access, *, answer_seconds: int | None = None) -> Connection:
    """Open a connection, again and again for up to `connect_seconds` while the warehouse does not answer.

    With `answer_seconds` a statement that is not answered in that time fails, as if the connection were lost.

    Raises:
        ConfigError: the certificate, the user, the database or the AWS rights are wrong.
        LoadError: it did not answer in time, or AWS gave no credentials in time.
    """

    def attempt() -> Connection:
        try:
            return redshift_connector.connect(**access.driver_arguments(), timeout=answer_seconds)
        except Exception as error:
            fault = fault_of_settings(error, f"{access.host}:{access.port}, database {access.database}")
            if fault:
                raise ConfigError(fault) from error
            raise

    return with_patience(
        attempt,
        access.connect_seconds,
        lambda said: (
            f"{access.host}:{access.port}: Redshift did not answer for {access.connect_seconds:.0f} s ({said}). Is the "
            "address right, the workgroup available, and the way there open (security group, VPC)? If AWS throttles, "
            "run again later."
        ),
    )


def executing(connection: Connection) -> Callable[[str, Sequence[Any]], list[Any]]:
    """A function that runs a statement on this connection and returns its rows."""

    def execute(sql: str, values: Sequence[Any]) -> list[Any]:
        cursor = connection.cursor()
        cursor.execute(sql, list(values) or None)
        return list(cursor.fetchall()) if cursor.description else []

    return execute


def run_alone(connection: Connection, sql: str) -> None:
    """Run a statement that may not stand in a transaction."""
    connection.rollback()
    connection.autocommit = True
    try:
        connection.cursor().execute(sql)
    finally:
        connection.autocommit = False


def with_patience(action: Callable[[], T], seconds: float, give_up: Callable[[str], str]) -> T:
    """Run `action`, again for up to `seconds` while it fails for a reason that passes.

    Raises:
        LoadError: it failed all that time; `give_up` makes its message out of what was said last.
    """
    start, pause = time.monotonic(), 0.5
    while True:
        try:
            return action()
        except Exception as error:
            if not is_transient(error):
                raise
            if time.monotonic() - start + pause > seconds:
                raise LoadError(give_up(describe_error(error))) from error
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


def with_retries(action: Callable[[], T], log: logging.Logger, *, attempts: int, pause: float) -> T:
    """Run `action`, again after an outage, with pauses that double; errors of the data are raised at once."""
    for attempt in range(1, attempts):
        try:
            return action()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("%s; attempt %d of %d follows", describe_error(error), attempt + 1, attempts)
            time.sleep(pause * 2 ** (attempt - 1))
    return action()
