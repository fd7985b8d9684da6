"""The structural gate: which records of a block are CSV records of exactly n fields (RFC 4180), and what are they?

Each record is judged by itself, from its own text, before any value is looked at. So a bad record costs itself and
nothing else, and a short record is told from one whose last fields are empty.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

import numpy as np
import polars as pl
from polars.exceptions import ComputeError, SchemaError

from flows.errors import DataError
from flows.lake.reading import Block
from flows.lake.splitting import (
    COMMA,
    CR,
    MAX_RECORD_BYTES,
    NEWLINE,
    QUOTE,
    as_series,
    count_byte,
    find_byte,
    gather_records,
)

STRUCTURE_CODES = {
    "field_count": "the record has another number of fields than the header",
    "quoting": "a quote stands where RFC 4180 does not allow one, or is not closed",
    "stray_cr": "a carriage return stands outside quotes",
    "too_long": "the record is longer than 4 MiB, about the most a warehouse row can hold",
}
_ONE = r'(?:[^",\r\n]*|"(?:[^"]|"")*")'


@dataclass(frozen=True)
class Records:
    """A block, judged: the sound records as text columns with their row numbers, the others with their reason."""

    rows: pl.Series  # Int64: record numbers of the sound records
    text: pl.DataFrame  # one String column per field, in the header's order; an empty field is null
    raw: (
        pl.Series | None
    )  # String: the sound records as they came; None where the fields joined by commas are just that
    misshapen: pl.DataFrame  # _row Int64, reason String, raw String

    def raw_of(self, bad: pl.Series) -> pl.Series:
        """The records that `bad` (Boolean) marks, as they came (String)."""
        if self.raw is not None:
            return self.raw.filter(bad)
        return (
            self.text.filter(bad).select(pl.concat_str(pl.all().fill_null(""), separator=",").alias("raw")).to_series()
        )


def judge_block(block: Block, header: list[str]) -> Records:
    """Tell the sound records of a block from the others.

    Raises:
        UnicodeDecodeError: the block is not UTF-8.
    """
    if block.ends is None:
        text = _parse_if_sound(block, header)
        if text is not None:
            rows = pl.int_range(block.first_row, block.first_row + block.rows, dtype=pl.Int64, eager=True)
            return Records(rows, text, None, _no_misshapen())
        block.data.decode("utf-8")
    return _judge_each(block, header)


def _parse_if_sound(block: Block, header: list[str]) -> pl.DataFrame | None:
    """The fields of a block without quotes, if all its records are sound.

    If no record is longer than the header (the parser raises), and there are as many commas as sound records have
    together, then no record is shorter.
    """
    if count_byte(block.data, COMMA) != block.rows * (len(header) - 1):
        return None
    if b"\r" in block.data and block.data.count(b"\r") != block.data.count(b"\r\n"):
        return None
    if len(header) == 1 or _may_hold_a_long_record(block.data):
        return None
    try:
        text = parse(block.data, header, quote_char=None)
    except (ComputeError, SchemaError):
        return None
    return text if text.height == block.rows else None


def _judge_each(block: Block, header: list[str]) -> Records:
    ends = block.record_ends
    codes = judge_structure(block.data, ends, len(header))
    sound = codes.is_null()
    rows = pl.int_range(block.first_row, block.first_row + block.rows, dtype=pl.Int64, eager=True)
    wrong = (~sound).arg_true()
    reason = "record:" + codes.gather(wrong)
    came = _strip_ends(gather_records(block.data, ends, wrong.to_numpy().astype(np.int64)))
    misshapen = pl.DataFrame({"_row": rows.gather(wrong), "reason": reason, "raw": came})
    data = block.data if sound.all() else b"".join(_sound_runs(block.data, ends, sound.to_numpy()))
    is_quoted = b'"' in data
    if len(header) == 1:
        text = _unquote(_strip_ends(as_series(block.data, ends).filter(sound)), header[0])
    else:
        text = parse(data, header, quote_char='"' if is_quoted else None)
    if text.height != sound.sum():
        raise DataError(f"{sound.sum()} records were read as {text.height}; the file cannot be converted")
    raw = _strip_ends(as_series(block.data, ends).filter(sound)) if is_quoted else None
    return Records(rows.filter(sound), text, raw, misshapen)


def judge_structure(data: bytes, ends: np.ndarray, fields: int) -> pl.Series:
    """The structural code of each record, null where the record is sound (String).

    Records without quotes are judged by counting; only those with quotes are matched against the grammar.
    """
    commas = np.diff(np.searchsorted(find_byte(data, COMMA), ends), prepend=0)
    codes = pl.Series("code", dtype=pl.String).extend_constant(None, len(ends))
    codes = codes.scatter(np.flatnonzero(commas != fields - 1), "field_count")
    for byte, grammar in ((CR, _stray_cr()), (QUOTE, _broken_quotes(fields))):
        found = _records_with(data, ends, byte)
        if len(found):
            few = _strip_ends(gather_records(data, ends, found)).to_frame("raw").with_columns(code=codes.gather(found))
            codes = codes.scatter(found, few.select(grammar.alias("code")).to_series())
    long = np.flatnonzero(np.diff(ends, prepend=0) > MAX_RECORD_BYTES)
    long = long[_strip_ends(gather_records(data, ends, long)).str.len_bytes().to_numpy() > MAX_RECORD_BYTES]
    return codes.scatter(long, "too_long") if len(long) else codes


def _stray_cr() -> pl.Expr:
    return pl.when(pl.col("raw").str.contains("\r", literal=True)).then(pl.lit("stray_cr")).otherwise(pl.col("code"))


def _broken_quotes(fields: int) -> pl.Expr:
    """RFC 4180, sections 2.4 to 2.7: a record of `fields` fields is sound, one of any other number is CSV at least."""
    text = pl.col("raw")
    return (
        pl.when(text.str.contains(rf"\A{_ONE}(?:,{_ONE}){{{fields - 1}}}\z"))
        .then(None)
        .when(text.str.contains(rf"\A{_ONE}(?:,{_ONE})*\z"))
        .then(pl.lit("field_count"))
        .otherwise(pl.lit("quoting"))
    )


def _records_with(data: bytes, ends: np.ndarray, byte: int) -> np.ndarray:
    """The indices of the records that hold a byte; a carriage return of a CRLF line end does not count."""
    if byte not in data:
        return np.empty(0, dtype=np.int64)
    positions = find_byte(data, byte)
    if byte == CR:
        following = np.frombuffer(data, dtype=np.uint8)[np.minimum(positions + 1, len(data) - 1)]
        positions = positions[following != NEWLINE]
    return np.unique(np.searchsorted(ends, positions, side="right"))


def _strip_ends(raw: pl.Series) -> pl.Series:
    """Records without their line ends."""
    return raw.to_frame("raw").select(pl.col("raw").str.strip_suffix("\n").str.strip_suffix("\r")).to_series()


def parse(data: bytes, header: list[str], *, quote_char: str | None) -> pl.DataFrame:
    """Lines of sound records → one String column per field, in the header's order; an empty field is null."""
    schema: dict[str, pl.DataType] = dict.fromkeys(header, pl.String())
    if not data:
        return pl.DataFrame(schema=schema)
    if data.startswith(codecs.BOM_UTF8):  # the parser takes one for the mark of a file, but here it is data
        data = codecs.BOM_UTF8 + data
    frame = pl.read_csv(data, has_header=False, schema=schema, quote_char=quote_char)
    if quote_char:  # a quoted empty field is read as an empty text
        frame = frame.select(pl.when(pl.all() != "").then(pl.all()))
    return frame


def _unquote(raw: pl.Series, name: str) -> pl.DataFrame:
    """Sound records of one field; the parser would skip the blank ones, which are empty fields."""
    text = pl.col("raw")
    inner = text.str.slice(1, text.str.len_chars() - 2).str.replace_all('""', '"', literal=True)
    value = pl.when(text.str.starts_with('"')).then(inner).otherwise(text)
    return raw.to_frame("raw").select(pl.when(value != "").then(value).alias(name))


def _sound_runs(data: bytes, ends: np.ndarray, sound: np.ndarray) -> list[bytes]:
    """The stretches of `data` between the records that are not sound."""
    starts = np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1]))
    bad = np.flatnonzero(~sound)
    firsts = np.concatenate((np.zeros(1, dtype=np.int64), ends[bad]))
    lasts = np.concatenate((starts[bad], ends[-1:]))
    return [data[first:last] for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True) if last > first]


def _may_hold_a_long_record(data: bytes) -> bool:
    """A record over the limit leaves a window of half the limit without a newline."""
    window = MAX_RECORD_BYTES // 2
    return any(data.find(b"\n", start, start + window) < 0 for start in range(0, len(data), window))


def _no_misshapen() -> pl.DataFrame:
    return pl.DataFrame(schema={"_row": pl.Int64, "reason": pl.String, "raw": pl.String})
