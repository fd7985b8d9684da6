"""How long a statement of DuckDB may take: DuckDB has no such setting, so a timer interrupts the connection."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from flows.errors import LoadError


class Interruptible(Protocol):
    """A connection of DuckDB, or a cursor, which is one too."""

    def interrupt(self) -> None:
        """End what it is at, from another thread."""


@contextmanager
def interrupt_after(connection: Interruptible, seconds: int) -> Iterator[None]:
    """Interrupt the connection if this lasts longer; 0: never.

    Raises:
        LoadError: it did; names the limit and how to raise it.
    """
    if not seconds:
        yield
        return
    is_over = threading.Event()

    def interrupt() -> None:
        is_over.set()
        with suppress(Exception):  # it has just been closed
            connection.interrupt()

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if is_over.is_set():
            raise LoadError(
                f"a statement was ended, for it ran for more than {seconds} s. If it needs so long, set "
                "RETAIL_STATEMENT_TIMEOUT_S higher (0: no limit)."
            ) from error
        raise
    finally:
        timer.cancel()
