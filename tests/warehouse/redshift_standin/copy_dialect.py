"""What of Parquet is known to reach Redshift as it is; the stand-in loads nothing else, for here it would always work.

Types: timestamps that are not adjusted to UTC arrive as years like 161065, without an error (apache/arrow #38000,
rudderlabs/rudder-server #3389). Of DECIMAL in its several physical forms, of DATE, of small integers and of floats no
page says how they are read. Compression: copy-usage_notes-copy-from-columnar names gzip, Snappy and bzip2. Versions: no
page says that format 2 and its encodings are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.warehouse.redshift_standin.sql_error import beyond_standin
from tests.warehouse.redshift_standin.table_column import Column

ANNOTATIONS = {"bigint": ("NONE", "NONE"), "boolean": ("NONE", "NONE"), "character varying": ("UTF8", "STRING")}
CODECS = {"SNAPPY", "GZIP"}
ENCODINGS = {"PLAIN", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED"}


def check_target(column: Column) -> None:
    """Refuse a column of the table of which it is not known what COPY makes of a Parquet file for it."""
    if column.base not in ANNOTATIONS:
        raise beyond_standin(
            f"what COPY of Parquet makes of {column.name} {column.redshift_type}; BIGINT, BOOLEAN and VARCHAR are known"
        )


def check_dialect(found: Any, columns: Sequence[Column]) -> None:
    """Refuse a file, by the metadata of its footer, that not every reader of Parquet takes for the same."""
    if found.format_version != "1.0":
        raise beyond_standin(f"COPY of Parquet of format {found.format_version}")
    for number, column in enumerate(columns):
        _check_annotation(found.schema.column(number), column)
        for group in range(found.num_row_groups):
            _check_pages(found.row_group(group).column(number), column)


def _check_annotation(written: Any, column: Column) -> None:
    if (written.converted_type, written.logical_type.type) != ANNOTATIONS[column.base]:
        raise beyond_standin(
            f"COPY of Parquet {written.physical_type} {written.converted_type} {written.logical_type} "
            f"into {column.name} {column.redshift_type}"
        )
    if written.max_repetition_level or written.max_definition_level > 1:
        raise beyond_standin(f"COPY of a nested Parquet column into {column.name}")


def _check_pages(chunk: Any, column: Column) -> None:
    if chunk.compression not in CODECS:
        raise beyond_standin(f"COPY of Parquet compressed with {chunk.compression} ({column.name})")
    for encoding in chunk.encodings:
        if encoding not in ENCODINGS:
            raise beyond_standin(f"COPY of Parquet encoded with {encoding} ({column.name})")
