"""The structural gate: which records of a block are CSV records of exactly n fields (RFC 4180), and what are they?

Each record is judged by itself, from its own text, before any value is looked at. So a bad record costs itself and
nothing else, and a short record is told from one whose last fields are empty. What is judged has commas and quotation
marks, whatever the file has; what is parsed, and counted only, is as the file has it.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from polars.exceptions import ComputeError, SchemaError

from flows.errors import DataError
from flows.lake.dialect import Dialect
from flows.lake.reading import Block
from flows.lake.splitting import (
    COMMA,
    CR,
    MAX_RECORD_BYTES,
    QUOTE,
    as_series,
    distinct,
    find_byte,
    find_lines,
    find_stray_cr,
    gather_records,
    leave_out,
    take_records,
)

STRUCTURE_CODES = {
    "field_count": "the record has another number of fields than the header",
    "quoting": "a quote stands where RFC 4180 does not allow one",
    "doubtful_lines": "lines that a quote in a wrong place may join; none of them is loaded",
    "repeated_header": "the header again, as files have it that were joined; it does not count against its file",
    "stray_cr": "a carriage return stands outside quotes",
    "encoding": "a byte has no meaning in the encoding that the profile names",
    "too_long": "the record is longer than 4 MiB, about the most a warehouse row can hold",
}
FEW = 16  # of this many records one may be odd, else a look at each is no dearer
STRETCH = 256  # records whose commas are counted together
_ONE = r'(?:[^",\r\n]*|"(?:[^"]|"")*")'


_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Records:
    """A block, judged. `text` has a row for every record; what it says of the unsound ones means nothing."""

    text: pl.DataFrame  # one String column per field, in the header's order; an empty field is null
    codes: pl.Series  # String: what is wrong with each record, null where it is a CSV record of as many fields


def find_odd(block: Block, header: list[str]) -> tuple[pl.DataFrame, np.ndarray]:
    """The fields of the sound records of a block, which is UTF-8, as in `Records`, without a few that look odd.

    With them the indices (int64) of all that are left out, which are still to be judged.
    """
    text = _parse_if_sound(block, header)
    if text is not None:
        return text, _NONE
    found = _parse_around_odd(block, header)
    if found is not None:
        return found
    records = _judge_each(block, header)
    is_sound = records.codes.is_null()
    return records.text.filter(is_sound), np.flatnonzero(~is_sound.to_numpy())


def are_few(some: int, rows: int) -> bool:
    """Whether some records are so few among the rows of a block that it pays to look at them apart."""
    return some <= rows // FEW


def judge_records(block: Block, header: list[str]) -> Records:
    """Tell the sound records of a block, which is UTF-8, from the others, each by itself."""
    text = _parse_if_sound(block, header)
    if text is not None:
        return Records(text, pl.Series("code", dtype=pl.String).extend_constant(None, block.rows))
    return _judge_each(block, header)


def find_records(block: Block, byte: int) -> np.ndarray:
    """The indices (int64) of the records that hold a byte."""
    return _records_with(block.data, block.record_ends, byte) if byte in block.data else _NONE


def _parse_if_sound(block: Block, header: list[str]) -> pl.DataFrame | None:
    """The fields of a block all of whose lines are CSV by themselves, if all its records are sound."""
    is_quoted = block.dialect.quote_byte in block.data
    if is_quoted and block.ends is not None:
        return None
    if len(find_stray_cr(block.data)) or _may_hold_a_long_record(block.data):
        return None
    delimiters = block.delimiters - block.inner
    return _parse_counted(block.data, block.dialect, block.rows, delimiters, header, is_quoted=is_quoted)


def _parse_counted(  # noqa: PLR0913  what is parsed and what is known of it
    data: bytes, dialect: Dialect, rows: int, delimiters: int, header: list[str], *, is_quoted: bool = False
) -> pl.DataFrame | None:
    """The fields of records, if so many rows and delimiters outside of quotes prove that all are sound.

    If no record is longer than the header (the parser raises), and there are as many delimiters as sound records have
    together, then no record is shorter.
    """
    if delimiters != rows * (len(header) - 1) or len(header) == 1:
        return None
    try:
        text = _parse(data, dialect, header, is_quoted=is_quoted)
    except (ComputeError, SchemaError):
        return None
    return text if text.height == rows else None


def _parse_around_odd(block: Block, header: list[str]) -> tuple[pl.DataFrame, np.ndarray] | None:
    """The same of all but a few odd records; None if they are many.

    A stretch with as many delimiters as sound records have may still hold a long record and a short one. Then what is
    left when the odd ones are taken out is not proven, and the delimiters of each record are counted.
    """
    data, ends, delimiter = block.data, block.record_ends, block.dialect.delimiter_byte
    unreadable = _find_unreadable(block)
    if not are_few(len(unreadable), block.rows) or len(header) == 1:
        return None
    for stretch in (STRETCH, 1):
        miscounted, in_all = _find_miscounted(data, ends, delimiter, len(header) - 1, stretch)
        odd = distinct(np.concatenate((unreadable, miscounted)))
        if not are_few(len(odd), block.rows):
            return None
        few, _ = take_records(data, ends, odd)
        left, rows, delimiters = leave_out(data, ends, odd), block.rows - len(odd), in_all - few.count(delimiter)
        is_quoted = block.dialect.quote_byte in left
        text = _parse_counted(left, block.dialect, rows, delimiters, header, is_quoted=is_quoted)
        if text is not None:
            return text, odd
    return None


def _find_miscounted(
    data: bytes, ends: np.ndarray, delimiter: int, expected: int, stretch: int
) -> tuple[np.ndarray, int]:
    """The indices (int64) of the records with other than so many delimiters, and how many of these there are in all.

    Only in stretches of so many records whose delimiters together are as expected are they not counted one by one.
    """
    firsts = np.arange(0, len(ends), stretch)
    lasts = np.minimum(firsts + stretch, len(ends))
    if stretch == 1:
        counts = np.diff(np.searchsorted(find_byte(data, delimiter), ends), prepend=0)
        return np.flatnonzero(counts != expected), int(counts.sum())
    octets = np.frombuffer(data, dtype=np.uint8)
    stops = ends[lasts - 1].tolist()
    counts = np.array([np.count_nonzero(octets[a:b] == delimiter) for a, b in pairwise([0, *stops])])
    found = [_NONE]
    for at in np.flatnonzero(counts != expected * (lasts - firsts)).tolist():
        start = stops[at - 1] if at else 0
        inner = ends[firsts[at] : lasts[at]] - start
        found.append(_find_miscounted(data[start : stops[at]], inner, delimiter, expected, 1)[0] + firsts[at])
    return np.concatenate(found), int(counts.sum())


def _judge_each(block: Block, header: list[str]) -> Records:
    codes = judge_structure(block.dialect.exchange(block.data), block.record_ends, len(header))
    text = _parse_sound(block, np.flatnonzero(codes.is_not_null()), header)
    if text.height != block.rows:
        raise DataError(f"{block.rows} records were read as {text.height}; the file cannot be converted")
    return Records(text, codes)


def _find_unreadable(block: Block) -> np.ndarray:
    """The indices of the records that are not proven sound by as many delimiters as they should have.

    These have a stray CR, are too long, or have quotes that are not known to be well placed or to hold no delimiter.
    """
    data, ends = block.data, block.record_ends
    are_quotes_harmless = block.ends is None and not block.inner
    quoted = _NONE if are_quotes_harmless else _records_with(data, ends, block.dialect.quote_byte)
    long = np.flatnonzero(np.diff(ends, prepend=0) > MAX_RECORD_BYTES) if _may_hold_a_long_record(data) else _NONE
    return distinct(np.concatenate((quoted, _records_with(data, ends, CR), long)))


def judge_structure(data: bytes, ends: np.ndarray, fields: int) -> pl.Series:
    """The structural code of each record, of commas and quotation marks; null where the record is sound (String).

    Records without quotes are judged by counting; only those with quotes are matched against the grammar.
    """
    commas = np.diff(np.searchsorted(find_byte(data, COMMA), ends), prepend=0)
    codes = pl.Series("code", dtype=pl.String).extend_constant(None, len(ends))
    codes = codes.scatter(np.flatnonzero(commas != fields - 1), "field_count")
    for byte, grammar in ((CR, _stray_cr()), (QUOTE, _broken_quotes(fields))):
        found = _records_with(data, ends, byte)
        if len(found):
            few = strip_ends(gather_records(data, ends, found)).to_frame("raw").with_columns(code=codes.gather(found))
            codes = codes.scatter(found, few.select(grammar.alias("code")).to_series())
    long = np.flatnonzero(np.diff(ends, prepend=0) > MAX_RECORD_BYTES)
    if len(long):
        is_long = strip_ends(gather_records(data, ends, long)).str.len_bytes().to_numpy() > MAX_RECORD_BYTES
        codes = codes.scatter(long[is_long], "too_long")
    return codes


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
        .when(text.str.contains("\n", literal=True))
        .then(pl.lit("doubtful_lines"))
        .otherwise(pl.lit("quoting"))
    )


def _records_with(data: bytes, ends: np.ndarray, byte: int) -> np.ndarray:
    """The indices of the records that hold a byte; a carriage return of a CRLF line end does not count."""
    return find_lines(find_stray_cr(data) if byte == CR else find_byte(data, byte), ends)


def strip_ends(raw: pl.Series) -> pl.Series:
    """Records (String) without their line ends."""
    return raw.to_frame("raw").select(pl.col("raw").str.strip_suffix("\n").str.strip_suffix("\r")).to_series()


def _parse_sound(block: Block, unsound: np.ndarray, header: list[str]) -> pl.DataFrame:
    """The fields of records of which all but the unsound ones are known to be sound."""
    data, ends, dialect = block.data, block.record_ends, block.dialect
    if len(header) == 1:
        return _unquote(strip_ends(as_series(data, ends)), dialect.quote_mark, header[0])
    if len(unsound):
        data = leave_out(data, ends, unsound, instead=dialect.delimiter.encode() * (len(header) - 1) + b"\n")
    return _parse(data, dialect, header, is_quoted=dialect.quote_byte in data)


def _parse(data: bytes, dialect: Dialect, header: list[str], *, is_quoted: bool) -> pl.DataFrame:
    """Records → one String column per field, in the header's order; an empty field is null."""
    schema: dict[str, pl.DataType] = dict.fromkeys(header, pl.String())
    if data.startswith(codecs.BOM_UTF8):  # the parser takes one for the mark of a file, but here it is data
        data = codecs.BOM_UTF8 + data
    quote = dialect.quote_mark if is_quoted else None
    frame = pl.read_csv(data, has_header=False, schema=schema, separator=dialect.delimiter, quote_char=quote)
    if is_quoted:  # a quoted empty field is read as an empty text
        frame = frame.select(pl.when(pl.all() != "").then(pl.all()))
    return frame


def _unquote(raw: pl.Series, quote: str, name: str) -> pl.DataFrame:
    """Sound records of one field; the parser would skip the blank ones, which are empty fields."""
    text = pl.col("raw")
    inner = text.str.slice(1, text.str.len_chars() - 2).str.replace_all(quote * 2, quote, literal=True)
    value = pl.when(text.str.starts_with(quote)).then(inner).otherwise(text)
    return raw.to_frame("raw").select(pl.when(value != "").then(value).alias(name))


def _may_hold_a_long_record(data: bytes) -> bool:
    """A record over the limit leaves a window of half the limit without a newline."""
    window = MAX_RECORD_BYTES // 2
    return any(data.find(b"\n", start, start + window) < 0 for start in range(0, len(data), window))
