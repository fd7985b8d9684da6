"""Parquet footers against table columns: everything a columnar COPY would stumble over is told with its column."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.errors import LoadError
from flows.warehouse.redshift.preflight import check_part
from tests.warehouse.parquet import conservative_parquet

COLUMNS = {"id": "varchar(4)", "cents": "bigint", "at": "varchar(26)", "ok": "boolean"}
GOOD = pl.DataFrame(
    {"id": ["éé"], "cents": [1], "at": ["2026-01-01 00:00:00.000000"], "ok": [True]},
    schema={"id": pl.String(), "cents": pl.Int64(), "at": pl.String(), "ok": pl.Boolean()},
)


def write(folder: Path, frame: pl.DataFrame, **options: Any) -> Path:
    path = folder / "part.parquet"
    path.write_bytes(conservative_parquet(frame, **options))
    return path


def test_check_part_that_fits_passes(tmp_path: Path) -> None:
    check_part(write(tmp_path, GOOD), COLUMNS)
    check_part(write(tmp_path, GOOD.clear()), COLUMNS)
    check_part(
        write(tmp_path, GOOD.with_columns(pl.lit(None).cast(dtype).alias(name) for name, dtype in GOOD.schema.items())),
        COLUMNS,
    )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (pl.col("id").cast(pl.Binary), r"id: found BYTE_ARRAY; varchar\(4\) expects BYTE_ARRAY UTF8 STRING"),
        (pl.lit("éé€").alias("id"), r"id: found a text of 7 bytes; varchar\(4\) holds 4"),
        (pl.col("cents").cast(pl.Int32), "cents: found INT32; bigint expects INT64"),
        (pl.col("cents").cast(pl.UInt64), "cents: found INT64 UINT_64 .*; bigint expects INT64"),
        (pl.col("cents").cast(pl.Float64), "cents: found DOUBLE; bigint expects INT64"),
        (pl.lit(datetime(2026, 1, 1)).alias("cents"), "cents: found INT64 Timestamp.*; bigint expects INT64"),
        (
            pl.lit(datetime.now(UTC)).alias("at"),
            r"at: found INT64 TIMESTAMP_MICROS .*; varchar\(26\) expects BYTE_ARRAY",
        ),
        (pl.lit(Decimal("0.05")).alias("at"), "at: found FIXED_LEN_BYTE_ARRAY DECIMAL .*expects BYTE_ARRAY"),
        (pl.lit("12026-01-01 00:00:00.000000").alias("at"), r"at: found a text of 27 bytes; varchar\(26\) holds 26"),
        (pl.col("ok").cast(pl.Int8), "ok: found INT32 INT_8 .*; boolean expects BOOLEAN"),
        (pl.concat_list("ok").alias("ok"), "the columns are id, cents, at, element|found a nested column"),
    ],
)
def test_check_part_that_differs_is_told_with_its_column(tmp_path: Path, wrong: pl.Expr, told: str) -> None:
    with pytest.raises(LoadError, match=told):
        check_part(write(tmp_path, GOOD.with_columns(wrong)), COLUMNS)


@pytest.mark.parametrize(
    "frame",
    [
        GOOD.drop("ok"),
        GOOD.with_columns(more=1),
        GOOD.select("cents", "id", "at", "ok"),
        GOOD.rename({"ok": "OK"}),
    ],
)
def test_check_part_with_other_columns_or_another_order_is_refused(tmp_path: Path, frame: pl.DataFrame) -> None:
    """COPY goes by position alone: it would load an exchanged column of a like type without a word."""
    with pytest.raises(LoadError, match="the table expects id, cents, at, ok, in this order"):
        check_part(write(tmp_path, frame), COLUMNS)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"compression": "zstd"}, "id: found pages compressed with ZSTD; expected SNAPPY"),
        ({"compression": "none"}, "ok: found pages compressed with UNCOMPRESSED; expected SNAPPY"),
        ({"version": "2.6"}, "found Parquet of format 2.6; expected 1.0"),
        (
            {"use_dictionary": False, "column_encoding": {"cents": "DELTA_BINARY_PACKED"}},
            "cents: found pages encoded with DELTA_BINARY_PACKED; expected one of BIT_PACKED, PLAIN",
        ),
        (
            {"use_dictionary": False, "column_encoding": {"id": "DELTA_BYTE_ARRAY"}},
            "id: found pages encoded with DELTA_BYTE_ARRAY",
        ),
    ],
)
def test_check_part_written_otherwise_is_refused(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    with pytest.raises(LoadError, match=told):
        check_part(write(tmp_path, GOOD, **options), COLUMNS)


def test_check_part_in_a_later_row_group_is_looked_at_too(tmp_path: Path) -> None:
    frame = pl.concat([GOOD, GOOD.with_columns(id=pl.lit("too long"))])
    with pytest.raises(LoadError, match="found a text of 8 bytes"):
        check_part(write(tmp_path, frame, row_group_size=1), COLUMNS)


def test_check_part_too_large_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    size = path.stat().st_size
    check_part(path, COLUMNS, max_bytes=size)
    with pytest.raises(LoadError, match=f"found {size:,} bytes; at most {size - 1:,}"):
        check_part(path, COLUMNS, max_bytes=size - 1)


@pytest.mark.parametrize("sql_type", ["timestamp", "decimal(9,6)", "date", "integer"])
def test_check_part_against_a_type_outside_the_dialect_is_a_mistake(tmp_path: Path, sql_type: str) -> None:
    with pytest.raises(ValueError, match="no rule for the SQL type"):
        check_part(write(tmp_path, GOOD), COLUMNS | {"at": sql_type})


def test_check_part_tells_every_fault_at_once(tmp_path: Path) -> None:
    frame = GOOD.with_columns(
        pl.lit("too long").alias("id"), pl.col("cents").cast(pl.Int32), at=pl.lit(datetime.now(UTC))
    )
    with pytest.raises(LoadError) as error:
        check_part(write(tmp_path, frame), COLUMNS)
    assert len(str(error.value).splitlines()) == 4
