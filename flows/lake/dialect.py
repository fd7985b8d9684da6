"""How the bytes of a shop's files are written: encoding, delimiter, quote → UTF-8 with commas and quotation marks.

The delimiter changes places with the comma and the quote with the quotation mark, byte for byte; so every rule about
records holds unchanged for the bytes within, and doing it once more gives what stood in the file.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

COMMA, QUOTATION_MARK, NO_QUOTE = ",", '"', "\x1f"
# A byte without a meaning becomes a character that no encoding of one byte a character has: U+F700 and the byte.
_MARK, _MARKS = 0xF700, (b"\xef\x9e", b"\xef\x9f")
_FIRST_OF_MARKS = 0xEF
_MARK_PATTERN = re.compile("[\uf780-\uf7ff]")
_UTF8 = ("utf-8", "utf-8-sig")
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


BYTES = 256


class EncodingError(ValueError):
    """Bytes that are not of the encoding, and whose records cannot be told from the others."""


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(_MARK + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("retail-mark", _mark_undecodable)


@dataclass(frozen=True)
class Dialect:
    """`delimiter` is one ASCII character, so is `quote`, empty where nothing is quoted; `encoding` is Python's name."""

    delimiter: str = COMMA
    quote: str = QUOTATION_MARK
    encoding: str = "utf-8"

    @cached_property
    def exchanged(self) -> dict[str, str]:
        """Character → the one that it changes places with."""
        pairs = {self.delimiter: COMMA, self.quote or NO_QUOTE: QUOTATION_MARK}
        return {a: b for left, right in pairs.items() if left != right for a, b in ((left, right), (right, left))}

    @cached_property
    def is_single_byte(self) -> bool:
        """Whether each byte is one character, so that a byte without a meaning costs its own record only."""
        text = bytes(range(BYTES)).decode(self.encoding, "replace")
        return len(text) == BYTES and self.encoding not in _UTF8

    def decode(self, chunks: Iterable[bytes | bytearray]) -> Iterator[bytes | bytearray]:
        """The bytes of a file as the bytes within: UTF-8, commas, quotation marks.

        Raises:
            EncodingError: not the encoding, and where the next record begins is not known.
        """
        if self.encoding not in _UTF8:
            chunks = self._decode_single(chunks) if self.is_single_byte else self._decode_strictly(chunks)
        if not self.exchanged:
            yield from chunks
            return
        table = bytes.maketrans(*("".join(side).encode() for side in zip(*self.exchanged.items(), strict=True)))
        for chunk in chunks:
            yield chunk.translate(table)

    def exchange(self, text: str) -> str:
        """A text of the file as it is within, or back again."""
        return text.translate({ord(a): b for a, b in self.exchanged.items()})

    def exchange_texts(self, texts: pl.Series) -> pl.Series:
        """The same for many texts (String); where none holds such a character, that is soon known."""
        if self.exchanged and texts.str.contains_any(list(self.exchanged)).any():
            return texts.str.replace_many(list(self.exchanged), list(self.exchanged.values()))
        return texts

    def restore(self, records: pl.Series) -> pl.Series:
        """Records from within (String) as they stand in the file; a byte without a meaning as \\x81."""
        records = self.exchange_texts(records)
        if self.is_single_byte and records.str.contains(_MARK_PATTERN.pattern).any():
            return pl.Series(records.name, [text and _spell_marks(text) for text in records], dtype=pl.String)
        return records

    def find_undecodable(self, data: bytes, ends: np.ndarray) -> np.ndarray:
        """The indices (int64) of the records that hold a byte without a meaning."""
        found: set[int] = set()
        if not self.is_single_byte or _FIRST_OF_MARKS not in data:  # looking for one byte is much faster than for two
            return np.empty(0, dtype=np.int64)
        for mark in _MARKS:
            position = data.find(mark)
            while position >= 0:
                record = int(np.searchsorted(ends, position, side="right"))
                found.add(record)
                position = data.find(mark, int(ends[record])) if record < len(ends) else -1
        return np.array(sorted(found), dtype=np.int64)

    def _decode_single(self, chunks: Iterable[bytes | bytearray]) -> Iterator[bytes | bytearray]:
        is_ascii_inside = bytes(range(128)).decode(self.encoding, "replace") == bytes(range(128)).decode("ascii")
        first = True
        for chunk in chunks:
            bom = next((name for bom, name in _BOMS.items() if first and chunk.startswith(bom)), None)
            if bom:
                raise EncodingError(f'the file begins with the mark of {bom}, so encoding = "{bom}" may be meant')
            first = False
            if is_ascii_inside and chunk.isascii():
                yield chunk
            else:
                yield chunk.decode(self.encoding, "retail-mark").encode()

    def _decode_strictly(self, chunks: Iterable[bytes | bytearray]) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(self.encoding)()
        try:
            for chunk in chunks:
                yield decoder.decode(bytes(chunk)).encode()
            yield decoder.decode(b"", final=True).encode()
        except UnicodeError as error:
            raise EncodingError(f"it is not {self.encoding} ({getattr(error, 'reason', error)})") from error


SHIPPED_DIALECT = Dialect()


def find_encoding(name: str) -> str | None:
    """Python's own name of an encoding of text; None if there is none, or files are not written in it."""
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    unfit = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7", "undefined", "mbcs", "oem"}
    is_text = getattr(codec, "_is_text_encoding", False) and codec.incrementaldecoder is not None
    return codec.name if is_text and codec.name.replace("-", "_") not in {u.replace("-", "_") for u in unfit} else None


def _spell_marks(text: str) -> str:
    return _MARK_PATTERN.sub(lambda mark: f"\\x{ord(mark[0]) - _MARK:02x}", text)
