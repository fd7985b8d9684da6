"""Schemas, raw tables and ledger of a DuckDB file, made from the contracts; what is there is only checked."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

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


def make_schemas(connection: duckdb.DuckDBPyConnection) -> None:
    """Create missing schemas."""
    for schema in SCHEMAS:
        connection.execute(f"create schema if not exists {quote(schema)}")


def make_tables(connection: duckdb.DuckDBPyConnection, contracts: Iterable[Contract]) -> None:
    """Create missing raw tables and the ledgers.

    Raises:
        LoadError: a raw table has other columns than its contract.
    """
    connection.execute(create_table(ledger_table(), LEDGER_COLUMNS))
    connection.execute(create_table(deliveries_table(), DELIVERY_COLUMNS))
    connection.execute(create_table(build_table(), BUILD_COLUMNS))
    for contract in contracts:
        connection.execute(create_table(raw_table(contract), raw_columns(contract)))
        if contract.history != "none":
            connection.execute(create_table(archive_table(contract), archive_columns(contract)))
        _check_columns(connection, contract)


def _check_columns(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    found = [row[0] for row in connection.execute(f"describe {raw_table(contract)}").fetchall()]
    expected = list(raw_columns(contract))
    if found != expected:
        raise LoadError(
            f"{raw_table(contract)} has the columns {', '.join(found)}; the contract has {', '.join(expected)}. "
            "Drop the table, then run again to load its files anew."
        )
