"""What a model returns → frames of polars, one after the other, all with the columns that the first one told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import polars as pl
from dbt_common.exceptions import DbtRuntimeError

from dbt_redshift_python.relations import Relation

MAX_COLUMNS = 1600  # r_CREATE_TABLE_NEW: "The maximum number of columns you can define in a single table is 1,600"
MAX_NAME_BYTES = 127  # r_names
GROUP_BYTES = 64_000_000


@dataclass(frozen=True)
class Returned:
    """What a model returned: its columns, and its rows in frames that are read once."""

    schema: dict[str, pl.DataType]
    frames: Iterator[pl.DataFrame]


def take_returned(value: Any) -> Returned:
    """Take a frame of polars, pandas or pyarrow, a reader of pyarrow, or a relation.

    Raises:
        DbtRuntimeError: it is something else, or no table can have its columns; says which.
    """
    if isinstance(value, Relation):
        value = value.pl()
    if isinstance(value, pl.LazyFrame):
        value = value.collect()
    if isinstance(value, pl.DataFrame):
        return _take_frame(value)
    if _is_of("pandas", "DataFrame", value):
        _check_names([str(name) for name in value.columns])
        return _take_frame(pl.from_pandas(value))
    if _is_of("pyarrow", "Table", value):
        _check_names(value.column_names)
        return _take_frame(pl.DataFrame(pl.from_arrow(value)))
    if _is_of("pyarrow", "RecordBatchReader", value):
        _check_names(value.schema.names)
        return _take_reader(value)
    if isinstance(value, tuple | list):
        raise DbtRuntimeError(
            f"the model returned a {type(value).__name__} of {len(value)} values; a model is one table: return one "
            "frame, and make a model of each other one"
        )
    found = "nothing" if value is None else f"a value of type {type(value).__module__}.{type(value).__qualname__}"
    raise DbtRuntimeError(f"the model returned {found}; return a frame of polars, pandas or pyarrow")


def _take_frame(frame: pl.DataFrame) -> Returned:
    _check_names(frame.columns)
    rows = ceil(frame.height / max(1, round(frame.estimated_size() / GROUP_BYTES))) or 1
    return Returned(dict(frame.schema), frame.iter_slices(rows))


def _take_reader(reader: Any) -> Returned:
    """A reader tells its columns before it has read anything."""
    schema = dict(pl.DataFrame(pl.from_arrow(reader.schema.empty_table())).schema)
    return Returned(schema, (pl.DataFrame(pl.from_arrow(batch)) for batch in reader))


def _is_of(module: str, name: str, value: Any) -> bool:
    """Whether a value is of a class of a library, which may not be there, or be imported just now by another thread."""
    return any(each.__name__ == name and each.__module__.split(".")[0] == module for each in type(value).__mro__)


def _check_names(names: Sequence[str]) -> None:
    """Redshift folds names to small letters, quoted or not, unless a setting says otherwise (r_names)."""
    if not 0 < len(names) <= MAX_COLUMNS:
        raise DbtRuntimeError(
            f"the model returned {len(names):,} columns; a table of Redshift has 1 to {MAX_COLUMNS:,}. Return rows "
            "instead of columns, or split the model"
        )
    folded = [name.lower() for name in names]
    twice = sorted({name for name in folded if folded.count(name) > 1})
    if twice:
        raise DbtRuntimeError(
            f"the model returned {folded.count(twice[0])} columns with the name {twice[0]!r}; rename one"
        )
    for name in names:
        if not name.strip() or len(name.encode()) > MAX_NAME_BYTES or "\0" in name:
            raise DbtRuntimeError(f"{name[:100]!r} cannot be the name of a column; one has 1 to {MAX_NAME_BYTES} bytes")
