"""Schemas and tables of a Redshift database, made from the contracts; those of an earlier version are upgraded."""

from __future__ import annotations

from collections.abc import Iterable

from redshift_connector.core import Connection
from redshift_connector.cursor import Cursor

from flows.lake.contracts import Contract
from flows.warehouse.ddl import SCHEMAS, create_table, quote
from flows.warehouse.ledger import DELIVERY_COLUMNS, LEDGER_COLUMNS, LedgerRow
from flows.warehouse.redshift.load import insert_rows
from flows.warehouse.redshift.placement import placement
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
    """Make missing tables and bring older ones up to date, in one transaction.

    Raises:
        LoadError: tables differ by more than columns that they may lack.
    """
    cursor = connection.cursor()
    found = _read_columns(cursor, prefix)
    changes = find_changes(list_tables(contracts), found, lambda sql: sql.replace('"', f'"{prefix}', 1) + ";")
    for table, how in changes:
        if how == "missing":
            cursor.execute(_create(table, prefix))
        elif lacks_deliveries(table, found[table.schema, table.name]):
            _upgrade_ledger(cursor, prefix)
        else:
            _add_columns(cursor, table, found[table.schema, table.name], prefix)
    if any(table.name == DELIVERIES.name for table, _ in changes):
        cursor.execute(f"select {_names(LEDGER_COLUMNS)} from {LEDGER.quoted(prefix)}")  # noqa: S608
        rows = deliveries_of(LedgerRow(*row) for row in cursor.fetchall())
        insert_rows(cursor, DELIVERIES.quoted(prefix), DELIVERY_COLUMNS, rows)
    connection.commit()


def _upgrade_ledger(cursor: Cursor, prefix: str) -> None:
    cursor.execute(f"select {_names(OLD_LEDGER)} from {LEDGER.quoted(prefix)}")  # noqa: S608
    rows = upgrade_ledger(cursor.fetchall())
    cursor.execute(f"drop table {LEDGER.quoted(prefix)}")
    cursor.execute(_create(LEDGER, prefix))
    insert_rows(cursor, LEDGER.quoted(prefix), LEDGER_COLUMNS, rows)


def _add_columns(cursor: Cursor, table: Table, found: Iterable[str], prefix: str) -> None:
    """Let the table have what it lacks, null in every row; no row is written, and rights and views stay.

    One column a statement, behind all others. It may stand in a transaction, unlike a change of a type, and locks the
    table until its end (AWS: "ALTER TABLE").
    """
    for name, kind in list_added(table, found).items():
        cursor.execute(f"alter table {table.quoted(prefix)} add column {quote(name)} {kind}")


def _create(table: Table, prefix: str, end: str = "") -> str:
    return create_table(table.quoted(prefix, end), table.columns) + placement(table.contract)


def _read_columns(cursor: Cursor, prefix: str) -> Found:
    cursor.execute(
        "select table_schema, table_name, column_name, data_type, character_maximum_length, numeric_precision, "
        "numeric_scale from information_schema.columns where table_schema in (%s, %s) order by ordinal_position",
        (f"{prefix}raw", f"{prefix}ops"),
    )
    found: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, *kind in cursor.fetchall():
        found.setdefault((schema.removeprefix(prefix), table), {})[column] = _type_name(*kind)
    return found


def _names(columns: Iterable[str]) -> str:
    return ", ".join(map(quote, columns))


def _type_name(data_type: str, length: int | None, precision: int | None, scale: int | None) -> str:
    """A type of the catalogue in the words of `sql_type`."""
    if data_type == "character varying":
        return f"varchar({length})"
    if data_type == "numeric":
        return f"decimal({precision},{scale})"
    return {"timestamp without time zone": "timestamp"}.get(data_type, data_type)
