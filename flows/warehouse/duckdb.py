"""The embedded warehouse: one DuckDB file in the work folder, the default target.

SQL holds its values as literals: binding one single parameter makes DuckDB's client import pandas, a second each run.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from flows.errors import ConfigError, LoadError
from flows.lake.contracts import Contract
from flows.lake.convert import Conversion
from flows.warehouse.base import (
    LEDGER,
    LEDGER_COLUMNS,
    SCHEMAS,
    LedgerRow,
    create_table,
    quote,
    raw_columns,
    raw_table,
)


class DuckDBWarehouse:
    """A DuckDB file; see `flows.warehouse.base.Warehouse` for what each function promises."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._counts: dict[str, dict[str, int]] = {}

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

    def load_file(self, contract: Contract, conversion: Conversion, run_id: str) -> LedgerRow:
        for part in conversion.parts:
            part.verify()
        entry = LedgerRow(
            table_name=conversion.table,
            file_name=conversion.file_name,
            file_sha256=conversion.file_sha256,
            rows_in=conversion.rows_in,
            rows_loaded=conversion.rows_loaded,
            rows_quarantined=conversion.rows_quarantined,
            run_id=run_id,
            loaded_at=datetime.now(UTC).replace(tzinfo=None),
        )
        is_loaded = conversion.file_name in self.count_rows(contract)
        with self._explained(f"{conversion.file_name} was not loaded"), self._transaction():
            if is_loaded:
                name = literal(entry.file_name)
                self._connect().execute(f"delete from {raw_table(contract)} where _file = {name}")  # noqa: S608
            self._insert_rows(contract, conversion, entry)
            self._write_ledger(entry)
        counts = self._counts[contract.table]
        counts.pop(entry.file_name, None)
        if entry.rows_loaded:
            counts[entry.file_name] = entry.rows_loaded
        return entry

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

    def _insert_rows(self, contract: Contract, conversion: Conversion, entry: LedgerRow) -> None:
        connection, table = self._connect(), raw_table(contract)
        loaded_at = f"timestamp {literal(entry.loaded_at.isoformat())}"
        if conversion.parts:
            known = {
                "_file_sha256": literal(entry.file_sha256),
                "_run_id": literal(entry.run_id),
                "_loaded_at": loaded_at,
            }
            columns = list(raw_columns(contract))
            selected = ", ".join(known.get(name, quote(name)) for name in columns)
            paths = ", ".join(literal(_without_patterns(part.path)) for part in conversion.parts)
            connection.execute(
                f"insert into {table} ({', '.join(map(quote, columns))}) "  # noqa: S608
                f"select {selected} from read_parquet([{paths}])"
            )
        # by the time of loading too: it spares reading the whole table, which the bare name does not
        counted = connection.execute(
            f"select count(*) from {table} where _loaded_at = {loaded_at} and _file = {literal(entry.file_name)}"  # noqa: S608
        ).fetchone()
        found = counted[0] if counted else 0
        if found != entry.rows_loaded:
            raise LoadError(
                f"{entry.file_name}: {entry.rows_loaded} rows were to be loaded into {table}, {found} arrived. "
                "Nothing of the file was loaded; run again."
            )

    def _write_ledger(self, entry: LedgerRow) -> None:
        connection = self._connect()
        connection.execute(
            f"delete from {LEDGER} where table_name = {literal(entry.table_name)} "  # noqa: S608
            f"and file_name = {literal(entry.file_name)}"
        )
        columns = ", ".join(map(quote, LEDGER_COLUMNS))
        values = ", ".join(literal(str(getattr(entry, column))) for column in LEDGER_COLUMNS)
        connection.execute(f"insert into {LEDGER} ({columns}) values ({values})")  # noqa: S608

    def _check_columns(self, contract: Contract) -> None:
        found = [row[0] for row in self._connect().execute(f"describe {raw_table(contract)}").fetchall()]
        expected = list(raw_columns(contract))
        if found != expected:
            raise LoadError(
                f"{raw_table(contract)} has the columns {', '.join(found)}; the contract has {', '.join(expected)}. "
                "Drop the table, then run again to load its files anew."
            )


def literal(text: str) -> str:
    """A text as an SQL literal; in DuckDB nothing but the quote itself has a meaning within quotes."""
    return "'" + text.replace("'", "''") + "'"


def _without_patterns(path: Path) -> str:
    """A path that DuckDB does not take for a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
