"""One client of the stand-in: log in, then one request after the other, translated, checked and passed on.

A request is what PostgreSQL's protocol ends with Sync, or one simple query; its answer is read up to ReadyForQuery
before the next is looked at. That is all redshift_connector does, and it makes "before", "during" and "after" a
statement plain.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from tests.warehouse.redshift_standin.backend import Backend
from tests.warehouse.redshift_standin.copying import run_copy
from tests.warehouse.redshift_standin.cursors import SECOND_CURSOR
from tests.warehouse.redshift_standin.faults import Fault
from tests.warehouse.redshift_standin.login import log_in
from tests.warehouse.redshift_standin.sql_error import SqlError, beyond_standin
from tests.warehouse.redshift_standin.surroundings import Dropped, Ran, Surroundings, strike
from tests.warehouse.redshift_standin.translation import Statement, translate
from tests.warehouse.redshift_standin.unloading import run_unload
from tests.warehouse.redshift_standin.wire import error_response, message, read_message, reword_error, split_string

EMPTY = Statement("", "", "empty")


class Session:
    """A client's connection and its PostgreSQL session; `serve` lasts as long as the connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, around: Surroundings) -> None:
        self.reader = reader
        self.writer = writer
        self.around = around
        self.backend: Backend
        self.database = ""
        self.statements: dict[str, Statement] = {}
        self.portals: dict[str, Statement] = {}
        self.batch: list[tuple[bytes, bytes]] = []
        self.failure: SqlError | None = None

    async def serve(self) -> None:
        try:
            logged_in = await log_in(self.reader, self.writer, self.around)
            if logged_in is None:
                self.writer.close()
                return
            self.backend, self.database = logged_in.backend, logged_in.database
            try:
                await self._serve_requests()
            finally:
                await self.backend.close()
        except (Dropped, OSError, asyncio.IncompleteReadError):  # cut on purpose, or the client has gone
            self.writer.transport.abort()

    async def _serve_requests(self) -> None:
        while True:
            kind, body = await read_message(self.reader)
            if kind == b"X":
                self.writer.close()
                return
            if kind == b"Q":
                await self._answer_query(split_string(body)[0])
            elif kind == b"S":
                await self._answer_batch()
            elif kind != b"H":  # Flush: the answer comes with Sync
                self._collect(kind, body)

    def _collect(self, kind: bytes, body: bytes) -> None:
        """Take a message of the extended protocol; what fails to translate fails the batch."""
        if self.failure:
            return
        try:
            if kind == b"P":
                body = self._parse(body)
            elif kind == b"B":
                portal, rest = split_string(body)
                self.portals[portal] = self.statements.get(split_string(rest)[0], EMPTY)
            elif kind not in {b"D", b"E", b"C"}:
                raise beyond_standin(f"the protocol message {kind!r}")
        except SqlError as error:
            self.failure = error
        else:
            self.batch.append((kind, body))

    def _parse(self, body: bytes) -> bytes:
        name, rest = split_string(body)
        sql, types = split_string(rest)
        statements = self._translate(sql)
        if len(statements) > 1:
            # what PostgreSQL says; Redshift's own words are unconfirmed
            raise SqlError("cannot insert multiple commands into a prepared statement")
        self.statements[name] = statements[0] if statements else EMPTY
        return f"{name}\0{self.statements[name].postgres}\0".encode() + types

    def _translate(self, sql: str) -> list[Statement]:
        self.around.log.append(sql)
        return translate(sql)

    async def _answer_batch(self) -> None:
        batch, failure, self.batch, self.failure = self.batch, self.failure, [], None
        executed = [self.portals.get(split_string(body)[0], EMPTY) for kind, body in batch if kind == b"E"]
        parsed = [self.statements[split_string(body)[0]] for kind, body in batch if kind == b"P"]
        try:
            if failure:
                raise failure
            if len(executed) > 1:
                raise beyond_standin("more than one Execute before a Sync")
            await self._lock_written(parsed)
        except SqlError as error:
            await self._refuse(error)
        else:
            data = b"".join(message(kind, body) for kind, body in batch)
            await self._run(data, executed[0] if executed else None, is_batch=True)
        if self.backend.status == b"I":
            self.portals.clear()

    async def _answer_query(self, sql: str) -> None:
        try:
            statements = self._translate(sql)
            if len(statements) > 1:
                raise beyond_standin("more than one statement in a simple query")
        except SqlError as error:
            await self._refuse(error)
            return
        statement = statements[0] if statements else EMPTY
        await self._run(message(b"Q", statement.postgres.encode() + b"\0"), statement, is_batch=False)

    async def _run(self, data: bytes, statement: Statement | None, *, is_batch: bool) -> None:
        """Send a request, with the faults that are meant for it, and pass the answer on."""
        try:
            if statement is not None:
                await strike(self.take_fault("before", statement))
                await self._check_transaction(statement)
                await self._lock_written([statement])
                if statement.unload is not None:
                    await run_unload(self, statement, statement.unload)
        except SqlError as error:
            await self._refuse(error)
            return
        began = time.monotonic()
        await self._pass_on(data, statement, is_batch=is_batch)
        if statement is not None:
            self.around.timeline.append(Ran(self.backend.process_id, statement.sql, began, time.monotonic()))

    async def _pass_on(self, data: bytes, statement: Statement | None, *, is_batch: bool) -> None:
        if statement is not None and statement.copy is not None:
            await run_copy(self, data, statement, statement.copy, is_batch=is_batch)
            return
        await self.backend.send(data + (message(b"S") if is_batch else b""))
        await strike(self.take_fault("during", statement))
        await self._relay(statement)

    async def _check_transaction(self, statement: Statement) -> None:
        """What cannot run within a transaction block, or not twice in it; PostgreSQL would take it."""
        if statement.is_barred_from_transactions and self.backend.status == b"T":
            raise SqlError(f"{statement.kind.upper()} cannot run inside a transaction block", "25001")
        if statement.kind == "declare" and self.backend.status == b"T":
            asked = "select count(*) from pg_cursors where name <> '' and name not like 'standin%'"
            if await self.backend.fetch(asked) != [("0",)]:
                raise SqlError(SECOND_CURSOR, "42P03")

    async def _lock_written(self, statements: list[Statement]) -> None:
        """Lock the whole tables before rows of them are written, until the transaction ends, and wait for others' end.

        COPY, INSERT, UPDATE and DELETE take a ShareRowExclusiveLock (AWS re:Post: "How do I detect and release locks in
        Amazon Redshift?"), which PostgreSQL has under the same name. "The second transaction does not obtain its
        snapshot of data until after the first transaction has released its lock" (c_write_readwrite): PostgreSQL takes
        it when it parses. A statement that is its own transaction waits by PostgreSQL's weaker lock.
        """
        for statement in statements if self.backend.status == b"T" else ():
            if statement.written:
                await self.backend.fetch(f"lock table {statement.written} in share row exclusive mode")

    async def _relay(self, statement: Statement | None) -> None:
        """Pass PostgreSQL's answer on, up to and with ReadyForQuery."""
        fault = self.take_fault("after", statement)
        while True:
            kind, body = await self.backend.read()
            if kind == b"Z":
                break
            if fault is None or fault.kind != "drop":
                await self.send(reword_error(body) if kind == b"E" else message(kind, body))
        await self.end(statement, fault)

    async def end(self, statement: Statement | None, fault: Fault | None) -> None:
        """ReadyForQuery, after what the statement or a fault still brings about."""
        if statement is not None and statement.kind == "truncate" and self.backend.status == b"T":
            await self.backend.fetch("commit")  # r_TRUNCATE: it commits the transaction it runs in
        if statement is not None and statement.account:
            self.around.accounts.register(*statement.account)
        await strike(fault)
        await self.send(message(b"Z", self.backend.status))

    async def _refuse(self, error: SqlError) -> None:
        """Fail the request here; if a transaction is open, PostgreSQL's fails too."""
        if self.backend.status == b"T":
            with contextlib.suppress(SqlError):
                await self.backend.fetch("do $$ begin raise exception 'refused'; end $$")
        await self.send(error_response(error) + message(b"Z", self.backend.status))

    def take_fault(self, when: str, statement: Statement | None) -> Fault | None:
        return self.around.faults.take(when, statement.sql) if statement else None

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()
