"""A drawing of few rows has in its SVG the very bars, dots and lines that matplotlib drew: one row is a special case.

matplotlib writes a shape that a collection holds once, or many times over, as a definition and its uses.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field

import matplotlib as mpl
import numpy as np
import polars as pl
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import Collection, LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline
from matplotlib.transforms import Affine2D, Transform
from plotnine import aes, geom_point, geom_polygon, geom_rect, geom_segment, ggplot, labs

from reports.charts.layout import NARROW, WIDE, Layout
from reports.charts.svg import write_svg
from reports.kpis import KPIS
from reports.theme import INK, MARK, NET, PAPER, report_theme
from tests.unit.odd_shops import SHOPS

POINTS = 72  # an inch
NEAR = 0.11  # the SVG has a tenth of a point
Numbers = tuple[float, ...]


@dataclass
class Shapes:
    """Bars as left, top, right, bottom; dots as centre and radius; the ends of lines: in points from the upper left."""

    bars: list[Numbers] = field(default_factory=list)
    dots: list[Numbers] = field(default_factory=list)
    ends: set[Numbers] = field(default_factory=set)


def shapes_of(figure: Figure) -> Shapes:
    """What matplotlib is to draw, from its own collections."""
    found, height, scale = Shapes(), figure.get_figheight() * POINTS, POINTS / figure.dpi
    for axes in figure.axes:
        for mark in axes.collections:
            for outline in outlines_of(mark, axes.transData, figure.dpi):
                places = [(x * scale, height - y * scale) for x, y in outline.vertices]
                if isinstance(mark, LineCollection) or not np.any(mark.get_facecolor()):
                    found.ends |= set(places)
                elif is_round(outline):
                    found.dots.append(_middle(places))
                else:
                    found.bars.append(_box(places))
    return found


def outlines_of(mark: Collection, data: Transform, dpi: float) -> Iterator[Outline]:
    """Each shape of a collection in pixels: what has a place is moved there, all else is where its values are."""
    paths, places = mark.get_paths(), data.transform(mark.get_offsets())
    if not isinstance(mark, PathCollection):
        yield from (data.transform_path(path) for path in paths)
        return
    mark.set_sizes(mark.get_sizes(), dpi)  # saving left those of the file
    sizes = mark.get_transforms()
    for row, (x, y) in enumerate(places):
        yield paths[row % len(paths)].transformed(Affine2D(sizes[row % len(sizes)]).translate(x, y))


def is_round(outline: Outline) -> bool:
    """Whether it is a circle: as wide as high, of curves."""
    box = outline.get_extents()
    is_curved = outline.codes is not None and Outline.CURVE4 in outline.codes
    return is_curved and box.width == pytest.approx(box.height)


def shapes_in(svg: str) -> Shapes:
    """What the SVG draws beside paper and grid."""
    found, root = Shapes(), ET.fromstring(svg)
    for part in root:
        tag, classes = part.tag.split("}")[1], (part.get("class") or "").split()
        if tag == "circle":
            found.dots.append(tuple(float(part.get(name, "nan")) for name in ("cx", "cy", "r")))
        elif tag == "path" and classes != ["s-grid"]:
            places = [tuple(map(float, place.split())) for place in re.findall(r"-?[\d.]+ -?[\d.]+", part.get("d", ""))]
            is_filled = any(name.startswith("f-") for name in classes)
            found.bars += [_box(places)] if is_filled else []
            found.ends |= set() if is_filled else set(places)
    paper = (0.0, 0.0, *map(float, root.get("viewBox", "").split()[2:]))
    found.bars = [bar for bar in found.bars if bar != pytest.approx(paper, abs=NEAR)]
    return found


def faults_between(figure: Figure, svg: str) -> list[str]:
    """A sentence for each kind of shape that the SVG has otherwise."""
    wanted, found = shapes_of(figure), shapes_in(svg)
    faults = []
    for kind, one, other in (("bars", wanted.bars, found.bars), ("dots", wanted.dots, found.dots)):
        is_same = len(one) == len(other) and all(
            here == pytest.approx(there, abs=NEAR) for here, there in zip(sorted(one), sorted(other), strict=True)
        )
        faults += [] if is_same else [f"{kind}: {sorted(one)} became {sorted(other)}"]
    lost = [end for end in wanted.ends if not any(end == pytest.approx(there, abs=NEAR) for there in found.ends)]
    return faults + ([f"lines: {lost} became {sorted(found.ends)}"] if lost else [])


def compare(chart: ggplot) -> list[str]:
    """The faults of a chart's SVG, its figure drawn apart from it."""
    saved = (chart + labs(title="")).save_helper(io.BytesIO(), format="svg", verbose=False)
    saved.figure.savefig(**saved.kwargs)  # this lays it out
    faults = faults_between(saved.figure, write_svg(chart, "name", "title", "message"))
    plt.close("all")
    return faults


def _middle(places: list[Numbers]) -> Numbers:
    left, top, right, bottom = _box(places)
    return ((left + right) / 2, (top + bottom) / 2, (right - left) / 2)


def _box(places: list[Numbers]) -> Numbers:
    across, down = [float(x) for x, _ in places], [float(y) for _, y in places]
    return (min(across), min(down), max(across), max(down))


@pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", list(KPIS))
def test_svg_of_no_one_and_two_rows_has_the_shapes_of_the_chart(name: str, layout: Layout) -> None:
    frame = SHOPS["usual"].frames[name]
    with mpl.rc_context():
        mpl.use("Agg")
        faults = {rows: compare(KPIS[name].chart(frame.head(rows), layout)) for rows in (0, 1, 2)}
    assert {rows: found for rows, found in faults.items() if found} == {}


ELLIPSE = Outline.unit_circle().transformed(Affine2D().scale(2, 1))
SHAPES = {
    "bar with an edge": geom_rect(aes(xmin=0, xmax="x", ymin="y - 0.2", ymax="y + 0.2"), fill=NET, color=PAPER),
    "polygon with an edge": geom_polygon(fill=NET, color=INK),
    "segment": geom_segment(aes(xend=0, yend=0), color=NET),
    "dot": geom_point(color=NET, fill=PAPER, size=3),
    "square": geom_point(shape="s", color=NET, fill=MARK, size=3),
    "triangle": geom_point(shape="^", color=NET, fill=MARK, size=3),
    "plus": geom_point(shape="+", color=NET, size=3),
    "ellipse": geom_point(shape=ELLIPSE, color=NET, fill=MARK, size=3),
}


@pytest.mark.parametrize("rows", [1, 2, 3, 40])
@pytest.mark.parametrize("shape", list(SHAPES))
def test_svg_of_every_shape_is_that_shape_however_often_it_is_drawn(shape: str, rows: int) -> None:
    frame = pl.DataFrame(
        {"x": [1.0 + row % 7 for row in range(rows)], "y": [1.0 + row * row % 11 for row in range(rows)]}
    )
    with mpl.rc_context():
        mpl.use("Agg")
        assert compare(ggplot(frame, aes("x", "y")) + SHAPES[shape] + report_theme(3, WIDE)) == []
