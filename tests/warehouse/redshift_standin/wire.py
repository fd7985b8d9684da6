"""Messages of PostgreSQL's wire protocol, version 3: reading, building and rewording them."""

from __future__ import annotations

import asyncio
import struct

from tests.warehouse.redshift_standin.sql_error import SqlError

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST, PROTOCOL_3 = 80877103, 80877104, 80877102, 196608
MAX_MESSAGE_BYTES = 64 << 20
KEPT_ERROR_FIELDS = "SCMDHPFLR"


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


async def read_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head[:1], await reader.readexactly(_checked(struct.unpack("!i", head[1:])[0] - 4))


async def read_startup(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The first message of a connection, which has no letter: its code and its body."""
    length, code = struct.unpack("!ii", await reader.readexactly(8))
    return code, await reader.readexactly(_checked(length - 8))


def startup_message(parameters: dict[str, str]) -> bytes:
    body = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items()) + b"\0"
    return struct.pack("!ii", len(body) + 8, PROTOCOL_3) + body


def parse_parameters(body: bytes) -> dict[str, str]:
    parts = body.decode().split("\0")
    return {name: value for name, value in zip(parts[::2], parts[1::2], strict=False) if name}


def split_string(body: bytes) -> tuple[str, bytes]:
    """A zero-terminated string and what follows it."""
    text, _, rest = body.partition(b"\0")
    return text.decode(), rest


def parse_row(body: bytes) -> tuple[str | None, ...]:
    """The values of a DataRow in text format."""
    (count,), offset, row = struct.unpack_from("!h", body), 2, []
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, offset)
        offset += 4
        row.append(None if length < 0 else body[offset : offset + length].decode())
        offset += max(length, 0)
    return tuple(row)


def parse_fields(body: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse or a NoticeResponse by their letters."""
    return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}


def build_fields(fields: dict[str, str]) -> bytes:
    return b"".join(f"{letter}{text}\0".encode() for letter, text in fields.items()) + b"\0"


def error_response(error: SqlError, severity: str = "ERROR") -> bytes:
    fields = {"S": severity, "C": error.code, "M": error.message}
    return message(b"E", build_fields(fields | ({"D": error.detail} if error.detail else {})))


def notice(text: str) -> bytes:
    return message(b"N", build_fields({"S": "INFO", "C": "00000", "M": text}))


def reword_error(body: bytes) -> bytes:
    """An ErrorResponse of PostgreSQL as Redshift words it: a lost race is error 1023 (c_serial_isolation)."""
    given = parse_fields(body)
    fields = {letter: given[letter] for letter in given if letter in KEPT_ERROR_FIELDS}
    if fields.get("C") == "23502":
        fields = fields | {"M": f"Cannot insert a NULL value into column {given.get('c', '')}"}
        fields.pop("D", None)
    if fields.get("C") == "40001":
        fields |= {"C": "XX000", "M": "1023", "D": "Serializable isolation violation on table in Redshift"}
    return message(b"E", build_fields(fields))


def _checked(length: int) -> int:
    if not 0 <= length <= MAX_MESSAGE_BYTES:
        raise ConnectionError(f"a message of {length} bytes")
    return length
