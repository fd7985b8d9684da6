"""What a model is given: relations and a session, as dbt-duckdb gives DuckDB's, for as much of them as serves both.

A relation is a query that nobody has run. `.pl()`, `.df()` and `.arrow()` read it; `.select()`, `.filter()` and
`.limit()` make another query of it, so that only what is asked for is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from dbt_redshift_python.reading import Reader, list_columns
from dbt_redshift_python.statements import check_query

BATCH_ROWS = 1_000_000  # as in DuckDB
KNOWN = "select, project, filter, limit, columns, pl, df, arrow, to_arrow_table, to_arrow_reader"


class Relation:
    """A query on Redshift, for models that were written for DuckDB's relations."""

    def __init__(self, reader: Reader, sql: str) -> None:
        self._reader, self._sql = reader, sql

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"a relation on Redshift has no {name!r}; it has {KNOWN}")

    def select(self, *columns: str) -> Relation:
        """These columns alone: several names, or one text with expressions of SQL, as DuckDB takes them."""
        return self._derive(f"select {list_columns(columns)} from ({self._sql}) as given")

    project = select

    def filter(self, condition: str) -> Relation:
        """The rows for which a condition of SQL holds."""
        return self._derive(f"select * from ({self._sql}) as given where {condition}")

    def limit(self, rows: int) -> Relation:
        """So many rows, whichever they are."""
        return self._derive(f"select * from ({self._sql}) as given limit {int(rows)}")

    @property
    def columns(self) -> list[str]:
        return list(self._reader.describe(self._sql))

    def pl(self) -> pl.DataFrame:
        """All rows as a frame of polars, in no order."""
        return self._reader.read(self._sql)

    def df(self) -> Any:
        """All rows as a frame of pandas."""
        return self.pl().to_pandas()

    def to_arrow_table(self) -> Any:
        """All rows as a table of pyarrow."""
        return self.pl().to_arrow()

    fetch_arrow_table = to_arrow_table

    def arrow(self) -> Any:
        """All rows as a reader of pyarrow, as DuckDB gives it; they are read at once."""
        return self.to_arrow_table().to_reader()

    def to_arrow_reader(self, batch_size: int = BATCH_ROWS) -> Any:
        """A reader of pyarrow that holds a batch at a time; it is of use while the model runs."""
        import pyarrow

        schema, frames = self._reader.read_batches(self._sql, batch_size)
        shape = pl.DataFrame(schema=schema).to_arrow().schema
        return pyarrow.RecordBatchReader.from_batches(shape, _list_batches(frames))

    fetch_arrow_reader = fetch_record_batch = to_arrow_reader

    def _derive(self, sql: str) -> Relation:
        return Relation(self._reader, sql)


class Session:
    """What a model gets as its second argument: a way to run a query of its own."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"a session on Redshift has no {name!r}; it has sql, query and table")

    def sql(self, query: str) -> Relation:
        """The result of one query, in the SQL of Redshift."""
        return Relation(self._reader, check_query(query))

    query = sql

    def table(self, name: str) -> Relation:
        """All of a table or a view, by a name as SQL writes it."""
        return Relation(self._reader, f"select * from {name}")


def _list_batches(frames: Iterator[pl.DataFrame]) -> Iterator[Any]:
    for frame in frames:
        yield from frame.to_arrow().to_batches()
