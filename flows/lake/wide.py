"""Bytes of UTF-16, in pieces of any length → UTF-8; a piece of nothing but ASCII is taken over at once."""

from __future__ import annotations

import codecs

import numpy as np

ASCII, LATIN = 128, 256
_LITTLE, _BIG = "<u2", ">u2"
_ORDERS = {"utf-16-le": _LITTLE, "utf-16-be": _BIG}
_MARKS = {codecs.BOM_UTF16_LE: _LITTLE, codecs.BOM_UTF16_BE: _BIG}
_DECODERS = {_LITTLE: codecs.utf_16_le_decode, _BIG: codecs.utf_16_be_decode}
WIDE = ("utf-16", *_ORDERS)


class WideDecoder:
    """What Python's own decoder of these encodings gives, `WIDE`, encoded as UTF-8.

    `order` is that of the two bytes of a letter, as numpy writes it; of `utf-16` the mark in the file says it.
    """

    def __init__(self, encoding: str) -> None:
        self._order = _ORDERS.get(encoding)
        self._rest = b""  # of a letter whose other bytes have not come

    def decode(self, piece: bytes | bytearray | memoryview) -> bytes | memoryview:
        """The letters that are complete.

        Raises:
            UnicodeError: the bytes are not of the encoding, or the file has no mark.
        """
        if self._rest:
            piece, self._rest = self._rest + bytes(piece), b""
        if self._order is None:
            piece = self._take_mark(piece)
        if self._order is None:
            return b""
        letters = np.frombuffer(piece, dtype=self._order, count=len(piece) // 2)
        highest = letters.max(initial=0)
        if highest < LATIN and len(piece) % 2 == 0:
            narrow = letters.astype(np.uint8).data
            return narrow if highest < ASCII else str(narrow, "latin-1").encode()
        text, used = _DECODERS[self._order](piece, "strict", False)
        self._rest = bytes(piece[used:])
        return text.encode()

    def finish(self) -> None:
        """Raise UnicodeError if the last letter is not complete."""
        if self._rest:
            _DECODERS[self._order or _LITTLE](self._rest, "strict", True)

    def _take_mark(self, piece: bytes | bytearray | memoryview) -> bytes | bytearray | memoryview:
        if len(piece) < len(codecs.BOM_UTF16):
            self._rest = bytes(piece)
            return b""
        self._order = _MARKS.get(bytes(piece[:2]))
        if self._order is None:
            raise UnicodeError("it does not begin with a byte order mark; utf-16-le and utf-16-be need none")
        return piece[2:]
