"""Values in, bars, dots and marks for the rows of a `canvas` out: the shape that most KPIs share.

Bars stand at row positions, not at names: two customers of the same name stay two bars, and the order of the names
given is the order read from top to bottom.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from plotnine import aes, geom_point, geom_rect, geom_segment, geom_text

from reports.charts.canvas import LABEL_GAP, MARGIN_INCHES
from reports.charts.layout import Layout, fit_line
from reports.theme import INK, MARK, NET, PAPER, TAX

HALF_BAR = 0.34  # of a row's height
HALF_RANGE = 0.13
LABEL_LIFT, BAR_DROP, BAR_SCALE = 0.01, -0.29, 0.34  # in a row of a narrow drawing, from its middle


def add_bars(
    values: Sequence[float],
    layout: Layout,
    color: str | Sequence[str] = NET,
    band: tuple[float, float] = (-HALF_BAR, HALF_BAR),
    edge: str | None = None,
) -> geom_rect:
    """One bar a row from zero to its value; `band` is the part of the row's height that it fills.

    Over another bar it has an `edge` of paper, so that the two colours do not meet.
    """
    rows = range(len(values))
    frame = pl.DataFrame(
        {
            "left": [0.0] * len(values),
            "right": list(values),
            "low": [-row + _place(band[0], layout) for row in rows],
            "high": [-row + _place(band[1], layout) for row in rows],
        }
    )
    fill = color if isinstance(color, str) else list(color)
    return geom_rect(
        aes(xmin="left", xmax="right", ymin="low", ymax="high"), data=frame, fill=fill, color=edge, size=1.2
    )


def add_labels(
    at: Sequence[float], texts: Sequence[str], layout: Layout, color: str = INK, *, lift: float = 0.0
) -> geom_text:
    """One text a row, to the right of the value and of zero; `lift` moves it from the row's middle, in row heights.

    In a narrow drawing it stands between name and bar, at the left, and what is lifted downwards at the right.
    """
    is_second = layout.is_narrow and lift < 0
    frame = pl.DataFrame(
        {
            "at": [float("inf" if is_second else "-inf") if layout.is_narrow else max(end, 0.0) for end in at],
            "row": [(LABEL_LIFT if layout.is_narrow else lift) - row for row in range(len(at))],
            "text": [_fit_label(text, layout) for text in texts],
        }
    )
    return geom_text(
        aes(x="at", y="row", label="text"),
        data=frame,
        ha="right" if is_second else "left",
        va="center" if layout.is_narrow else "center_baseline",
        size=layout.label_size,
        color=color,
    )


def _fit_label(text: str, layout: Layout) -> str:
    """The label with a gap before it, or in the line that it has for itself in a narrow drawing."""
    room = layout.width - MARGIN_INCHES
    return fit_line(text, "", layout.label_size, room) if layout.is_narrow else LABEL_GAP + text


def add_marks(values: Sequence[float | None], layout: Layout) -> geom_segment:
    """A line across the bar of each row at its value; none where there is no value."""
    return _cross(values, layout, MARK, 1.1)


def add_gaps(values: Sequence[float | None], layout: Layout) -> geom_segment:
    """Paper at both sides of the marks that follow, for their colour and that of the bars are equally dark."""
    return _cross(values, layout, PAPER, 2.6)


def _cross(values: Sequence[float | None], layout: Layout, color: str, size: float) -> geom_segment:
    marks = [(value, -float(row)) for row, value in enumerate(values) if value is not None]
    frame = pl.DataFrame(
        {
            "at": [value for value, _ in marks],
            "low": [row + _place(-HALF_BAR - 0.04, layout) for _, row in marks],
            "high": [row + _place(HALF_BAR + 0.04, layout) for _, row in marks],
        },
        schema={"at": pl.Float64, "low": pl.Float64, "high": pl.Float64},
    )
    return geom_segment(aes(x="at", xend="at", y="low", yend="high"), data=frame, color=color, size=size)


def add_ranges(ranges: Sequence[tuple[float, float]], layout: Layout) -> geom_rect:
    """A pale bar a row from a low to a high value."""
    frame = pl.DataFrame(
        {
            "left": [low for low, _ in ranges],
            "right": [high for _, high in ranges],
            "low": [-row + _place(-HALF_RANGE, layout) for row in range(len(ranges))],
            "high": [-row + _place(HALF_RANGE, layout) for row in range(len(ranges))],
        }
    )
    return geom_rect(aes(xmin="left", xmax="right", ymin="low", ymax="high"), data=frame, fill=TAX)


def add_points(values: Sequence[float], layout: Layout, colors: Sequence[str]) -> geom_point:
    """A dot a row at its value."""
    frame = pl.DataFrame({"at": list(values), "row": [_place(0.0, layout) - row for row in range(len(values))]})
    return geom_point(aes(x="at", y="row"), data=frame, color=PAPER, fill=list(colors), size=3.4, stroke=0.9)


def _place(offset: float, layout: Layout) -> float:
    """Where in a row a height of the bar's part of it lies."""
    return BAR_DROP + BAR_SCALE * offset if layout.is_narrow else offset
