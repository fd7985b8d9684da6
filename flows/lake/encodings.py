"""What is a file that is not CSV in UTF-8? Bytes in, the cure out."""

from __future__ import annotations

import gzip
import shlex
import zlib
from contextlib import suppress
from pathlib import Path

_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_FOREIGN = {
    b"\x89PNG": "a PNG image",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF document",
    b"BZh": "packed with bzip2",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"\xfd7zXZ": "packed with xz",
}
_TEXTS = {
    b"<!doctype html": "an HTML page, as a server sends in place of a file",
    b"<html": "an HTML page, as a server sends in place of a file",
    b"<?xml": "XML",
    b"[{": "JSON",
    b'{"': "JSON",
}
LONGEST_MAGIC = max(map(len, (*_FOREIGN, *_TEXTS)))
_OTHERS = bytes([*range(0x80), *range(0xA0, 0x100)])
_NOT_CP1252 = b"\x81\x8d\x8f\x90\x9d"


def describe_kind(name: str, beginning: bytes) -> str | None:
    """Why a file is no CSV in UTF-8 by its first bytes, and the cure; None if they may be such."""
    if beginning.startswith(_UTF16_BOMS):
        return f"is encoded as UTF-16, not UTF-8: {_command('utf-16', name)}"
    text = beginning[: 2 * LONGEST_MAGIC].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    what = next((what for magic, what in _FOREIGN.items() if beginning.startswith(magic)), None)
    what = what or next((what for magic, what in _TEXTS.items() if text.startswith(magic)), None)
    return f"this is not CSV but {what}. Deliver plain or gzip-packed CSV." if what else None


def describe_foreign(path: Path, *, has_utf8: bool) -> str:
    """What a file that is not UTF-8 is encoded as, and how to convert it; `has_utf8`: some of its text is UTF-8.

    Windows-1252 has €, dashes and curly quotes where ISO 8859-1 has controls (0x80 to 0x9f), which no export writes:
    taken for the latter they would be lost without a word. They may stand anywhere, so the whole file is looked at.
    """
    if has_utf8:
        return "though other text in it is. Export it again as UTF-8, or correct that record"
    controls = _find_controls(path)
    if not controls:
        return f"it may be latin-1: {_command('latin1', path.name)}{_in_profile('latin-1')}"
    if controls.isdisjoint(_NOT_CP1252):
        return f"it is encoded as cp1252: {_command('cp1252', path.name)}{_in_profile('cp1252')}"
    return "nor cp1252 nor latin-1. Export it again as UTF-8"


def _find_controls(path: Path) -> set[int]:
    """Which bytes from 0x80 to 0x9f are in a file, plain or packed with gzip."""
    found: set[int] = set()
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if is_packed else path.open("rb") as text, suppress(EOFError, gzip.BadGzipFile, zlib.error):
        while chunk := text.read(1 << 20):
            found.update(chunk.translate(None, delete=_OTHERS))
    return found


def describe_utf16(name: str, line: bytes) -> str | None:
    """How to convert UTF-16 without a byte order mark, known by its NULs; None if the line is nothing such."""
    odd, even = line[1::2], line[::2]
    for halves, encoding in (((odd, even), "utf-16le"), ((even, odd), "utf-16be")):
        zeros, letters = halves
        if not zeros.strip(b"\x00") and b"\x00" not in letters:
            return f"is encoded as UTF-16 ({encoding}), not UTF-8: {_command(encoding, name)}"
    return None


def _in_profile(encoding: str) -> str:
    return f', or write encoding = "{encoding}" in a source profile'


def _command(encoding: str, name: str) -> str:
    return f"iconv -f {encoding} -t utf-8 {shlex.quote(name)}"
