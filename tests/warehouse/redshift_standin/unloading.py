"""UNLOAD within the client's own transaction: PostgreSQL's rows, as Parquet files of two slices in S3.

Page: r_UNLOAD. A result without rows writes no file (aws/aws-sdk-pandas #2052, databricks/spark-redshift #446). Files
are of format 1.0 with Snappy. Of timestamps, dates, decimals and the smaller numbers no page says in which physical
form they are written: a query with such a column is refused, for here it would always work.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from tests.warehouse.redshift_standin.copy_errors import CopyError
from tests.warehouse.redshift_standin.copy_source import ObjectStore, split_url
from tests.warehouse.redshift_standin.sql_error import SqlError, beyond_standin
from tests.warehouse.redshift_standin.surroundings import strike

if TYPE_CHECKING:
    from tests.warehouse.redshift_standin.session import Session
    from tests.warehouse.redshift_standin.translation import Statement
    from tests.warehouse.redshift_standin.unload_command import Unload

IN_ITS_PLACE = "set standin.unloaded to 'yes'"  # what PostgreSQL runs for the client, when all is written
SLICES = 2
KINDS: dict[str, tuple[pa.DataType, Callable[[str], Any]]] = {
    "bigint": (pa.int64(), int),
    "boolean": (pa.bool_(), lambda text: text == "t"),
    "double precision": (pa.float64(), float),
    "character varying": (pa.string(), str),
    "text": (pa.string(), str),  # r_TO_CHAR and its like return VARCHAR, which PostgreSQL's do not
}
NEVER_PARQUET = {"geometry", "hllsketch", "bytea"}  # "You can only unload … columns to text or CSV format"
NOT_EMPTY = (  # as users report it
    "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually removing "
    "the target files in S3, or using the ALLOWOVERWRITE option."
)


async def run_unload(session: Session, statement: Statement, unload: Unload) -> None:
    """Write the files of an UNLOAD.

    Raises:
        SqlError: the query fails, or Redshift would not write what it gives.
    """
    store = session.around.store
    if unload.role not in store.roles:
        raise CopyError(f"User is not authorized to assume IAM Role {unload.role}.", code=30000)  # number unconfirmed
    await asyncio.to_thread(_check_place, unload, store)
    schema, rows = await _fetch(session, unload.postgres)
    fault = session.take_fault("during", statement)
    for number in range(SLICES if unload.is_parallel else 1):
        share = rows[number::SLICES] if unload.is_parallel else rows
        if share:
            await asyncio.to_thread(_put, unload, store, number, _write(schema, share))
        if fault and number == 0:
            await strike(fault)


def _check_place(unload: Unload, store: ObjectStore) -> None:
    bucket, prefix = split_url(unload.url)
    try:
        found = store.client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise CopyError(f"S3ServiceException:The specified bucket does not exist,Error {code}", code=8001) from error
    ours = re.compile(re.escape(prefix) + r"\d{4}_part_\d{2}\.parquet")
    if not unload.is_overwriting and any(ours.fullmatch(entry["Key"]) for entry in found):
        raise SqlError(NOT_EMPTY, "XX000")


async def _fetch(session: Session, query: str) -> tuple[pa.Schema, Sequence[tuple[str | None, ...]]]:
    """The types of the files, and the rows as PostgreSQL writes them, by way of a table that is soon gone."""
    backend = session.backend
    await backend.fetch(f"create temporary table standin_unload as {query}")
    described = await backend.fetch(
        "select attname, format_type(atttypid, -1) from pg_attribute where attrelid = 'standin_unload'::regclass "
        "and attnum > 0 order by attnum"
    )
    rows = await backend.fetch("select * from standin_unload")
    await backend.fetch("drop table standin_unload")
    return pa.schema([(str(name), _type_of(str(name), str(kind))) for name, kind in described]), rows


def _type_of(name: str, kind: str) -> pa.DataType:
    if kind in NEVER_PARQUET:
        raise SqlError(f"UNLOAD of column {name} to PARQUET is not supported", "0A000")  # unconfirmed
    if kind not in KINDS:
        raise beyond_standin(
            f"how UNLOAD writes {name} {kind} to Parquet; BIGINT, BOOLEAN, DOUBLE and VARCHAR are known"
        )
    return KINDS[kind][0]


def _write(schema: pa.Schema, rows: Sequence[tuple[str | None, ...]]) -> bytes:
    readers = dict(KINDS.values())
    columns = [
        pa.array([None if text is None else readers[field.type](text) for text in values], field.type)
        for field, values in zip(schema, zip(*rows, strict=True), strict=True)
    ]
    buffer = io.BytesIO()
    table = pa.Table.from_arrays(columns, schema=schema)
    pq.write_table(table, buffer, version="1.0", compression="snappy", store_schema=False)
    return buffer.getvalue()


def _put(unload: Unload, store: ObjectStore, number: int, body: bytes) -> None:
    bucket, prefix = split_url(unload.url)
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": unload.kms_key_id} if unload.kms_key_id else {}
    store.client.put_object(Bucket=bucket, Key=f"{prefix}{number:04d}_part_00.parquet", Body=body, **encryption)
