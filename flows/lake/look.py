"""The first megabytes of one file in; its encoding, delimiter, columns and some of their values out."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flows.lake.draft_letters import CodePage, find_code_page

LOOK_BYTES = 2 * 1024 * 1024
MOST_VALUES = 2000
_DELIMITERS = (",", ";", "\t", "|", "~", "^")


@dataclass(frozen=True)
class Look:
    """What one file looks like. `values` are by column, without the empty ones; `unsure` what else may be meant.

    `records` are the fields of each, in the order of the columns.
    """

    path: Path
    encoding: str
    delimiter: str
    quote: str
    values: dict[str, list[str]]
    unsure: dict[str, str] = field(default_factory=dict)
    is_ascii: bool = False  # in bytes, so that its encoding may be another than UTF-8
    has_quotes: bool = True
    records: Sequence[Sequence[str]] = ()
    has_strange_letters: bool = False  # so that it, and the shop's other files, may be of any code page


def look_at_file(path: Path, code_page: str | None = None) -> Look | None:
    """None where there are no header and records. `code_page` is the encoding, if it is known and none of Unicode."""
    unsure: dict[str, str] = {}
    data = _read(path)
    page = CodePage(code_page) if code_page else _find_encoding(data)
    if page.doubt:
        unsure["encoding"] = page.doubt
    text = _whole_lines(data.decode(page.encoding, "replace")).removeprefix("\ufeff")
    lines = text.splitlines()[:MOST_VALUES]
    lines = lines[1:] if lines and lines[0].lower().startswith("sep=") else lines  # Excel's note of the delimiter
    if len(lines) < 2:  # noqa: PLR2004  a header and a record
        return None
    delimiter = _find_delimiter(lines, unsure)
    counts = {quote: _count_quotes(lines, delimiter, quote) for quote in "\"'"}
    quote = max(counts, key=lambda each: counts[each])
    rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter, quotechar=quote))
    header, records = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    values = {name: [row[at] for row in records if row[at]] for at, name in enumerate(header)}
    if not records:
        return None
    return Look(
        *(path, page.encoding, delimiter, quote, values, unsure),
        is_ascii=text.isascii() and not page.encoding.startswith("utf-16"),
        has_quotes=any(counts.values()),
        records=records,
        has_strange_letters=page.is_strange,
    )


def _read(path: Path) -> bytes:
    """The first bytes, unpacked, up to the last whole line if there are more."""
    with path.open("rb") as file:
        data = file.read(LOOK_BYTES)
    if data.startswith(b"\x1f\x8b"):
        unpacker = zlib.decompressobj(wbits=31)
        try:
            data = unpacker.decompress(data, LOOK_BYTES)
        except (zlib.error, gzip.BadGzipFile):
            return b""
    return data


def _find_encoding(data: bytes) -> CodePage:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return CodePage("utf-16")
    if data[:400].count(0) > len(data[:400]) // 4:
        return CodePage("utf-16-le" if data[1:2] == b"\x00" else "utf-16-be")
    whole = data[: data.rfind(b"\n") + 1] or data
    try:
        whole.decode("utf-8")
    except UnicodeDecodeError:
        return find_code_page(whole)
    return CodePage("utf-8")


def _whole_lines(text: str) -> str:
    return text[: text.rfind("\n") + 1] or text


def _find_delimiter(lines: list[str], unsure: dict[str, str]) -> str:
    """The character that most lines hold as often as the header does."""
    scores = Counter(
        {
            each: sum(line.count(each) == lines[0].count(each) for line in lines) * (lines[0].count(each) > 0)
            for each in _DELIMITERS
        }
    )
    (best, score), (second, next_score) = scores.most_common(2)
    best = best if score else max(_DELIMITERS, key=lines[0].count)
    if next_score and next_score == score and lines[0].count(second) >= lines[0].count(best):
        unsure["delimiter"] = f"{second!r} stands in as many lines"
    return best


def _count_quotes(lines: list[str], delimiter: str, quote: str) -> int:
    """How many fields stand in such quotes: as many as begin with one, and as end with one."""
    fields = [field for line in lines for field in line.split(delimiter) if len(field) > 1]
    return min(sum(field.startswith(quote) for field in fields), sum(field.endswith(quote) for field in fields))
