"""Types: of Redshift's columns in polars, of polars' columns in Redshift, and the spelling of values on the way.

On the way, in either direction, there are integers of 64 bits, booleans, doubles and texts alone. No page of AWS says
in which physical forms UNLOAD writes timestamps, dates and decimals to Parquet, or which of them COPY reads right; a
timestamp that is not adjusted to UTC was stored as one of the year 161065, without an error (apache/arrow #38000,
rudderlabs/rudder-server #3389). So they are texts in one spelling on the way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl
from dbt_common.exceptions import DbtRuntimeError

DATE_FORMAT, TIME_FORMAT = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.6f"
NAIVE, AWARE = pl.Datetime("us"), pl.Datetime("us", "UTC")
SPELLED_BYTES = 64  # of a number or a time as text
MAX_TEXT_BYTES, DEFAULT_TEXT_BYTES = 65_535, 256  # r_Character_types: VARCHAR without a length has 256
MAX_DIGITS = 38
# pg_type: the numbers by which the server names the types of a result
OF_NUMBER: dict[int, pl.DataType] = {
    16: pl.Boolean(),
    20: pl.Int64(),
    21: pl.Int16(),
    23: pl.Int32(),
    700: pl.Float32(),
    701: pl.Float64(),
    1082: pl.Date(),
    1114: NAIVE,
    1184: AWARE,
    **dict.fromkeys((19, 25, 705, 1042, 1043), pl.String()),
}
NUMERIC = 1700
NAMES: dict[str, tuple[str, pl.DataType]] = {
    **dict.fromkeys(("bigint", "int8"), ("bigint", pl.Int64())),
    **dict.fromkeys(("integer", "int", "int4"), ("integer", pl.Int32())),
    **dict.fromkeys(("smallint", "int2"), ("smallint", pl.Int16())),
    **dict.fromkeys(("boolean", "bool"), ("boolean", pl.Boolean())),
    **dict.fromkeys(("real", "float4"), ("real", pl.Float32())),
    **dict.fromkeys(("double precision", "double", "float8", "float"), ("double precision", pl.Float64())),
    "date": ("date", pl.Date()),
    **dict.fromkeys(("timestamp", "timestamp without time zone"), ("timestamp", NAIVE)),
    **dict.fromkeys(("timestamptz", "timestamp with time zone"), ("timestamptz", AWARE)),
}
TEXTS = {"varchar", "character varying", "nvarchar", "text"}
# The smallest type of Redshift that holds every value; what is not here has none
OF_POLARS: list[tuple[type[pl.DataType], str]] = [
    *((kind, "smallint") for kind in (pl.Int8, pl.Int16, pl.UInt8)),
    *((kind, "integer") for kind in (pl.Int32, pl.UInt16)),
    *((kind, "bigint") for kind in (pl.Int64, pl.UInt32)),
    (pl.UInt64, "decimal(20,0)"),
    (pl.Int128, "decimal(38,0)"),
    (pl.Boolean, "boolean"),
    (pl.Float32, "real"),
    (pl.Float64, "double precision"),
    (pl.Date, "date"),
    *((kind, f"varchar({MAX_TEXT_BYTES})") for kind in (pl.String, pl.Categorical, pl.Enum)),
]


@dataclass(frozen=True)
class SqlType:
    """A type of Redshift: its text, the type that its values have in polars, and how long a text may be."""

    text: str
    dtype: pl.DataType
    max_bytes: int | None = None

    @property
    def staged(self) -> str:
        """The type of the column that COPY fills."""
        if self.dtype.is_integer():
            return "bigint"
        if self.dtype == pl.Boolean:
            return "boolean"
        return f"varchar({self.max_bytes or SPELLED_BYTES})"


def read_type(declared: str) -> SqlType | None:
    """The type that a text of SQL names; None if values of polars cannot become such ones."""
    text = " ".join(declared.lower().split())
    if text in NAMES:
        return SqlType(*NAMES[text])
    found = re.fullmatch(r"([a-z ]+?) ?(?:\( ?(\d+|max) ?(?:, ?(\d+) ?)?\))?", text)
    if not found:
        return None
    base, size, scale = found.groups()
    if base in TEXTS and not scale:
        length = MAX_TEXT_BYTES if size == "max" else int(size or DEFAULT_TEXT_BYTES)
        return SqlType(f"varchar({length})", pl.String(), length) if 0 < length <= MAX_TEXT_BYTES else None
    if base in {"decimal", "numeric"} and size != "max":
        digits, places = int(size or 18), int(scale or 0)
        is_known = 0 < digits <= MAX_DIGITS and places <= digits
        return SqlType(f"decimal({digits},{places})", pl.Decimal(digits, places)) if is_known else None
    return None


def choose_type(name: str, dtype: pl.DataType, declared: str | None) -> SqlType:
    """The type of a column of the table: what its YAML declares, else the smallest that holds every value.

    Raises:
        DbtRuntimeError: there is none; names the column.
    """
    if declared:
        found = read_type(declared)
        if found is None:
            raise DbtRuntimeError(
                f"column {name!r}: values of {dtype} cannot be written as the data_type {declared!r} that its YAML "
                "declares. Declare a number, a boolean, a date, a timestamp or a varchar."
            )
        return found
    text = _sql_of(dtype)
    found = read_type(text) if text else None
    if found is None:
        raise DbtRuntimeError(
            f"column {name!r}: no type of Redshift holds values of {dtype}. Cast it in the model, e.g. to pl.String"
            + (", or declare its data_type." if dtype == pl.Null else ".")
        )
    return found


def _sql_of(dtype: pl.DataType) -> str | None:
    if isinstance(dtype, pl.Decimal):
        return f"decimal({dtype.precision or MAX_DIGITS},{dtype.scale})"
    if isinstance(dtype, pl.Datetime):
        return "timestamptz" if dtype.time_zone else "timestamp"
    return next((text for kind, text in OF_POLARS if isinstance(dtype, kind)), None)


def quote(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def spell_in_sql(name: str, dtype: pl.DataType) -> str:
    """SQL: a column of a result as it travels."""
    column = quote(name)
    if isinstance(dtype, pl.Datetime):
        local = f"{column} at time zone 'UTC'" if dtype.time_zone else column
        return f"to_char({local}, 'YYYY-MM-DD HH24:MI:SS.US')"
    if dtype == pl.Date:
        return f"to_char({column}, 'YYYY-MM-DD')"
    if isinstance(dtype, pl.Decimal):
        return f"cast({column} as varchar({SPELLED_BYTES}))"
    if dtype.is_integer():
        return f"cast({column} as bigint)"
    if dtype.is_float():
        return f"cast({column} as double precision)"
    return f"cast({column} as varchar({MAX_TEXT_BYTES}))" if dtype == pl.String else column


def travelling_type(dtype: pl.DataType) -> pl.DataType:
    """The type of what `spell_in_sql` gives."""
    if dtype.is_integer():
        return pl.Int64()
    if dtype.is_float():
        return pl.Float64()
    return pl.Boolean() if dtype == pl.Boolean else pl.String()


def read_spelled(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column that came as `spell_in_sql` gives it, as it was."""
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        naive = column.str.to_datetime(TIME_FORMAT, time_unit="us", strict=True)
        return naive.dt.replace_time_zone("UTC") if dtype.time_zone else naive
    if dtype == pl.Date:
        return column.str.to_date(DATE_FORMAT, strict=True)
    return column.cast(dtype, strict=True)


def spell_for_copy(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column of these values as COPY is given it: 64-bit integers, booleans and texts; a null stays a null."""
    column = pl.col(name)
    if dtype.is_integer():
        return column.cast(pl.Int64)
    if dtype.is_float():
        text = column.cast(pl.String)
        return (
            pl.when(column == float("inf"))
            .then(pl.lit("Infinity"))
            .when(column == float("-inf"))
            .then(pl.lit("-Infinity"))
            .otherwise(text)
            .alias(name)
        )
    if isinstance(dtype, pl.Datetime):
        return column.dt.strftime(TIME_FORMAT)
    if dtype == pl.Date:
        return column.dt.strftime(DATE_FORMAT)
    return column if dtype in (pl.Boolean, pl.String) else column.cast(pl.String)
