"""COPY within the client's own transaction: check and read the objects in S3, and feed PostgreSQL's COPY FROM STDIN."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.warehouse.redshift_standin.backend import Backend
from tests.warehouse.redshift_standin.copy_command import Copy
from tests.warehouse.redshift_standin.copy_errors import HTTPS, CopyError, LoadErrorRow
from tests.warehouse.redshift_standin.copy_parquet import read_rows
from tests.warehouse.redshift_standin.copy_source import ObjectStore, list_objects
from tests.warehouse.redshift_standin.postgres import SUPERUSER
from tests.warehouse.redshift_standin.sql_error import SqlError, beyond_standin
from tests.warehouse.redshift_standin.surroundings import strike
from tests.warehouse.redshift_standin.table_column import Column
from tests.warehouse.redshift_standin.wire import error_response, message, notice, reword_error, split_string

if TYPE_CHECKING:
    from tests.warehouse.redshift_standin.session import Session
    from tests.warehouse.redshift_standin.translation import Statement


def copy_from_stdin(copy: Copy) -> str:
    """What PostgreSQL runs in the place of COPY."""
    columns = f" ({', '.join(copy.columns)})" if copy.columns else ""
    return f"copy {copy.table}{columns} from stdin with (format csv, null '\\N')"


async def run_copy(session: Session, data: bytes, statement: Statement, copy: Copy, *, is_batch: bool) -> None:
    """Answer a COPY: `data` is the request that puts PostgreSQL into copy mode."""
    columns = await _find_columns(session.backend, copy)
    await session.backend.send(data + (message(b"H") if is_batch else b""))
    if not await _relay_until_copy(session, is_batch=is_batch):
        await session.end(None, None)
        return
    try:
        await _feed(session, statement, copy, columns)
    except SqlError as error:
        await _fail(session, copy, error, is_batch=is_batch)
        return
    await _finish(session, statement, copy, is_batch=is_batch)


async def _find_columns(backend: Backend, copy: Copy) -> list[Column]:
    """The columns that COPY fills, in order; none if there is no such table, which PostgreSQL will say itself."""
    if backend.status == b"E":
        return []
    rows = await backend.fetch(
        "select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute "
        f"where attrelid = to_regclass({_literal(copy.table)}) and attnum > 0 and not attisdropped order by attnum"
    )
    found = {str(name): Column(str(name), str(kind), required == "t") for name, kind, required in rows}
    wanted = [name[1:-1].replace('""', '"') for name in copy.columns] or list(found)
    return [found[name] for name in wanted if name in found]


async def _relay_until_copy(session: Session, *, is_batch: bool) -> bool:
    """Whether PostgreSQL waits for rows; if not, its error has been passed on and it is ready again."""
    while True:
        kind, body = await session.backend.read()
        if kind == b"G":
            return True
        if kind == b"E":
            await session.send(reword_error(body))
            await _settle(session, is_batch=is_batch)
            return False
        await session.send(message(kind, body))


async def _feed(session: Session, statement: Statement, copy: Copy, columns: Sequence[Column]) -> None:
    """Send the rows of all objects; a `during` fault strikes after half of them."""
    blocks = await asyncio.to_thread(_read_blocks, copy, columns, session.around.store)
    fault = session.take_fault("during", statement)
    for position, block in enumerate(_halves(blocks) if fault else blocks):
        if fault and position == 1:
            await strike(fault)
        await session.backend.send(message(b"d", block))


def _read_blocks(copy: Copy, columns: Sequence[Column], store: ObjectStore) -> list[bytes]:
    try:
        return [
            block
            for bucket, key in list_objects(copy, store)
            for block in read_rows(store.read(bucket, key), f"{HTTPS}{bucket}/{key}", columns)
        ]
    except SqlError:
        raise
    except Exception as error:  # an error of the stand-in itself must not let the rows through
        raise beyond_standin(f"what this COPY reads ({error!r})") from error


def _halves(blocks: Sequence[bytes]) -> list[bytes]:
    lines = b"".join(blocks).splitlines(keepends=True)
    return [b"".join(lines[: len(lines) // 2]), b"".join(lines[len(lines) // 2 :])]


async def _fail(session: Session, copy: Copy, error: SqlError, *, is_batch: bool) -> None:
    await session.backend.send(message(b"f", b"refused\0"))
    await _settle(session, is_batch=is_batch)
    if isinstance(error, CopyError) and error.logged:
        await _log(session, copy, error.logged)
    await session.send(error_response(error))
    await session.end(None, None)


async def _finish(session: Session, statement: Statement, copy: Copy, *, is_batch: bool) -> None:
    fault = session.take_fault("after", statement)
    await session.backend.send(message(b"c"))
    kind, body = await _settle(session, is_batch=is_batch)
    if kind == b"E":
        await session.send(reword_error(body))
        await session.end(None, fault)
        return
    row_count = split_string(body)[0].removeprefix("COPY ")
    await session.backend.fetch(f"select set_config('standin.last_copy_count', '{row_count}', false)")
    table = copy.table.rsplit(".", 1)[-1].strip('"')
    if fault is None or fault.kind != "drop":
        await session.send(
            notice(f"Load into table '{table}' completed, {row_count} record(s) loaded successfully.")
            + message(b"C", b"COPY\0")
        )
    await session.end(statement, fault)


async def _settle(session: Session, *, is_batch: bool) -> tuple[bytes, bytes]:
    """Read PostgreSQL's answer up to ReadyForQuery; return its error or, if there is none, its word that it is done."""
    if is_batch:
        await session.backend.send(message(b"S"))
    result = (b"", b"")
    while True:
        kind, body = await session.backend.read()
        if kind == b"E" or (kind == b"C" and result[0] != b"E"):
            result = (kind, body)
        elif kind == b"Z":
            return result


async def _log(session: Session, copy: Copy, row: LoadErrorRow) -> None:
    """A row in SYS_LOAD_ERROR_DETAIL, from a session of its own: it outlives the failed transaction."""
    database = session.database
    backend = await Backend.open(session.around.socket, {"user": SUPERUSER, "database": database})
    values = (row.file_name, row.column_name, row.column_type, row.column_length)
    try:
        await backend.fetch(
            "insert into pg_catalog.sys_load_error_detail (session_id, database_name, table_id, file_name, "
            "column_name, column_type, column_length, error_code, error_message) "
            f"select {session.backend.process_id}, current_database(), to_regclass({_literal(copy.table)})::oid, "
            f"{', '.join(map(_literal, values))}, {row.error_code}, {_literal(row.error_message)}::char(512)"
        )
    finally:
        await backend.close()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
