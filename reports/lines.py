"""Months and values in, a plotnine chart of lines out; each line ends in its own label, so that no legend is needed.

Lines are drawn segment by segment: a month without a value is a gap, and a single month is a point.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import polars as pl
from mizani.breaks import breaks_extended
from plotnine import (
    aes,
    element_blank,
    element_line,
    geom_point,
    geom_segment,
    geom_text,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from reports.charts import MARGIN_INCHES, Words, widest
from reports.theme import GRID, LABEL_SIZE, NAME_SIZE, WIDTH_INCHES, report_theme

HEIGHT_INCHES = 4.4
LABEL_GAP = 0.075  # of the height, between the labels of two lines
MONTH_TICKS = 6


@dataclass(frozen=True)
class Line:
    """One value a month, None for a gap; `label` stands at the end of the line."""

    values: Sequence[float | None]
    label: str
    color: str


def draw_lines(days: Sequence[date], lines: Sequence[Line], words: Words, tick: Callable[[float], str]) -> ggplot:
    """Lines over the months of `days`, from zero up; lines given later lie above."""
    reach = max((value for line in lines for value in line.values if value is not None), default=0.0) or 1.0
    chart = ggplot() + _months(days, lines, tick, reach) + _amounts(tick, reach)
    chart += labs(title=words.title, subtitle=words.subtitle, x=words.axis)
    chart += report_theme(height=HEIGHT_INCHES)
    chart += theme(panel_grid_major_x=element_blank(), panel_grid_major_y=element_line(color=GRID, size=0.8))
    for line in lines:
        chart += _add_segments(line)
        chart += _add_points(line)
    return chart + _add_labels(lines, reach)


def _months(
    days: Sequence[date], lines: Sequence[Line], tick: Callable[[float], str], reach: float
) -> scale_x_continuous:
    panel = WIDTH_INCHES - MARGIN_INCHES - widest([tick(reach)], NAME_SIZE)
    label = min(widest([line.label for line in lines], LABEL_SIZE), panel / 2)
    span = max(len(days) - 1, 1)
    step = -(-len(days) // MONTH_TICKS)
    shown = range((len(days) - 1) % step, len(days), step)  # the newest month always has its name
    return scale_x_continuous(
        breaks=list(shown),
        labels=[f"{days[position]:%b %Y}" for position in shown],
        limits=(-0.03 * span, (span + 0.03 * span) * panel / (panel - label)),
        expand=(0, 0),
    )


def _amounts(tick: Callable[[float], str], reach: float) -> scale_y_continuous:
    ticks = [value for value in map(float, breaks_extended(n=5)((0.0, reach))) if 0 <= value <= reach]
    return scale_y_continuous(
        breaks=ticks, labels=[tick(value) for value in ticks], limits=(-0.04 * reach, 1.08 * reach), expand=(0, 0)
    )


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
    return geom_point(aes(x="at", y="value"), data=frame, color=line.color, size=1.6)


def _add_labels(lines: Sequence[Line], reach: float) -> geom_text:
    """The label of each line that has a last value, beside it, moved up where two would lie on one another."""
    ending = sorted((line for line in lines if line.values and line.values[-1] is not None), key=_last)
    heights = _apart([_last(line) for line in ending], reach)
    frame = pl.DataFrame(
        {
            "at": [float(len(line.values) - 1) for line in ending],
            "height": heights,
            "text": [f"  {line.label}" for line in ending],
        },
        schema={"at": pl.Float64, "height": pl.Float64, "text": pl.String},
    )
    colors = [line.color for line in ending]
    return geom_text(
        aes(x="at", y="height", label="text"),
        data=frame,
        ha="left",
        va="center_baseline",
        size=LABEL_SIZE,
        color=colors or "black",
    )


def _apart(values: Sequence[float], reach: float) -> list[float]:
    """The heights of labels, lowest first, a gap apart and none above `reach`; the gap narrows where there are many."""
    gap = min(LABEL_GAP, 1 / max(len(values), 1)) * reach
    heights: list[float] = []
    for value in values:
        heights.append(max(value, heights[-1] + gap) if heights else value)
    for position in range(len(heights) - 1, -1, -1):
        ceiling = reach if position == len(heights) - 1 else heights[position + 1] - gap
        heights[position] = min(heights[position], ceiling)
    return heights


def _last(line: Line) -> float:
    return line.values[-1] or 0.0
