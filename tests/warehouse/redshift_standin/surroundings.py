"""What all sessions of a stand-in share, and how a fault strikes one of them."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from tests.warehouse.redshift_standin.accounts import Accounts
from tests.warehouse.redshift_standin.copy_source import ObjectStore
from tests.warehouse.redshift_standin.faults import Fault, Faults


class Dropped(Exception):  # noqa: N818  not an error: a fault that a test asked for
    """The connection is to be cut now."""


@dataclass(frozen=True)
class Ran:
    """A statement that was answered: when it was let run, after it had waited for its table, and when it had ended."""

    session: int
    sql: str
    began: float
    ended: float

    def overlaps(self, other: Ran) -> bool:
        """Whether both were under way at the same time."""
        return self.began < other.ended and other.began < self.ended


@dataclass
class Surroundings:
    """The socket of PostgreSQL, the server's certificate, who may log in, and what is to go wrong.

    `log` holds every statement as clients wrote it; `timeline` those that ran, with who ran them and when.
    """

    socket: Path
    tls: ssl.SSLContext
    accounts: Accounts
    faults: Faults
    store: ObjectStore
    log: list[str] = field(default_factory=list)
    timeline: list[Ran] = field(default_factory=list)


async def strike(fault: Fault | None) -> None:
    """Let a fault happen, if there is one.

    Raises:
        Dropped: it cuts the connection.
        SqlError: it is an error that the client is to get.
    """
    if fault is None:
        return
    if fault.error is not None:
        raise fault.error
    if fault.kind == "drop":
        raise Dropped
    await asyncio.sleep(fault.seconds)
