"""Parquet for tests, written without the code that is tested."""

from __future__ import annotations

import io
from typing import Any

import polars as pl
import pyarrow.parquet as pq


def conservative_parquet(frame: pl.DataFrame, **options: Any) -> bytes:
    """A file of format 1.0 with Snappy pages; `options` of `pyarrow.parquet.ParquetWriter` make it another."""
    buffer = io.BytesIO()
    given: dict[str, Any] = {"version": "1.0", "compression": "snappy", "store_schema": False} | options
    pq.write_table(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), buffer, **given)
    return buffer.getvalue()
