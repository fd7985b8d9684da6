"""The embedded warehouse: one DuckDB file in the work folder, the default target."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from flows.errors import LoadError
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

    def prepare(self, contracts: Iterable[Contract]) -> None:
        for schema in SCHEMAS:
            self._connect().execute(f"create schema if not exists {quote(schema)}")
        self._connect().execute(create_table(LEDGER, LEDGER_COLUMNS))
        for contract in contracts:
            self._connect().execute(create_table(raw_table(contract), raw_columns(contract)))
            self._check_columns(contract)

    def read_ledger(self) -> list[LedgerRow]:
        columns = ", ".join(map(quote, LEDGER_COLUMNS))
        rows = self._connect().execute(f"select {columns} from {LEDGER} order by table_name, file_name").fetchall()  # noqa: S608
        return [LedgerRow(*row) for row in rows]

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
        connection = self._connect()
        connection.begin()
        try:
            self._replace_rows(contract, conversion, entry)
            self._write_ledger(entry)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        return entry

    def engine(self) -> Engine:
        self.close()
        return create_engine("duckdb://", creator=lambda: duckdb.connect(str(self.path)), poolclass=NullPool)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """Plain, without options: within one process every connection to a file must have the same configuration."""
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._connection = duckdb.connect(str(self.path))
            except duckdb.IOException as error:
                raise LoadError(
                    f"{self.path}: the warehouse cannot be opened; another program may hold it. "
                    f"Close it and run again. DuckDB says: {error}"
                ) from error
        return self._connection

    def _replace_rows(self, contract: Contract, conversion: Conversion, entry: LedgerRow) -> None:
        connection, table = self._connect(), raw_table(contract)
        connection.execute(f"delete from {table} where _file = ?", [entry.file_name])  # noqa: S608
        if conversion.parts:
            columns = [name for name in raw_columns(contract) if name not in ("_run_id", "_loaded_at")]
            listed = ", ".join(map(quote, columns))
            connection.execute(
                f"insert into {table} ({listed}, _run_id, _loaded_at) "  # noqa: S608
                f"select {listed}, ?, ?::timestamp from read_parquet(?)",
                [entry.run_id, entry.loaded_at, [_literal_path(part.path) for part in conversion.parts]],
            )
        counted = connection.execute(f"select count(*) from {table} where _file = ?", [entry.file_name]).fetchone()  # noqa: S608
        found = counted[0] if counted else 0
        if found != entry.rows_loaded:
            raise LoadError(
                f"{entry.file_name}: {entry.rows_loaded} rows were to be loaded into {table}, {found} arrived. "
                "Nothing of the file was loaded; run again."
            )

    def _write_ledger(self, entry: LedgerRow) -> None:
        connection = self._connect()
        connection.execute(
            f"delete from {LEDGER} where table_name = ? and file_name = ?",  # noqa: S608
            [entry.table_name, entry.file_name],
        )
        columns = ", ".join(map(quote, LEDGER_COLUMNS))
        marks = ", ".join("?" for _ in LEDGER_COLUMNS)
        values = [getattr(entry, column) for column in LEDGER_COLUMNS]
        connection.execute(f"insert into {LEDGER} ({columns}) values ({marks})", values)  # noqa: S608

    def _check_columns(self, contract: Contract) -> None:
        found = [row[0] for row in self._connect().execute(f"describe {raw_table(contract)}").fetchall()]
        expected = list(raw_columns(contract))
        if found != expected:
            raise LoadError(
                f"{raw_table(contract)} has the columns {', '.join(found)}; the contract has {', '.join(expected)}. "
                f"Drop the table and its rows in {LEDGER}, then run again to load its files anew."
            )


def _literal_path(path: Path) -> str:
    """A path that DuckDB does not take for a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
