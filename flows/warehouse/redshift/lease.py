"""One run at a time in a Redshift database: a lease that a killed run cannot keep for long.

Redshift has no advisory locks, and a transaction held open for the length of a run would be billed all the time (AWS:
"Billing for Amazon Redshift Serverless"). So `ops.run_lease` holds one row: who may write to the warehouse and until
when, by the database's own clock. The run renews it while it lives (`renewal`).

A load proves that nobody has taken over by a row of its own table in `ops.load_fence`: whoever takes the lease writes
all these rows anew. A load writes its row at its very end, for COPY, INSERT, UPDATE and DELETE lock their whole table
until the commit (AWS re:Post: "How do I detect and release locks in Amazon Redshift?"), and reads as of its beginning.
If the row was written anew meanwhile, the two collide, and the load is undone (c_serial_isolation). The renewal keeps
off that table: it would collide with every load that is longer than its pause.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from redshift_connector.core import Connection
from redshift_connector.cursor import Cursor
from redshift_connector.error import DatabaseError

from flows.errors import LoadError
from flows.warehouse.ddl import create_table, quote
from flows.warehouse.redshift.failures import CANCELED, state_of
from flows.warehouse.waiting import HeldError

LOCK_SECONDS = 30
MAX_OWNER_BYTES = 1024
LEASE_COLUMNS = {
    "lease_id": "varchar(64)",
    "run_id": "varchar(64)",
    "owner": f"varchar({MAX_OWNER_BYTES})",
    "owner_id": "varchar(64)",
    "expires_at": "timestamp",
}
FENCE_COLUMNS = {"table_name": "varchar(64)", "lease_id": "varchar(64)"}


class LeaseLostError(LoadError):
    """Another run has taken over: this one must write nothing more."""


@dataclass(frozen=True)
class Lease:
    """What a run claims: the warehouse, for `seconds` from each renewal.

    `owner` is for people; `owner_id` says who may take over at once (`owner`). `lease_id` is of this very claim: a run
    that is tried again may have the same id as one that still lives. `statement_seconds` is the connections' own limit.
    """

    run_id: str
    owner: str
    owner_id: str
    seconds: int = 300
    prefix: str = ""
    statement_seconds: int = 0
    lease_id: str = field(default_factory=lambda: uuid4().hex)

    @property
    def table(self) -> str:
        """The quoted name of the table with the one row."""
        return f"{quote(self.prefix + 'ops')}.{quote('run_lease')}"

    @property
    def fence(self) -> str:
        """The quoted name of the table with a row a raw table."""
        return f"{quote(self.prefix + 'ops')}.{quote('load_fence')}"

    def acquire(self, connection: Connection, tables: Sequence[str]) -> None:
        """Take the lease and the fences of all tables, in one transaction that is committed.

        Raises:
            HeldError: another owner holds it, and it has not run out; or a load of another run is ending just now.
        """
        cursor = connection.cursor()
        cursor.execute(create_table(self.table, LEASE_COLUMNS) + " diststyle all")
        cursor.execute(create_table(self.fence, FENCE_COLUMNS) + " diststyle all")
        connection.commit()
        self._lock(cursor)
        self._refuse_if_held(cursor)
        cursor.execute(f"delete from {self.table}")  # noqa: S608
        cursor.execute(
            f"insert into {self.table} ({', '.join(LEASE_COLUMNS)}) values (%s, %s, %s, %s, {self._end()})",  # noqa: S608
            (self.lease_id, self.run_id, self.owner, self.owner_id),
        )
        cursor.execute(f"delete from {self.fence}")  # noqa: S608
        rows = ", ".join(["(%s, %s)"] * len(tables))
        values: list[Any] = [value for table in tables for value in (table, self.lease_id)]
        cursor.execute(f"insert into {self.fence} ({', '.join(FENCE_COLUMNS)}) values {rows}", values)  # noqa: S608
        connection.commit()

    def renew(self, connection: Connection) -> None:
        """Prove that nobody has taken over, and hold the lease for its whole time from now; committed.

        One that ran out is held again if nobody took it meanwhile.

        Raises:
            LeaseLostError: another run has taken over.
        """
        cursor, mine = connection.cursor(), "where lease_id = %s"
        cursor.execute(f"update {self.table} set expires_at = {self._end()} {mine}", (self.lease_id,))  # noqa: S608
        self._check(cursor, f"from {self.table} {mine}", self.lease_id)
        connection.commit()

    def prove(self, cursor: Cursor, table: str) -> None:
        """Prove within the transaction of a load that nobody has taken over since it began.

        Raises:
            LeaseLostError: another run has taken over; the transaction must not be committed.
            DatabaseError: error 1023; another run has taken over, or an earlier try of this load was committed.
        """
        mine = "where table_name = %s and lease_id = %s"
        cursor.execute(f"update {self.fence} set lease_id = lease_id {mine}", (table, self.lease_id))  # noqa: S608
        self._check(cursor, f"from {self.fence} {mine}", table, self.lease_id)

    def release(self, connection: Connection) -> None:
        """Give the lease back; that of another run stays, and a table that it locks is not waited for long."""
        cursor = connection.cursor()
        cursor.execute(f"set statement_timeout to {LOCK_SECONDS * 1000}")
        for table in (self.table, self.fence):
            cursor.execute(f"delete from {table} where lease_id = %s", (self.lease_id,))  # noqa: S608
        connection.commit()

    def _lock(self, cursor: Cursor) -> None:
        """Lock the tables before they are read: the transaction's snapshot is taken then, so it is never old."""
        cursor.execute(f"set statement_timeout to {LOCK_SECONDS * 1000}")
        start = time.monotonic()
        try:
            cursor.execute(f"lock {self.table}, {self.fence}")
        except DatabaseError as error:
            if state_of(error) != CANCELED or time.monotonic() - start < LOCK_SECONDS:
                raise
            raise HeldError(
                f"a load of another run has been ending in this warehouse for {LOCK_SECONDS} s and more. "
                "Wait until it has ended, then run again.",
                "a load of another run, which is ending,",
            ) from error
        cursor.execute(f"set statement_timeout to {self.statement_seconds * 1000}")

    def _refuse_if_held(self, cursor: Cursor) -> None:
        cursor.execute(
            f"select run_id, owner, expires_at, datediff(second, getdate(), expires_at) from {self.table} "  # noqa: S608
            "where expires_at > getdate() and owner_id <> %s",
            (self.owner_id,),
        )
        holders = cursor.fetchall()
        if holders:
            run_id, owner, expires_at, seconds = holders[0]
            raise HeldError(
                f"another run writes to this warehouse: run {run_id} of {owner}. It renews its lease while it lives. "
                f"Wait until it has ended, then run again. If it was killed, its lease runs out by itself at "
                f"{expires_at:%Y-%m-%d %H:%M:%S} UTC at the latest, in {int(seconds)} s.",
                f"run {run_id} of {owner}",
            )

    def _check(self, cursor: Cursor, mine: str, *arguments: str) -> None:
        cursor.execute(f"select count(*) {mine}", arguments)
        if tuple(cursor.fetchone() or ()) != (1,):
            raise LeaseLostError(
                f"another run has taken over this warehouse, for the lease of run {self.run_id}, of {self.seconds} s, "
                "had run out: it could not be renewed in time. Nothing more is written; run again. If the way to the "
                "warehouse fails for longer now and then, set RETAIL_REDSHIFT_LEASE_MINUTES higher."
            )

    def _end(self) -> str:
        return f"dateadd(second, {int(self.seconds)}, getdate())"
