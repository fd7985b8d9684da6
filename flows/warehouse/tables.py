"""The tables that an ingest needs, and how those that are there differ: one by one the same, missing, or older.

Contracts and columns found in, the tables to make or to bring up to date out. Older is a table that a version before
this one made: it lacks columns that may be null, or that follow from the others. It is made anew with what it holds.
Any other difference is refused. Nothing is read or written here; both warehouses use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from flows.errors import LoadError
from flows.lake.contracts import Contract
from flows.lake.deliveries import delivery_date, delivery_order, valid_from_date
from flows.warehouse.base import (
    DELIVERY_COLUMNS,
    DELIVERY_LINEAGE,
    LEDGER_COLUMNS,
    DeliveryRow,
    LedgerRow,
    archive_columns,
    quote,
    raw_columns,
)
from flows.warehouse.builds import BUILD_COLUMNS
from flows.warehouse.forgetting import FORGOTTEN_COLUMNS, KEY_COLUMNS

NEW_IN_LEDGER = frozenset(name.removeprefix("_") for name in DELIVERY_LINEAGE)
NULL_IN_LEDGER = frozenset({"profile_sha256"})  # no file of an earlier version was read with a profile
OLD_LEDGER = [name for name in LEDGER_COLUMNS if name not in NEW_IN_LEDGER | NULL_IN_LEDGER]
Found = Mapping[tuple[str, str], dict[str, str]]  # (schema without prefix, table) → column → SQL type


@dataclass(frozen=True)
class Table:
    """A table as it must be: column → SQL type, in order. `addable` are those that an older one may lack."""

    schema: str
    name: str
    columns: dict[str, str]
    addable: frozenset[str] = frozenset()
    contract: Contract | None = None

    def quoted(self, prefix: str = "", end: str = "") -> str:
        """Its quoted name; `prefix` is that of every schema, `end` makes that of a table beside it."""
        return f"{quote(prefix + self.schema)}.{quote(self.name + end)}"


LEDGER = Table("ops", "load_ledger", LEDGER_COLUMNS, NEW_IN_LEDGER | NULL_IN_LEDGER)
DELIVERIES = Table("ops", "deliveries", DELIVERY_COLUMNS)
BUILDS = Table("ops", "build_ledger", BUILD_COLUMNS)
FORGOTTEN = Table("ops", "forgotten_customers", FORGOTTEN_COLUMNS)
KEY = Table("ops", "forgetting_key", KEY_COLUMNS)


def list_tables(contracts: Iterable[Contract]) -> Iterator[Table]:
    """All tables of an ingest."""
    yield from (LEDGER, DELIVERIES, BUILDS, FORGOTTEN, KEY)
    for contract in contracts:
        addable = frozenset(name for name, column in contract.columns.items() if column.nullable)
        yield Table("raw", contract.table, raw_columns(contract), addable, contract)
        if contract.history != "none":
            yield Table("ops", f"replaced_{contract.table}", archive_columns(contract), addable)


def find_changes(
    tables: Iterable[Table], found: Found, command: Callable[[str], str]
) -> list[tuple[Table, Literal["missing", "older"]]]:
    """What must be made, and what brought up to date; `command` gives what a person runs for a statement.

    Raises:
        LoadError: a table has other columns or types; the message has the command that makes way for a new one.
    """
    changes: list[tuple[Table, Literal["missing", "older"]]] = []
    for table in tables:
        there = found.get((table.schema, table.name))
        if there is None:
            changes.append((table, "missing"))
        elif list(there.items()) != list(table.columns.items()):
            if not _is_older(table, there):
                raise LoadError(_describe(table, there, command))
            changes.append((table, "older"))
    return changes


def lacks_deliveries(table: Table, found: Iterable[str]) -> bool:
    """Whether an older table is a ledger from before deliveries were noted."""
    return table.name == LEDGER.name and not set(found) >= NEW_IN_LEDGER


def upgrade_ledger(rows: Iterable[Sequence[Any]]) -> list[LedgerRow]:
    """Ledger rows without the columns of deliveries, as `OLD_LEDGER` has them → whole ones.

    A file counts as delivered when it was loaded. The first delivery of a table is what its earliest run loaded.
    """
    old = [dict(zip(OLD_LEDGER, row, strict=True)) for row in rows]
    first: dict[str, str] = {}
    for row in sorted(old, key=lambda row: row["loaded_at"]):
        first.setdefault(row["table_name"], row["run_id"])
    return [_complete(row, is_first=first[row["table_name"]] == row["run_id"]) for row in old]


def deliveries_of(ledger: Iterable[LedgerRow]) -> list[DeliveryRow]:
    """What the ledger tells of deliveries, for a warehouse that has no list of them."""
    return [
        DeliveryRow(row.table_name, row.file_name, row.file_sha256, row.delivered_at, row.run_id, row.valid_from_date)
        for row in ledger
    ]


def _complete(row: dict[str, Any], *, is_first: bool) -> LedgerRow:
    name: str = row["file_name"]
    delivered_at: datetime = row["loaded_at"]
    since = valid_from_date(name, delivered_at, is_first=is_first)
    return LedgerRow(
        **row,
        delivered_at=delivered_at,
        delivery_date=delivery_date(name, delivered_at),
        valid_from_date=since,
        delivery_order=delivery_order(name, delivered_at, since),
    )


def _is_older(table: Table, found: dict[str, str]) -> bool:
    lacking = table.columns.keys() - found.keys()
    kept = [(name, kind) for name, kind in table.columns.items() if name not in lacking]
    return lacking <= table.addable and list(found.items()) == kept


def _describe(table: Table, found: dict[str, str], command: Callable[[str], str]) -> str:
    there, wanted = (", ".join(f"{name} {kind}" for name, kind in c.items()) for c in (found, table.columns))
    name = f'"{table.schema}".{table.name}'
    cure = f"Drop the table, then run again to load its files anew: {command(f'drop table {name}')}"
    if table.name.startswith("replaced_"):
        renamed = command(f"alter table {name} rename to {table.name}_before")
        cure = f"It holds what no file brings back, so rename it, then run again: {renamed}"
    return f"{name} has the columns {there}; the contract has {wanted}. {cure}"
