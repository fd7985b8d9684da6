"""The tables that an ingest needs, and how those that are there differ: one by one the same, missing, or older.

Contracts and columns found in, the tables to make or to bring up to date out. Older is a table that was made before a
column was: one that files may lack, so that it is null in what is loaded already, or one that follows from the others.
Any other difference is refused. The order of columns says nothing: who reads or writes a table names them. Nothing is
read or written here; both warehouses use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from flows.errors import LoadError
from flows.lake.contracts import Contract
from flows.lake.deliveries import delivery_date, delivery_order, valid_from_date
from flows.warehouse.builds import BUILD_COLUMNS
from flows.warehouse.ddl import DELIVERY_LINEAGE, archive_columns, quote, raw_columns
from flows.warehouse.forgetting import FORGOTTEN_COLUMNS, KEY_COLUMNS
from flows.warehouse.ledger import DELIVERY_COLUMNS, LEDGER_COLUMNS, DeliveryRow, LedgerRow

NEW_IN_LEDGER = frozenset(name.removeprefix("_") for name in DELIVERY_LINEAGE)
NULL_IN_LEDGER = frozenset({"profile_sha256", "contract_sha256", "object_sha256"})  # no earlier version noted them
OLD_LEDGER = [name for name in LEDGER_COLUMNS if name not in NEW_IN_LEDGER | NULL_IN_LEDGER]
CONTRACT_CURE = (
    "If the contract was changed, undo that first: of a table that exists, it may only gain columns that files may "
    "lack (is_optional, docs/adding-a-column.md)."
)
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
        addable = frozenset(contract.columns.keys() - set(contract.required))
        yield Table("raw", contract.table, raw_columns(contract), addable, contract)
        if contract.history != "none":
            yield Table("ops", f"replaced_{contract.table}", archive_columns(contract), addable)


def find_changes(
    tables: Iterable[Table], found: Found, command: Callable[[str], str]
) -> list[tuple[Table, Literal["missing", "older"]]]:
    """What must be made, and what brought up to date; `command` gives what a person runs for a statement.

    Raises:
        LoadError: tables have other columns or types; the message says which, and what makes way for new ones.
    """
    changes: list[tuple[Table, Literal["missing", "older"]]] = []
    refused: list[str] = []
    for table in tables:
        there = found.get((table.schema, table.name))
        if there is None:
            changes.append((table, "missing"))
        elif faults := list(_find_faults(table, there)):
            refused += [f"  - {fault}" for fault in faults] + [f"    {_cure(table, command)}"]
        elif there.keys() != table.columns.keys():
            changes.append((table, "older"))
    if refused:
        raise LoadError(
            "\n".join(["the warehouse does not fit the contracts; nothing was changed.", *refused, CONTRACT_CURE])
        )
    return changes


def list_added(table: Table, found: Iterable[str]) -> dict[str, str]:
    """Column → SQL type of what an older table lacks, in the order of the contract."""
    there = set(found)
    return {name: kind for name, kind in table.columns.items() if name not in there}


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


def _find_faults(table: Table, found: Mapping[str, str]) -> Iterator[str]:
    """What no added column mends."""
    name = f'"{table.schema}".{table.name}'
    for column, kind in table.columns.items():
        if column not in found and column not in table.addable:
            yield f"{name}: {column} {kind} is lacking, and no file may lack it"
        elif found.get(column, kind) != kind:
            yield f"{name}: {column} is {found[column]}, the contract says {kind}"
    for column, kind in found.items():
        if column not in table.columns:
            yield f"{name}: {column} {kind} is not in the contract"


def _cure(table: Table, command: Callable[[str], str]) -> str:
    name = f'"{table.schema}".{table.name}'
    if table.name.startswith("replaced_"):
        renamed = command(f"alter table {name} rename to {table.name}_before")
        return f"It holds what no file brings back, so rename it, then run again: {renamed}"
    dropped = command(f"drop table {name}")
    return f"Drop the table, then run again to load its files anew, if the source still has them all: {dropped}"
