"""Frames → a table that is made and filled within the transaction of the materialization.

COPY is given Parquet of format 1.0, Snappy, of 64-bit integers, booleans and texts alone, into a temporary table of
exactly these columns; an INSERT casts them to the types of the table. "COPY from columnar data formats" names no other
compression than gzip, Snappy and bzip2, says nothing of newer encodings, and matches columns by position.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow.parquet as pq
from dbt_common.exceptions import DbtRuntimeError

from dbt_redshift_python.casting import cast_column
from dbt_redshift_python.columns import SqlType, choose_type, quote, spell_for_copy
from dbt_redshift_python.frames import Returned
from dbt_redshift_python.stage import Stage
from dbt_redshift_python.statements import Statements, authorize, literal

FILE_BYTES = 64 << 20  # "Loading data files": columnar files below 128 MB are not split, and many small ones are slow
FORMAT: dict[str, Any] = {
    "version": "1.0",
    "compression": "snappy",
    "data_page_version": "1.0",
    "write_statistics": False,
    "store_schema": False,
}


@dataclass(frozen=True)
class Target:
    """The table that is to be made: its name as SQL writes it, column → data_type of its YAML, and what follows.

    `held` is column → type of the table that the rows are for: that of a column which holds nulls alone.
    """

    relation: str
    is_temporary: bool
    declared: Mapping[str, str]
    options: str = ""
    held: Mapping[str, str] = field(default_factory=dict)

    def choose_types(self, schema: Mapping[str, pl.DataType]) -> dict[str, SqlType]:
        """Column → type of the table, in the order of the frame."""
        declared, held = ({name.lower(): text for name, text in said.items()} for said in (self.declared, self.held))
        nulls = {name.lower() for name, kind in schema.items() if kind == pl.Null}
        said = {name: text for name, text in held.items() if name in nulls} | declared
        return {name: choose_type(name, kind, said.get(name.lower())) for name, kind in schema.items()}


@dataclass
class Writer:
    """Writes for one run of one model; `open_stage` gives the place in S3, which is made when it is needed first."""

    statements: Statements
    open_stage: Callable[[], Stage]
    _entries: list[dict[str, Any]] = field(default_factory=list)
    _rows: int = 0

    def write(self, returned: Returned, target: Target) -> int:
        """Make the table and fill it; how many rows it has.

        Raises:
            DbtRuntimeError: a column has no type of Redshift, or a value does not fit its type; names the column.
        """
        types = target.choose_types(returned.schema)
        self._upload(returned.frames, types)
        kind = "temporary table" if target.is_temporary else "table"
        columns = ", ".join(f"{quote(name)} {each.text}" for name, each in types.items())
        self.statements.run(f"create {kind} {target.relation} ({columns}) {target.options}".rstrip())
        if self._rows:
            self._copy(types, target)
        return self._rows

    def _upload(self, frames: Iterator[pl.DataFrame], types: Mapping[str, SqlType]) -> None:
        """Cast, spell and upload all rows, a file of about `FILE_BYTES` in memory at a time."""
        file: _File | None = None
        for frame in frames:
            if not frame.height:
                continue
            cast = frame.select(cast_column(frame.get_column(name), each) for name, each in types.items())
            file = file or _File()
            file.append(cast.select(spell_for_copy(name, each.dtype) for name, each in types.items()))
            self._rows += frame.height
            if file.size >= FILE_BYTES:
                self._put(file)
                file = None
        if file is not None:
            self._put(file)

    def _put(self, file: _File) -> None:
        self._entries.append(self.open_stage().put(f"out/{len(self._entries):05d}.parquet", file.finish()))

    def _copy(self, types: Mapping[str, SqlType], target: Target) -> None:
        stage, staged = self.open_stage(), quote(f"staged_{uuid.uuid4().hex}")
        columns = ", ".join(f"{quote(name)} {each.staged}" for name, each in types.items())
        names = ", ".join(map(quote, types))
        casts = ", ".join(f"cast({quote(name)} as {each.text})" for name, each in types.items())
        manifest = stage.put_manifest("out/manifest.json", self._entries)
        self.statements.run(f"create temporary table {staged} ({columns})")
        self.statements.run(
            f"copy {staged} ({names}) from {literal(manifest)} {authorize(stage.settings.role)} "
            "format as parquet manifest statupdate off"
        )
        self._check_count(staged)
        self.statements.run(f"insert into {target.relation} ({names}) select {casts} from {staged}")
        self.statements.run(f"drop table {staged}")

    def _check_count(self, staged: str) -> None:
        ((copied,),) = self.statements.fetch(f"select count(*) from {staged}")
        if copied != self._rows:
            raise DbtRuntimeError(f"{self._rows} rows were uploaded and COPY loaded {copied}; nothing was written")


class _File:
    """One Parquet file in memory."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._writer: pq.ParquetWriter | None = None

    @property
    def size(self) -> int:
        return self._buffer.tell()

    def append(self, rows: pl.DataFrame) -> None:
        """Add rows as a row group."""
        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._buffer, table.schema, **FORMAT)
        self._writer.write_table(table)

    def finish(self) -> bytes:
        if self._writer is not None:
            self._writer.close()
        return self._buffer.getvalue()
