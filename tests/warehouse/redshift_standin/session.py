"""One client of the stand-in: log in, then one request after the other, translated, checked and passed on.

A request is what PostgreSQL's protocol ends with Sync, or one simple query; its answer is read up to ReadyForQuery
before the next is looked at. That is all redshift_connector does, and it makes "before", "during" and "after" a
statement plain.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import ssl
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.warehouse.redshift_standin import copying
from tests.warehouse.redshift_standin.backend import Backend
from tests.warehouse.redshift_standin.faults import Fault, Faults
from tests.warehouse.redshift_standin.sql_error import SqlError, beyond_standin
from tests.warehouse.redshift_standin.translation import Statement, translate
from tests.warehouse.redshift_standin.wire import (
    CANCEL_REQUEST,
    GSS_REQUEST,
    PROTOCOL_3,
    SSL_REQUEST,
    error_response,
    message,
    parse_parameters,
    read_message,
    read_startup,
    reword_error,
    split_string,
)

if TYPE_CHECKING:
    from tests.warehouse.redshift_standin.accounts import Accounts
    from tests.warehouse.redshift_standin.copying import ObjectStore

SERVER_VERSION = b"server_version\x008.0.2\x00"
EMPTY = Statement("", "", "empty")


class Dropped(Exception):  # noqa: N818  not an error: a fault that a test asked for
    """The connection is to be cut now."""


@dataclass
class Surroundings:
    """What all sessions of a stand-in share."""

    socket: Path
    tls: ssl.SSLContext
    accounts: Accounts
    faults: Faults
    store: ObjectStore
    log: list[str] = field(default_factory=list)


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
            if not await self._log_in():
                return
            try:
                await self._serve_requests()
            finally:
                await self.backend.close()
        except (Dropped, OSError, asyncio.IncompleteReadError):  # cut on purpose, or the client has gone
            self.writer.transport.abort()

    async def _log_in(self) -> bool:
        """Greet, check the password, and open the session in PostgreSQL; False when there is nothing more to do."""
        code, body = await read_startup(self.reader)
        while code in {SSL_REQUEST, GSS_REQUEST}:
            await self.send(b"S" if code == SSL_REQUEST else b"N")
            if code == SSL_REQUEST:
                await self.writer.start_tls(self.around.tls)
            code, body = await read_startup(self.reader)
        if code == CANCEL_REQUEST:
            await self._forward_cancel(body)
            return False
        if code != PROTOCOL_3:
            raise ConnectionError(f"unknown protocol {code}")
        try:
            await self._hit("connect", None)
            self.backend = await self._authenticate(parse_parameters(body))
        except SqlError as error:
            await self.send(error_response(error, "FATAL"))
            self.writer.close()
            return False
        await self._greet()
        return True

    async def _authenticate(self, parameters: dict[str, str]) -> Backend:
        user = parameters.get("user", "")
        await self.send(message(b"R", struct.pack("!i", 3)))  # the password in clear text, as behind TLS
        kind, body = await read_message(self.reader)
        expected = self.around.accounts.password_of(user)
        given, _ = split_string(body)
        if kind != b"p" or expected is None or not hmac.compare_digest(expected.encode(), given.encode()):
            raise SqlError(f'password authentication failed for user "{user}"', "28000")
        self.database = parameters.get("database", user)
        kept = {name: parameters[name] for name in ("database", "application_name") if name in parameters}
        role = self.around.accounts.role_of(user)
        return await Backend.open(self.around.socket, {"user": role, "client_encoding": "UTF8"} | kept)

    async def _greet(self) -> None:
        for kind, body in self.backend.greeting:
            is_version = kind == b"S" and body.startswith(b"server_version\0")
            self.writer.write(message(kind, SERVER_VERSION if is_version else body))
        await self.send(message(b"Z", b"I"))

    async def _forward_cancel(self, body: bytes) -> None:
        """PostgreSQL knows by the key which session is meant: the client was given PostgreSQL's own."""
        _, writer = await asyncio.open_unix_connection(str(self.around.socket))
        writer.write(struct.pack("!ii", len(body) + 8, CANCEL_REQUEST) + body)
        await writer.drain()
        writer.close()
        self.writer.close()

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
        if failure:
            await self._refuse(failure)
        elif len(executed) > 1:
            await self._refuse(beyond_standin("more than one Execute before a Sync"))
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
                await self._hit("before", statement)
                self._check_transaction(statement)
        except SqlError as error:
            await self._refuse(error)
            return
        if statement is not None and statement.copy is not None:
            await copying.run_copy(self, data, statement, statement.copy, is_batch=is_batch)
            return
        await self.backend.send(data + (message(b"S") if is_batch else b""))
        if statement is not None:
            await self._hit("during", statement)
        await self._relay(statement)

    def _check_transaction(self, statement: Statement) -> None:
        """What cannot run within a transaction block; sent alone, PostgreSQL would take it."""
        if statement.is_barred_from_transactions and self.backend.status == b"T":
            raise SqlError(f"{statement.kind.upper()} cannot run inside a transaction block", "25001")

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
        if fault is not None:
            await self.strike(fault)
        await self.send(message(b"Z", self.backend.status))

    async def _refuse(self, error: SqlError) -> None:
        """Fail the request here; if a transaction is open, PostgreSQL's fails too."""
        if self.backend.status == b"T":
            with contextlib.suppress(SqlError):
                await self.backend.fetch("do $$ begin raise exception 'refused'; end $$")
        await self.send(error_response(error) + message(b"Z", self.backend.status))

    def take_fault(self, when: str, statement: Statement | None) -> Fault | None:
        if statement is None and when != "connect":
            return None
        return self.around.faults.take(when, statement.sql if statement else "")

    async def _hit(self, when: str, statement: Statement | None) -> None:
        fault = self.take_fault(when, statement)
        if fault is not None:
            await self.strike(fault)

    async def strike(self, fault: Fault) -> None:
        if fault.error is not None:
            raise fault.error
        if fault.kind == "drop":
            raise Dropped
        await asyncio.sleep(fault.seconds)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()
