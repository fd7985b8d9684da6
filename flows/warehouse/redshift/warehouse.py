"""The production warehouse: Amazon Redshift, Serverless or provisioned; twin of `duckdb/warehouse.py`.

Parts go to S3 and are loaded in one transaction (`load`). An outage is followed by another try; whether a
commit that was never answered took effect is read from the ledger.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import groupby
from typing import Any, TypeVar

from redshift_connector.core import Connection
from redshift_connector.cursor import Cursor
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from flows.errors import LoadError, RetailError
from flows.lake.contracts import CONTRACTS, Contract
from flows.lake.convert import Conversion
from flows.lake.forgetting import Forgotten
from flows.warehouse import forgetting
from flows.warehouse.builds import BUILD_COLUMNS, Build, Gate, build_table, read_build, read_gate
from flows.warehouse.ddl import create_table, deliveries_table, ledger_table, quote, raw_table
from flows.warehouse.ledger import DELIVERY_COLUMNS, LEDGER_COLUMNS, DeliveryRow, LedgerRow, Version
from flows.warehouse.redshift.access import Access, region_of_host
from flows.warehouse.redshift.blockers import OTHERS_ARE_HIDDEN, find_blockers
from flows.warehouse.redshift.connections import Connections, executing, run_alone, with_retries
from flows.warehouse.redshift.copy_command import CopyCommand
from flows.warehouse.redshift.failures import CANCELED, describe_error, is_transient, state_of
from flows.warehouse.redshift.lease import MAX_OWNER_BYTES, Lease
from flows.warehouse.redshift.load import Load, find_known, insert_rows
from flows.warehouse.redshift.options import LoadOptions
from flows.warehouse.redshift.owner import identify_owner
from flows.warehouse.redshift.renewal import Renewal
from flows.warehouse.redshift.repacking import sweep_repacked
from flows.warehouse.redshift.sessions import connect_briefly
from flows.warehouse.redshift.stage import Stage, Staged, StageSettings
from flows.warehouse.redshift.staging import stage_conversions
from flows.warehouse.redshift.tables import make_schemas, make_tables
from flows.warehouse.versions import find_deliveries, new_entries
from flows.warehouse.waiting import AT_ONCE, HeldError, Patience

T = TypeVar("T")
USAGE = "sys_serverless_usage"


class RedshiftWarehouse:
    """A Redshift database; see `flows.warehouse.base.Warehouse` for what each function promises."""

    batch_bytes, batch_files = 4 << 30, 2000  # one COPY for gigabytes; names are bound with 16 bits (`insert_rows`)

    def __init__(
        self, access: Access, stage: StageSettings, options: LoadOptions, log: logging.Logger | None = None
    ) -> None:
        self.access, self.options = access, options
        self.parallel_loads = options.parallel_loads
        self._counts: dict[str, dict[str, int]] = {}  # of the tables that were counted file by file
        self._log = log or logging.getLogger(__name__)
        self._stage = Stage(stage, self._log)
        self._connections = Connections(access)
        self._held: tuple[Lease, Renewal] | None = None
        self._claimed: Lease | None = None
        self.tell_lost: Callable[[str], object] = lambda _why: None

    @contextmanager
    def hold(self, run_id: str, holder: str = "", patience: Patience = AT_ONCE) -> Iterator[None]:
        lease = self._claim(run_id, holder)
        self._retried(lambda connection: make_schemas(connection, self.options.prefix))
        tables = list(CONTRACTS)
        where = f"{self.access.host}, database {self.access.database}"
        self._claimed = lease
        try:
            patience.enter(where, lambda: self._retried(lambda connection: lease.acquire(connection, tables)))
            with Renewal(lease, self.access, self._log, self.tell_lost) as renewal:
                self._held = lease, renewal
                yield
        except HeldError:
            self._claimed = None
            raise
        finally:
            self._held = None
            with suppress(RetailError):  # it runs out by itself
                self.let_go()

    def let_go(self) -> None:
        """Give the lease back, with a connection of its own: those of a run that was stopped are closed."""
        lease, self._claimed = self._claimed, None
        if lease is not None:
            connections = Connections(self.access)
            try:
                self._retried(lease.release, connections)
            finally:
                connections.close()

    def interrupt(self) -> None:
        self._connections.interrupt()

    def find_blockers(self) -> list[str]:
        try:
            connection = connect_briefly(self.access)
            found = find_blockers(connection, self.options.prefix, self._connections.sessions.list_ids())
            connection.close()
        except Exception as error:  # what is asked for must not hide what went wrong
            return [f"who locks its tables cannot be told: {describe_error(error)}"]
        return found or [OTHERS_ARE_HIDDEN]

    def prove_hold(self) -> None:
        self._retried(self._held_lease().renew)

    def prepare(self, contracts: Iterable[Contract]) -> None:
        chosen = list(contracts)
        self._stage.check_region(region_of_host(self.access.host) or self.access.region)
        self._retried(lambda connection: make_tables(connection, chosen, self.options.prefix))
        sweep_repacked(self.options.work_dir, CONTRACTS)
        self.clear_stage()

    def clear_stage(self) -> list[int]:
        orphans = self._stage.sweep()
        if orphans:
            self._log.info("%d staged objects that killed runs left are removed", len(orphans))
        return orphans

    def read_ledger(self) -> list[LedgerRow]:
        columns, ledger = ", ".join(map(quote, LEDGER_COLUMNS)), ledger_table(self.options.prefix)
        return [LedgerRow(*row) for row in self._query(f"select {columns} from {ledger} order by 1, 2")]  # noqa: S608

    def find_miscounted(self, expected: Mapping[str, int]) -> set[str]:
        """One statement for all tables, which reads no text at all."""
        self._counts.clear()
        schema = quote(self.options.prefix + "raw")
        counts = [f"select '{name}', count(*) from {schema}.{quote(name)}" for name in expected]  # noqa: S608
        found = {name: int(count) for name, count in self._query(" union all ".join(counts))}
        return {name for name, rows in expected.items() if found[name] != rows}

    def count_rows(self, contract: Contract) -> dict[str, int]:
        table = raw_table(contract, self.options.prefix)
        counted = self._query(f"select _file, count(*) from {table} group by _file")  # noqa: S608
        self._counts[contract.table] = {name: int(count) for name, count in counted}
        return dict(self._counts[contract.table])

    def note_deliveries(self, versions: Sequence[Version], run_id: str) -> list[DeliveryRow]:
        lease, table = self._held_lease(), deliveries_table(self.options.prefix)
        ledger, tables = self.read_ledger(), sorted({version.table_name for version in versions})

        def find(cursor: Cursor) -> tuple[list[DeliveryRow], list[DeliveryRow]]:
            columns, marks = ", ".join(map(quote, DELIVERY_COLUMNS)), ", ".join(["%s"] * len(tables))
            cursor.execute(f"select {columns} from {table} where table_name in ({marks})", tables)  # noqa: S608
            return find_deliveries(versions, [DeliveryRow(*row) for row in cursor.fetchall()], ledger, run_id)

        def note(connection: Connection) -> list[DeliveryRow]:
            cursor = connection.cursor()
            found, new = find(cursor)
            if new:
                connection.rollback()
                lease.prove(cursor, new[0].table_name)
                found, new = find(cursor)  # an earlier try, for whose end the proof has waited, may have noted them
                insert_rows(cursor, table, DELIVERY_COLUMNS, new)
                connection.commit()
            return found

        return self._retried(note) if versions else []

    def note_objects(self, rows: Sequence[LedgerRow]) -> None:
        lease, ledger = self._held_lease(), ledger_table(self.options.prefix)

        def note(connection: Connection) -> None:
            cursor = connection.cursor()
            for table, group in groupby(sorted(rows, key=lambda row: row.table_name), lambda row: row.table_name):
                chosen = list(group)
                lease.prove(cursor, table)
                where = f"table_name = %s and file_name in ({', '.join(['%s'] * len(chosen))})"
                cursor.execute(f"delete from {ledger} where {where}", [table, *(row.file_name for row in chosen)])  # noqa: S608
                insert_rows(cursor, ledger, LEDGER_COLUMNS, chosen)
            connection.commit()

        self._retried(note)

    def load_files(self, contract: Contract, conversions: Sequence[Conversion], run_id: str) -> list[LedgerRow]:
        parts = [part for conversion in conversions for part in conversion.parts]
        for part in parts:
            part.verify()
        deliveries = self.note_deliveries([Version.of(conversion) for conversion in conversions], run_id)
        ledger = [row for row in self.read_ledger() if row.table_name == contract.table]
        entries = new_entries(conversions, deliveries, run_id, ledger)
        staged, values = stage_conversions(self._stage, contract, conversions, self.options.work_dir)
        try:
            names = [entry.file_name for entry in entries]
            copy = CopyCommand(contract, staged.manifest_url, self.options.copy_role, names) if staged else None
            known = find_known(entries, ledger, self._counts.get(contract.table))
            self._load(Load(contract, entries, copy, values, known, self.options.prefix))
            if contract.table in self._counts:
                self._counts[contract.table] |= {entry.file_name: entry.rows_loaded for entry in entries}
        finally:
            if staged:
                self._unstage(staged)
        return entries

    def read_forgotten(self) -> Forgotten:
        return self._retried(lambda connection: forgetting.read_forgotten(executing(connection), self.options.prefix))

    def note_forgotten(self, forgotten: Forgotten, run_id: str) -> None:
        lease = self._held_lease()

        def note(connection: Connection) -> None:
            lease.renew(connection)
            forgetting.note_forgotten(executing(connection), forgotten, run_id, self.options.prefix)
            connection.commit()

        self._retried(note)

    def find_names(self, ids: Sequence[str]) -> dict[str, set[str]]:
        def find(connection: Connection) -> dict[str, set[str]]:
            found = forgetting.find_names(executing(connection), ids, self.options.prefix)
            connection.rollback()
            return found

        return self._retried(find)

    def replace_customers(self, ids: Sequence[str], forgotten: Forgotten, *, is_trial: bool = False) -> dict[str, int]:
        lease = self._held_lease()

        def replace(connection: Connection) -> dict[str, int]:
            execute, prefix = executing(connection), self.options.prefix
            changed = forgetting.replace_customers(execute, ids, forgotten, prefix, is_trial=is_trial)
            lease.prove(connection.cursor(), "raw_customers")
            connection.commit()
            return changed

        return self._retried(replace)

    def purge_staged(self, *, is_trial: bool = False) -> int:
        return self._stage.purge(is_trial=is_trial)

    def rewrite(self) -> None:
        """Free the space of deleted rows now; Redshift would do so by itself, some time (AWS: "VACUUM")."""
        places = self._retried(lambda connection: forgetting.find_places(executing(connection), self.options.prefix))
        for place in places:
            command = f"vacuum delete only {place.quoted} to 100 percent"
            try:
                self._retried(partial(run_alone, sql=command))
            except LoadError as error:
                self._log.warning("deleted rows may lie in the storage until a superuser runs %s: %s", command, error)

    def read_usage(self, seconds: int) -> int | None:
        """AWS lets superusers see it, minute by minute, and of Serverless alone ("SYS_SERVERLESS_USAGE")."""
        since = f"end_time > dateadd(second, -{int(seconds)}, getdate())"
        try:
            ((minutes, charged),) = self._query(f"select count(*), sum(charged_seconds) from {USAGE} where {since}")  # noqa: S608
        except LoadError as error:
            self._log.debug("what was charged cannot be told: %s", error)
            return None
        return int(charged) if minutes else None

    def read_gate(self) -> Gate | None:
        return read_gate(self._query, self.options.prefix)

    def read_build(self) -> Build | None:
        return read_build(self._query, self.options.prefix)

    def record_build(self, build: Build) -> None:
        table, marks = build_table(self.options.prefix), ", ".join(["%s"] * len(BUILD_COLUMNS))
        lease = self._held_lease()

        def write(connection: Connection) -> None:
            lease.renew(connection)
            cursor = connection.cursor()
            cursor.execute(create_table(table, BUILD_COLUMNS) + " diststyle all")
            cursor.execute(f"delete from {table} where build_id = %s", (build.build_id,))  # noqa: S608
            cursor.execute(f"insert into {table} ({', '.join(BUILD_COLUMNS)}) values ({marks})", build.values)  # noqa: S608
            connection.commit()

        self._retried(write)

    def engine(self) -> Engine:
        return create_engine("redshift+redshift_connector://", creator=self._connections.open, poolclass=NullPool)

    def close(self) -> None:
        self._connections.close()

    def _unstage(self, staged: Staged) -> None:
        """Remove what was loaded; what stays is named, and removed by the next run."""
        try:
            self._stage.remove(staged.keys)
        except RetailError as error:
            self._log.warning("%s", error)

    def _load(self, load: Load) -> None:
        """Load; after an outage again, which never loads twice.

        Raises:
            LoadError: no run holds the warehouse, or the load failed.
        """
        lease, tries = self._held_lease(), 0

        def attempt(connection: Connection) -> None:
            nonlocal tries
            tries += 1
            load.run(connection, lease, is_again=tries > 1)

        self._retried(attempt)

    def _claim(self, run_id: str, holder: str) -> Lease:
        work_dir, options = self.options.work_dir, self.options
        owner = f"{socket.gethostname()}:{work_dir}" + (f" ({holder})" if holder else "")
        return Lease(
            run_id,
            owner.encode()[:MAX_OWNER_BYTES].decode(errors="ignore"),
            identify_owner(work_dir),
            options.lease_seconds,
            options.prefix,
            self.access.statement_seconds,
        )

    def _held_lease(self) -> Lease:
        """The lease of this run.

        Raises:
            LoadError: there is none, or the last renewal found that another run has taken over.
        """
        if self._held is None:
            raise LoadError("only a run that holds the warehouse may write to it: `with warehouse.hold(run_id)`.")
        lease, renewal = self._held
        renewal.check()
        return lease

    def _query(self, sql: str) -> list[Any]:
        def read(connection: Connection) -> list[Any]:
            cursor = connection.cursor()
            cursor.execute(sql)
            return list(cursor.fetchall())

        return self._retried(read)

    def _retried(self, action: Callable[[Connection], T], connections: Connections | None = None) -> T:
        """Run `action` with a connection, again after an outage; say what failed and the cure."""

        def run() -> T:
            with (connections or self._connections).lend() as connection:
                return action(connection)

        try:
            return with_retries(run, self._log, attempts=self.options.attempts, pause=self.options.pause_seconds)
        except RetailError:
            raise
        except Exception as error:
            if self.access.statement_seconds and state_of(error) == CANCELED:
                raise LoadError(self._describe_timeout(error)) from error
            cure = "Run again later" if is_transient(error) else "Check the user's rights, and docs/redshift.md"
            raise LoadError(
                f"{self.access.host}, database {self.access.database}: {describe_error(error)}. {cure}; "
                "the last good state stands."
            ) from error

    def _describe_timeout(self, error: Exception) -> str:
        said = (
            f"{self.access.host}, database {self.access.database}: a statement was ended ({describe_error(error)}); it "
            f"may run for {self.access.statement_seconds} s (RETAIL_STATEMENT_TIMEOUT_S). The last good state stands."
        )
        return "\n  - ".join([said, *self.find_blockers()])
