"""Which code page has a byte for each letter? The bytes of a file that is no UTF-8 in, the likeliest one out.

Nearly every text can be read in nearly every code page, so a word that tells is shown as several would read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LATIN_9 = "iso-8859-15"
CENTRAL = "cp1250"
WESTERN = "cp1252"
_ONLY_IN_CP1252 = frozenset(range(0x80, 0xA0))  # letters and signs there, controls in latin-1
# Œ, œ, Š, š, Ž or ž beside a letter, where cp1252 has fractions and accents without one
_ONLY_IN_LATIN_9 = re.compile(rb"[A-Za-z\xc0-\xff][\xa8\xb8\xbc\xbd]|[\xa6\xa8\xb4\xb8\xbc\xbd][A-Za-z\xc0-\xff]")
# ł, ą, Ł, Ą or Ż before a letter and ż after one, where Western pages have signs
_CENTRAL_LETTER = re.compile(rb"[\xa3\xa5\xaf\xb3\xb9][A-Za-z\xc0-\xff]|[A-Za-z\xc0-\xff]\xbf")
_FOREIGN_WORD = re.compile(rb"[\xc0-\xff]{4,}")  # of another alphabet, for no Western one has so many accents in a row
_NO_LETTER_THERE = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")  # in cp1252
_BETWEEN = re.compile(rb"[^A-Za-z\x80-\xff]")
_PLACES = {
    WESTERN: "Western Europe",
    CENTRAL: "Central Europe",
    "cp1251": "Cyrillic",
    "cp1253": "Greek",
    "cp1254": "Turkish",
}
MOST_SHOWN = 30


@dataclass(frozen=True)
class CodePage:
    """The likeliest one, why it may be another (None: it is sure), and whether its words are of no Western language."""

    encoding: str
    doubt: str | None = None
    is_strange: bool = False


def find_code_page(data: bytes) -> CodePage:
    """The code page of lines that are no UTF-8."""
    central = _CENTRAL_LETTER.search(data)
    strange = central or _FOREIGN_WORD.search(data) or _NO_LETTER_THERE.search(data)
    if strange:
        found = CENTRAL if central else WESTERN
        return CodePage(found, _tell_apart(_take_word(data, strange.start()), found), is_strange=True)
    if not _ONLY_IN_CP1252.isdisjoint(data):
        return CodePage(WESTERN)
    if _ONLY_IN_LATIN_9.search(data):
        return CodePage(LATIN_9, "a letter such as œ or Š tells iso-8859-15 from cp1252; in cp1252 it would be ½ or ¨")
    why = "no byte tells cp1252 from latin-1 or iso-8859-15; look at letters with accents and at €"
    at = re.search(rb"[\xc0-\xff]", data)
    shown = f': {WESTERN} reads "{_show(_take_word(data, at.start()), WESTERN)}"' if at else ""
    return CodePage(WESTERN, why + shown)


def _tell_apart(word: bytes, found: str) -> str:
    """A word as the encoding that is drafted reads it, and as others do."""
    others = [f'{name} ({where}) "{_show(word, name)}"' for name, where in _PLACES.items() if name != found]
    return f'{found} reads "{_show(word, found)}", {", ".join(others)}; take the one that reads it right, or another'


def _take_word(data: bytes, at: int) -> bytes:
    """The letters around an offset."""
    before, after = (
        _BETWEEN.split(piece) for piece in (data[max(at - MOST_SHOWN, 0) : at], data[at : at + MOST_SHOWN])
    )
    return before[-1] + after[0]


def _show(word: bytes, encoding: str) -> str:
    return word.decode(encoding, "replace")
