"""The one form of data that COPY is given: BIGINT, BOOLEAN and VARCHAR columns, whatever a raw table has.

The types of a contract in; the types of what is staged, the text of what is no such type, and the cast back out.

A Parquet timestamp that is not adjusted to UTC, which is what polars and pyarrow write, arrived in Redshift as one of
the year 161065, without an error (apache/arrow #38000, rudderlabs/rudder-server #3389); whether every kind of DECIMAL
is read right is documented nowhere. So both are staged as text in one fixed spelling, `2025-06-30 23:59:59.000000` and
`0.050000`, which a cast reads in one way only (AWS: "Datetime types", "Numeric types").
"""

from __future__ import annotations

import re

import polars as pl

from flows.lake.contracts import Contract
from flows.warehouse.ddl import quote, raw_columns

TIMESTAMP_FORMAT = "%Y-%m-%d %H:%M:%S%.6f"
TIMESTAMP_BYTES = 26
AS_THEY_ARE = ("bigint", "boolean", "varchar")
LATE_COLUMNS = {"_file_sha256": "file_sha256", "_run_id": "run_id", "_loaded_at": "loaded_at"}  # raw → ledger
# What Redshift assigns by itself where one column of a table has an encoding; COPY assigns none to columnar data (AWS:
# "Compression encodings", "COPY from columnar data formats")
ENCODINGS = {"bigint": "az64", "boolean": "raw", "varchar": "lzo"}


def staged_columns(contract: Contract) -> dict[str, str]:
    """Column → SQL type of what is staged: the columns of the raw table without those that only the ledger knows."""
    return {name: _staged_type(kind) for name, kind in raw_columns(contract).items() if name not in LATE_COLUMNS}


def declare_columns(columns: dict[str, str]) -> str:
    """The columns of a temporary table with these types, each with its encoding."""
    return ", ".join(f"{quote(name)} {kind} encode {ENCODINGS[base_type(kind)]}" for name, kind in columns.items())


def cast_back(name: str, sql_type: str) -> str:
    """SQL: the staged column `name` of `parts` as the type that the raw table has."""
    column = f"parts.{quote(name)}"
    return column if base_type(sql_type) in AS_THEY_ARE else f"cast({column} as {sql_type})"


def spell(frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows as they are staged: integers, booleans and texts alone; a null stays a null."""
    return frame.with_columns(
        pl.col(name).dt.strftime(TIMESTAMP_FORMAT) if isinstance(dtype, pl.Datetime) else pl.col(name).cast(pl.String)
        for name, dtype in frame.schema.items()
        if not isinstance(dtype, pl.Int64 | pl.Boolean | pl.String)
    )


def base_type(sql_type: str) -> str:
    """The name of a type without what stands in its brackets."""
    return sql_type.split("(", maxsplit=1)[0]


def _staged_type(sql_type: str) -> str:
    base = base_type(sql_type)
    if base in AS_THEY_ARE:
        return sql_type
    if base == "timestamp":
        return f"varchar({TIMESTAMP_BYTES})"
    digits = re.fullmatch(r"decimal\((\d+),\d+\)", sql_type)
    if digits is None:
        raise ValueError(f"no spelling for the SQL type {sql_type!r}")
    return f"varchar({int(digits[1]) + 3})"  # a sign, a leading zero, a point
