"""One run at a time in a Redshift database: a lease that a killed run cannot keep for ever.

Redshift has no advisory locks, and a transaction held open for the length of a run would be billed all the time (AWS:
"Billing for Amazon Redshift Serverless"). So `ops.load_lock` holds a row a raw table: who may write to it and until
when, by the database's own clock. Each load begins its transaction by writing its row anew, which fails if another run
has taken over, and which makes whoever comes next wait until the load has ended, one way or the other.

The owner is a machine and its work folder. The kernel lets one run at a time into a work folder, so the same owner may
take the lease again at once after a kill; another must wait until it runs out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redshift_connector.core import Connection
from redshift_connector.cursor import Cursor
from redshift_connector.error import DatabaseError

from flows.errors import LoadError
from flows.warehouse.base import create_table, quote
from flows.warehouse.redshift.access import state_of

LOCK_SECONDS = 30
CANCELED = "57014"  # SQLSTATE: a statement that took longer than statement_timeout
COLUMNS = {
    "table_name": "varchar(64)",
    "run_id": "varchar(64)",
    "owner": "varchar(1024)",
    "expires_at": "timestamp",
}


@dataclass(frozen=True)
class Lease:
    """What a run claims: these tables, for `minutes` from each renewal."""

    run_id: str
    owner: str
    minutes: int = 60
    prefix: str = ""

    @property
    def table(self) -> str:
        """The quoted name of the lock table."""
        return f"{quote(self.prefix + 'ops')}.{quote('load_lock')}"

    def acquire(self, connection: Connection, tables: Sequence[str]) -> None:
        """Take the lease on all tables, in one transaction that is committed.

        Raises:
            LoadError: another owner holds it, and it has not run out; or a load of another run is under way.
        """
        cursor = connection.cursor()
        cursor.execute(create_table(self.table, COLUMNS) + " diststyle all")
        connection.commit()
        self._lock(cursor)
        cursor.execute(
            f"select run_id, owner, expires_at from {self.table} where expires_at > getdate() and owner <> %s",  # noqa: S608
            (self.owner,),
        )
        holders = cursor.fetchall()
        if holders:
            connection.rollback()
            run_id, owner, expires_at = holders[0]
            raise LoadError(
                f"another run writes to this warehouse: run {run_id} of {owner}, until "
                f"{expires_at:%Y-%m-%d %H:%M} UTC at the latest. Wait until it has ended. If it was killed, wait for "
                f"that time or delete its rows from {self.table}."
            )
        cursor.execute(f"delete from {self.table}")  # noqa: S608
        rows = ", ".join([f"(%s, %s, %s, {self._end()})"] * len(tables))
        values: list[Any] = [value for table in tables for value in (table, self.run_id, self.owner)]
        cursor.execute(f"insert into {self.table} (table_name, run_id, owner, expires_at) values {rows}", values)  # noqa: S608
        connection.commit()

    def _lock(self, cursor: Cursor) -> None:
        """Lock the table before it is read: the transaction's snapshot is taken then, so it is never old."""
        cursor.execute(f"set statement_timeout to {LOCK_SECONDS * 1000}")
        try:
            cursor.execute(f"lock {self.table}")
        except DatabaseError as error:
            if state_of(error) != CANCELED:
                raise
            raise LoadError(
                f"a load of another run is under way in this warehouse, for {LOCK_SECONDS} s and more. "
                "Wait until it has ended, then run again."
            ) from error
        cursor.execute("set statement_timeout to 0")

    def prove(self, cursor: Cursor, table: str) -> None:
        """Renew the lease on one table, as the first statement of a load's transaction.

        Raises:
            LoadError: another run has taken over.
        """
        mine = "where table_name = %s and run_id = %s"
        cursor.execute(f"update {self.table} set expires_at = {self._end()} {mine}", (table, self.run_id))  # noqa: S608
        cursor.execute(f"select count(*) from {self.table} {mine}", (table, self.run_id))  # noqa: S608
        if tuple(cursor.fetchone() or ()) != (1,):
            raise LoadError(
                f"{table}: another run has taken over this warehouse, for the lease of {self.minutes} minutes had run "
                "out. Nothing of this table was loaded; run again, or set RETAIL_REDSHIFT_LEASE_MINUTES higher."
            )

    def release(self, connection: Connection) -> None:
        """Give the lease back."""
        connection.cursor().execute(f"delete from {self.table} where run_id = %s", (self.run_id,))  # noqa: S608
        connection.commit()

    def _end(self) -> str:
        return f"dateadd(minute, {int(self.minutes)}, getdate())"
