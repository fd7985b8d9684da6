"""Parquet footers against table columns: everything a columnar COPY would stumble over is told with its column."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from flows.errors import LoadError
from flows.warehouse.redshift.preflight import check_part

COLUMNS = {
    "id": "varchar(4)",
    "cents": "bigint",
    "rate": "decimal(9,6)",
    "at": "timestamp",
    "ok": "boolean",
}
GOOD = pl.DataFrame(
    {"id": ["é€"[:1] * 2], "cents": [1], "rate": [Decimal("0.5")], "at": [datetime(2026, 1, 1)], "ok": [True]},
    schema={
        "id": pl.String(),
        "cents": pl.Int64(),
        "rate": pl.Decimal(9, 6),
        "at": pl.Datetime("us"),
        "ok": pl.Boolean(),
    },
)


def write(folder: Path, frame: pl.DataFrame) -> Path:
    path = folder / "part.parquet"
    frame.write_parquet(path)
    return path


def test_check_part_that_fits_passes(tmp_path: Path) -> None:
    check_part(write(tmp_path, GOOD), COLUMNS)
    check_part(write(tmp_path, GOOD.clear()), COLUMNS)
    check_part(
        write(tmp_path, GOOD.with_columns(pl.lit(None).cast(dtype).alias(name) for name, dtype in GOOD.schema.items())),
        COLUMNS,
    )


def test_check_part_dictionary_of_texts_passes(tmp_path: Path) -> None:
    check_part(write(tmp_path, GOOD.with_columns(pl.col("id").cast(pl.Categorical))), COLUMNS)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (pl.col("id").cast(pl.Binary), r"id: found BYTE_ARRAY; varchar\(4\) expects BYTE_ARRAY of UTF-8 strings"),
        (pl.lit("éé€").alias("id"), r"id: found a text of 7 bytes; varchar\(4\) holds 4"),
        (pl.col("cents").cast(pl.Int32), "cents: found INT32; bigint expects INT64"),
        (pl.col("cents").cast(pl.UInt64), "cents: found INT64 .*; bigint expects INT64, signed"),
        (pl.col("cents").cast(pl.Float64), "cents: found DOUBLE; bigint expects INT64"),
        (pl.col("rate").cast(pl.Decimal(9, 4)), r"rate: found .*; decimal\(9,6\) expects a decimal of scale 6"),
        (pl.col("rate").cast(pl.Decimal(18, 6)), r"rate: found .*at most 9 digits"),
        (pl.col("rate").cast(pl.Float64), "rate: found DOUBLE"),
        (pl.col("at").cast(pl.Datetime("ns")), "at: found .*; timestamp expects INT64, microseconds"),
        (pl.col("at").cast(pl.Datetime("ms")), "at: found .*; timestamp expects INT64, microseconds"),
        (pl.col("at").dt.replace_time_zone("UTC"), "without a time zone"),
        (pl.col("at").cast(pl.String), "at: found BYTE_ARRAY"),
        (pl.col("ok").cast(pl.Int8), "ok: found INT32.*; boolean expects BOOLEAN"),
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
        GOOD.select("cents", "id", "rate", "at", "ok"),
        GOOD.rename({"ok": "OK"}),
    ],
)
def test_check_part_with_other_columns_or_another_order_is_refused(tmp_path: Path, frame: pl.DataFrame) -> None:
    """COPY goes by position alone: it would load an exchanged column of a like type without a word."""
    with pytest.raises(LoadError, match="the table expects id, cents, rate, at, ok, in this order"):
        check_part(write(tmp_path, frame), COLUMNS)


def test_check_part_tells_every_fault_at_once(tmp_path: Path) -> None:
    frame = GOOD.with_columns(
        pl.lit("too long").alias("id"), pl.col("cents").cast(pl.Int32), at=pl.lit(datetime.now(UTC))
    )
    with pytest.raises(LoadError) as error:
        check_part(write(tmp_path, frame), COLUMNS)
    assert len(str(error.value).splitlines()) == 4
