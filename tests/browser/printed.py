"""A PDF that Chromium wrote in; its sheets and each run of text with size and place out.

Sizes and places follow the matrices in force (ISO 32000-1, 8.3 and 9.4), so what is read is what comes out of the
printer, shrunk or not.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

Matrix = tuple[float, float, float, float, float, float]
_STREAM = re.compile(rb"\bstream\r?\n")
_OBJECT = re.compile(rb"(\d+) 0 obj(.*?)endobj", re.DOTALL)
_TOKEN = re.compile(rb"<<.*?>>|\((?:\\.|[^\\)])*\)|<[^>]*>|\[|\]|/?[^\s/<>\[\]()]+", re.DOTALL)
_NUMBERS = {b"cm": 6, b"Tm": 6, b"Tf": 1}
_SHOWS = (b"Tj", b"TJ")


@dataclass(frozen=True)
class Text:
    """A run of text; `size` in points, `left` and `up` in points from the sheet's lower left."""

    size: float
    left: float
    up: float


def read_sheets(pdf: bytes) -> list[list[Text]]:
    """The texts of each sheet in the order in which they are drawn."""
    objects = {int(number): body for number, body in _OBJECT.findall(pdf)}
    pages = [body for body in objects.values() if re.search(rb"/Type\s*/Page\b", body)]
    found = [re.search(rb"/Contents (\d+) 0 R", body) for body in pages]
    return [_read_texts(_inflate(objects[int(contents[1])])) for contents in found if contents]


def _inflate(body: bytes) -> bytes:
    start = _STREAM.search(body)
    assert start, body[:80]
    return zlib.decompressobj().decompress(body[start.end() :])


def _read_texts(content: bytes) -> list[Text]:
    texts: list[Text] = []
    matrix: Matrix = (1, 0, 0, 1, 0, 0)
    place, size, saved, operands = matrix, 0.0, list[Matrix](), list[bytes]()
    for token in _TOKEN.findall(content):
        numbers = [float(each) for each in operands[-_NUMBERS[token] :]] if token in _NUMBERS else []
        if token == b"q":
            saved.append(matrix)
        elif token == b"Q":
            matrix = saved.pop()
        elif token == b"cm":
            matrix = _join(numbers, matrix)
        elif token == b"Tm":
            place = _join(numbers, (1, 0, 0, 1, 0, 0))
        elif token == b"Tf":
            size = numbers[0]
        elif token in _SHOWS:
            a, b, _, _, left, up = _join(place, matrix)
            texts.append(Text(round(size * (a * a + b * b) ** 0.5, 2), left, up))
        operands = [] if re.fullmatch(rb"[A-Za-z*']+", token) else [*operands, token]
    return texts


def _join(first: list[float] | Matrix, then: Matrix) -> Matrix:
    """The matrix that does one after the other."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u
