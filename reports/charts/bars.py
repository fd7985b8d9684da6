"""Names and values in, a plotnine chart of horizontal bars out: the shape that all KPIs share.

Bars stand at row positions, not at names: two customers of the same name stay two bars, and the order of the names
given is the order read from top to bottom. All texts must have gone through `names.chart_name`.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import polars as pl
from mizani.breaks import breaks_extended
from plotnine import (
    aes,
    annotate,
    element_blank,
    geom_point,
    geom_rect,
    geom_segment,
    geom_text,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from reports.charts.layout import Layout, fit_line, fit_lines, widest
from reports.formats import format_integer
from reports.languages import tr
from reports.theme import INK, MARK, MUTED, NET, TAX, TITLE_SIZE, report_theme

HALF_BAR = 0.34  # of a row's height
HALF_RANGE = 0.13
ROW_INCHES, WIDE_ROW_INCHES, NARROW_ROW_INCHES, FEW_ROWS = 0.33, 0.56, 0.64, 6
FRAME_INCHES = 1.4  # title, subtitle, ticks and axis title
NAME_LIFT, LABEL_LIFT, BAR_DROP, BAR_SCALE = 0.36, 0.12, -0.2, 0.42  # a row of a narrow drawing, from top to bottom
MARGIN_INCHES = 0.42  # left and right of the chart, and between names and bars
LEAST_BAR_INCHES, LEAST_NAME_INCHES = 2.4, 1.2  # what is left to the longest bar beside its label, and to names
MOST_TICKS, TICK_GAP_INCHES = 5, 0.1


@dataclass(frozen=True)
class Words:
    """What stands around the bars; `axis` names the quantity and its unit."""

    title: str
    subtitle: str
    axis: str


@dataclass(frozen=True)
class Scale:
    """The x axis: where the longest bar ends, the text of a tick, and the labels that need room beyond the bars."""

    reach: float
    tick: Callable[[float], str]
    labels: Sequence[str]
    floor: float = 0.0  # where the longest bar of a loss ends

    def end(self, room: float, layout: Layout) -> float:
        """The value at the right edge of a panel of `room` inches, so that the widest label fits beside its bar."""
        span = self.reach - self.floor or 1.0
        if layout.is_narrow:
            return self.floor + span
        label = min(widest(self.labels, layout.label_size), room - 1.0)
        return self.floor + span * room / (room - label)

    def ticks(self, room: float, layout: Layout) -> list[float]:
        """At most five round values that the marks reach, as many as have room for their texts."""
        inch = (self.end(room, layout) - self.floor) / room
        for count in range(MOST_TICKS, 1, -1):
            found = map(float, breaks_extended(n=count)((self.floor, self.reach or self.floor + 1.0)))
            ticks = [tick for tick in found if self.floor <= tick <= self.reach]
            text = widest([self.tick(tick) for tick in ticks], layout.axis_size) + TICK_GAP_INCHES
            if all(other - one > text * inch for one, other in pairwise(ticks)):
                return ticks
        return [0.0]


def tell_rest(shown: int, total: int) -> str:
    """A sentence for a chart that shows only the first rows, in its own order; empty where it shows all."""
    return tr("Shown: the first {shown} of {total}.", shown=shown, total=format_integer(total)) if total > shown else ""


def tell_biggest(shown: int, total: int) -> str:
    """The same for a chart that shows the biggest rows in another order."""
    return (
        tr("Shown: the {shown} biggest of {total}.", shown=shown, total=format_integer(total)) if total > shown else ""
    )


def tell_newest(shown: int, total: int) -> str:
    """The same for a chart that shows the newest months."""
    return tr("Shown: the last {shown} of {total} months.", shown=shown, total=total) if total > shown else ""


def draw_canvas(names: Sequence[str], words: Words, scale: Scale, layout: Layout) -> ggplot:
    """An empty chart with one row for each name; row i stands at y = -i."""
    fitted = [] if layout.is_narrow else _fit_names(names, scale, layout)
    indent = widest(fitted, layout.name_size)
    room = layout.width - MARGIN_INCHES - indent
    rows = scale_y_continuous(
        breaks=[-float(row) for row in range(len(fitted))], labels=fitted, limits=(0.4 - len(names), 0.6), expand=(0, 0)
    )
    amounts = scale_x_continuous(
        breaks=scale.ticks(room, layout),
        labels=lambda ticks: [scale.tick(float(tick)) for tick in ticks],
        limits=(scale.floor, scale.end(room, layout)),
        expand=(0, 0, 0.04, 0) if layout.is_narrow else (0, 0),
    )
    look = report_theme(FRAME_INCHES + _row_inches(names, layout) * len(names), layout)
    chart = ggplot() + rows + amounts + write_words(words, layout, indent) + look
    return chart + _add_names(names, layout) if layout.is_narrow else chart


def _fit_names(names: Sequence[str], scale: Scale, layout: Layout) -> list[str]:
    """The names of a wide drawing, cut only where the bars and their labels would lack room."""
    room = layout.width - MARGIN_INCHES - widest(scale.labels, layout.label_size) - LEAST_BAR_INCHES
    return [fit_lines(name, layout.name_size, max(room, LEAST_NAME_INCHES)) for name in names]


def write_words(words: Words, layout: Layout, indent: float = 0.0) -> labs:
    """Title, subtitle and axis title in lines that fit; `indent` is what stands left of the panel, in inches."""
    return labs(
        title=layout.wrap(words.title, TITLE_SIZE),
        subtitle=layout.wrap(words.subtitle, layout.label_size),
        x=layout.wrap(words.axis, layout.axis_size, indent + MARGIN_INCHES / 2),
    )


def _row_inches(names: Sequence[str], layout: Layout) -> float:
    if layout.is_narrow:
        return NARROW_ROW_INCHES
    is_dense = len(names) > FEW_ROWS and not any("\n" in name for name in names)
    return ROW_INCHES if is_dense else WIDE_ROW_INCHES


def _add_names(names: Sequence[str], layout: Layout) -> geom_text:
    """The names of a narrow drawing, each above its bar, in one line."""
    frame = pl.DataFrame(
        {
            "at": [float("-inf")] * len(names),
            "row": [NAME_LIFT - row for row in range(len(names))],
            "text": [_one_line(name, layout) for name in names],
        }
    )
    return geom_text(
        aes(x="at", y="row", label="text"), data=frame, ha="left", va="center", size=layout.name_size, color=INK
    )


def _one_line(name: str, layout: Layout) -> str:
    room = layout.width - MARGIN_INCHES
    head, _, detail = name.partition("\n")
    if not detail:
        return fit_line(head, "", layout.name_size, room)
    rest = room - widest([f"{head} · "], layout.name_size)
    return fit_line(head, f" · {fit_line(detail, '', layout.name_size, max(rest, room / 2))}", layout.name_size, room)


def add_bars(
    values: Sequence[float],
    layout: Layout,
    color: str | Sequence[str] = NET,
    band: tuple[float, float] = (-HALF_BAR, HALF_BAR),
) -> geom_rect:
    """One bar a row from zero to its value; `band` is the part of the row's height that it fills."""
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
    return geom_rect(aes(xmin="left", xmax="right", ymin="low", ymax="high"), data=frame, fill=fill)


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
            "text": [text.strip() if layout.is_narrow else text for text in texts],
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


def add_marks(values: Sequence[float | None], layout: Layout) -> geom_segment:
    """A line across the bar of each row at its value; none where there is no value."""
    marks = [(value, -float(row)) for row, value in enumerate(values) if value is not None]
    frame = pl.DataFrame(
        {
            "at": [value for value, _ in marks],
            "low": [row + _place(-HALF_BAR - 0.04, layout) for _, row in marks],
            "high": [row + _place(HALF_BAR + 0.04, layout) for _, row in marks],
        },
        schema={"at": pl.Float64, "low": pl.Float64, "high": pl.Float64},
    )
    return geom_segment(aes(x="at", xend="at", y="low", yend="high"), data=frame, color=MARK, size=1.1)


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
    return geom_point(aes(x="at", y="row"), data=frame, color=list(colors), size=3.4, stroke=0)


def _place(offset: float, layout: Layout) -> float:
    """Where in a row a height of the bar's part of it lies."""
    return BAR_DROP + BAR_SCALE * offset if layout.is_narrow else offset


def draw_nothing(words: Words, layout: Layout) -> ggplot:
    """A panel that says that there are no rows, in the place of the chart."""
    return (
        ggplot()
        + annotate("text", x=0, y=0, label=tr("No data for this report"), size=layout.name_size, color=MUTED)
        + labs(title=words.title)
        + report_theme(2.2, layout)
        + theme(axis_title=element_blank(), axis_text=element_blank(), panel_grid=element_blank())
    )
