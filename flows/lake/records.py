"""The structural gate: which records of a block are CSV records of exactly n fields (RFC 4180), and what are they?

Each record is judged by itself, from its own text, before any value is looked at. So a bad record costs itself and
nothing else, and a short record is told from one whose last fields are empty.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from polars.exceptions import ComputeError, SchemaError

from flows.errors import DataError
from flows.lake.reading import Block
from flows.lake.splitting import (
    COMMA,
    CR,
    MAX_RECORD_BYTES,
    QUOTE,
    as_series,
    distinct,
    find_byte,
    find_stray_cr,
    gather_records,
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
_EXTRA = "\n"  # the name of a column after the last one; no header can hold it
_ONE = r'(?:[^",\r\n]*|"(?:[^"]|"")*")'


_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Records:
    """A block, judged. `text` has a row for every record; what it says of the unsound ones means nothing."""

    text: pl.DataFrame  # one String column per field, in the header's order; an empty field is null
    unsound: np.ndarray  # int64: the indices of the records that are not CSV records of as many fields
    codes: pl.Series  # String: what is wrong with each of them
    apart: np.ndarray = field(default_factory=_NONE.copy)  # int64: of sound records that `text` does not hold either
    text_apart: pl.DataFrame = field(default_factory=pl.DataFrame)  # but these rows do

    def take_text(self, which: np.ndarray) -> pl.DataFrame:
        """The fields of some records (by their indices), among them all those apart."""
        text = self.text[which]
        at = np.searchsorted(which, self.apart)
        return text.with_columns(text[name].scatter(at, self.text_apart[name]) for name in self.text_apart.columns)


def judge_block(block: Block, header: list[str]) -> Records:
    """Tell the sound records of a block, which is UTF-8, from the others."""
    text = _parse_if_sound(block, header)
    if text is not None:
        return Records(text, _NONE, pl.Series(dtype=pl.String))
    return _judge_odd(block, header) or _judge_each(block, header)


def take_raw(block: Block, which: np.ndarray) -> pl.Series:
    """Records of a block (by their indices) as they came, without their line ends (String)."""
    return _strip_ends(gather_records(block.data, block.record_ends, which))


def find_records(block: Block, byte: int) -> np.ndarray:
    """The indices (int64) of the records that hold a byte."""
    return _records_with(block.data, block.record_ends, byte) if byte in block.data else _NONE


def _parse_if_sound(block: Block, header: list[str]) -> pl.DataFrame | None:
    """The fields of a block without quotes, if all its records are sound.

    If no record is longer than the header (the parser raises), and there are as many commas as sound records have
    together, then no record is shorter.
    """
    if block.commas != block.rows * (len(header) - 1) or len(header) == 1:
        return None
    if QUOTE in block.data or len(find_stray_cr(block.data)) or _may_hold_a_long_record(block.data):
        return None
    try:
        text = _parse(block.data, header, quote_char=None)
    except (ComputeError, SchemaError):
        return None
    return text if text.height == block.rows else None


def _judge_odd(block: Block, header: list[str]) -> Records | None:
    """Judge one by one only the records that look odd; None if they are many, or the others are not proven sound.

    The others have a last field that is not empty, so none of them has too few commas; if all together have as many as
    sound records have, none has too many.
    """
    data, ends, most = block.data, block.record_ends, block.rows // FEW
    unreadable = _find_unreadable(data, ends)
    if len(unreadable) > most or len(header) == 1:
        return None
    text = _parse_ragged(_blank(data, ends, unreadable, len(header)), header)
    if text.height != block.rows:
        return None
    looks_odd = (text[header[-1]].is_null() | text.drop_in_place(_EXTRA).is_not_null()).to_numpy()
    odd = np.flatnonzero(looks_odd | _end_in_comma(data, ends))  # an empty field too many is no extra to the parser
    few, few_ends = take_records(data, ends, odd[:most])
    commas = block.commas - few.count(b",")
    if len(odd) > most or commas != (block.rows - len(odd)) * (len(header) - 1):
        return None
    codes = judge_structure(few, few_ends, len(header))
    unsound = np.flatnonzero(codes.is_not_null())
    unread = np.searchsorted(odd, unreadable)
    unread = unread[codes.is_null().to_numpy()[unread]]
    apart = _parse_sound(few, few_ends, unsound, header)[unread] if len(unread) else pl.DataFrame()
    return Records(text, odd[unsound], codes.gather(unsound), odd[unread], apart)


def _judge_each(block: Block, header: list[str]) -> Records:
    codes = judge_structure(block.data, block.record_ends, len(header))
    unsound = np.flatnonzero(codes.is_not_null())
    text = _parse_sound(block.data, block.record_ends, unsound, header)
    if text.height != block.rows:
        raise DataError(f"{block.rows} records were read as {text.height}; the file cannot be converted")
    return Records(text, unsound, codes.gather(unsound))


def _find_unreadable(data: bytes, ends: np.ndarray) -> np.ndarray:
    """The indices of the records that are not for a parser without quotes: with a quote or a stray CR, or too long."""
    long = np.flatnonzero(np.diff(ends, prepend=0) > MAX_RECORD_BYTES)
    return distinct(np.concatenate((_records_with(data, ends, QUOTE), _records_with(data, ends, CR), long)))


def _end_in_comma(data: bytes, ends: np.ndarray) -> np.ndarray:
    """Which of the records (bool) end in a comma; a blank first record may, by what else is in the data."""
    octets = np.frombuffer(data, dtype=np.uint8)
    last = octets[ends - 2]
    commas: np.ndarray = last == COMMA
    return commas | (last == CR) & (octets[ends - 3] == COMMA) if CR in data else commas


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
    if len(long):
        is_long = _strip_ends(gather_records(data, ends, long)).str.len_bytes().to_numpy() > MAX_RECORD_BYTES
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
    positions = find_stray_cr(data) if byte == CR else find_byte(data, byte)
    return distinct(np.searchsorted(ends, positions, side="right"))


def _strip_ends(raw: pl.Series) -> pl.Series:
    """Records without their line ends."""
    return raw.to_frame("raw").select(pl.col("raw").str.strip_suffix("\n").str.strip_suffix("\r")).to_series()


def _parse_sound(data: bytes, ends: np.ndarray, unsound: np.ndarray, header: list[str]) -> pl.DataFrame:
    """The fields of records of which all but the unsound ones are known to be sound."""
    if len(header) == 1:
        return _unquote(_strip_ends(as_series(data, ends)), header[0])
    data = b"".join(_blank(data, ends, unsound, len(header))) if len(unsound) else data
    return _parse(data, header, quote_char='"' if b'"' in data else None)


def _parse_ragged(pieces: list[bytes | memoryview], header: list[str]) -> pl.DataFrame:
    """The fields of records without quotes: one that is missing is null, the first one too many stands in `_EXTRA`."""
    empty = b"," * len(header) + b"\n"  # the parser learns from the first record how many there may be
    return _parse(b"".join([empty, *pieces]), [*header, _EXTRA], quote_char=None, ragged=True)[1:]


def _parse(data: bytes, header: list[str], *, quote_char: str | None, ragged: bool = False) -> pl.DataFrame:
    """Records → one String column per field, in the header's order; an empty field is null."""
    schema: dict[str, pl.DataType] = dict.fromkeys(header, pl.String())
    if data.startswith(codecs.BOM_UTF8):  # the parser takes one for the mark of a file, but here it is data
        data = codecs.BOM_UTF8 + data
    frame = pl.read_csv(data, has_header=False, schema=schema, quote_char=quote_char, truncate_ragged_lines=ragged)
    if quote_char:  # a quoted empty field is read as an empty text
        frame = frame.select(pl.when(pl.all() != "").then(pl.all()))
    return frame


def _unquote(raw: pl.Series, name: str) -> pl.DataFrame:
    """Sound records of one field; the parser would skip the blank ones, which are empty fields."""
    text = pl.col("raw")
    inner = text.str.slice(1, text.str.len_chars() - 2).str.replace_all('""', '"', literal=True)
    value = pl.when(text.str.starts_with('"')).then(inner).otherwise(text)
    return raw.to_frame("raw").select(pl.when(value != "").then(value).alias(name))


def _blank(data: bytes, ends: np.ndarray, which: np.ndarray, fields: int) -> list[bytes | memoryview]:
    """The data in pieces, with a record of empty fields instead of each of those records."""
    firsts = np.concatenate((np.zeros(1, dtype=np.int64), ends[which]))
    lasts = np.concatenate((np.where(which > 0, ends[which - 1], 0), ends[-1:]))
    view = memoryview(data)  # so as to copy the data once only, when they are joined
    runs = [view[first:last] for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)]
    empty = b"," * (fields - 1) + b"\n"
    return [piece for run in runs for piece in (run, empty)][:-1]


def _may_hold_a_long_record(data: bytes) -> bool:
    """A record over the limit leaves a window of half the limit without a newline."""
    window = MAX_RECORD_BYTES // 2
    return any(data.find(b"\n", start, start + window) < 0 for start in range(0, len(data), window))
