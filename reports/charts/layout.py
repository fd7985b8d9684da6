"""The two drawings of every chart: wide for the page on a desk, paper and artifacts; narrow for a phone."""

# mypy: allow-untyped-calls
from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

from reports.names import FONT, LEFT_TO_RIGHT

_MEASURE_DPI = 100
NARROW_ROWS = 5
EDGES_INCHES = 0.18  # left and right of a line of words


@dataclass(frozen=True)
class Layout:
    """Inches of width and points of text. In a narrow drawing names and labels stand above their bars, not beside."""

    width: float
    name_size: float
    label_size: float
    axis_size: float
    is_narrow: bool

    def rows(self, wide: int, narrow: int = NARROW_ROWS) -> int:
        """How many rows a chart of many shows: as many as leave a narrow one on one screen of a phone, or on paper."""
        return min(wide, narrow) if self.is_narrow else wide

    def wrap(self, text: str, size: float, indent: float = 0.0) -> str:
        """The text in as many lines as the width asks for, less `indent` inches."""
        lines = [""]
        for word in text.split(" "):  # not at no-break spaces
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and widest([longer], size) > self.width - EDGES_INCHES - indent:
                lines.append(word)
            else:
                lines[-1] = longer
        return "\n".join(lines)


WIDE = Layout(width=9.0, name_size=11.0, label_size=10.5, axis_size=9.5, is_narrow=False)
NARROW = Layout(width=3.5, name_size=9.0, label_size=8.5, axis_size=8.5, is_narrow=True)


def widest(texts: Sequence[str], size: float) -> float:
    """Inches that the widest line takes when it is drawn."""
    return max((_measure(line, size) for text in texts for line in text.splitlines()), default=0.0)


def fit_line(name: str, detail: str, size: float, room: float) -> str:
    """A name and what follows it in one line of `room` inches; the name is cut where there is no room for all of it."""
    if widest([name + detail], size) <= room:
        return name + detail
    lengths = range(len(name))
    longest = bisect_left(lengths, True, key=lambda length: widest([_cut(name, length + 1) + detail], size) > room)
    return _cut(name, longest) + detail if longest else detail.strip(" ·")


def fit_lines(name: str, size: float, room: float) -> str:
    """A name of one or more lines, each cut to `room` inches."""
    return "\n".join(fit_line(line, "", size, room) for line in name.split("\n"))


def _cut(name: str, length: int) -> str:
    """The first letters with an ellipsis; a mark of the reading direction at the end of the name stays there."""
    end = LEFT_TO_RIGHT if name.endswith(LEFT_TO_RIGHT) else ""
    return f"{name[:length].rstrip()}…{end}"


@lru_cache(maxsize=10_000)  # the same names stand in each of a chart's drawings
def _measure(line: str, size: float) -> float:
    width = _renderer().get_text_width_height_descent(line, _font(size), ismath=False)[0]
    return float(width) / _MEASURE_DPI


@cache
def _font(size: float) -> FontProperties:
    return FontProperties(family=FONT, size=size)


@cache
def _renderer() -> RendererAgg:
    return RendererAgg(1, 1, _MEASURE_DPI)
