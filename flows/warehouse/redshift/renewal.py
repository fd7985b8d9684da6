"""The lease is renewed while its run lives: a thread, with a connection of its own.

So it can be short, and a killed run does not keep others waiting. Each renewal is a statement that Serverless bills
like any other, 60 s at least (AWS: "Billing for Amazon Redshift Serverless"); the pause is as long as a failure allows.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import TracebackType

from redshift_connector.core import Connection

from flows.warehouse.redshift.access import Access
from flows.warehouse.redshift.connections import connect
from flows.warehouse.redshift.failures import describe_error
from flows.warehouse.redshift.lease import Lease, LeaseLostError

PAUSE = 0.4  # of the lease: after one renewal that failed there is time for many more tries
PAUSE_AFTER_FAILURE = 0.05
ANSWER_SECONDS = 30  # of a renewal; one that hangs is given up, and tried again with a new connection


class Renewal:
    """Renews a lease between `__enter__` and `__exit__`; `check` tells if it was lost, `tell_lost` is told at once."""

    def __init__(
        self, lease: Lease, access: Access, log: logging.Logger, tell_lost: Callable[[str], object] = lambda _why: None
    ) -> None:
        self._lease, self._log, self._tell_lost = lease, log, tell_lost
        self._access = replace(access, connect_seconds=min(access.connect_seconds, ANSWER_SECONDS))
        self._connection: Connection | None = None
        self._lost: str | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="redshift-lease", daemon=True)

    def __enter__(self) -> Renewal:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(ANSWER_SECONDS)
        self._close()

    def check(self) -> None:
        """Raise what the last renewal found, if it found that another run has taken over.

        Raises:
            LeaseLostError: another run has taken over.
        """
        if self._lost:
            raise LeaseLostError(self._lost)

    def _run(self) -> None:
        pause = PAUSE
        while self._lost is None and not self._ended.wait(pause * self._lease.seconds):
            pause = PAUSE if self._renew() else PAUSE_AFTER_FAILURE

    def _renew(self) -> bool:
        """Whether the lease is renewed; if not, it is lost, or worth another try."""
        try:
            if self._connection is None:
                self._connection = connect(self._access, answer_seconds=ANSWER_SECONDS)
            self._lease.renew(self._connection)
        except LeaseLostError as error:
            self._close()  # its transaction has a lock on the table, for which whoever took over waits
            self._lost = str(error)
            self._log.error("%s", error)
            self._tell_lost(str(error))
        except Exception as error:
            self._close()
            self._log.warning(
                "the lease on the warehouse could not be renewed (%s); it is tried again", describe_error(error)
            )
        else:
            return True
        return False

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()
