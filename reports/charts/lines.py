"""Months and values in, a plotnine chart of lines out; each line ends in its own label, so that no legend is needed.

Lines are drawn segment by segment: a month without a value is a gap, and a single month is a point.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import polars as pl
from plotnine import (
    aes,
    element_blank,
    element_line,
    geom_point,
    geom_segment,
    geom_text,
    ggplot,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from reports.charts.canvas import MARGIN_INCHES, Words, frame_inches, write_words
from reports.charts.layout import Layout, fit_line, widest
from reports.charts.ticks import propose_ticks
from reports.formats import format_short_month
from reports.theme import GRID, PAPER, report_theme

HEIGHT_INCHES, NARROW_PANEL_INCHES = 4.4, 1.9
LABEL_PART, PANEL_PART = 0.47, 0.65  # of the width and of the panel, which the longest label may take
LABEL_GAP, NARROW_LABEL_GAP = 0.075, 0.1  # of the height, between the labels of two lines
MONTH_TICKS, NARROW_MONTH_TICKS = 6, 3
GAP = "  "  # between the end of a line and its label
NAME_GAP_INCHES = 0.12  # between the names of two months


@dataclass(frozen=True)
class Line:
    """One value a month, None for a gap; `label` stands at the end of the line.

    The last point is an open circle where its month is in progress.
    """

    values: Sequence[float | None]
    label: str
    color: str
    is_in_progress: bool = False


def draw_lines(
    days: Sequence[date], lines: Sequence[Line], words: Words, tick: Callable[[float], str], layout: Layout
) -> ggplot:
    """Lines over the months of `days`, from zero or the lowest value below it; lines given later lie above."""
    reach = max((value for line in lines for value in line.values if value is not None), default=0.0)
    floor = min((value for line in lines for value in line.values if value is not None), default=0.0)
    reach, floor = max(reach, 0.0) or 1.0, min(floor, 0.0)
    ticks = next(iter(propose_ticks(floor, reach, tick)), [0.0])
    indent = widest([tick(value) for value in ticks], layout.name_size)
    panel = layout.width - MARGIN_INCHES - indent
    labels = [_label(line, layout, panel) for line in lines]
    chart = ggplot() + _months(days, labels, panel, layout) + _amounts(ticks, tick, reach, floor)
    chart += write_words(words, layout, indent)
    height = NARROW_PANEL_INCHES + frame_inches(words, layout, indent) if layout.is_narrow else HEIGHT_INCHES
    chart += report_theme(height, layout)
    chart += theme(panel_grid_major_x=element_blank(), panel_grid_major_y=element_line(color=GRID, size=0.8))
    for line in lines:
        chart += _add_segments(line)
        chart += _add_points(line)
    return chart + _add_labels(list(zip(lines, labels, strict=True)), (floor, reach), layout)


def _months(days: Sequence[date], labels: Sequence[str], panel: float, layout: Layout) -> scale_x_continuous:
    """The months from the left edge of a panel of so many inches to where the widest label has room beside its line."""
    label = widest(labels, layout.label_size)
    span = max(len(days) - 1, 1)
    limits = (-0.03 * span, 1.03 * span * panel / (panel - label))
    names = [format_short_month(day, is_narrow=layout.is_narrow) for day in days]
    apart = (widest(names, layout.axis_size) + NAME_GAP_INCHES) * (limits[1] - limits[0]) / panel
    fewest = -(-len(days) // (NARROW_MONTH_TICKS if layout.is_narrow else MONTH_TICKS))
    step = max(fewest, math.ceil(apart))
    shown = range((len(days) - 1) % step, len(days), step)  # the newest month always has its name
    return scale_x_continuous(
        breaks=list(shown), labels=[names[position] for position in shown], limits=limits, expand=(0, 0)
    )


def _amounts(ticks: Sequence[float], tick: Callable[[float], str], reach: float, floor: float) -> scale_y_continuous:
    span = reach - floor
    limits = (floor - 0.04 * span, reach + 0.08 * span)
    return scale_y_continuous(breaks=list(ticks), labels=[tick(value) for value in ticks], limits=limits, expand=(0, 0))


def _add_segments(line: Line) -> geom_segment:
    pairs = [
        (float(position), start, end)
        for position, (start, end) in enumerate(pairwise(line.values))
        if start is not None and end is not None
    ]
    schema = {"at": pl.Float64, "start": pl.Float64, "end": pl.Float64}
    frame = pl.DataFrame(pairs, schema=schema, orient="row").with_columns(next=pl.col("at") + 1)
    return geom_segment(aes(x="at", xend="next", y="start", yend="end"), data=frame, color=line.color, size=1.2)


def _add_points(line: Line) -> geom_point:
    found = [(float(position), value) for position, value in enumerate(line.values) if value is not None]
    frame = pl.DataFrame(found, schema={"at": pl.Float64, "value": pl.Float64}, orient="row")
    fills = [line.color] * len(found)
    if line.is_in_progress and found:
        fills[-1] = PAPER
    return geom_point(aes(x="at", y="value"), data=frame, color=line.color, fill=fills or line.color, size=1.9)


def _add_labels(labelled: Sequence[tuple[Line, str]], span: tuple[float, float], layout: Layout) -> geom_text:
    """The label of each line that has a last value, beside it, moved where two would lie on one another."""
    ending = sorted((each for each in labelled if each[0].values and each[0].values[-1] is not None), key=_last)
    heights = _apart([_last(each) for each in ending], span, NARROW_LABEL_GAP if layout.is_narrow else LABEL_GAP)
    frame = pl.DataFrame(
        {
            "at": [float(len(line.values) - 1) for line, _ in ending],
            "height": heights,
            "text": [label for _, label in ending],
        },
        schema={"at": pl.Float64, "height": pl.Float64, "text": pl.String},
    )
    colors = [line.color for line, _ in ending]
    return geom_text(
        aes(x="at", y="height", label="text"),
        data=frame,
        ha="left",
        va="center_baseline",
        size=layout.label_size,
        color=colors or "black",
    )


def _label(line: Line, layout: Layout, panel: float) -> str:
    """The label after a gap, its last word, the number, whole; what is before it is cut where it lacks room."""
    room = min(layout.width * LABEL_PART, panel * PANEL_PART - widest([GAP], layout.label_size))
    name, space, number = line.label.rpartition(" ")
    return GAP + fit_line(name, space + number, layout.label_size, room)


def _apart(values: Sequence[float], span: tuple[float, float], part: float) -> list[float]:
    """The heights of labels, lowest first, that part of `span` apart and all within it; less where there are many."""
    floor, reach = span
    gap = min(part, 1 / max(len(values), 1)) * (reach - floor)
    heights: list[float] = []
    for value in values:
        heights.append(max(value, heights[-1] + gap) if heights else value)
    for position in range(len(heights) - 1, -1, -1):
        ceiling = reach if position == len(heights) - 1 else heights[position + 1] - gap
        heights[position] = min(heights[position], ceiling)
    return heights


def _last(labelled: tuple[Line, str]) -> float:
    return labelled[0].values[-1] or 0.0
