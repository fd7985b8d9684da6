"""What a warehouse can do: the twin modules `duckdb/warehouse.py` and `redshift/warehouse.py` do it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Engine

from flows.lake.contracts import Contract
from flows.lake.convert import Conversion
from flows.lake.forgetting import Forgotten
from flows.warehouse.ledger import DeliveryRow, LedgerRow, Version
from flows.warehouse.waiting import AT_ONCE, Patience

if TYPE_CHECKING:
    from flows.warehouse.builds import Build, Gate


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
