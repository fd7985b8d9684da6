"""COPY on the Redshift stand-in: what Redshift asks of a Parquet file, a manifest and the command itself.

Where nothing else is said, a rule is from copy-usage_notes-copy-from-columnar of the Amazon Redshift developer guide.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import redshift_connector

from tests.warehouse.parquet import conservative_parquet
from tests.warehouse.redshift_standin import RedshiftStandin

COLUMNS = "id bigint not null, name varchar(5), amount bigint, is_new boolean"
ROWS = pl.DataFrame({"any": [1, 2], "name": ['a,"\nb', None], "amount": [150, None], "is_new": [True, None]})
LOADED = [(1, 'a,"\nb', 150, True), (2, None, None, None)]


@dataclass
class Loader:
    """A connection with the table `target`, and a place in S3."""

    standin: RedshiftStandin
    connection: redshift_connector.Connection

    def put(self, key: str, frame: pl.DataFrame, **options: Any) -> dict[str, Any]:
        """Write a Parquet file and return its entry for a manifest."""
        body = conservative_parquet(frame, **options)
        self.standin.s3.put_object(Bucket=self.standin.bucket, Key=key, Body=body)
        return {"url": self.url(key), "mandatory": True, "meta": {"content_length": len(body)}}

    def put_manifest(self, *entries: dict[str, Any]) -> str:
        body = json.dumps({"entries": entries})
        self.standin.s3.put_object(Bucket=self.standin.bucket, Key="manifest", Body=body)
        return self.url("manifest")

    def url(self, key: str) -> str:
        return f"s3://{self.standin.bucket}/{key}"

    def copy(self, url: str, options: str = "", table: str = "target") -> None:
        role = self.standin.role_arn
        self.execute(f"copy {table} from '{url}' iam_role '{role}' format as parquet {options}")

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


@pytest.fixture
def loader(standin: RedshiftStandin) -> Iterator[Loader]:
    with standin.connect() as connection:
        loader = Loader(standin, connection)
        loader.execute(f"create table target ({COLUMNS})")
        connection.commit()
        yield loader


def test_copy_prefix_loads_by_position(loader: Loader) -> None:
    """The columns of the file are called otherwise: only their order counts."""
    loader.put("rows/1.parquet", ROWS)

    loader.copy(loader.url("rows/"))

    assert loader.execute("select * from target order by id") == LOADED
    assert loader.execute("select pg_last_copy_count()") == [(2,)]  # PG_LAST_COPY_COUNT


def test_copy_column_list_maps_by_position(loader: Loader) -> None:
    """copy-parameters-column-mapping, and the number of listed columns must match."""
    loader.put("rows/1.parquet", pl.DataFrame({"x": ["b"], "y": [7]}))

    loader.copy(loader.url("rows/"), table='target ("name", "ID")')

    assert loader.execute("select id, name from target") == [(7, "b")]
    with pytest.raises(redshift_connector.ProgrammingError, match="Table columns: 1, Data columns: 2"):
        loader.copy(loader.url("rows/"), table="target (name)")


def test_copy_several_files_counts_all(loader: Loader) -> None:
    entries = [loader.put(f"rows/{number}.parquet", ROWS) for number in range(3)]

    loader.copy(loader.put_manifest(*entries), "manifest")

    assert loader.execute("select count(*) from target") == [(6,)]


def test_copy_rolled_back_leaves_nothing(loader: Loader) -> None:
    """r_COPY: a COPY is part of the transaction around it."""
    loader.put("rows/1.parquet", ROWS)
    loader.copy(loader.url("rows/"))

    loader.connection.rollback()

    assert loader.execute("select count(*) from target") == [(0,)]


def test_copy_failing_aborts_the_transaction(loader: Loader) -> None:
    loader.put("rows/1.parquet", ROWS)
    loader.copy(loader.url("rows/"))
    with pytest.raises(redshift_connector.ProgrammingError, match="does not exist"):
        loader.copy(loader.url("nothing/"))

    with pytest.raises(redshift_connector.ProgrammingError, match="current transaction is aborted"):
        loader.execute("select 1")
    loader.connection.rollback()

    assert loader.execute("select count(*) from target") == [(0,)]


def test_copy_into_temporary_table_of_the_same_transaction(loader: Loader) -> None:
    loader.put("rows/1.parquet", ROWS)
    loader.execute("create temp table staged (like target)")

    loader.copy(loader.url("rows/"), table="staged")

    assert loader.execute("select count(*) from staged") == [(2,)]


def test_copy_in_autocommit_is_seen_by_others(loader: Loader) -> None:
    loader.put("rows/1.parquet", ROWS)
    loader.connection.rollback()
    loader.connection.autocommit = True

    loader.copy(loader.url("rows/"))

    assert loader.standin.run("select count(*) from target") == [(2,)]


def test_copy_same_text_twice_loads_twice(loader: Loader) -> None:
    """redshift_connector prepares a statement once: the second COPY is only bound and executed."""
    loader.put("rows/1.parquet", ROWS)
    loader.copy(loader.url("rows/"))
    loader.put("rows/1.parquet", ROWS.head(1))

    loader.copy(loader.url("rows/"))

    assert loader.execute("select count(*) from target") == [(3,)]


WRONG_FILES = {
    "an INT32 for BIGINT": (ROWS.with_columns(pl.col("any").cast(pl.Int32)), "Column type: BIGINT.*optional int32 any"),
    "a DOUBLE for BIGINT": (ROWS.with_columns(pl.col("amount").cast(pl.Float64)), "Column type: BIGINT.*double amount"),
    "a number for a text": (ROWS.with_columns(name=pl.lit(1, pl.Int64)), r"Column type: VARCHAR\(5\)"),
    "a column too few": (ROWS.drop("amount"), "Table columns: 4, Data columns: 3"),
    "a text of 6 bytes and 3 characters": (ROWS.with_columns(name=pl.lit("ééé")), "Table: 5, Data: 6"),
    "a null for NOT NULL": (ROWS.with_columns(any=pl.lit(None, pl.Int64)), "NULL value in column 'id'"),
}


@pytest.mark.parametrize(("frame", "message"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_copy_wrong_file_fails_and_is_logged(loader: Loader, frame: pl.DataFrame, message: str) -> None:
    """SYS_LOAD_ERROR_DETAIL keeps the row although the transaction was rolled back."""
    loader.put("rows/1.parquet", frame)
    with pytest.raises(redshift_connector.ProgrammingError, match=r"(?s)Spectrum Scan Error.*" + message):
        loader.copy(loader.url("rows/"))
    loader.connection.rollback()

    assert loader.execute("select count(*) from target") == [(0,)]
    logged = loader.execute(
        "select trim(file_name), trim(database_name), error_code from sys_load_error_detail "
        "where session_id = pg_backend_pid()"
    )
    assert logged == [(loader.url("rows/1.parquet"), "dev", 15007)]


OUTSIDE_THE_DIALECT = {
    "timestamps, which may arrive as years like 161065": (
        "at timestamp",
        pl.lit(datetime(2024, 1, 1)),
        {},
        "of at TIMESTAMP; BIGINT",
    ),
    "decimals": ("rate decimal(9,6)", pl.lit(Decimal("0.05"), pl.Decimal(9, 6)), {}, r"of rate DECIMAL\(9,6\)"),
    "dates": ("day date", pl.lit(date(2024, 1, 1)), {}, "of day DATE"),
    "timestamps for BIGINT": ("at bigint", pl.lit(datetime(2024, 1, 1)), {}, "INT64 NONE Timestamp.*into at BIGINT"),
    "unsigned numbers": ("n bigint", pl.lit(1, pl.UInt64), {"version": "2.4"}, "COPY of Parquet"),
    "bytes": ("b varchar(3)", pl.lit(b"a"), {}, r"BYTE_ARRAY NONE None into b VARCHAR\(3\)"),
    "zstd": ("n bigint", pl.lit(1, pl.Int64), {"compression": "zstd"}, "compressed with ZSTD"),
    "no compression": ("n bigint", pl.lit(1, pl.Int64), {"compression": "none"}, "compressed with UNCOMPRESSED"),
    "format 2": ("n bigint", pl.lit(1, pl.Int64), {"version": "2.6"}, "of format 2.6"),
    "delta encodings": (
        "n bigint",
        pl.lit(1, pl.Int64),
        {"use_dictionary": False, "column_encoding": {"n": "DELTA_BINARY_PACKED"}},
        "encoded with DELTA_BINARY_PACKED",
    ),
}


@pytest.mark.parametrize(
    ("declared", "value", "options", "message"), OUTSIDE_THE_DIALECT.values(), ids=OUTSIDE_THE_DIALECT
)
def test_copy_of_what_redshift_may_read_otherwise_is_refused(
    loader: Loader, declared: str, value: pl.Expr, options: dict[str, Any], message: str
) -> None:
    """PostgreSQL would load all of it as it is, and a test would show nothing."""
    loader.execute(f"create table other ({declared})")
    loader.put("rows/1.parquet", pl.select(value.alias(declared.split(maxsplit=1)[0])), **options)

    with pytest.raises(redshift_connector.ProgrammingError, match=rf"Redshift stand-in.*{message}"):
        loader.copy(loader.url("rows/"), table="other")


@pytest.mark.parametrize("option", ["statupdate", "statupdate on", "statupdate off"])
def test_copy_takes_statupdate(loader: Loader, option: str) -> None:
    """It is on the list of copy-usage_notes-copy-from-columnar, which COMPUPDATE is not."""
    loader.put("rows/1.parquet", ROWS)

    loader.copy(loader.url("rows/"), option)

    assert loader.execute("select count(*) from target") == [(2,)]


def test_copy_of_no_parquet_fails(loader: Loader) -> None:
    loader.standin.s3.put_object(Bucket=loader.standin.bucket, Key="rows/1.parquet", Body=b"no parquet")

    with pytest.raises(redshift_connector.ProgrammingError, match="not a valid Parquet file"):
        loader.copy(loader.url("rows/"))


@pytest.mark.parametrize(
    "options",
    ["maxerror 3", "region 'us-east-1'", "encoding utf8", "gzip", "compupdate off", "acceptanydate", "delimiter ','"],
)
def test_copy_option_not_for_columnar_is_refused(loader: Loader, options: str) -> None:
    loader.put("rows/1.parquet", ROWS)
    name = options.split(maxsplit=1)[0].upper()

    with pytest.raises(redshift_connector.ProgrammingError, match=f"{name} argument is not supported"):
        loader.copy(loader.url("rows/"), options)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("fillrecord", "stand-in: COPY with FILLRECORD"),
        ("explicit_ids", "stand-in: COPY with EXPLICIT_IDS"),
        ("statupdate maybe", 'near "maybe"'),
        ("manifest manifest", "redundant options"),
        ("kms_key_id 'x'", "KMS_KEY_ID argument"),
        ("frobnicate", 'near "frobnicate"'),
    ],
)
def test_copy_option_beyond_the_standin_is_refused(loader: Loader, option: str, message: str) -> None:
    loader.put("rows/1.parquet", ROWS)

    with pytest.raises(redshift_connector.ProgrammingError, match=message):
        loader.copy(loader.url("rows/"), option)


def test_copy_with_another_role_is_refused(loader: Loader) -> None:
    """copy-parameters-authorization: the role must be one that the warehouse may assume."""
    loader.put("rows/1.parquet", ROWS)
    other = "arn:aws:iam::123456789012:role/other"

    with pytest.raises(redshift_connector.ProgrammingError, match=f"not authorized to assume IAM Role {other}"):
        loader.execute(f"copy target from '{loader.url('rows/')}' iam_role '{other}' format as parquet")


def test_copy_with_the_default_role(loader: Loader) -> None:
    """copy-parameters-authorization: IAM_ROLE takes the word DEFAULT."""
    loader.put("rows/1.parquet", ROWS)

    loader.execute(f"copy target from '{loader.url('rows/')}' iam_role default format as parquet")

    assert loader.execute("select count(*) from target") == [(2,)]


def test_copy_without_role_is_refused(loader: Loader) -> None:
    with pytest.raises(redshift_connector.ProgrammingError, match="CREDENTIALS argument is required"):
        loader.execute(f"copy target from '{loader.url('rows/')}' format as parquet")


def test_manifest_without_content_length_is_refused(loader: Loader) -> None:
    """loading-data-files-using-manifest: columnar formats need `meta` with `content_length`."""
    entry = loader.put("rows/1.parquet", ROWS)

    with pytest.raises(redshift_connector.ProgrammingError, match="does not have 'meta' key"):
        loader.copy(loader.put_manifest({"url": entry["url"], "mandatory": True}), "manifest")
    loader.connection.rollback()
    with pytest.raises(redshift_connector.ProgrammingError, match="does not have 'content_length' key"):
        loader.copy(loader.put_manifest(entry | {"meta": {}}), "manifest")


def test_manifest_with_wrong_content_length_is_refused(loader: Loader) -> None:
    entry = loader.put("rows/1.parquet", ROWS)

    with pytest.raises(redshift_connector.ProgrammingError, match="is not its size"):
        loader.copy(loader.put_manifest(entry | {"meta": {"content_length": 1}}), "manifest")


def test_manifest_mandatory_file_missing_is_refused(loader: Loader) -> None:
    """loading-data-files-using-manifest: COPY fails for a missing file if it is mandatory, by default it is not."""
    entry = loader.put("rows/1.parquet", ROWS)
    missing = entry | {"url": loader.url("rows/2.parquet")}

    with pytest.raises(redshift_connector.ProgrammingError, match="could not be found"):
        loader.copy(loader.put_manifest(entry, missing), "manifest")
    loader.connection.rollback()
    loader.copy(loader.put_manifest(entry, missing | {"mandatory": False}), "manifest")

    assert loader.execute("select count(*) from target") == [(2,)]


def test_manifest_missing_is_refused(loader: Loader) -> None:
    with pytest.raises(redshift_connector.ProgrammingError, match=r"S3ServiceException:.*NoSuchKey"):
        loader.copy(loader.url("manifest"), "manifest")


def test_copy_into_unknown_table_or_column_is_refused(loader: Loader) -> None:
    loader.put("rows/1.parquet", ROWS)

    with pytest.raises(redshift_connector.ProgrammingError, match='relation "nowhere" does not exist'):
        loader.copy(loader.url("rows/"), table="nowhere")
    loader.connection.rollback()
    with pytest.raises(redshift_connector.ProgrammingError, match='column "nothing" of relation "target"'):
        loader.copy(loader.url("rows/"), table="target (nothing)")
