"""UNLOAD on the Redshift stand-in: what it writes, and what it refuses (r_UNLOAD of the developer guide)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
import redshift_connector

from tests.warehouse.redshift_standin import RedshiftStandin

QUERY = "select id, name, is_new, weight from things"


@dataclass
class Unloader:
    """A connection with the table `things`, and a place in S3."""

    standin: RedshiftStandin
    connection: redshift_connector.Connection

    def execute(self, sql: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)

    def unload(self, query: str = QUERY, options: str = "format as parquet", role: str | None = None) -> None:
        role, text = role or self.standin.role_arn, query.replace("'", "''")
        self.execute(f"unload ('{text}') to 's3://{self.standin.bucket}/out/' iam_role '{role}' {options}")

    def read(self) -> dict[str, bytes]:
        entries = self.standin.s3.list_objects_v2(Bucket=self.standin.bucket, Prefix="out/").get("Contents", [])
        get = self.standin.s3.get_object
        return {each["Key"]: get(Bucket=self.standin.bucket, Key=each["Key"])["Body"].read() for each in entries}


@pytest.fixture(scope="module")
def made(shared_standin: RedshiftStandin) -> Iterator[Unloader]:
    shared_standin.reset()
    with shared_standin.connect() as connection:
        unloader = Unloader(shared_standin, connection)
        unloader.execute(
            "create table things (id bigint, name varchar(9), is_new boolean, weight double precision, "
            "price decimal(18,2), day date)"
        )
        unloader.execute(
            "insert into things values (1, 'a''b', true, 0.5, 1.50, '2025-01-01'), (2, null, null, null, null, null)"
        )
        unloader.execute("insert into things values (3, '', false, -1, 2, '2025-01-02')")
        connection.commit()
        yield unloader


@pytest.fixture
def unloader(made: Unloader) -> Iterator[Unloader]:
    yield made
    made.connection.rollback()
    for key in made.read():
        made.standin.s3.delete_object(Bucket=made.standin.bucket, Key=key)


def refused(unloader: Unloader, **options: Any) -> str:
    with pytest.raises(redshift_connector.Error) as caught:
        unloader.unload(**options)
    return str(caught.value.args[0]["M"])


def test_unload_writes_a_file_a_slice_with_the_rows_of_the_transaction(unloader: Unloader) -> None:
    unloader.execute("insert into things (id, name) values (4, 'pending')")
    unloader.unload()
    files = unloader.read()
    assert list(files) == ["out/0000_part_00.parquet", "out/0001_part_00.parquet"]
    frame = pl.concat(pl.read_parquet(io.BytesIO(body)) for body in files.values()).sort("id")
    assert frame.rows() == [
        (1, "a'b", True, 0.5),
        (2, None, None, None),
        (3, "", False, -1.0),
        (4, "pending", None, None),
    ]
    for body in files.values():
        metadata = pq.ParquetFile(io.BytesIO(body)).metadata
        assert metadata.format_version == "1.0"
        assert metadata.row_group(0).column(0).compression == "SNAPPY"


def test_unload_of_no_rows_writes_no_file(unloader: Unloader) -> None:
    unloader.unload(QUERY + " where id > 100")
    assert unloader.read() == {}


def test_unload_that_is_not_parallel_writes_one_file_in_order(unloader: Unloader) -> None:
    unloader.unload("select id from things order by id desc", "format as parquet parallel off maxfilesize 64 mb")
    (body,) = unloader.read().values()
    assert pl.read_parquet(io.BytesIO(body))["id"].to_list() == [3, 2, 1]


def test_unload_refuses_a_place_that_is_not_empty(unloader: Unloader) -> None:
    unloader.unload()
    assert "not empty" in refused(unloader)
    unloader.connection.rollback()
    unloader.unload(options="format as parquet allowoverwrite")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"query": QUERY + " limit 2"}, "Limit clause is not supported"),
        ({"query": "delete from things"}, "syntax error"),
        ({"query": "select nothing from things"}, "nothing"),
        ({"query": "select price from things"}, "how UNLOAD writes price numeric"),
        ({"query": "select day from things"}, "how UNLOAD writes day date"),
        ({"query": "select cast(id as integer) as id from things"}, "how UNLOAD writes id integer"),
        ({"role": "arn:aws:iam::000000000000:role/other"}, "not authorized to assume IAM Role"),
        ({"options": "format as parquet header"}, "HEADER is not supported"),
        ({"options": "format as parquet gzip"}, "GZIP is not supported"),
        ({"options": "format as parquet maxfilesize 4 mb"}, "between 5 MB"),
        ({"options": "format as parquet maxfilesize 7 gb"}, "between 5 MB"),
        ({"options": "format as parquet kms_key_id 'key'"}, "requires the ENCRYPTED"),
        ({"options": "format as csv"}, "without FORMAT AS PARQUET"),
        ({"options": ""}, "without FORMAT AS PARQUET"),
        ({"options": "format as parquet nonsense"}, "syntax error"),
    ],
)
def test_unload_refuses(unloader: Unloader, options: dict[str, str], said: str) -> None:
    assert said in refused(unloader, **options)
    assert unloader.read() == {}


def test_unload_fails_in_a_transaction_that_has_failed(unloader: Unloader) -> None:
    refused(unloader, query="select nothing from things")
    assert "aborted" in refused(unloader)
