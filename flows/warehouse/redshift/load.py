"""The one transaction that loads files into a Redshift table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redshift_connector.core import Connection
from redshift_connector.cursor import Cursor

from flows.lake.contracts import Contract
from flows.warehouse.ddl import (
    DELIVERY_LINEAGE,
    archive_columns,
    archive_table,
    ledger_table,
    quote,
    raw_columns,
    raw_table,
    select_reused,
)
from flows.warehouse.ledger import LEDGER_COLUMNS, DeliveryRow, LedgerRow, check_counts
from flows.warehouse.redshift.copy_command import CopyCommand
from flows.warehouse.redshift.dialect import LATE_COLUMNS, cast_back
from flows.warehouse.redshift.lease import Lease
from flows.warehouse.redshift.values import Values
from flows.warehouse.versions import find_replaced

BATCH_ROWS = 500  # of one INSERT: its bind parameters are counted with 16 bits


@dataclass(frozen=True)
class Known:
    """What is there of some files before they are loaded.

    `loaded` is what the ledger says of those that it knows; `replaced` are those of them of which another version is
    loaded, and `astray` those of which the table holds something else than the ledger says, for someone has changed it
    by hand.
    """

    loaded: Sequence[LedgerRow] = ()
    replaced: Sequence[str] = ()
    astray: Sequence[str] = ()


def find_known(entries: Sequence[LedgerRow], ledger: Sequence[LedgerRow], counts: Mapping[str, int] | None) -> Known:
    """What is there of the files of these entries; `counts` (file → rows) only if the table was counted."""
    names = [entry.file_name for entry in entries]
    loaded = [row for row in ledger if row.file_name in set(names)]
    rows = {row.file_name: row.rows_loaded for row in loaded}
    astray = [name for name in names if counts is not None and counts.get(name, 0) != rows.get(name, 0)]
    return Known(loaded, find_replaced(entries, ledger), astray)


@dataclass(frozen=True)
class Load:
    """Files of one table that are loaded together; `copy` is None if all their records are in quarantine.

    `values` are what the table must hold of them in the end, `known` is what it holds of them before.
    """

    contract: Contract
    entries: Sequence[LedgerRow]
    copy: CopyCommand | None
    values: Values
    known: Known
    prefix: str = ""

    def run(self, connection: Connection, lease: Lease, *, is_again: bool) -> None:
        """COPY, replace the rows of these files, keep what was replaced; compare with the parts, and commit.

        What other tables' loads write as well, the fence and the ledger, is written last: such a table is locked from
        then on until the commit (`lease`), so that loads of several tables wait for each other's ends only.

        With `is_again` an earlier try may have been committed, though nobody heard of it, or be about to be. Proving
        the lease waits for one that is, and undoes one that is not.

        Raises:
            LoadError: COPY refused the parts, a count or value differs, or another run has taken over; nothing was
                changed.
        """
        cursor = connection.cursor()
        if is_again and self._was_committed(connection, lease):
            return
        self._note_entries(cursor)
        if self.copy:
            self.copy.run(connection)
        if self.contract.history != "none" and self.known.replaced:
            self._archive_rows(cursor)
        self._delete(cursor)
        if self.copy:
            self._insert_rows(cursor, self.copy.staged)
        if self.contract.history == "vanished":
            self._prune_archive(cursor)
        self._check_rows(cursor)
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
    def _noted(self) -> str:
        return quote(f"entries_{self.contract.table}")

    def _note_entries(self, cursor: Cursor) -> None:
        """Write the ledger rows into a temporary table, for the rows that are inserted to be joined with."""
        declared = ", ".join(f"{quote(name)} {sql_type}" for name, sql_type in LEDGER_COLUMNS.items())
        cursor.execute(f"create temporary table {self._noted} ({declared}) diststyle all")
        insert_rows(cursor, self._noted, LEDGER_COLUMNS, self.entries)

    def _archive_rows(self, cursor: Cursor) -> None:
        """Keep the rows that are about to be replaced, with what the ledger says of their delivery."""
        columns = ", ".join(map(quote, archive_columns(self.contract)))
        kept = [f"loaded.{quote(name)}" for name in raw_columns(self.contract)]
        kept += [f"ledger.{quote(name.removeprefix('_'))}" for name in DELIVERY_LINEAGE]
        condition, bound = self._rows_of(self.known.replaced, "loaded.")
        if self.contract.history == "reused":
            condition, bound = self._only_reused(condition, bound)
        cursor.execute(
            f"insert into {self._archive} ({columns}) "  # noqa: S608
            f"select {', '.join(kept)}, cast(%s as timestamp) "
            f"from {self._table} as loaded join {self._ledger} as ledger "
            f"on ledger.table_name = %s and ledger.file_name = loaded._file where {condition}",
            [self.entries[0].loaded_at, self.contract.table, *bound],
        )

    def _only_reused(self, condition: str, bound: list[Any]) -> tuple[str, list[Any]]:
        """Of the rows of this condition, those whose key the staged ones give to something else."""
        if self.copy is None:
            return "false", []
        types = raw_columns(self.contract)
        reused = select_reused(self.contract, self._table, self.copy.staged, lambda name: cast_back(name, types[name]))
        held, bound_held = self._rows_of(self.known.replaced, "held.")
        key = quote(self.contract.key[0])
        return f"{condition} and loaded.{key} in ({reused} and {held})", [*bound, *bound_held]

    def _prune_archive(self, cursor: Cursor) -> None:
        """Keep only what raw has no more: records whose key no file delivers now.

        If nothing was replaced, the archive is as it was, and only what is loaded now can have brought a key back.
        """
        table, archive = quote(self.contract.table), quote(f"replaced_{self.contract.table}")
        key = " and ".join(f"{table}.{quote(name)} = {archive}.{quote(name)}" for name in self.contract.key)
        only_new, bound = (
            (f" and {table}._loaded_at = %s", (self.entries[0].loaded_at,)) if not self.known.replaced else ("", ())
        )
        cursor.execute(f"delete from {self._archive} using {self._table} where {key}{only_new}", bound or None)  # noqa: S608

    def _delete(self, cursor: Cursor) -> None:
        """Delete the rows of files that the ledger knows, and nothing for a file that is new.

        A DELETE reads what its condition does not let it skip, and locks the table until the commit. The ledger says
        when these rows were loaded, by which the table is sorted. What lies astray is found by its name alone; so is
        all of it if the server says that it deleted another number of rows than the ledger has.
        """
        astray = list(self.known.astray)
        as_said = {row.file_name: row.rows_loaded for row in self.known.loaded if row.file_name not in astray}
        if as_said:
            condition, bound = self._rows_of(list(as_said))
            cursor.execute(f"delete from {self._table} where {condition}", bound)  # noqa: S608
            if 0 <= cursor.rowcount != sum(as_said.values()):
                astray += as_said
        if astray:
            cursor.execute(f"delete from {self._table} where _file in ({_marks(astray)})", astray)  # noqa: S608

    def _rows_of(self, names: Sequence[str], alias: str = "") -> tuple[str, list[Any]]:
        """The condition, and its parameters, for the rows of files that the ledger knows."""
        moments = [row.loaded_at for row in self.known.loaded if row.file_name in set(names)]
        condition = f"{alias}_file in ({_marks(names)}) and {alias}_loaded_at between %s and %s"
        return condition, [*names, min(moments), max(moments)]

    def _insert_rows(self, cursor: Cursor, staged: str) -> None:
        """Insert the staged rows, texts cast back, with what the ledger is to say of their file."""
        columns = raw_columns(self.contract)
        selected = ", ".join(
            f"entries.{LATE_COLUMNS[name]}" if name in LATE_COLUMNS else cast_back(name, kind)
            for name, kind in columns.items()
        )
        cursor.execute(
            f"insert into {self._table} ({', '.join(map(quote, columns))}) "  # noqa: S608
            f"select {selected} from {staged} as parts join {self._noted} as entries "
            "on entries.file_name = parts._file"
        )
        cursor.execute(f"drop table {staged}")

    def _check_rows(self, cursor: Cursor) -> None:
        """Compare what the table holds of this load with the ledger's counts, and with the parts value by value."""
        cursor.execute(self.values.query(self._table), (self.entries[0].loaded_at,))
        found = cursor.fetchall()
        check_counts(self.entries, {name: int(count) for name, count, *_ in found})
        self.values.check(found)

    def _write_ledger(self, cursor: Cursor) -> None:
        """Replace the ledger rows of these files; those of a file that is new are only written."""
        columns = ", ".join(map(quote, LEDGER_COLUMNS))
        if self.known.loaded:
            cursor.execute(
                f"delete from {self._ledger} where table_name = %s and file_name in ({_marks(self.known.loaded)})",  # noqa: S608
                [self.contract.table, *(row.file_name for row in self.known.loaded)],
            )
        cursor.execute(f"insert into {self._ledger} ({columns}) select {columns} from {self._noted}")  # noqa: S608
        cursor.execute(f"drop table {self._noted}")


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


def _marks(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))
