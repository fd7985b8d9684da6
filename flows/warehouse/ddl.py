"""Names and SQL types of the tables that an ingest needs, as the contracts say; alike on both warehouses."""

from __future__ import annotations

from collections.abc import Callable

import dataframely as dy
import polars as pl

from flows.lake.contracts import Contract

SCHEMAS = ("raw", "staging", "intermediate", "data_mart", "ops")
LINEAGE_COLUMNS = {
    "_file": "varchar(1024)",
    "_file_sha256": "varchar(64)",
    "_row": "bigint",
    "_run_id": "varchar(64)",
    "_loaded_at": "timestamp",
}
# what the archive of replaced rows says of their delivery: the ledger's columns, with an underscore
DELIVERY_LINEAGE = {
    "_delivered_at": "timestamp",
    "_delivery_date": "date",
    "_valid_from_date": "date",
    "_delivery_order": "varchar(4096)",
}


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


def raw_table(contract: Contract, prefix: str = "") -> str:
    """The quoted name of a raw table; `prefix` is that of every schema."""
    return f"{quote(prefix + 'raw')}.{quote(contract.table)}"


def ledger_table(prefix: str = "") -> str:
    """The quoted name of the ledger."""
    return f"{quote(prefix + 'ops')}.{quote('load_ledger')}"


def deliveries_table(prefix: str = "") -> str:
    """The quoted name of the list of all versions that were ever delivered."""
    return f"{quote(prefix + 'ops')}.{quote('deliveries')}"


def archive_table(contract: Contract, prefix: str = "") -> str:
    """The quoted name of the archive of rows that a later delivery of their file replaced."""
    return f"{quote(prefix + 'ops')}.{quote('replaced_' + contract.table)}"


def archive_columns(contract: Contract) -> dict[str, str]:
    """Column → SQL type of the archive: those of the raw table, then when they were delivered and replaced."""
    return raw_columns(contract) | DELIVERY_LINEAGE | {"_replaced_at": "timestamp"}


def select_reused(
    contract: Contract, table: str, parts: str, new: Callable[[str], str] = lambda name: f"parts.{quote(name)}"
) -> str:
    """SQL: the keys of rows of `table` that rows of `parts` give to something else; `new` reads a column of these.

    It ends within a condition on the rows `held`, to go on with `and`. The key is one column. It is no correlated
    subquery, of which Redshift knows few (AWS: "Correlated subqueries").
    """
    (key,) = contract.key
    other = " or ".join(f"held.{quote(name)} <> {new(name)}" for name in contract.identity)
    return (
        f"select held.{quote(key)} from {table} as held join {parts} as parts "  # noqa: S608
        f"on held.{quote(key)} = {new(key)} where ({other})"
    )


def quote(identifier: str) -> str:
    """An SQL identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def create_table(name: str, columns: dict[str, str]) -> str:
    """`create table if not exists` of quoted columns; `name` is quoted already."""
    return f"create table if not exists {name} ({', '.join(f'{quote(c)} {t}' for c, t in columns.items())})"
