"""Parquet files against the dialect that COPY is given, before anything is uploaded.

A columnar COPY maps columns by position and refuses any other physical type (AWS: "COPY from columnar data formats");
what it says then is hard to read and partly missing from its error table, and some of what it takes it reads wrongly
(`dialect`). So everything outside the dialect is refused here: a difference is told with its column, what was found and
what is expected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from flows.errors import LoadError
from flows.warehouse.redshift.dialect import base_type
from flows.warehouse.redshift.repacking import MAX_BYTES

# physical type, converted type and logical type; what lacks the last two no reader can take for anything else
EXPECTED = {
    "bigint": ("INT64", "NONE", "NONE"),
    "boolean": ("BOOLEAN", "NONE", "NONE"),
    "varchar": ("BYTE_ARRAY", "UTF8", "STRING"),
}
FORMAT_VERSION, CODEC = "1.0", "SNAPPY"
ENCODINGS = {"PLAIN", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED"}  # of format 1.0


def check_part(path: Path, columns: Mapping[str, str], max_bytes: int = MAX_BYTES) -> None:
    """Compare a Parquet file with the columns it is to be loaded into, and with the dialect.

    Args:
        path: the file.
        columns: column → SQL type, in the order of COPY's column list.
        max_bytes: how large the file may be.

    Raises:
        LoadError: names each column that differs, what was found and what is expected.
    """
    found = pq.read_metadata(path)
    names = [found.schema.column(number).name for number in range(len(found.schema))]
    if names != list(columns):
        raise LoadError(
            f"{path.name}: the columns are {', '.join(names)}; the table expects {', '.join(columns)}, in this order. "
            "Please report this: the converter wrote something else than the contract says."
        )
    size = path.stat().st_size
    faults = [f"found {size:,} bytes; at most {max_bytes:,} are loaded as one"] if size > max_bytes else []
    if found.format_version != FORMAT_VERSION:
        faults.append(f"found Parquet of format {found.format_version}; expected {FORMAT_VERSION}")
    for number, (name, sql_type) in enumerate(columns.items()):
        faults += [f"{name}: {fault}" for fault in _find_faults(found, number, sql_type)]
    texts = {name: kind for n, (name, kind) in enumerate(columns.items()) if _is_text(found.schema.column(n))}
    faults += _find_long_texts(path, texts)
    if faults:
        lines = [f"  - {fault}" for fault in faults]
        raise LoadError("\n".join([f"{path.name}: COPY would refuse it or load it wrongly", *lines]))


def _find_faults(found: Any, number: int, sql_type: str) -> Iterator[str]:
    """What is wrong with one column: its type, whether it repeats, and how its pages are written."""
    column = found.schema.column(number)
    expected = EXPECTED.get(base_type(sql_type))
    if expected is None:
        raise ValueError(f"no rule for the SQL type {sql_type!r}")
    if (column.physical_type, column.converted_type, column.logical_type.type) != expected:
        yield f"found {_describe(column)}; {sql_type} expects {' '.join(part for part in expected if part != 'NONE')}"
    if column.max_repetition_level or column.max_definition_level > 1:
        yield "found a nested column; expected plain values"
    chunks = [found.row_group(group).column(number) for group in range(found.num_row_groups)]
    for codec in sorted({chunk.compression for chunk in chunks} - {CODEC}):
        yield f"found pages compressed with {codec}; expected {CODEC}"
    for encoding in sorted({encoding for chunk in chunks for encoding in chunk.encodings} - ENCODINGS):
        yield f"found pages encoded with {encoding}; expected one of {', '.join(sorted(ENCODINGS))}"


def _find_long_texts(path: Path, columns: Mapping[str, str]) -> list[str]:
    """Texts that are longer than their VARCHAR, in bytes of UTF-8; footers do not tell, so the columns are read."""
    limits = {
        name: int(match[1]) for name, kind in columns.items() if (match := re.fullmatch(r"varchar\((\d+)\)", kind))
    }
    if not limits:
        return []
    lengths = pl.scan_parquet(path, glob=False).select(pl.col(name).str.len_bytes().max() for name in limits)
    longest = lengths.collect(engine="streaming").row(0, named=True)
    return [
        f"{name}: found a text of {longest[name]} bytes; varchar({limit}) holds {limit}"
        for name, limit in limits.items()
        if (longest[name] or 0) > limit
    ]


def _is_text(column: Any) -> bool:
    return bool(column.logical_type.type == "STRING")


def _describe(column: Any) -> str:
    logical = str(column.logical_type)
    annotated = "" if column.converted_type == "NONE" else f" {column.converted_type}"
    return f"{column.physical_type}{annotated}{'' if logical == 'None' else f' {logical}'}"
