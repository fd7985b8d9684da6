"""A query → frames: its rows over the connection if they are few, else by UNLOAD to Parquet in S3.

What a query will take in memory is known before it is read: the server counts rows and bytes of texts, within the same
transaction, and so from the same snapshot. A model that would hold more than the limit is refused with the figure.
Either way values travel in one spelling (see `columns`), so that both ways give the same.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from dbt_common.exceptions import DbtRuntimeError

from dbt_redshift_python.columns import (
    MAX_DIGITS,
    NUMERIC,
    OF_NUMBER,
    quote,
    read_spelled,
    spell_in_sql,
    travelling_type,
)
from dbt_redshift_python.settings import MB, PythonSettings
from dbt_redshift_python.stage import Stage
from dbt_redshift_python.statements import Statements, authorize, literal

UNLOADED_MB = 64  # of each file: UNLOAD rounds it down to a multiple of its row groups of 32 MB
TEXT_BYTES = 16  # polars: the view of a text; longer ones lie elsewhere in full


@dataclass(frozen=True)
class Result:
    """What a query gives: its columns and their types, how many rows, and how many bytes they take in memory."""

    sql: str
    schema: dict[str, pl.DataType]
    rows: int
    size: int

    @property
    def spelled(self) -> str:
        """The query with its values as they travel."""
        columns = ", ".join(f"{spell_in_sql(name, kind)} as {quote(name)}" for name, kind in self.schema.items())
        return f"select {columns} from ({self.sql}) as given"


@dataclass
class Reader:
    """Reads for one run of one model; `held` is what it has read into memory so far.

    `open_stage` gives the place in S3, which is made when it is needed first.
    """

    statements: Statements
    settings: PythonSettings
    open_stage: Callable[[], Stage]
    memory_bytes: int
    held: int = 0
    _unloaded: int = field(default=0, repr=False)

    def describe(self, sql: str) -> dict[str, pl.DataType]:
        """Column → type of what a query gives.

        Raises:
            DbtRuntimeError: two columns have one name, or a type has none in polars; names the column.
        """
        found = self.statements.run(f"select * from ({sql}) as given limit 0").ps["row_desc"]
        names = [_decode(each["label"]) for each in found]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DbtRuntimeError(f"two columns of a query have the name {twice[0]!r}; give one of them another name")
        return {name: _type_of(name, each) for name, each in zip(names, found, strict=True)}

    def measure(self, sql: str) -> Result:
        """Ask the server how much a query gives."""
        schema = self.describe(sql)
        texts = [f"coalesce(octet_length({quote(name)}), 0)" for name, kind in schema.items() if kind == pl.String]
        measured = f"cast({' + '.join(texts)} as bigint)" if texts else "0"
        rows, text_bytes = self.statements.fetch(
            f"select count(*), cast(coalesce(sum({measured}), 0) as bigint) from ({sql}) as given"
        )[0]
        fixed = sum(_width(kind) for kind in schema.values())
        return Result(sql, schema, int(rows), int(rows * fixed) + int(text_bytes))

    def read(self, sql: str) -> pl.DataFrame:
        """All rows of a query.

        Raises:
            DbtRuntimeError: the model would hold more than it may.
        """
        result = self.measure(sql)
        if self.held + result.size > self.memory_bytes:
            before = f", and {_in_mb(self.held)} that the model has read before" if self.held else ""
            raise DbtRuntimeError(
                f"{result.rows} rows of {len(result.schema)} columns take about {_in_mb(result.size)} in memory{before}"
                f"; {_in_mb(self.memory_bytes)} are allowed. Read fewer columns (.select) or rows (.filter), read in "
                "batches (.to_arrow_reader), or raise REDSHIFT_PYTHON_MEMORY_MB or memory_mb in the model's meta."
            )
        self.held += result.size
        return pl.concat(self._read_frames(result))

    def read_batches(self, sql: str, rows: int) -> tuple[dict[str, pl.DataType], Iterator[pl.DataFrame]]:
        """The types of a query, and its rows in frames of `rows`; only one file of an UNLOAD is held at a time."""
        if rows < 1:
            raise DbtRuntimeError(f"a batch of {rows} rows was asked for; a batch has 1 or more")
        result = self.measure(sql)
        frames = self._read_frames(result)
        return result.schema, (part for frame in frames for part in frame.iter_slices(rows) if part.height)

    def _read_frames(self, result: Result) -> Iterator[pl.DataFrame]:
        rows = 0
        for frame in self._read_spelled(result):
            rows += frame.height
            yield frame.select(read_spelled(name, kind) for name, kind in result.schema.items())
        if rows != result.rows:
            raise DbtRuntimeError(f"{result.rows} rows were counted and {rows} read; nothing was written. Run again.")

    def _read_spelled(self, result: Result) -> Iterator[pl.DataFrame]:
        """At least one frame, whatever the query gives: UNLOAD of no rows writes no file."""
        schema = {name: travelling_type(kind) for name, kind in result.schema.items()}
        if result.size <= self.settings.driver_bytes:
            fetched = self.statements.fetch(result.spelled)
            yield pl.DataFrame(fetched, schema=schema, orient="row")
            return
        yield pl.DataFrame(schema=schema)
        stage = self.open_stage()
        for name in self._unload(stage, result.spelled):
            yield _check_file(pl.read_parquet(io.BytesIO(stage.read(name))), schema)

    def _unload(self, stage: Stage, sql: str) -> list[str]:
        """The names of the files that UNLOAD wrote, in a folder of its own (AWS: "UNLOAD")."""
        self._unloaded += 1
        folder = f"in-{self._unloaded}"
        key = self.settings.kms_key_id
        encrypted = f" kms_key_id {literal(key)} encrypted" if key else ""
        self.statements.run(
            f"unload ({literal(sql)}) to {literal(stage.url(folder + '/'))} {authorize(self.settings.role)} "
            f"format as parquet maxfilesize {UNLOADED_MB} mb{encrypted}"
        )
        return stage.list_names(folder)


def _check_file(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """The columns as they should travel; a file that holds others is no answer to what was asked.

    Raises:
        DbtRuntimeError: names the first column that is missing or of another type.
    """
    for name, kind in schema.items():
        found = frame.schema.get(name)
        if found != kind:
            raise DbtRuntimeError(f"column {name!r}: UNLOAD wrote {found or 'nothing'} where {kind} was asked for")
    return frame.select(list(schema))


def _type_of(name: str, described: dict[str, Any]) -> pl.DataType:
    number, modifier = int(described["type_oid"]), int(described["type_modifier"])
    if number == NUMERIC:
        if modifier < 0:
            raise DbtRuntimeError(
                f"column {name!r}: the server does not tell the digits of this number. Cast it in the query, e.g. "
                f"cast({name} as decimal(18,2))"
            )
        digits, places = (modifier - 4) >> 16, (modifier - 4) & 0xFFFF
        return pl.Decimal(min(digits, MAX_DIGITS), places)
    if number not in OF_NUMBER:
        raise DbtRuntimeError(
            f"column {name!r}: its type, number {number} in pg_type, has no counterpart in polars. Cast it in a query, "
            f"e.g. session.sql('select cast({name} as varchar(1000)) …'), or leave it out with .select"
        )
    return OF_NUMBER[number]


def _width(kind: pl.DataType) -> float:
    """Bytes of a value in memory, without those of a text."""
    if isinstance(kind, pl.Decimal) or kind == pl.String:
        return TEXT_BYTES
    return {pl.Boolean(): 1 / 8, pl.Int16(): 2, pl.Int32(): 4, pl.Float32(): 4, pl.Date(): 4}.get(kind, 8)


def _in_mb(size: int) -> str:
    return f"{size / MB:,.1f} MB"


def _decode(label: Any) -> str:
    return label.decode() if isinstance(label, bytes) else str(label)


def list_columns(columns: Sequence[str]) -> str:
    """The columns that a model asks for, as SQL: several are names, a single one is SQL as it stands."""
    asked = columns[0] if len(columns) == 1 else ", ".join(map(quote, columns))
    if not asked.strip():
        raise DbtRuntimeError("select() was given no column")
    return asked
