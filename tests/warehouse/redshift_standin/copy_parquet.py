"""What Redshift asks of a Parquet file that COPY loads, and its rows as PostgreSQL's COPY reads them.

Page: copy-usage_notes-copy-from-columnar. Columns are matched by position, never by name; the number of columns and the
physical types must match; the length of a VARCHAR is in bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from tests.warehouse.redshift_standin.copy_dialect import check_dialect, check_target
from tests.warehouse.redshift_standin.copy_errors import CopyError, scan_error
from tests.warehouse.redshift_standin.table_column import Column

NULL = r"\N"
BATCH_ROWS = 20_000
MAX_ROW_BYTES = 4 << 20  # r_COPY: "The maximum size of a single input row from any source is 4 MB"
PHYSICAL = {"bigint": "INT64", "boolean": "BOOLEAN", "character varying": "BYTE_ARRAY"}


def read_rows(content: bytes, url: str, columns: Sequence[Column]) -> Iterator[bytes]:
    """Blocks of CSV for PostgreSQL, each of whole rows, after the file was found to fit the table.

    Raises:
        CopyError: as Redshift would say what is wrong with the file.
    """
    file = _open(content, url)
    _check_schema(file, url, columns)
    check_dialect(file.metadata, columns)
    for batch in file.iter_batches(batch_size=BATCH_ROWS):
        for column, values in zip(columns, batch.columns, strict=True):
            _check_values(values, url, column)
        yield _write_rows(batch)


def _open(content: bytes, url: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(io.BytesIO(content))
    except pa.ArrowInvalid as error:
        raise scan_error(f"File '{url}' is not a valid Parquet file.", url, code=15001) from error


def _check_schema(file: pq.ParquetFile, url: str, columns: Sequence[Column]) -> None:
    fields = list(file.schema_arrow)
    if len(fields) != len(columns):
        raise scan_error(
            "Unmatched number of columns between table and file. "
            f"Table columns: {len(columns)}, Data columns: {len(fields)}, File name: {url}",
            url,
        )
    for position, (field, column) in enumerate(zip(fields, columns, strict=True)):
        check_target(column)
        physical = file.schema.column(position).physical_type
        if physical != PHYSICAL[column.base]:
            raise scan_error(
                f"File '{url}' has an incompatible Parquet schema for column '{url}.{field.name}'. "
                f"Column type: {column.redshift_type}, Parquet schema:\n"
                f"optional {physical.lower()} {field.name} [i:{position} d:1 r:0]",
                url,
                column,
            )


def _check_values(values: pa.Array, url: str, column: Column) -> None:
    if column.is_required and values.null_count:
        raise scan_error(
            f"NULL value in column '{column.name}', which is declared NOT NULL. File name: {url}",  # unconfirmed
            url,
            column,
        )
    if column.base == "character varying" and column.sizes:
        longest = max((len(value.encode()) for value in values.to_pylist() if value is not None), default=0)
        if longest > column.sizes[0]:
            raise scan_error(
                f"The length of the data column {column.name} is longer than the length defined in the table. "
                f"Table: {column.sizes[0]}, Data: {longest}, File name: {url}",
                url,
                column,
            )


def _write_rows(batch: pa.RecordBatch) -> bytes:
    lines = []
    for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
        line = ",".join(_write_value(value) for value in row)
        if len(line) > MAX_ROW_BYTES:
            raise CopyError("The row is larger than 4 MB")  # unconfirmed
        lines.append(line)
    return "".join(f"{line}\n" for line in lines).encode()


def _write_value(value: object) -> str:
    """One field of CSV; a text is always quoted, so that an empty one and a lone `\\N` are no nulls."""
    if value is None:
        return NULL
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return str(value)
