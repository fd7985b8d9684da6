"""The structural gate: which records of a block are CSV records of exactly n fields (RFC 4180)?

Each record is judged by itself, from its own text, before any value is looked at. So a bad record costs
itself and nothing else, and a short record is told from one whose last fields are empty.
"""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pyarrow as pa

from flows.errors import DataError
from flows.lake.reading import MAX_RECORD_BYTES, Block

STRUCTURE_CODES = {
    "field_count": "the record has another number of fields than the header",
    "quoting": "a quote stands where RFC 4180 does not allow one",
    "stray_cr": "a carriage return stands outside quotes",
    "too_long": "the record is longer than 4 MB, the most a warehouse row can hold",
}


def split_records(block: Block) -> pl.Series:
    """The text of each record of the block, as it came, without its line end (String)."""
    offsets = np.concatenate((np.zeros(1, dtype=np.int64), block.ends))
    array = pa.LargeStringArray.from_buffers(len(block), pa.py_buffer(offsets), pa.py_buffer(block.data))
    records = pl.Series("raw", pl.from_arrow(array), dtype=pl.String)
    return records.to_frame().select(pl.col("raw").str.strip_suffix("\n").str.strip_suffix("\r")).to_series()


def judge_structure(records: pl.Series, fields: int, *, has_quotes: bool) -> pl.Series:
    """The structural code of each record, null where the record is sound (String)."""
    raw = pl.col("raw")
    code = (
        pl.when(raw.str.len_bytes() > MAX_RECORD_BYTES)
        .then(pl.lit("too_long"))
        .when(_has_wrong_field_count(fields, has_quotes=has_quotes))
        .then(pl.lit("field_count"))
    )
    if has_quotes:
        code = code.when(~raw.str.contains(_record_pattern(None))).then(_bad_quote_code())
    else:
        code = code.when(raw.str.contains("\r", literal=True)).then(pl.lit("stray_cr"))
    return records.to_frame("raw").select(code.otherwise(None).alias("code")).to_series()


def join_records(records: pl.Series) -> bytes:
    """The records again as lines of a CSV file."""
    text = io.BytesIO()
    records.to_frame().write_csv(text, include_header=False, quote_style="never")
    return text.getvalue()


def parse_records(data: bytes, count: int, header: list[str], *, has_quotes: bool) -> pl.DataFrame:
    """Lines of `count` sound records → one String column per field, in the header's order; an empty field is null."""
    schema: dict[str, pl.DataType] = dict.fromkeys(header, pl.String())
    if not count:
        return pl.DataFrame(schema=schema)
    frame = pl.read_csv(data, has_header=False, schema=schema, quote_char='"' if has_quotes else None)
    if frame.height != count:
        raise DataError(f"{count} records were read as {frame.height}; the file cannot be converted")
    if has_quotes:  # a quoted empty field is read as an empty text
        frame = frame.select(pl.when(pl.all() != "").then(pl.all()))
    return frame


def _has_wrong_field_count(fields: int, *, has_quotes: bool) -> pl.Expr:
    raw = pl.col("raw")
    if not has_quotes:
        return raw.str.count_matches(",", literal=True) != fields - 1
    return raw.str.contains(_record_pattern(None)) & ~raw.str.contains(_record_pattern(fields))


def _bad_quote_code() -> pl.Expr:
    has_quote = pl.col("raw").str.contains('"', literal=True)
    return pl.when(has_quote).then(pl.lit("quoting")).otherwise(pl.lit("stray_cr"))


def _record_pattern(fields: int | None) -> str:
    """A record of `fields` fields, or of any number, after RFC 4180, sections 2.4 to 2.7."""
    one = r'(?:[^",\r\n]*|"(?:[^"]|"")*")'
    times = "*" if fields is None else f"{{{fields - 1}}}"
    return rf"\A{one}(?:,{one}){times}\z"


def find_merged_record(records: pl.Series, codes: pl.Series) -> int | None:
    """Index of the first record that spans lines though its quotes do not match: it may be several records in truth.

    With matching quotes a record of several lines is proven by its own text, whatever its number of fields.
    """
    frame = pl.DataFrame({"raw": records, "code": codes}).with_row_index("index")
    hits = frame.filter((pl.col("code") == "quoting") & pl.col("raw").str.contains("\n", literal=True))
    return None if hits.is_empty() else int(hits["index"][0])
