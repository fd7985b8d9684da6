"""The beginning of a connection: TLS, the password, PostgreSQL's greeting; or a request to cancel, passed on."""

from __future__ import annotations

import asyncio
import hmac
import struct
from dataclasses import dataclass
from pathlib import Path

from tests.warehouse.redshift_standin.backend import Backend
from tests.warehouse.redshift_standin.sql_error import SqlError
from tests.warehouse.redshift_standin.surroundings import Surroundings, strike
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
    split_string,
)

SERVER_VERSION = b"server_version\x008.0.2\x00"
ASK_FOR_PASSWORD = 3  # in clear text, as behind TLS


@dataclass(frozen=True)
class LoggedIn:
    """A session of PostgreSQL for a client whose password was right."""

    backend: Backend
    database: str


async def log_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, around: Surroundings) -> LoggedIn | None:
    """Greet a client; None when there is nothing more to do for it: it was refused, or wanted to cancel."""
    code, body = await read_startup(reader)
    while code in {SSL_REQUEST, GSS_REQUEST}:
        writer.write(b"S" if code == SSL_REQUEST else b"N")
        await writer.drain()
        if code == SSL_REQUEST:
            await writer.start_tls(around.tls)
        code, body = await read_startup(reader)
    if code == CANCEL_REQUEST:
        await _forward_cancel(body, around.socket)
        return None
    if code != PROTOCOL_3:
        raise ConnectionError(f"unknown protocol {code}")
    try:
        await strike(around.faults.take("connect"))
        parameters = parse_parameters(body)
        backend = await _authenticate(reader, writer, around, parameters)
    except SqlError as error:
        writer.write(error_response(error, "FATAL"))
        await writer.drain()
        return None
    await _greet(writer, backend)
    return LoggedIn(backend, parameters.get("database", parameters.get("user", "")))


async def _authenticate(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, around: Surroundings, parameters: dict[str, str]
) -> Backend:
    """Check the password, and open the session in PostgreSQL; what the driver says of itself is left out."""
    user = parameters.get("user", "")
    writer.write(message(b"R", struct.pack("!i", ASK_FOR_PASSWORD)))
    await writer.drain()
    kind, body = await read_message(reader)
    expected, (given, _) = around.accounts.password_of(user), split_string(body)
    if kind != b"p" or expected is None or not hmac.compare_digest(expected.encode(), given.encode()):
        raise SqlError(f'password authentication failed for user "{user}"', "28000")
    kept = {name: parameters[name] for name in ("database", "application_name") if name in parameters}
    role = around.accounts.role_of(user)
    return await Backend.open(around.socket, {"user": role, "client_encoding": "UTF8"} | kept)


async def _greet(writer: asyncio.StreamWriter, backend: Backend) -> None:
    for kind, body in backend.greeting:
        is_version = kind == b"S" and body.startswith(b"server_version\0")
        writer.write(message(kind, SERVER_VERSION if is_version else body))
    writer.write(message(b"Z", b"I"))
    await writer.drain()


async def _forward_cancel(body: bytes, socket: Path) -> None:
    """PostgreSQL knows by the key which session is meant: the client was given PostgreSQL's own."""
    _, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(struct.pack("!ii", len(body) + 8, CANCEL_REQUEST) + body)
    await writer.drain()
    writer.close()
