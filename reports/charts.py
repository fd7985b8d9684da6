"""Names and values in, a plotnine chart of horizontal bars out: the shape that all KPIs share.

Bars stand at row positions, not at names: two customers of the same name stay two bars, and the order of the names
given is the order read from top to bottom. All texts must have gone through `formats.chart_name`.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties
from mizani.breaks import breaks_extended
from plotnine import (
    aes,
    annotate,
    element_blank,
    geom_rect,
    geom_segment,
    geom_text,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from reports.formats import FONT
from reports.theme import DPI, INK, LABEL_SIZE, MARK, MUTED, NAME_SIZE, NET, WIDTH_INCHES, report_theme

HALF_BAR = 0.34  # of a row's height
ROW_INCHES, WIDE_ROW_INCHES, FEW_ROWS = 0.33, 0.56, 6
FRAME_INCHES = 1.4  # title, subtitle, ticks and axis title
MARGIN_INCHES = 0.42  # left and right of the chart, and between names and bars


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

    def end(self, names: Sequence[str]) -> float:
        """The value at the right edge, so that the widest label fits beside the longest bar."""
        panel = WIDTH_INCHES - MARGIN_INCHES - widest(names, NAME_SIZE)
        label = min(widest(self.labels, LABEL_SIZE), panel / 2)
        return (self.reach or 1.0) * panel / (panel - label)

    def ticks(self) -> list[float]:
        """About five round values, none beyond the longest bar; only zero when all is zero."""
        found = breaks_extended(n=5)((0.0, self.reach)) if self.reach else [0.0]
        return [tick for tick in map(float, found) if 0 <= tick <= self.reach]


def draw_canvas(names: Sequence[str], words: Words, scale: Scale) -> ggplot:
    """An empty chart with one row for each name; row i stands at y = -i."""
    is_dense = len(names) > FEW_ROWS and not any("\n" in name for name in names)
    row_inches = ROW_INCHES if is_dense else WIDE_ROW_INCHES
    rows = scale_y_continuous(
        breaks=[-float(row) for row in range(len(names))],
        labels=list(names),
        limits=(0.4 - len(names), 0.6),
        expand=(0, 0),
    )
    amounts = scale_x_continuous(
        breaks=scale.ticks(),
        labels=lambda ticks: [scale.tick(float(tick)) for tick in ticks],
        limits=(0, scale.end(names)),
        expand=(0, 0),
    )
    texts = labs(title=words.title, subtitle=words.subtitle, x=words.axis)
    return ggplot() + rows + amounts + texts + report_theme(height=FRAME_INCHES + row_inches * len(names))


def add_bars(
    values: Sequence[float], color: str | Sequence[str] = NET, band: tuple[float, float] = (-HALF_BAR, HALF_BAR)
) -> geom_rect:
    """One bar a row from zero to its value; `band` is the part of the row's height that it fills."""
    rows = range(len(values))
    frame = pl.DataFrame(
        {
            "left": [0.0] * len(values),
            "right": list(values),
            "low": [-row + band[0] for row in rows],
            "high": [-row + band[1] for row in rows],
        }
    )
    fill = color if isinstance(color, str) else list(color)
    return geom_rect(aes(xmin="left", xmax="right", ymin="low", ymax="high"), data=frame, fill=fill)


def add_labels(at: Sequence[float], texts: Sequence[str], color: str = INK, *, lift: float = 0.0) -> geom_text:
    """One text a row, to the right of the value; `lift` moves it from the row's middle, in row heights."""
    frame = pl.DataFrame({"at": list(at), "row": [lift - row for row in range(len(at))], "text": list(texts)})
    return geom_text(
        aes(x="at", y="row", label="text"),
        data=frame,
        ha="left",
        va="center_baseline",
        size=LABEL_SIZE,
        color=color,
    )


def add_marks(values: Sequence[float | None]) -> geom_segment:
    """A line across the bar of each row at its value; none where there is no value."""
    marks = [(value, -float(row)) for row, value in enumerate(values) if value is not None]
    frame = pl.DataFrame(
        {
            "at": [value for value, _ in marks],
            "low": [row - HALF_BAR - 0.04 for _, row in marks],
            "high": [row + HALF_BAR + 0.04 for _, row in marks],
        },
        schema={"at": pl.Float64, "low": pl.Float64, "high": pl.Float64},
    )
    return geom_segment(aes(x="at", xend="at", y="low", yend="high"), data=frame, color=MARK, size=1.1)


def draw_nothing(words: Words) -> ggplot:
    """A panel that says that there are no rows, in the place of the chart."""
    return (
        ggplot()
        + annotate("text", x=0, y=0, label="No data for this report", size=13, color=MUTED)
        + labs(title=words.title)
        + report_theme(height=2.2)
        + theme(axis_title=element_blank(), axis_text=element_blank(), panel_grid=element_blank())
    )


def widest(texts: Sequence[str], size: float) -> float:
    """Inches that the widest line takes when it is drawn."""
    renderer = RendererAgg(1, 1, DPI)
    font = FontProperties(family=FONT, size=size)
    lines = [line for text in texts for line in text.splitlines()]
    return max((renderer.get_text_width_height_descent(line, font, ismath=False)[0] / DPI for line in lines), default=0)
