"""What a warehouse can do, what the ledger says, and the DDL that follows from the contracts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

import dataframely as dy
import polars as pl
from sqlalchemy import Engine

from flows.errors import LoadError
from flows.lake.contracts import Contract
from flows.lake.convert import Conversion
from flows.lake.forgetting import Forgotten
from flows.lake.parts import version_sha256
from flows.warehouse.waiting import AT_ONCE, Patience

if TYPE_CHECKING:
    from flows.warehouse.builds import Build, Gate

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
    "delivered_at": "timestamp",
    "delivery_date": "date",
    "valid_from_date": "date",
    "delivery_order": "varchar(4096)",
    "profile_sha256": "varchar(64)",
    "contract_sha256": "varchar(64)",
    "object_sha256": "varchar(64)",
}
DELIVERY_COLUMNS = {
    "table_name": "varchar(64)",
    "file_name": "varchar(1024)",
    "file_sha256": "varchar(64)",
    "delivered_at": "timestamp",
    "run_id": "varchar(64)",
    "valid_from_date": "date",
}
# what the archive of replaced rows says of their delivery: the ledger's columns, with an underscore
DELIVERY_LINEAGE = {
    "_delivered_at": "timestamp",
    "_delivery_date": "date",
    "_valid_from_date": "date",
    "_delivery_order": "varchar(4096)",
}


class Version(NamedTuple):
    """Certain bytes under a certain name: what is delivered, once or again."""

    table_name: str
    file_name: str
    file_sha256: str

    @classmethod
    def of(cls, conversion: Conversion) -> Version:
        """The version that was converted."""
        return cls(conversion.table, conversion.file_name, conversion.file_sha256)


@dataclass(frozen=True)
class DeliveryRow:
    """One version of a file that an ingest has seen, loaded or not; `delivered_at` is naive UTC."""

    table_name: str
    file_name: str
    file_sha256: str
    delivered_at: datetime
    run_id: str
    valid_from_date: date

    @property
    def version(self) -> Version:
        """What was delivered."""
        return Version(self.table_name, self.file_name, self.file_sha256)


@dataclass(frozen=True)
class LedgerRow:
    """One source file that is loaded now; times are naive UTC. Four are those of `flows.lake.deliveries`.

    `profile_sha256` tells how the file was read where a source profile said it, else None. `contract_sha256` tells
    under which version of its contract it was converted; None for one that was loaded before the ledger noted it.
    `object_sha256` tells which version of an object in S3 it came from, if it came from there.
    """

    table_name: str
    file_name: str
    file_sha256: str
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    run_id: str
    loaded_at: datetime
    delivered_at: datetime
    delivery_date: date
    valid_from_date: date
    delivery_order: str
    profile_sha256: str | None = None
    contract_sha256: str | None = None
    object_sha256: str | None = None

    @property
    def read_sha256(self) -> str:
        """What names this reading of these bytes."""
        return version_sha256(self.file_sha256, self.profile_sha256)


class Warehouse(Protocol):
    """Where the raw tables live. A connection is opened by the first call and held until `close`.

    `parallel_loads` says from how many threads at once `load_files` may be called, each with another table;
    `batch_bytes` (of the lake's parts) and `batch_files`, how much of a table one call should take.
    """

    parallel_loads: int
    batch_bytes: int
    batch_files: int

    tell_lost: Callable[[str], object]
    """Told why, from another thread, as soon as it is known that another run has taken over what this one holds."""

    def hold(self, run_id: str, holder: str = "", patience: Patience = AT_ONCE) -> AbstractContextManager[None]:
        """Be the only run that writes to the warehouse; `holder` is what others are told of this run.

        Raises:
            LoadError: another run holds it, for longer than `patience`; the message says which, and for how long at
                most if it was killed.
        """

    def interrupt(self) -> None:
        """From another thread: end the statements that run, so that whoever waits for them gets an error; for good."""

    def find_blockers(self) -> list[str]:
        """Who of others locks tables of this warehouse just now, and which: a sentence each; empty if nobody does."""

    def let_go(self) -> None:
        """Give back what `hold` took, for a process that is about to end; once more is nothing."""

    def prove_hold(self) -> None:
        """Prove that this run still holds the warehouse: nobody else has written to it since `hold` began.

        Raises:
            LoadError: another run has taken over, or no run holds it.
        """

    def prepare(self, contracts: Iterable[Contract]) -> None:
        """Create schemas, raw tables and ledgers where they are missing; add columns that older ones may lack.

        Nothing is dropped, and what is loaded stays; a new column is null there, and stands behind all others.

        Raises:
            LoadError: tables differ otherwise; nothing was changed.
        """

    def clear_stage(self) -> list[int] | None:
        """Remove what killed runs left on its way into this warehouse, as `prepare` does too; the bytes of each object.

        None where nothing is staged. For the one run that holds the warehouse.
        """

    def read_ledger(self) -> list[LedgerRow]:
        """The files that are loaded now, sorted by table and file."""

    def find_miscounted(self, expected: Mapping[str, int]) -> set[str]:
        """Of these tables (table → rows by the ledger), those that must be counted file by file.

        At least those that hold another number of rows. To be asked when a run begins.
        """

    def count_rows(self, contract: Contract) -> dict[str, int]:
        """File → how many of its rows the raw table holds; to be compared with the ledger."""

    def note_deliveries(self, versions: Sequence[Version], run_id: str) -> list[DeliveryRow]:
        """The delivery of each version, in this order; those that are new are noted, all with the moment of now.

        To be called before anything is loaded, so that the next try of a run that was killed finds them.
        """

    def note_objects(self, rows: Sequence[LedgerRow]) -> None:
        """Replace these rows of the ledger, which differ from what it says only in `object_sha256`.

        Raises:
            LoadError: another run has taken over the warehouse.
        """

    def load_files(self, contract: Contract, conversions: Sequence[Conversion], run_id: str) -> list[LedgerRow]:
        """Replace the rows of these files of one table, in one transaction with the count checks and ledger rows.

        What is replaced goes into the archive of the table, if its contract has a history. `loaded_at` is later than
        that of every load of this table before.

        Raises:
            LoadError: a part is not the one that was written, or the counts of a file differ; nothing was changed.
        """

    def read_forgotten(self) -> Forgotten:
        """The customers whose id and name nothing may be loaded with (`flows.lake.forgetting`)."""

    def note_forgotten(self, forgotten: Forgotten, run_id: str) -> None:
        """Write down what is not yet noted of them, so that no load from now on brings them back."""

    def find_names(self, ids: Sequence[str]) -> dict[str, set[str]]:
        """Customer id → every name under which a table still knows them."""

    def replace_customers(self, ids: Sequence[str], forgotten: Forgotten, *, is_trial: bool = False) -> dict[str, int]:
        """Exchange their ids and names in every table, in one transaction; return how many rows of which table.

        In a trial nothing is changed.
        """

    def purge_staged(self, *, is_trial: bool = False) -> int:
        """Remove for good what loads left elsewhere on their way here, older versions too; return how many contents.

        In a trial they are only counted.

        Raises:
            ConfigError: the role may not know whether there are older versions.
            LoadError: something could not be removed.
        """

    def rewrite(self) -> None:
        """See to it that no bytes stay of rows that are deleted, as far as that is ours to do."""

    def read_usage(self, seconds: int) -> int | None:
        """RPU-seconds that were charged in the last `seconds`, whoever used them, as far as they were counted.

        None where nothing is charged by them, or the user may not know.
        """

    def read_gate(self) -> Gate | None:
        """Which build the marts come from; None where nothing was ever built."""

    def read_build(self) -> Build | None:
        """The build that the marts come from, if it passed as a whole; else None: the marts are untested."""

    def record_build(self, build: Build) -> None:
        """Write a build into the build ledger, in place of what dbt's own hook wrote of it.

        Raises:
            LoadError: another run has taken over the warehouse.
        """

    def engine(self) -> Engine:
        """A SQLAlchemy engine that reads the marts."""

    def close(self) -> None:
        """Let go of the connection; the next call opens a new one."""


def check_counts(entries: Sequence[LedgerRow], found: Mapping[str, int]) -> None:
    """Compare what each file was to bring with the rows the raw table now holds of it (file → rows).

    Raises:
        LoadError: names every file whose count differs.
    """
    counts = [(entry.file_name, entry.rows_loaded, found.get(entry.file_name, 0)) for entry in entries]
    wrong = [
        f"  - {name}: {rows:,} rows were to be loaded, {came:,} arrived" for name, rows, came in counts if came != rows
    ]
    if wrong:
        raise LoadError("\n".join([f"raw.{entries[0].table_name}: nothing was loaded; run again.", *wrong[:5]]))


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
