"""Schemas, raw tables and ledger of a Redshift database, made from the contracts; what is there is only checked."""

from __future__ import annotations

from collections.abc import Iterable

from redshift_connector.core import Connection
from redshift_connector.cursor import Cursor

from flows.errors import LoadError
from flows.lake.contracts import Contract
from flows.warehouse.base import (
    DELIVERY_COLUMNS,
    LEDGER_COLUMNS,
    SCHEMAS,
    archive_columns,
    archive_table,
    create_table,
    deliveries_table,
    ledger_table,
    quote,
    raw_columns,
    raw_table,
)
from flows.warehouse.builds import BUILD_COLUMNS, build_table

# Spread by the key, on which staging tells the versions of a record apart; the others fit on every node. Sorted by the
# time of loading: loads append in that order, the count check reads one load only, incremental models will do the same.
LARGE_TABLES = ("raw_customers", "raw_orders", "raw_items")


def make_schemas(connection: Connection, prefix: str) -> None:
    """Create missing schemas only: a user may own them all without the right to create any."""
    cursor = connection.cursor()
    cursor.execute("select nspname from pg_namespace")
    there = {row[0] for row in cursor.fetchall()}
    for schema in (prefix + name for name in SCHEMAS):
        if schema not in there:
            cursor.execute(f"create schema if not exists {quote(schema)}")
    connection.commit()


def make_tables(connection: Connection, contracts: Iterable[Contract], prefix: str) -> None:
    """Create missing raw tables and the ledgers.

    Raises:
        LoadError: a raw table has other columns or types than its contract.
    """
    cursor, chosen = connection.cursor(), list(contracts)
    cursor.execute(create_table(ledger_table(prefix), LEDGER_COLUMNS) + " diststyle all")
    cursor.execute(create_table(deliveries_table(prefix), DELIVERY_COLUMNS) + " diststyle all")
    cursor.execute(create_table(build_table(prefix), BUILD_COLUMNS) + " diststyle all")
    for contract in chosen:
        cursor.execute(create_table(raw_table(contract, prefix), raw_columns(contract)) + _distribution(contract))
        if contract.history != "none":
            cursor.execute(create_table(archive_table(contract, prefix), archive_columns(contract)) + " diststyle all")
    connection.commit()
    for contract in chosen:
        _check_columns(cursor, contract, prefix)


def _distribution(contract: Contract) -> str:
    if contract.table not in LARGE_TABLES:
        return " diststyle all"
    return f" diststyle key distkey ({quote(contract.key[0])}) sortkey (_loaded_at)"


def _check_columns(cursor: Cursor, contract: Contract, prefix: str) -> None:
    cursor.execute(
        "select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale "
        "from information_schema.columns where table_schema = %s and table_name = %s order by ordinal_position",
        (f"{prefix}raw", contract.table),
    )
    found = [f"{name} {_type_name(*kind)}" for name, *kind in cursor.fetchall()]
    expected = [f"{name} {sql_type}" for name, sql_type in raw_columns(contract).items()]
    if found != expected:
        raise LoadError(
            f"{raw_table(contract, prefix)} has the columns {', '.join(found)}; the contract has "
            f"{', '.join(expected)}. Drop the table, then run again to load its files anew."
        )


def _type_name(data_type: str, length: int | None, precision: int | None, scale: int | None) -> str:
    """A type of the catalogue in the words of `sql_type`."""
    if data_type == "character varying":
        return f"varchar({length})"
    if data_type == "numeric":
        return f"decimal({precision},{scale})"
    return {"timestamp without time zone": "timestamp"}.get(data_type, data_type)
