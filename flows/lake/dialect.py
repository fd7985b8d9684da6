"""How the bytes of a shop's files are written: encoding, delimiter, quote.

They are decoded to UTF-8 and keep their delimiter and quote. Where quotes or odd records are to be judged, the
delimiter changes places with the comma and the quote with the quotation mark, byte for byte: so every rule about
records holds unchanged, and each record is where it was.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from flows.lake.wide import WIDE, WideDecoder

COMMA, QUOTATION_MARK, NO_QUOTE = ",", '"', "\x1f"
# A byte without a meaning becomes a character that no encoding of one byte a character has: U+F700 and the byte.
_MARK, _MARKS = 0xF700, (b"\xef\x9e", b"\xef\x9f")
_FIRST_OF_MARKS = 0xEF
_MARK_PATTERN = re.compile("[\uf780-\uf7ff]")
_UTF8 = ("utf-8", "utf-8-sig")
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# Bytes that are handled at a time, for what stays in the processor's cache is written twice as fast: by a codec, and by
# numpy, whose calls have a price of their own.
_WINDOW, _WIDE_WINDOW = 1 << 16, 1 << 17


BYTES, ASCII = 256, 128
_ALL = bytes(range(BYTES))


Chunk = bytes | bytearray
Piece = bytes | memoryview


class EncodingError(ValueError):
    """Bytes that are not of the encoding, and whose records cannot be told from the others."""


@dataclass(frozen=True)
class Dialect:
    """`delimiter` is one ASCII character, so is `quote`, empty where nothing is quoted; `encoding` is Python's name."""

    delimiter: str = COMMA
    quote: str = QUOTATION_MARK
    encoding: str = "utf-8"

    @property
    def quote_mark(self) -> str:
        """What stands around texts; where nothing is quoted, a control character that no text has."""
        return self.quote or NO_QUOTE

    @cached_property
    def delimiter_byte(self) -> int:
        """The delimiter in UTF-8."""
        return ord(self.delimiter)

    @cached_property
    def quote_byte(self) -> int:
        """The quote in UTF-8."""
        return ord(self.quote_mark)

    @cached_property
    def is_single_byte(self) -> bool:
        """Whether each byte is one character, so that a byte without a meaning costs its own record only."""
        singly = "".join(bytes([byte]).decode(self.encoding, "replace") for byte in range(BYTES))
        return self.encoding not in _UTF8 and len(singly) == BYTES and singly == _ALL.decode(self.encoding, "replace")

    @cached_property
    def letter_bytes(self) -> int:
        """How many bytes a letter of ASCII takes: two of UTF-16, so that a block of as many letters is read at once."""
        return len("aa".encode(self.encoding)) - len("a".encode(self.encoding))

    @property
    def gives_utf8(self) -> bool:
        """Whether what `decode` gives is UTF-8 for certain, because it was encoded here."""
        return self.encoding not in _UTF8

    def decode(self, chunks: Iterable[Chunk]) -> Iterator[Piece]:
        """The bytes of a file as UTF-8, in pieces of any length.

        A chunk is done with before the next is asked for, so that all may lie in the same memory.

        Raises:
            EncodingError: not the encoding, and where the next record begins is not known.
        """
        if self.is_single_byte:
            yield from self._decode_single(chunks)
        elif self.gives_utf8:
            yield from self._decode_strictly(chunks)
        else:
            yield from map(bytes, chunks)  # which copies none that are bytes

    def exchange(self, text: bytes) -> bytes:
        """Bytes in UTF-8 with delimiter and comma, quote and quotation mark in each other's places; or back again."""
        return b"".join(map(self._exchange_piece, _cut(text, _WIDE_WINDOW))) if self._flips else text

    @cached_property
    def _flips(self) -> dict[int, list[int]]:
        """Bits → the bytes that change places by having these bits flipped."""
        flips: dict[int, list[int]] = {}
        for old, new in ((self.delimiter, COMMA), (self.quote_mark, QUOTATION_MARK)):
            if old != new:
                flips.setdefault(ord(old) ^ ord(new), []).extend((ord(old), ord(new)))
        return flips

    def _exchange_piece(self, piece: memoryview) -> Piece:
        """At a third of what `bytes.translate` costs, which looks each byte up in a table."""
        found = changed = np.frombuffer(piece, dtype=np.uint8)
        for bits, chosen in self._flips.items():
            flips = (found == chosen[0]).view(np.uint8)
            for byte in chosen[1:]:
                flips |= (found == byte).view(np.uint8)
            flips *= bits
            flips ^= changed
            changed = flips
        return changed.data

    @cached_property
    def _characters(self) -> str:
        """What each byte means, where a byte is a character."""
        known = (bytes([byte]).decode(self.encoding, "ignore") or chr(_MARK + byte) for byte in range(BYTES))
        return "".join(known)

    @cached_property
    def _latin_from(self) -> int:
        """The least byte beyond ASCII from which on all bytes mean what they mean in latin-1, which Python reads at
        once; 256 if the last one does not."""
        odd = [byte for byte in range(BYTES) if byte >= ASCII and ord(self._characters[byte]) != byte]
        return max(odd, default=ASCII - 1) + 1

    def restore(self, records: pl.Series) -> pl.Series:
        """Records (String) as they stand in the file; a byte without a meaning as \\x81."""
        if self._has_marks and records.str.contains(_MARK_PATTERN.pattern).any():
            return pl.Series(records.name, [text and _spell_marks(text) for text in records], dtype=pl.String)
        return records

    @cached_property
    def _has_marks(self) -> bool:
        """Whether there are bytes without a meaning; latin-1 has none."""
        return self.is_single_byte and _MARK_PATTERN.search(self._characters) is not None

    def may_be_undecodable(self, data: bytes) -> bool:
        """Whether the bytes within may hold one that had no meaning; one byte is much faster looked for than two."""
        return self._has_marks and _FIRST_OF_MARKS in data

    def find_undecodable(self, data: bytes, ends: np.ndarray) -> np.ndarray:
        """The indices (int64) of the records that hold a byte without a meaning."""
        found: set[int] = set()
        for mark in _MARKS if self.may_be_undecodable(data) else ():
            position = data.find(mark)
            while position >= 0:
                record = int(np.searchsorted(ends, position, side="right"))
                found.add(record)
                position = data.find(mark, int(ends[record])) if record < len(ends) else -1
        return np.array(sorted(found), dtype=np.int64)

    def _decode_single(self, chunks: Iterable[Chunk]) -> Iterator[Piece]:
        first = is_ascii = True  # so far
        for chunk in chunks:
            bom = next((name for bom, name in _BOMS.items() if first and chunk.startswith(bom)), None)
            if bom:
                raise EncodingError(f'the file begins with the mark of {bom}, so encoding = "{bom}" may be meant')
            first = False
            if is_ascii and not chunk.isascii():
                lines = chunk[: chunk.rfind(b"\n") + 1 or len(chunk)]
                is_ascii = lines.isascii()
                _refuse_utf8(lines)
            if self._is_ascii_within and chunk.isascii():
                yield bytes(chunk)
            else:
                yield from map(self._decode_piece, _cut(chunk))

    def _decode_piece(self, piece: memoryview) -> Piece:
        """The same bytes, in the quickest of two ways."""
        if self._is_ascii_within and np.frombuffer(piece, dtype=np.int8).min() >= self._latin_from - BYTES:
            return str(piece, "latin-1").encode()
        characters: str = codecs.charmap_decode(bytes(piece), "strict", self._characters)[0]  # type: ignore[arg-type]
        return characters.encode()

    @cached_property
    def _is_ascii_within(self) -> bool:
        return _ALL[:ASCII].decode(self.encoding, "replace") == _ALL[:ASCII].decode("ascii")

    def _decode_strictly(self, chunks: Iterable[Chunk]) -> Iterator[Piece]:
        decoded = self._decode_wide(chunks) if self.encoding in WIDE else self._decode_with_codec(chunks)
        try:
            yield from decoded
        except UnicodeError as error:
            raise EncodingError(f"it is not {self.encoding} ({getattr(error, 'reason', error)})") from error

    def _decode_wide(self, chunks: Iterable[Chunk]) -> Iterator[Piece]:
        decoder = WideDecoder(self.encoding)
        for chunk in chunks:
            yield from map(decoder.decode, _cut(chunk, 2 * _WIDE_WINDOW))
        decoder.finish()

    def _decode_with_codec(self, chunks: Iterable[Chunk]) -> Iterator[Piece]:
        decoder = codecs.getincrementaldecoder(self.encoding)()
        for chunk in chunks:
            yield from (decoder.decode(piece).encode() for piece in _cut(chunk))
        yield decoder.decode(b"", final=True).encode()


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


def _refuse_utf8(lines: Chunk) -> None:
    """Raise EncodingError if the first bytes beyond ASCII are letters of UTF-8: by chance they never all are."""
    if lines.isascii():
        return
    with suppress(UnicodeDecodeError):
        lines.decode("utf-8")
        raise EncodingError('its letters beyond ASCII are UTF-8, so encoding = "utf-8" may be meant')


def _cut(chunk: Chunk, size: int = _WINDOW) -> Iterator[memoryview]:
    return (memoryview(chunk)[start : start + size] for start in range(0, len(chunk), size))


def _spell_marks(text: str) -> str:
    return _MARK_PATTERN.sub(lambda mark: f"\\x{ord(mark[0]) - _MARK:02x}", text)
