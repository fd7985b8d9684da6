"""The embedded warehouse: one DuckDB file in the work folder, the default target.

SQL holds its values as literals: binding one single parameter makes DuckDB's client import pandas, a second each run.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path

import duckdb
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from flows.errors import ConfigError, LoadError
from flows.lake.contracts import Contract
from flows.lake.convert import Conversion
from flows.lake.parts import Part
from flows.warehouse.base import (
    LEDGER_COLUMNS,
    SCHEMAS,
    LedgerRow,
    check_counts,
    create_table,
    ledger_table,
    new_entries,
    quote,
    raw_columns,
    raw_table,
)

LEDGER = ledger_table()


class DuckDBWarehouse:
    """A DuckDB file; see `flows.warehouse.base.Warehouse` for what each function promises."""

    parallel_loads = 1

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._counts: dict[str, dict[str, int]] = {}

    def hold(self, run_id: str) -> AbstractContextManager[None]:  # noqa: ARG002
        """Nothing to do: whoever holds the work folder is alone with the file in it."""
        return nullcontext()

    def prepare(self, contracts: Iterable[Contract]) -> None:
        with self._explained("the tables cannot be made"):
            for schema in SCHEMAS:
                self._connect().execute(f"create schema if not exists {quote(schema)}")
            self._connect().execute(create_table(LEDGER, LEDGER_COLUMNS))
            for contract in contracts:
                self._connect().execute(create_table(raw_table(contract), raw_columns(contract)))
                self._check_columns(contract)

    def read_ledger(self) -> list[LedgerRow]:
        columns = ", ".join(map(quote, LEDGER_COLUMNS))
        with self._explained("the ledger cannot be read"):
            rows = self._connect().execute(f"select {columns} from {LEDGER} order by table_name, file_name").fetchall()  # noqa: S608
        return [LedgerRow(*row) for row in rows]

    def count_rows(self, contract: Contract) -> dict[str, int]:
        """Counted once a connection and then kept up to date: no other process writes while this one is open."""
        if contract.table not in self._counts:
            with self._explained(f"{raw_table(contract)} cannot be read"):
                rows = self._connect().execute(f"select _file, count(*) from {raw_table(contract)} group by _file")  # noqa: S608
                self._counts[contract.table] = dict(rows.fetchall())
        return dict(self._counts[contract.table])

    def load_files(self, contract: Contract, conversions: Sequence[Conversion], run_id: str) -> list[LedgerRow]:
        for conversion in conversions:
            for part in conversion.parts:
                part.verify()
        entries = new_entries(conversions, run_id)
        known = self.count_rows(contract)
        names = ", ".join(literal(entry.file_name) for entry in entries)
        with self._explained(f"{_describe(entries)} not loaded"), self._transaction():
            if any(entry.file_name in known for entry in entries):
                self._connect().execute(f"delete from {raw_table(contract)} where _file in ({names})")  # noqa: S608
            self._write_ledger(contract, names, entries)
            self._insert_rows(contract, [part for conversion in conversions for part in conversion.parts])
            check_counts(entries, self._count_loaded(contract, entries[0].loaded_at))
        counts = self._counts[contract.table]
        counts |= {entry.file_name: entry.rows_loaded for entry in entries}
        self._counts[contract.table] = {name: rows for name, rows in counts.items() if rows}
        return entries

    def engine(self) -> Engine:
        self.close()
        return create_engine("duckdb://", creator=lambda: duckdb.connect(str(self.path)), poolclass=NullPool)

    def close(self) -> None:
        self._counts.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """Plain, without options: within one process every connection to a file must have the same configuration."""
        if self._connection is None:
            self._check_path()
            try:
                if not self.path.exists():
                    self._create()
                self._connection = duckdb.connect(str(self.path))
                # the rows of a raw table have no order, and keeping one costs 40 % of an insert's time
                self._connection.execute("set preserve_insertion_order = false")
            except (duckdb.Error, OSError) as error:
                raise LoadError(
                    f"{self.path}: the warehouse cannot be opened; another program may hold it. "
                    f"Close it and run again. DuckDB says: {error}"
                ) from error
            # DuckDB makes this folder when it needs it; one that is there now was left by a process that was killed
            shutil.rmtree(self.path.with_name(f"{self.path.name}.tmp"), ignore_errors=True)
        return self._connection

    def _check_path(self) -> None:
        if self.path.is_symlink() or (self.path.exists() and not self.path.is_file()):
            raise ConfigError(
                f"{self.path}: is a link or no plain file, so it cannot be the warehouse. Move it away, "
                "or name another folder with --work-dir or RETAIL_WORK_DIR."
            )

    def _create(self) -> None:
        """Make the file beside: DuckDB cannot open one that was left half made."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.path.name}.new")
        for leftover in (beside, beside.with_name(f"{beside.name}.wal"), self.path.with_name(f"{self.path.name}.wal")):
            leftover.unlink(missing_ok=True)  # also a log whose database is gone, as DuckDB itself does
        duckdb.connect(str(beside)).close()
        beside.replace(self.path)

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """Say what failed and the cure for what DuckDB raises."""
        try:
            yield
        except duckdb.Error as error:
            raise LoadError(
                f"{self.path}: {what}; the last good state stands. Check the free space and the rights there, "
                f"then run again. DuckDB says: {error}"
            ) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        connection = self._connect()
        connection.begin()
        try:
            yield
            connection.commit()
        except BaseException:
            with suppress(duckdb.Error):  # a failed commit has ended the transaction already
                connection.rollback()
            raise

    def _write_ledger(self, contract: Contract, names: str, entries: Sequence[LedgerRow]) -> None:
        connection = self._connect()
        connection.execute(
            f"delete from {LEDGER} where table_name = {literal(contract.table)} and file_name in ({names})"  # noqa: S608
        )
        columns = ", ".join(map(quote, LEDGER_COLUMNS))
        rows = ", ".join(
            f"({', '.join(literal(str(getattr(entry, column))) for column in LEDGER_COLUMNS)})" for entry in entries
        )
        connection.execute(f"insert into {LEDGER} ({columns}) values {rows}")  # noqa: S608

    def _insert_rows(self, contract: Contract, parts: Sequence[Part]) -> None:
        """Insert the parts; what they do not hold of the lineage is in the ledger, which is written first."""
        if not parts:
            return
        lineage = {"_file_sha256": "file_sha256", "_run_id": "run_id", "_loaded_at": "loaded_at"}
        columns = list(raw_columns(contract))
        selected = ", ".join(f"ledger.{lineage[c]}" if c in lineage else f"parts.{quote(c)}" for c in columns)
        paths = ", ".join(literal(_without_patterns(part.path)) for part in parts)
        self._connect().execute(
            f"insert into {raw_table(contract)} ({', '.join(map(quote, columns))}) "  # noqa: S608
            f"select {selected} from read_parquet([{paths}]) as parts join {LEDGER} as ledger "
            f"on ledger.table_name = {literal(contract.table)} and ledger.file_name = parts._file"
        )

    def _count_loaded(self, contract: Contract, loaded_at: datetime) -> dict[str, int]:
        """File → rows of the transaction of that time; the time spares reading the whole table."""
        rows = self._connect().execute(
            f"select _file, count(*) from {raw_table(contract)} "  # noqa: S608
            f"where _loaded_at = timestamp {literal(loaded_at.isoformat())} group by _file"
        )
        return dict(rows.fetchall())

    def _check_columns(self, contract: Contract) -> None:
        found = [row[0] for row in self._connect().execute(f"describe {raw_table(contract)}").fetchall()]
        expected = list(raw_columns(contract))
        if found != expected:
            raise LoadError(
                f"{raw_table(contract)} has the columns {', '.join(found)}; the contract has {', '.join(expected)}. "
                "Drop the table, then run again to load its files anew."
            )


def _describe(entries: Sequence[LedgerRow]) -> str:
    others = len(entries) - 1
    return entries[0].file_name + (f" and {others} more files were" if others else " was")


def literal(text: str) -> str:
    """A text as an SQL literal; in DuckDB nothing but the quote itself has a meaning within quotes."""
    return "'" + text.replace("'", "''") + "'"


def _without_patterns(path: Path) -> str:
    """A path that DuckDB does not take for a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
