"""A matplotlib figure in; what is wrong with its drawing out: texts that meet or leave it, odd ticks, marks outside.

The figure is drawn once into a renderer that paints nothing and notes each line of text that it is asked to write, so
what is judged is what a reader would see, not what matplotlib keeps and hides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import Collection, LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.transforms import Bbox

SLACK = 1.0  # pixels
SMALLEST = 8.0  # points
NUMBER = re.compile(r"[\d.,\s$€%−]+(?:[KMBT]|[kM]\s\$|Md\s\$)?")
NOISE = re.compile(r"[.,]\d{4,}")


@dataclass(frozen=True)
class Written:
    """A line of text and the box of pixels that it fills, from the lower left."""

    text: str
    box: Bbox
    size: float


class _Notes(RendererAgg):
    """Notes texts, and paints neither them nor anything else."""

    def __init__(self, width: float, height: float, dpi: float) -> None:
        super().__init__(width, height, dpi)
        self.written: list[Written] = []

    def draw_text(
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        del gc, mtext
        assert angle == 0, f"{s!r} is turned"
        width, height, descent = self.get_text_width_height_descent(s, prop, ismath)
        indent = width - self.get_text_width_height_descent(s.lstrip(), prop, ismath)[0]
        low = self.height - y - descent
        if s.strip():
            box = Bbox.from_extents(x + indent, low, x + width, low + height)
            self.written.append(Written(s.strip(), box, float(prop.get_size_in_points())))

    def draw_path(self, *args: Any, **named: Any) -> None:
        pass

    draw_markers = draw_path_collection = draw_image = draw_path


def read_texts(figure: Figure) -> list[Written]:
    """The lines of text of the drawing, as they stand in it."""
    notes = _Notes(*figure.get_size_inches() * figure.dpi, figure.dpi)
    figure.draw(notes)
    return notes.written


def find_faults(figure: Figure) -> list[str]:
    """A sentence for each fault, in the order of the drawing."""
    texts = read_texts(figure)
    return [
        *_outside(figure, texts),
        *_small(texts),
        *_meeting(texts),
        *_crossing(figure, texts),
        *_odd_ticks(figure),
        *_marks_outside(figure),
    ]


def _outside(figure: Figure, texts: list[Written]) -> Iterator[str]:
    width, height = figure.get_size_inches() * figure.dpi
    for each in texts:
        box = each.box
        if box.x0 < -SLACK or box.y0 < -SLACK or box.x1 > width + SLACK or box.y1 > height + SLACK:
            yield f"{each.text!r} leaves the chart"


def _small(texts: list[Written]) -> Iterator[str]:
    yield from (f"{each.text!r} is only {each.size} points high" for each in texts if each.size < SMALLEST)


def _meeting(texts: list[Written]) -> Iterator[str]:
    for one, other in combinations(texts, 2):
        across = min(one.box.x1, other.box.x1) - max(one.box.x0, other.box.x0)
        down = min(one.box.y1, other.box.y1) - max(one.box.y0, other.box.y0)
        if across > SLACK and down > SLACK:
            yield f"{one.text!r} meets {other.text!r}"


def _crossing(figure: Figure, texts: list[Written]) -> Iterator[str]:
    """Texts that a bar, dot or line runs into; a text that lies within a mark, as on a tile, is well placed."""
    marks = [box for axes in figure.axes for mark in axes.collections for box in _boxes(mark, axes.transData)]
    for each in texts:
        box = each.box
        for mark in marks:
            across = min(box.x1, mark.x1) - max(box.x0, mark.x0)
            down = min(box.y1, mark.y1) - max(box.y0, mark.y0)
            is_within = across >= box.width - SLACK and down >= box.height - SLACK
            if across > SLACK and down > SLACK and not is_within:
                yield f"a mark runs into {each.text!r}"


def _odd_ticks(figure: Figure) -> Iterator[str]:
    """Numbers along an axis that are there twice, or have more decimals than a rate."""
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        numbers = [text for text in (tick.get_text() for tick in axis.get_ticklabels()) if NUMBER.fullmatch(text)]
        if len(set(numbers)) < len(numbers):
            yield f"ticks say the same: {', '.join(numbers)}"
        yield from (f"the tick {number!r} has noise" for number in numbers if NOISE.search(number))


def _boxes(mark: Collection, data: Any) -> list[Bbox]:
    """The boxes of the marks in pixels: bars and lines by their paths, dots by their places."""
    if isinstance(mark, PathCollection):
        radius = 3.0
        places = data.transform(mark.get_offsets())
        return [Bbox.from_extents(x - radius, y - radius, x + radius, y + radius) for x, y in places]
    grow = 1.0 if isinstance(mark, LineCollection) else 0.0
    return [data.transform_path(path).get_extents().padded(grow) for path in mark.get_paths()]


def _marks_outside(figure: Figure) -> Iterator[str]:
    for axes in figure.axes:
        panel = axes.viewLim
        for mark in axes.collections:
            box = _extent(mark, axes.transData)
            if box is None:
                continue
            slack = 1e-6 * max(panel.width, panel.height)
            if box.x0 < panel.x0 - slack or box.x1 > panel.x1 + slack:
                yield f"marks from {box.x0:g} to {box.x1:g} leave the panel, {panel.x0:g} to {panel.x1:g} across"
            if box.y0 < panel.y0 - slack or box.y1 > panel.y1 + slack:
                yield f"marks from {box.y0:g} to {box.y1:g} leave the panel, {panel.y0:g} to {panel.y1:g} down"


def _extent(mark: Collection, data: Any) -> Bbox | None:
    box = mark.get_datalim(data)
    return box if box.width >= 0 and box.height >= 0 else None
