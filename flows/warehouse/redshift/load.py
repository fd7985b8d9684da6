"""The one transaction that loads files into a Redshift table, and the words for it when it fails."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from redshift_connector.core import Connection
from redshift_connector.cursor import Cursor
from redshift_connector.error import DatabaseError

from flows.errors import ConfigError, LoadError
from flows.lake.contracts import Contract
from flows.warehouse.base import (
    DELIVERY_LINEAGE,
    LEDGER_COLUMNS,
    DeliveryRow,
    LedgerRow,
    archive_columns,
    archive_table,
    check_counts,
    ledger_table,
    quote,
    raw_columns,
    raw_table,
)
from flows.warehouse.redshift.failures import describe_error, is_transient
from flows.warehouse.redshift.lease import Lease

LATE_COLUMNS = {"_file_sha256": "file_sha256", "_run_id": "run_id", "_loaded_at": "loaded_at"}  # raw → ledger
BATCH_ROWS = 500  # of one INSERT: its bind parameters are counted with 16 bits


@dataclass(frozen=True)
class Load:
    """Files of one table that are loaded together; `manifest_url` is None if all their records are in quarantine.

    `replaced` are those of them of which another version is loaded.
    """

    contract: Contract
    entries: Sequence[LedgerRow]
    manifest_url: str | None
    copy_role: str
    prefix: str = ""
    replaced: Sequence[str] = ()

    def run(self, connection: Connection, lease: Lease, *, is_again: bool) -> None:
        """COPY, replace the rows of these files, keep what was replaced, compare the counts; commit.

        What other tables' loads write as well, the fence and the ledger, is written last: such a table is locked from
        then on until the commit (`lease`), so that loads of several tables wait for each other's ends only.

        With `is_again` an earlier try may have been committed, though nobody heard of it, or be about to be. Proving
        the lease waits for one that is, and undoes one that is not.

        Raises:
            LoadError: COPY refused the parts, a count differs, or another run has taken over; nothing was changed.
        """
        cursor = connection.cursor()
        if is_again and self._was_committed(connection, lease):
            return
        self._note_entries(cursor)
        if self.manifest_url:
            self._copy(connection, self.manifest_url)
        if self.contract.history != "none" and self.replaced:
            self._archive_rows(cursor)
        self._delete(cursor)
        if self.manifest_url:
            self._insert_rows(cursor)
        if self.contract.history == "vanished":
            self._prune_archive(cursor)
        self._check_counts(cursor)
        lease.prove(cursor, self.contract.table)
        self._write_ledger(cursor)
        connection.commit()

    def _was_committed(self, connection: Connection, lease: Lease) -> bool:
        """Fence earlier tries off, then ask the ledger, in a transaction that begins after that."""
        cursor = connection.cursor()
        lease.prove(cursor, self.contract.table)
        connection.commit()
        is_committed = self._is_committed(cursor)
        connection.rollback()
        return is_committed

    def _is_committed(self, cursor: Cursor) -> bool:
        """Whether the ledger has exactly these rows."""
        first = self.entries[0]
        cursor.execute(
            f"select count(*) from {self._ledger} where table_name = %s and run_id = %s and loaded_at = %s",  # noqa: S608
            (first.table_name, first.run_id, first.loaded_at),
        )
        return [int(row[0]) for row in cursor.fetchall()] == [len(self.entries)]

    @property
    def _table(self) -> str:
        return raw_table(self.contract, self.prefix)

    @property
    def _ledger(self) -> str:
        return ledger_table(self.prefix)

    @property
    def _archive(self) -> str:
        return archive_table(self.contract, self.prefix)

    @property
    def _staged(self) -> str:
        return quote(f"staged_{self.contract.table}")

    @property
    def _noted(self) -> str:
        return quote(f"entries_{self.contract.table}")

    def _note_entries(self, cursor: Cursor) -> None:
        """Write the ledger rows into a temporary table, for the rows that are inserted to be joined with."""
        declared = ", ".join(f"{quote(name)} {sql_type}" for name, sql_type in LEDGER_COLUMNS.items())
        cursor.execute(f"create temporary table {self._noted} ({declared}) diststyle all")
        insert_rows(cursor, self._noted, LEDGER_COLUMNS, self.entries)

    def _copy(self, connection: Connection, manifest_url: str) -> None:
        """COPY into a temporary table with exactly the columns of the parts."""
        cursor, columns = connection.cursor(), staged_columns(self.contract)
        declared = ", ".join(f"{quote(name)} {sql_type}" for name, sql_type in columns.items())
        cursor.execute(f"create temporary table {self._staged} ({declared})")
        try:
            cursor.execute(
                f"copy {self._staged} ({', '.join(map(quote, columns))}) from {_literal(manifest_url)} "
                f"iam_role {_role(self.copy_role)} format as parquet manifest"
            )
        except DatabaseError as error:
            if is_transient(error):
                raise
            connection.rollback()
            raise LoadError(self._explain(connection, error)) from error

    def _archive_rows(self, cursor: Cursor) -> None:
        """Keep the rows that are about to be replaced, with what the ledger says of their delivery."""
        columns = ", ".join(map(quote, archive_columns(self.contract)))
        kept = [f"loaded.{quote(name)}" for name in raw_columns(self.contract)]
        kept += [f"ledger.{quote(name.removeprefix('_'))}" for name in DELIVERY_LINEAGE]
        marks = ", ".join(["%s"] * len(self.replaced))
        cursor.execute(
            f"insert into {self._archive} ({columns}) "  # noqa: S608
            f"select {', '.join(kept)}, cast(%s as timestamp) "
            f"from {self._table} as loaded join {self._ledger} as ledger "
            f"on ledger.table_name = %s and ledger.file_name = loaded._file where loaded._file in ({marks})",
            [self.entries[0].loaded_at, self.contract.table, *self.replaced],
        )

    def _prune_archive(self, cursor: Cursor) -> None:
        """Keep only what raw has no more: records whose key no file delivers now."""
        table, archive = quote(self.contract.table), quote(f"replaced_{self.contract.table}")
        key = " and ".join(f"{table}.{quote(name)} = {archive}.{quote(name)}" for name in self.contract.key)
        cursor.execute(f"delete from {self._archive} using {self._table} where {key}")  # noqa: S608

    def _delete(self, cursor: Cursor) -> None:
        names = [entry.file_name for entry in self.entries]
        marks = ", ".join(["%s"] * len(names))
        cursor.execute(f"delete from {self._table} where _file in ({marks})", names)  # noqa: S608

    def _insert_rows(self, cursor: Cursor) -> None:
        """Insert the staged rows with what the ledger is to say of their file."""
        columns = list(raw_columns(self.contract))
        selected = ", ".join(
            f"entries.{LATE_COLUMNS[c]}" if c in LATE_COLUMNS else f"parts.{quote(c)}" for c in columns
        )
        cursor.execute(
            f"insert into {self._table} ({', '.join(map(quote, columns))}) "  # noqa: S608
            f"select {selected} from {self._staged} as parts join {self._noted} as entries "
            "on entries.file_name = parts._file"
        )
        cursor.execute(f"drop table {self._staged}")

    def _check_counts(self, cursor: Cursor) -> None:
        cursor.execute(
            f"select _file, count(*) from {self._table} where _loaded_at = %s group by _file",  # noqa: S608
            (self.entries[0].loaded_at,),
        )
        check_counts(self.entries, {name: int(count) for name, count in cursor.fetchall()})

    def _write_ledger(self, cursor: Cursor) -> None:
        """Replace the ledger rows of these files."""
        columns, names = ", ".join(map(quote, LEDGER_COLUMNS)), [entry.file_name for entry in self.entries]
        marks = ", ".join(["%s"] * len(names))
        cursor.execute(
            f"delete from {self._ledger} where table_name = %s and file_name in ({marks})",  # noqa: S608
            [self.contract.table, *names],
        )
        cursor.execute(f"insert into {self._ledger} ({columns}) select {columns} from {self._noted}")  # noqa: S608
        cursor.execute(f"drop table {self._noted}")

    def _explain(self, connection: Connection, error: DatabaseError) -> str:
        """Redshift's words, what SYS_LOAD_ERROR_DETAIL has of this session, the files, and the cure."""
        files = ", ".join(entry.file_name for entry in self.entries[:5])
        more = f" and {len(self.entries) - 5} more" if len(self.entries) > 5 else ""  # noqa: PLR2004
        lines = [f"raw.{self.contract.table}: COPY failed for {files}{more}. Redshift says: {describe_error(error)}"]
        with suppress(Exception):  # the first error is the one that must be read
            lines += [f"  - {line}" for line in _read_error_details(connection.cursor())]
            connection.rollback()
        lines.append(
            "Nothing of them was loaded. Check that the COPY role (RETAIL_REDSHIFT_COPY_ROLE) is attached to the "
            "warehouse and may read the bucket and its key; docs/redshift.md lists the rights. Then run again."
        )
        return "\n".join(lines)


def insert_rows(
    cursor: Cursor, table: str, columns: Iterable[str], rows: Sequence[LedgerRow] | Sequence[DeliveryRow]
) -> None:
    """Insert these rows into the ledger or the list of deliveries, `table`, whose name is quoted already."""
    columns = list(columns)
    marks = f"({', '.join(['%s'] * len(columns))})"
    for start in range(0, len(rows), BATCH_ROWS):
        batch = rows[start : start + BATCH_ROWS]
        values = [getattr(row, column) for row in batch for column in columns]
        names = ", ".join(map(quote, columns))
        cursor.execute(f"insert into {table} ({names}) values {', '.join([marks] * len(batch))}", values)  # noqa: S608


def staged_columns(contract: Contract) -> dict[str, str]:
    """Column → SQL type of the parts: the columns of the raw table without those that only the ledger knows."""
    return {name: kind for name, kind in raw_columns(contract).items() if name not in LATE_COLUMNS}


def _read_error_details(cursor: Cursor) -> list[str]:
    cursor.execute(
        "select trim(file_name), trim(column_name), trim(column_type), trim(error_message) "
        "from sys_load_error_detail where session_id = pg_backend_pid() order by start_time desc limit 5"
    )
    return [f"{file}: column {column} ({kind}): {message}" for file, column, kind, message in cursor.fetchall()]


def _literal(text: str) -> str:
    """A text that COPY takes as a literal only: a URL or a role, without quotes, backslashes and control characters."""
    if re.search(r"['\\\x00-\x1f]", text):
        raise ConfigError(f"{text!r}: quotes, backslashes and control characters cannot stand in a COPY command.")
    return f"'{text}'"


def _role(copy_role: str) -> str:
    return "default" if copy_role == "default" else _literal(copy_role)
