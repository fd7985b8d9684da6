"""Column and cast types: what Redshift has, with its own defaults and bounds.

Pages: c_Supported_data_types, c_unsupported-postgresql-datatypes, r_Character_types, r_Numeric_types201.
"""

from __future__ import annotations

from sqlglot import exp

from tests.warehouse.redshift_standin.sql_error import SqlError, beyond_standin, unsupported

Kind = exp.DataType.Type
DEFAULT_VARCHAR, MAX_VARCHAR, MAX_CHAR = 256, 65535, 4096
MAX_PRECISION, DEFAULT_PRECISION = 38, 18
PLAIN = {
    *(
        Kind.SMALLINT,
        Kind.INT,
        Kind.BIGINT,
        Kind.BOOLEAN,
        Kind.DATE,
        Kind.TIMESTAMP,
        Kind.TIMESTAMPTZ,
        Kind.TIME,
        Kind.TIMETZ,
    ),
}
RENAMED = {
    Kind.FLOAT: "DOUBLE PRECISION",  # FLOAT without a size is FLOAT8
    Kind.DOUBLE: "DOUBLE PRECISION",
    Kind.DATETIME: "TIMESTAMP",
    Kind.SUPER: "JSONB",
    Kind.VARBINARY: "BYTEA",
    Kind.NAME: "NAME",
}
CHARACTER = {Kind.CHAR, Kind.NCHAR, Kind.BPCHAR, Kind.VARCHAR, Kind.NVARCHAR, Kind.TEXT}
MISSING = {
    *(Kind.ARRAY, Kind.BIT, Kind.ENUM, Kind.HSTORE, Kind.INET, Kind.INT4RANGE, Kind.JSON, Kind.JSONB, Kind.MONEY),
    *(Kind.SERIAL, Kind.BIGSERIAL, Kind.SMALLSERIAL, Kind.UUID, Kind.XML, Kind.USERDEFINED),
}


def map_type(kind: exp.DataType, *, is_column: bool) -> None:
    """Change a type to PostgreSQL's in its place; `is_column` when it declares a column and not a cast.

    Raises:
        SqlError: Redshift lacks it, or it is larger than Redshift allows.
    """
    name = kind.this
    if name in CHARACTER:
        _map_character(kind, is_column=is_column)
    elif name == Kind.DECIMAL:
        _map_decimal(kind)
    elif name in MISSING or kind.args.get("nested"):
        raise unsupported(f"the data type {kind.sql()} is")
    elif name in RENAMED and not kind.expressions:
        kind.replace(exp.DataType(this=Kind.USERDEFINED, kind=RENAMED[name]))
    elif name not in PLAIN or kind.expressions:
        raise beyond_standin(f"the data type {kind.sql()}")


def _map_character(kind: exp.DataType, *, is_column: bool) -> None:
    """r_Character_types: TEXT, a bare VARCHAR and BPCHAR are 256 bytes, a bare CHAR is one; no bound in a cast."""
    is_fixed = kind.this in {Kind.CHAR, Kind.NCHAR}
    is_text = kind.this in {Kind.TEXT, Kind.BPCHAR}
    size = _size(kind, MAX_CHAR if is_fixed else MAX_VARCHAR)
    if size is None or is_text:
        size = 1 if is_fixed else DEFAULT_VARCHAR if is_column else None
    kind.set("this", Kind.CHAR if is_fixed else Kind.VARCHAR)
    kind.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(size))] if size else [])


def _size(kind: exp.DataType, largest: int) -> int | None:
    """The size in bytes that stands in the brackets, where MAX is the largest."""
    if not kind.expressions:
        return None
    text = kind.expressions[0].name.lower()
    size = largest if text == "max" else int(text)
    if not 1 <= size <= largest:
        name = "character" if largest == MAX_CHAR else "character varying"
        raise SqlError(f"length for type {name} cannot exceed {largest}", "22023")  # unconfirmed
    return size


def _map_decimal(kind: exp.DataType) -> None:
    """r_Numeric_types201: precision 18 and scale 0 unless said, at most 38."""
    sizes = [int(parameter.name) for parameter in kind.expressions] or [DEFAULT_PRECISION]
    precision, scale = (*sizes, 0)[:2]
    if not 1 <= precision <= MAX_PRECISION or scale > precision:
        raise SqlError(f"NUMERIC precision {precision} must be between 1 and {MAX_PRECISION}", "22023")  # unconfirmed
    kind.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(size)) for size in (precision, scale)])
