"""The embedded warehouse: one DuckDB file in the work folder, the default target."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from flows.errors import ConfigError, LoadError
from flows.lake.contracts import Contract
from flows.lake.convert import Conversion
from flows.lake.forgetting import Forgotten
from flows.warehouse import forgetting
from flows.warehouse.builds import BUILD_COLUMNS, Build, Gate, build_table, read_build, read_gate
from flows.warehouse.ddl import create_table, quote, raw_table
from flows.warehouse.duckdb.limit import interrupt_after
from flows.warehouse.duckdb.load import DELIVERIES, LEDGER, Load, insert_rows, literal
from flows.warehouse.duckdb.memory import bound_memory
from flows.warehouse.duckdb.rewriting import copy_database
from flows.warehouse.duckdb.tables import make_schemas, make_tables
from flows.warehouse.ledger import DELIVERY_COLUMNS, LEDGER_COLUMNS, DeliveryRow, LedgerRow, Version
from flows.warehouse.versions import find_deliveries, find_replaced, new_entries
from flows.warehouse.waiting import AT_ONCE, Patience


class DuckDBWarehouse:
    """A DuckDB file; see `flows.warehouse.base.Warehouse` for what each function promises.

    Above `memory_mb` MiB DuckDB spills into the folder of its file; None leaves it its own share of the machine's.
    What takes longer than `statement_seconds` is ended; 0: nothing is.
    """

    parallel_loads = 1
    batch_bytes, batch_files = 64 << 20, 200  # the cost of a commit would dominate small files

    def __init__(self, path: Path, memory_mb: int | None = None, statement_seconds: int = 0) -> None:
        self.path, self.memory_mb, self.statement_seconds = path, memory_mb, statement_seconds
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._counts: dict[str, dict[str, int]] = {}
        self.tell_lost: Callable[[str], object] = lambda _why: None

    def hold(self, run_id: str, holder: str = "", patience: Patience = AT_ONCE) -> AbstractContextManager[None]:  # noqa: ARG002
        """Nothing to do: whoever holds the work folder is alone with the file in it."""
        return nullcontext()

    def let_go(self) -> None:
        """Nothing to do: the kernel releases the lock on the work folder."""

    def find_blockers(self) -> list[str]:
        """None: whoever has the file open has it alone."""
        return []

    def read_usage(self, seconds: int) -> None:
        """Nothing is charged."""

    def interrupt(self) -> None:
        connection = self._connection
        if connection is not None:
            with suppress(duckdb.Error):  # it was closed meanwhile
                connection.interrupt()

    def prove_hold(self) -> None:
        """Nothing to do: the kernel's lock on the work folder cannot be lost."""

    def prepare(self, contracts: Iterable[Contract]) -> None:
        with self._explained("the tables cannot be made"):
            make_schemas(self._connect())
            with self._transaction():
                make_tables(self._connect(), contracts, self.path)

    def clear_stage(self) -> None:
        """Nothing is staged: parts are read where they lie."""

    def read_ledger(self) -> list[LedgerRow]:
        columns = ", ".join(map(quote, LEDGER_COLUMNS))
        with self._explained("the ledger cannot be read"):
            rows = self._connect().execute(f"select {columns} from {LEDGER} order by table_name, file_name").fetchall()  # noqa: S608
        return [LedgerRow(*row) for row in rows]

    def note_deliveries(self, versions: Sequence[Version], run_id: str) -> list[DeliveryRow]:
        ledger, columns = self.read_ledger(), ", ".join(map(quote, DELIVERY_COLUMNS))
        with self._explained("the deliveries cannot be noted"):
            rows = self._connect().execute(f"select {columns} from {DELIVERIES}").fetchall()  # noqa: S608
            found, new = find_deliveries(versions, [DeliveryRow(*row) for row in rows], ledger, run_id)
            insert_rows(self._connect(), DELIVERIES, DELIVERY_COLUMNS, new)
        return found

    def note_objects(self, rows: Sequence[LedgerRow]) -> None:
        with self._explained("the objects cannot be noted"), self._transaction():
            for row in rows:
                key = f"table_name = {literal(row.table_name)} and file_name = {literal(row.file_name)}"
                self._connect().execute(f"delete from {LEDGER} where {key}")  # noqa: S608
            insert_rows(self._connect(), LEDGER, LEDGER_COLUMNS, rows)

    def find_miscounted(self, expected: Mapping[str, int]) -> set[str]:
        """Those that should hold anything: they are counted file by file in any case, before they are loaded."""
        return {table for table, rows in expected.items() if rows}

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
        deliveries = self.note_deliveries([Version.of(conversion) for conversion in conversions], run_id)
        ledger = [row for row in self.read_ledger() if row.table_name == contract.table]
        entries = new_entries(conversions, deliveries, run_id, ledger)
        known = self.count_rows(contract)
        parts = [part for conversion in conversions for part in conversion.parts]
        load = Load(contract, entries, parts, find_replaced(entries, ledger))
        described = f"{_describe(entries)} not loaded"
        with self._explained(described), bound_memory(self._connect(), self.memory_mb), self._transaction():
            load.run(self._connect(), is_replacing=any(entry.file_name in known for entry in entries))
        counts = self._counts[contract.table]
        counts |= {entry.file_name: entry.rows_loaded for entry in entries}
        self._counts[contract.table] = {name: rows for name, rows in counts.items() if rows}
        return entries

    def read_forgotten(self) -> Forgotten:
        with self._explained("who is forgotten cannot be read"):
            return forgetting.read_forgotten(self._execute)

    def note_forgotten(self, forgotten: Forgotten, run_id: str) -> None:
        with self._explained("who is forgotten cannot be noted"), self._transaction():
            forgetting.note_forgotten(self._execute, forgotten, run_id)

    def find_names(self, ids: Sequence[str]) -> dict[str, set[str]]:
        with self._explained("customers cannot be read"):
            return forgetting.find_names(self._execute, ids)

    def replace_customers(self, ids: Sequence[str], forgotten: Forgotten, *, is_trial: bool = False) -> dict[str, int]:
        with self._explained("customers cannot be replaced"), self._transaction():
            return forgetting.replace_customers(self._execute, ids, forgotten, is_trial=is_trial)

    def purge_staged(self, *, is_trial: bool = False) -> int:  # noqa: ARG002 - there is no such place
        return 0

    def rewrite(self) -> None:
        """Copy all there is into a new file that takes the place of the old one: blocks that are free keep bytes."""
        with self._explained("the file cannot be written anew"):
            beside = self._clear_beside()
            copy_database(self._connect(), beside)
        self.close()
        _log_of(self.path).unlink(missing_ok=True)  # what it held was copied
        beside.replace(self.path)

    def read_gate(self) -> Gate | None:
        return read_gate(self._query)

    def read_build(self) -> Build | None:
        return read_build(self._query)

    def record_build(self, build: Build) -> None:
        values = ", ".join("null" if value is None else literal(str(value)) for value in build.values)
        with self._explained("the build cannot be recorded"), self._transaction():
            connection = self._connect()
            connection.execute(create_table(build_table(), BUILD_COLUMNS))
            connection.execute(f"delete from {build_table()} where build_id = {literal(build.build_id)}")  # noqa: S608
            connection.execute(f"insert into {build_table()} ({', '.join(BUILD_COLUMNS)}) values ({values})")  # noqa: S608

    def engine(self) -> Engine:
        self.close()
        return create_engine("duckdb://", creator=self._open_file, poolclass=NullPool)

    def _open_file(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(str(self.path))
        if self.memory_mb:
            connection.execute(f"set memory_limit = '{self.memory_mb}MiB'")
        return connection

    def close(self) -> None:
        self._counts.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _execute(self, sql: str, values: Sequence[Any]) -> list[Any]:
        """Run a statement; what stands for %s in it is written as literals, for DuckDB keeps no text of statements."""
        return self._connect().execute(sql.replace("%s", "{}").format(*map(_literal, values))).fetchall()

    def _query(self, sql: str) -> list[Any]:
        with self._explained("it cannot be read"):
            return self._connect().execute(sql).fetchall()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """Plain, without options: within one process every connection to a file must have the same configuration."""
        if self._connection is None:
            self._check_path()
            try:
                if not self.path.exists():
                    self._create()
                self._connection = self._open_file()
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
        beside = self._clear_beside()
        _log_of(self.path).unlink(missing_ok=True)  # a log whose database is gone, as DuckDB itself does
        duckdb.connect(str(beside)).close()
        beside.replace(self.path)

    def _clear_beside(self) -> Path:
        """Where a new file is made; what a killed run left there is gone."""
        beside = self.path.with_name(f".{self.path.name}.new")
        for leftover in (beside, _log_of(beside)):
            leftover.unlink(missing_ok=True)
        return beside

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """Say what failed and the cure for what DuckDB raises."""
        try:
            with interrupt_after(self._connect(), self.statement_seconds):
                yield
        except duckdb.Error as error:
            if isinstance(error, duckdb.FatalException):  # a checkpoint on a full disk: only a new connection reads
                self.close()
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


def _literal(value: object) -> str:
    return str(value) if isinstance(value, int) else literal(str(value))


def _log_of(database: Path) -> Path:
    return database.with_name(f"{database.name}.wal")


def _describe(entries: Sequence[LedgerRow]) -> str:
    others = len(entries) - 1
    return entries[0].file_name + (f" and {others} more files were" if others else " was")
