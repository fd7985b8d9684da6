"""What a warehouse can do, what the ledger says, and the DDL that follows from the contracts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import dataframely as dy
import polars as pl
from sqlalchemy import Engine

from flows.lake.contracts import Contract
from flows.lake.convert import Conversion

RAW_SCHEMA = "raw"
LEDGER = '"ops"."load_ledger"'
SCHEMAS = ("raw", "staging", "intermediate", "data_mart", "ops")
LINEAGE_COLUMNS = {
    "_file": "varchar(1024)",
    "_file_sha256": "varchar(64)",
    "_row": "bigint",
    "_run_id": "varchar(64)",
    "_loaded_at": "timestamp",
}
LEDGER_COLUMNS = {
    "table_name": "varchar(64)",
    "file_name": "varchar(1024)",
    "file_sha256": "varchar(64)",
    "rows_in": "bigint",
    "rows_loaded": "bigint",
    "rows_quarantined": "bigint",
    "run_id": "varchar(64)",
    "loaded_at": "timestamp",
}


@dataclass(frozen=True)
class LedgerRow:
    """One source file that is loaded now; `loaded_at` is naive UTC."""

    table_name: str
    file_name: str
    file_sha256: str
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    run_id: str
    loaded_at: datetime


class Warehouse(Protocol):
    """Where the raw tables live. A connection is opened by the first call and held until `close`."""

    def prepare(self, contracts: Iterable[Contract]) -> None:
        """Create schemas, raw tables and the ledger where they are missing; check the columns of those that exist."""

    def read_ledger(self) -> list[LedgerRow]:
        """The files that are loaded now, sorted by table and file."""

    def count_rows(self, contract: Contract) -> dict[str, int]:
        """File → how many of its rows the raw table holds; to be compared with the ledger."""

    def load_file(self, contract: Contract, conversion: Conversion, run_id: str) -> LedgerRow:
        """Replace the rows of one file, in one transaction with the count check and the ledger row.

        Raises:
            LoadError: a part is not the one that was written, or the counts differ; nothing was changed.
        """

    def engine(self) -> Engine:
        """A SQLAlchemy engine that reads the marts."""

    def close(self) -> None:
        """Let go of the connection; the next call opens a new one."""


def raw_columns(contract: Contract) -> dict[str, str]:
    """Column → SQL type of a raw table: the contract's columns in order, then the lineage."""
    return {name: sql_type(column) for name, column in contract.columns.items()} | LINEAGE_COLUMNS


def sql_type(column: dy.Column) -> str:
    """The SQL type, alike on DuckDB and Redshift; a VARCHAR's length is in bytes, as Redshift counts them."""
    dtype = column.dtype
    if isinstance(column, dy.String):
        return f"varchar({column.max_length})"
    if isinstance(dtype, pl.Decimal):
        return f"decimal({dtype.precision},{dtype.scale})"
    if isinstance(dtype, pl.Datetime):
        return "timestamp"
    return {pl.Int64(): "bigint", pl.Boolean(): "boolean"}[dtype]


def raw_table(contract: Contract) -> str:
    """The quoted name of a raw table."""
    return f"{quote(RAW_SCHEMA)}.{quote(contract.table)}"


def quote(identifier: str) -> str:
    """An SQL identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def create_table(name: str, columns: dict[str, str]) -> str:
    """`create table if not exists` of quoted columns; `name` is quoted already."""
    return f"create table if not exists {name} ({', '.join(f'{quote(c)} {t}' for c, t in columns.items())})"
