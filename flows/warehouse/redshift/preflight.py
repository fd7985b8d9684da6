"""Parquet footers against table columns, before COPY.

A columnar COPY maps columns by position and refuses any other physical type (AWS: "COPY from columnar data formats");
what it says then is hard to read and partly missing from its error table. So everything it could stumble over is looked
up here, and a difference is told with its column, what was found and what is expected.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from flows.errors import LoadError

_SQL_TYPE = re.compile(r"(?P<base>[a-z ]+)(\((?P<first>\d+)(,(?P<second>\d+))?\))?")


def check_part(path: Path, columns: Mapping[str, str]) -> None:
    """Compare a Parquet file with the columns it is to be loaded into: their count, order, names, types and lengths.

    Args:
        path: the file.
        columns: column → SQL type, in the order of COPY's column list.

    Raises:
        LoadError: names each column that differs, what was found and what is expected.
    """
    found = pq.read_metadata(path).schema
    names = [found.column(number).name for number in range(len(found))]
    if names != list(columns):
        raise LoadError(
            f"{path.name}: the columns are {', '.join(names)}; the table expects {', '.join(columns)}, in this order. "
            "Please report this: the converter wrote something else than the contract says."
        )
    faults = [
        f"  - {name}: found {_describe(found.column(number))}; {expected} expects {wanted}"
        for number, (name, expected) in enumerate(columns.items())
        if (wanted := _find_fault(found.column(number), expected))
    ]
    faults += _find_long_texts(path, columns)
    if faults:
        raise LoadError("\n".join([f"{path.name}: COPY would refuse it or load it wrongly", *faults]))


def _find_fault(column: Any, sql_type: str) -> str | None:
    """What is expected, if the column is something else."""
    match = _SQL_TYPE.fullmatch(sql_type)
    if match is None:
        raise ValueError(f"no rule for the SQL type {sql_type!r}")
    physical, logical = column.physical_type, column.logical_type
    base = match["base"]
    if base == "bigint":
        is_signed = logical.type == "NONE" or json.loads(logical.to_json()).get("isSigned")
        return None if physical == "INT64" and is_signed and logical.type in {"NONE", "INT"} else "INT64, signed"
    if base == "boolean":
        return None if physical == "BOOLEAN" else "BOOLEAN"
    if base == "varchar":
        return None if physical == "BYTE_ARRAY" and logical.type == "STRING" else "BYTE_ARRAY of UTF-8 strings"
    if base == "timestamp":
        unit = json.loads(logical.to_json())
        is_naive_us = unit.get("timeUnit") == "microseconds" and unit.get("isAdjustedToUTC") is False
        return None if physical == "INT64" and is_naive_us else "INT64, microseconds, without a time zone"
    if base == "decimal":
        precision, scale = int(match["first"]), int(match["second"])
        fits = logical.type == "DECIMAL" and column.scale == scale and column.precision <= precision
        return None if fits else f"a decimal of scale {scale} and at most {precision} digits"
    raise ValueError(f"no rule for the SQL type {sql_type!r}")


def _find_long_texts(path: Path, columns: Mapping[str, str]) -> list[str]:
    """Texts that are longer than their VARCHAR, in bytes of UTF-8; footers do not tell, so the columns are read."""
    limits = {name: int(match["first"]) for name, match in _varchars(columns).items()}
    if not limits:
        return []
    lengths = pl.scan_parquet(path, glob=False).select(
        pl.col(name).cast(pl.String).str.len_bytes().max() for name in limits
    )
    longest = lengths.collect().row(0, named=True)
    return [
        f"  - {name}: found a text of {longest[name]} bytes; varchar({limit}) holds {limit}"
        for name, limit in limits.items()
        if (longest[name] or 0) > limit
    ]


def _varchars(columns: Mapping[str, str]) -> dict[str, re.Match[str]]:
    matches = {name: _SQL_TYPE.fullmatch(sql_type) for name, sql_type in columns.items()}
    return {name: match for name, match in matches.items() if match and match["base"] == "varchar"}


def _describe(column: Any) -> str:
    logical = str(column.logical_type)
    return f"{column.physical_type} {'' if logical == 'None' else logical}".strip()
