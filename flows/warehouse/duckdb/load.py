"""The statements that load files into a raw table of a DuckDB file, within one transaction that the caller opens.

SQL holds its values as literals: binding one single parameter makes DuckDB's client import pandas, a second each run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from flows.lake.contract_versions import find_lacking
from flows.lake.contracts import Contract
from flows.lake.parts import Part
from flows.warehouse.ddl import (
    DELIVERY_LINEAGE,
    archive_columns,
    archive_table,
    deliveries_table,
    ledger_table,
    quote,
    raw_columns,
    raw_table,
    select_reused,
)
from flows.warehouse.ledger import LEDGER_COLUMNS, DeliveryRow, LedgerRow, check_counts

LEDGER = ledger_table()
DELIVERIES = deliveries_table()
LATE_COLUMNS = {"_file_sha256": "file_sha256", "_run_id": "run_id", "_loaded_at": "loaded_at"}  # raw → ledger


@dataclass(frozen=True)
class Load:
    """Files of one table that are loaded together; there are no parts if all their records are in quarantine.

    `replaced` are those of them of which another version is loaded.
    """

    contract: Contract
    entries: Sequence[LedgerRow]
    parts: Sequence[Part]
    replaced: Sequence[str] = ()

    def run(self, connection: duckdb.DuckDBPyConnection, *, is_replacing: bool) -> None:
        """Replace the rows of these files and their ledger rows, keep what was replaced, and compare the counts.

        Raises:
            LoadError: the counts of a file differ; the transaction must be rolled back.
        """
        names = _literals(entry.file_name for entry in self.entries)
        if self.contract.history != "none" and self.replaced:
            self._archive_rows(connection)
        if is_replacing:
            connection.execute(f"delete from {self._table} where _file in ({names})")  # noqa: S608
        self._write_ledger(connection, names)
        self._insert_rows(connection)
        if self.contract.history == "vanished":
            self._prune_archive(connection)
        check_counts(self.entries, self._count_loaded(connection, self.entries[0].loaded_at))

    @property
    def _table(self) -> str:
        return raw_table(self.contract)

    def _archive_rows(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Keep the rows that are about to be replaced, with what the ledger says of their delivery."""
        columns = ", ".join(map(quote, archive_columns(self.contract)))
        kept = [f"loaded.{quote(name)}" for name in raw_columns(self.contract)]
        kept += [f"ledger.{quote(name.removeprefix('_'))}" for name in DELIVERY_LINEAGE]
        connection.execute(
            f"insert into {archive_table(self.contract)} ({columns}) "  # noqa: S608
            f"select {', '.join(kept)}, timestamp {literal(str(self.entries[0].loaded_at))} "
            f"from {self._table} as loaded join {LEDGER} as ledger "
            f"on ledger.table_name = {literal(self.contract.table)} and ledger.file_name = loaded._file "
            f"where loaded._file in ({_literals(self.replaced)}){self._only_reused()}"
        )

    def _only_reused(self) -> str:
        """Of a table that keeps these alone: the rows whose key the new parts give to something else."""
        if self.contract.history != "reused":
            return ""
        if not self.parts:
            return " and false"
        reused = select_reused(self.contract, self._table, self._new_rows)
        replaced = f"held._file in ({_literals(self.replaced)})"
        return f" and loaded.{quote(self.contract.key[0])} in ({reused} and {replaced})"

    @property
    def _new_rows(self) -> str:
        """The rows of the parts; a column that some of them are too old for is null there."""
        paths = ", ".join(literal(_without_patterns(part.path)) for part in self.parts)
        lacking = find_lacking(self.parts, self.contract)
        if not lacking:
            return f"read_parquet([{paths}])"
        types = raw_columns(self.contract)
        nothing = ", ".join(f"cast(null as {types[name]}) as {quote(name)}" for name in sorted(lacking))
        return (
            f"(select {nothing} where false union all by name "  # noqa: S608
            f"select * from read_parquet([{paths}], union_by_name = true))"
        )

    def _prune_archive(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Keep only what raw has no more: records whose key no file delivers now."""
        key = " and ".join(f"raw.{quote(name)} = archive.{quote(name)}" for name in self.contract.key)
        connection.execute(
            f"delete from {archive_table(self.contract)} as archive "  # noqa: S608
            f"where exists (select 1 from {self._table} as raw where {key})"
        )

    def _write_ledger(self, connection: duckdb.DuckDBPyConnection, names: str) -> None:
        table = literal(self.contract.table)
        connection.execute(f"delete from {LEDGER} where table_name = {table} and file_name in ({names})")  # noqa: S608
        insert_rows(connection, LEDGER, LEDGER_COLUMNS, self.entries)

    def _insert_rows(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Insert the parts; what they do not hold of the lineage is in the ledger, which is written first."""
        if not self.parts:
            return
        columns = list(raw_columns(self.contract))
        selected = ", ".join(f"ledger.{LATE_COLUMNS[c]}" if c in LATE_COLUMNS else f"parts.{quote(c)}" for c in columns)
        connection.execute(
            f"insert into {self._table} ({', '.join(map(quote, columns))}) "  # noqa: S608
            f"select {selected} from {self._new_rows} as parts join {LEDGER} as ledger "
            f"on ledger.table_name = {literal(self.contract.table)} and ledger.file_name = parts._file"
        )

    def _count_loaded(self, connection: duckdb.DuckDBPyConnection, loaded_at: datetime) -> dict[str, int]:
        """File → rows of the transaction of that time; the time spares reading the whole table."""
        rows = connection.execute(
            f"select _file, count(*) from {self._table} "  # noqa: S608
            f"where _loaded_at = timestamp {literal(loaded_at.isoformat())} group by _file"
        )
        return dict(rows.fetchall())


def insert_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Iterable[str],
    rows: Sequence[LedgerRow] | Sequence[DeliveryRow],
) -> None:
    """Insert these rows into the ledger or the list of deliveries, `table`, whose name is quoted already."""
    columns = list(columns)
    values = ", ".join(f"({', '.join(_value(getattr(row, column)) for column in columns)})" for row in rows)
    if rows:
        connection.execute(f"insert into {table} ({', '.join(map(quote, columns))}) values {values}")  # noqa: S608


def _value(value: object) -> str:
    return "null" if value is None else literal(str(value))


def _literals(texts: Iterable[str]) -> str:
    return ", ".join(map(literal, texts))


def literal(text: str) -> str:
    """A text as an SQL literal; in DuckDB nothing but the quote itself has a meaning within quotes."""
    return "'" + text.replace("'", "''") + "'"


def _without_patterns(path: Path) -> str:
    """A path that DuckDB does not take for a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
