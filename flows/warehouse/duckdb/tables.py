"""Schemas and tables of a DuckDB file, made from the contracts; those of an earlier version are brought up to date."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import duckdb

from flows.lake.contracts import Contract
from flows.warehouse.ddl import LINEAGE_COLUMNS, SCHEMAS, create_table, quote
from flows.warehouse.duckdb.load import insert_rows
from flows.warehouse.ledger import DELIVERY_COLUMNS, LEDGER_COLUMNS, LedgerRow
from flows.warehouse.tables import (
    DELIVERIES,
    LEDGER,
    OLD_LEDGER,
    Found,
    Table,
    deliveries_of,
    find_changes,
    lacks_deliveries,
    list_added,
    list_tables,
    upgrade_ledger,
)

OF_AN_ORDER = "order_id"  # in items and refunds, nearly as various as their keys


def make_schemas(connection: duckdb.DuckDBPyConnection) -> None:
    """Create missing schemas."""
    for schema in SCHEMAS:
        connection.execute(f"create schema if not exists {quote(schema)}")


def make_tables(connection: duckdb.DuckDBPyConnection, contracts: Iterable[Contract], path: Path) -> None:
    """Make missing tables and bring older ones up to date, within one transaction that the caller opens.

    Raises:
        LoadError: tables differ by more than columns that they may lack.
    """

    def command(sql: str) -> str:
        return f"""python -c "import duckdb; duckdb.connect('{path}').execute('{sql.replace('"', "")}')\""""

    tables = [_without_lengths(table) for table in list_tables(contracts)]
    found = _read_columns(connection)
    changes = find_changes(tables, found, command)
    for table, how in changes:
        if how == "missing":
            connection.execute(create_table(table.quoted(), _with_compression(table)))
        elif lacks_deliveries(table, found[table.schema, table.name]):
            _upgrade_ledger(connection)
        else:
            _add_columns(connection, table, found[table.schema, table.name])
    if any(table.name == DELIVERIES.name for table, _ in changes):
        rows = connection.execute(f"select {_names(LEDGER_COLUMNS)} from {LEDGER.quoted()}").fetchall()  # noqa: S608
        insert_rows(connection, DELIVERIES.quoted(), DELIVERY_COLUMNS, deliveries_of(LedgerRow(*row) for row in rows))


def _upgrade_ledger(connection: duckdb.DuckDBPyConnection) -> None:
    rows = connection.execute(f"select {_names(OLD_LEDGER)} from {LEDGER.quoted()}").fetchall()  # noqa: S608
    connection.execute(f"drop table {LEDGER.quoted()}")
    connection.execute(create_table(LEDGER.quoted(), LEDGER_COLUMNS))
    insert_rows(connection, LEDGER.quoted(), LEDGER_COLUMNS, upgrade_ledger(rows))


def _add_columns(connection: duckdb.DuckDBPyConnection, table: Table, found: Iterable[str]) -> None:
    """Let the table have what it lacks, null in every row."""
    for name, kind in list_added(table, found).items():
        connection.execute(f"alter table {table.quoted()} add column {quote(name)} {kind}")


def _read_columns(connection: duckdb.DuckDBPyConnection) -> Found:
    rows = connection.execute(
        "select schema_name, table_name, column_name, lower(data_type) from duckdb_columns() "
        "where schema_name in ('raw', 'ops') and database_name = current_database() order by column_index"
    ).fetchall()
    found: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, kind in rows:
        found.setdefault((schema, table), {})[column] = kind
    return found


def _without_lengths(table: Table) -> Table:
    """The table with the types that DuckDB keeps: a VARCHAR has no length there."""
    columns = {name: re.sub(r"varchar\(\d+\)", "varchar", kind) for name, kind in table.columns.items()}
    return Table(table.schema, table.name, columns, table.addable, table.contract)


def _with_compression(table: Table) -> dict[str, str]:
    """Column → SQL type of a new table, and of a raw one how its texts are packed where that is known beforehand.

    DuckDB tries each of its ways on each text, which is a tenth of an insert's time: a table of all texts does nothing
    for keys, which are all different, nor for the orders that items are of; it is the best for the lineage, which is
    the same in each row of a file.
    """
    if table.schema != "raw" or table.contract is None:
        return table.columns
    key = table.contract.key[0] if len(table.contract.key) == 1 else ""
    ways = dict.fromkeys(LINEAGE_COLUMNS, "dictionary") | dict.fromkeys((key, OF_AN_ORDER), "fsst")
    return {
        name: f"{kind} using compression {ways[name]}" if name in ways and kind.startswith("varchar") else kind
        for name, kind in table.columns.items()
    }


def _names(columns: Iterable[str]) -> str:
    return ", ".join(map(quote, columns))
