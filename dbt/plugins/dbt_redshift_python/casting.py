"""A column as a model returned it → the same values in the type of the table, or an error that names the column."""

from __future__ import annotations

import polars as pl
from dbt_common.exceptions import DbtRuntimeError

from dbt_redshift_python.columns import SqlType

SHOWN_CHARACTERS = 60


def cast_column(column: pl.Series, to: SqlType) -> pl.Series:
    """The values of a column in the type of the table; nothing is cut off or lost but digits behind a decimal's last.

    Raises:
        DbtRuntimeError: a value does not fit; names the column, how many do not, and the first of them.
    """
    prepared = _prepare(column, to)
    try:
        cast = prepared.cast(to.dtype, strict=False)
    except pl.exceptions.PolarsError as error:
        raise _misfit(column, to, str(error).splitlines()[0]) from error
    lost = prepared.is_not_null() & (cast.is_null() | _is_changed(prepared, cast))
    if lost.any():
        _refuse(column, to, lost)
    if to.max_bytes is not None:
        long = (cast.str.len_bytes() > to.max_bytes).fill_null(value=False)
        if long.any():
            longest = cast.str.len_bytes().max()
            raise _misfit(column, to, f"{int(long.sum())} values are longer, up to {longest!r} bytes")
    return cast


def _prepare(column: pl.Series, to: SqlType) -> pl.Series:
    """Bring what a plain cast would read wrongly into a form that it reads right."""
    kind = column.dtype
    if isinstance(kind, pl.Datetime) and isinstance(to.dtype, pl.Datetime):
        if bool(kind.time_zone) != bool(to.dtype.time_zone):
            raise _misfit(column, to, "one has a time zone and the other has none; say which with dt.replace_time_zone")
        return column.dt.convert_time_zone("UTC") if kind.time_zone else column
    if kind.is_nested() or kind in (pl.Binary, pl.Object, pl.Time, pl.Duration):
        raise _misfit(column, to, f"values of {kind} cannot be written")
    if kind.is_float() and isinstance(to.dtype, pl.Decimal):
        return column.round(to.dtype.scale)
    return column


def _is_changed(given: pl.Series, cast: pl.Series) -> pl.Series:
    """Where a cast lost something that polars does not tell: what follows the point, or the time of a day."""
    is_whole = given.dtype.is_float() and cast.dtype.is_integer()
    is_day = isinstance(given.dtype, pl.Datetime) and cast.dtype == pl.Date
    is_decimal = isinstance(given.dtype, pl.Decimal) and cast.dtype.is_integer()
    if is_whole or is_day or is_decimal:
        return (cast.cast(given.dtype) != given).fill_null(value=False)
    return pl.repeat(value=False, n=len(given), dtype=pl.Boolean, eager=True)


def _refuse(column: pl.Series, to: SqlType, lost: pl.Series) -> None:
    first = repr(column.filter(lost)[0])[:SHOWN_CHARACTERS]
    raise _misfit(column, to, f"{int(lost.sum())} of {len(column)} values do not fit, such as {first}")


def _misfit(column: pl.Series, to: SqlType, why: str) -> DbtRuntimeError:
    return DbtRuntimeError(
        f"column {column.name!r}, {column.dtype} in the model, {to.text} in the table: {why}. Change the model, or the "
        "data_type that its YAML declares."
    )
