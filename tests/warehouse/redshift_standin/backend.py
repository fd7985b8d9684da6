"""A connection to the PostgreSQL behind the stand-in, on its unix socket."""

from __future__ import annotations

import asyncio
import itertools
import struct
from pathlib import Path

from tests.warehouse.redshift_standin.sql_error import SqlError
from tests.warehouse.redshift_standin.wire import (
    message,
    parse_fields,
    parse_row,
    read_message,
    startup_message,
)


class Backend:
    """Reads and writes of one session of PostgreSQL; `status` is the transaction status it told last."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.status = b"I"
        self.greeting: list[tuple[bytes, bytes]] = []
        self._names = (f"standin_{number}\0".encode() for number in itertools.count())

    @classmethod
    async def open(cls, socket: Path, parameters: dict[str, str]) -> Backend:
        """Connect and wait until PostgreSQL is ready; what it says on the way is in `greeting`.

        Raises:
            SqlError: PostgreSQL refuses, say for an unknown database.
        """
        backend = cls(*await asyncio.open_unix_connection(str(socket)))
        backend.writer.write(startup_message(parameters))
        while True:
            kind, body = await backend.read()
            if kind == b"E":
                fields = parse_fields(body)
                await backend.close()
                raise SqlError(fields["M"], fields["C"])
            if kind == b"Z":
                return backend
            backend.greeting.append((kind, body))

    @property
    def process_id(self) -> int:
        """What pg_backend_pid() tells in this session."""
        key = next(body for kind, body in self.greeting if kind == b"K")
        return int(struct.unpack_from("!i", key)[0])

    async def read(self) -> tuple[bytes, bytes]:
        kind, body = await read_message(self.reader)
        if kind == b"Z":
            self.status = body
        return kind, body

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def fetch(self, sql: str) -> list[tuple[str | None, ...]]:
        """Run one statement of the stand-in's own, unseen by the client; the client's unnamed statement stays.

        Raises:
            SqlError: PostgreSQL refuses it.
        """
        name = next(self._names)  # a statement that fails stays, so each has its own
        await self.send(
            message(b"P", name + sql.encode() + b"\0\0\0")
            + message(b"B", name + name + struct.pack("!hhh", 0, 0, 0))
            + message(b"E", name + struct.pack("!i", 0))
            + message(b"C", b"P" + name)
            + message(b"C", b"S" + name)
            + message(b"S")
        )
        rows, error = [], None
        while True:
            kind, body = await self.read()
            if kind == b"D":
                rows.append(parse_row(body))
            elif kind == b"E":
                error = parse_fields(body)
            elif kind == b"Z":
                break
        if error:
            raise SqlError(error["M"], error["C"], error.get("D", ""))
        return rows

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:  # it was gone already
            return
