"""Names, words and a scale in; the empty chart out on which bars and marks are drawn, one row a name.

All texts that come from data must have gone through `names.chart_name`. What has no room is cut or left out here, by
its measured width: names, ticks, lines of words.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import polars as pl
from plotnine import (
    aes,
    annotate,
    element_blank,
    geom_text,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from reports.charts.layout import Layout, fit_line, fit_lines, widest
from reports.charts.ticks import propose_ticks
from reports.formats import format_integer
from reports.languages import tr
from reports.theme import INK, MARK, MUTED, TITLE_SIZE, report_theme

ROW_INCHES, WIDE_ROW_INCHES, NARROW_ROW_INCHES, FEW_ROWS = 0.33, 0.56, 0.43, 6
FRAME_INCHES = 1.4  # subtitle, ticks and axis title
NARROW_FRAME_INCHES, LINE_INCHES = 0.42, 0.155  # ticks and margins; a line of words: a narrow drawing has no title
HEAD_INCHES = 0.2  # above the first row, for the name of the marks
NAME_LIFT = 0.36  # of a row of a narrow drawing, from its middle
MARGIN_INCHES = 0.42  # left and right of the chart, and between names and bars
LEAST_BAR_INCHES, LEAST_NAME_INCHES = 2.0, 1.2  # what is left to the longest bar beside its label, and to names
LABEL_GAP = "  "  # between the end of a bar and its label
TICK_GAP_INCHES = 0.1
EDGE_INCHES = 0.13  # left of a line of words, which a tick's text may use


@dataclass(frozen=True)
class Words:
    """What stands around the bars; `axis` names the quantity and its unit, `mark` what the marks across bars are."""

    title: str
    subtitle: str
    axis: str
    mark: str = ""


@dataclass(frozen=True)
class Scale:
    """The x axis: the values of bars and of marks across them, the text of a tick, labels that need room beyond."""

    values: Sequence[float]
    tick: Callable[[float], str]
    labels: Sequence[str]
    marks: Sequence[float | None] = ()

    @property
    def reach(self) -> float:
        """Where the longest bar ends."""
        return max(0.0, *self.values, *self.known_marks)

    @property
    def floor(self) -> float:
        """Where the longest bar of a loss ends."""
        return min(0.0, *self.values, *self.known_marks)

    @property
    def known_marks(self) -> list[float]:
        """The marks of the rows that have one."""
        return [mark for mark in self.marks if mark is not None]

    @property
    def ends(self) -> list[float]:
        """Where the label of each row may begin: right of its bar and its mark."""
        marks = self.marks or [None] * len(self.values)
        return [max(value, mark or 0.0) for value, mark in zip(self.values, marks, strict=True)]

    def end(self, room: float, layout: Layout) -> float:
        """The value at the right edge of a panel of `room` inches, so that the widest label fits beside its bar."""
        span = self.reach - self.floor or 1.0
        if layout.is_narrow:
            return self.floor + span
        label = min(widest([LABEL_GAP + text for text in self.labels], layout.label_size), room - 1.0)
        return self.floor + span * room / (room - label)

    def ticks(self, room: float, layout: Layout) -> list[float]:
        """At most five round values that the marks reach, as many as have room for their texts."""
        inch = (self.end(room, layout) - self.floor) / room
        for ticks in propose_ticks(self.floor, self.reach, self.tick):
            text = widest([self.tick(tick) for tick in ticks], layout.axis_size) + TICK_GAP_INCHES
            if all(other - one > text * inch for one, other in pairwise(ticks)):
                return ticks
        return [0.0]

    def overhang(self, room: float, layout: Layout) -> float:
        """Inches of the first tick's text left of a panel of `room` inches: words begin where the panel does."""
        first = min(self.ticks(room, layout))
        inside = (first - self.floor) / (self.end(room, layout) - self.floor) * room
        return max(widest([self.tick(first)], layout.axis_size) / 2 - inside, 0.0)


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
    overhang = scale.overhang(room, layout) if layout.is_narrow else 0.0
    row, head = _row_inches(names, layout), HEAD_INCHES if words.mark and scale.known_marks else 0.0
    rows = scale_y_continuous(
        breaks=[-float(place) for place in range(len(fitted))],
        labels=fitted,
        limits=(0.4 - len(names), 0.6 + head / row),
        expand=(0, 0),
    )
    amounts = scale_x_continuous(
        breaks=scale.ticks(room, layout),
        labels=lambda ticks: [scale.tick(float(tick)) for tick in ticks],
        limits=(scale.floor, scale.end(room, layout)),
        expand=(0, 0, 0.04, 0) if layout.is_narrow else (0, 0),
    )
    look = report_theme(frame_inches(words, layout, indent, overhang) + head + row * len(names), layout)
    chart = ggplot() + rows + amounts + write_words(words, layout, indent, overhang) + look
    if head:
        chart += _name_mark(words.mark, scale, room, layout)
    return chart + _add_names(names, layout) if layout.is_narrow else chart


def write_words(words: Words, layout: Layout, indent: float = 0.0, overhang: float = 0.0) -> labs:
    """Title, subtitle and axis title in lines that fit; `indent` is what stands left of the panel, in inches.

    The subtitle begins at the left edge, but right of the `overhang` of a tick's text where that is more than the edge.
    """
    lacking = max(overhang - EDGE_INCHES, 0.0)
    return labs(
        title=layout.wrap(words.title, TITLE_SIZE),
        subtitle=layout.wrap(words.subtitle, layout.label_size, lacking),
        x=layout.wrap(words.axis, layout.axis_size, indent + max(MARGIN_INCHES / 2, lacking)),
    )


def frame_inches(words: Words, layout: Layout, indent: float = 0.0, overhang: float = 0.0) -> float:
    """The height of what stands above and below the panel; in a narrow drawing it goes with the lines of words."""
    if not layout.is_narrow:
        return FRAME_INCHES
    written = write_words(words, layout, indent, overhang)
    lines = [line for text in (written.subtitle, written.x) for line in (text or "").splitlines()]
    return NARROW_FRAME_INCHES + LINE_INCHES * len(lines)


def draw_nothing(words: Words, layout: Layout, sentence: str) -> ggplot:
    """A panel with a sentence in the place of the chart: what there is none of."""
    text = layout.wrap(sentence, layout.name_size, MARGIN_INCHES)
    return (
        ggplot()
        + annotate("text", x=0, y=0, label=text, size=layout.name_size, color=MUTED)
        + labs(title=layout.wrap(words.title, TITLE_SIZE))
        + report_theme(1.6, layout)
        + theme(axis_title=element_blank(), axis_text=element_blank(), panel_grid=element_blank())
    )


def _fit_names(names: Sequence[str], scale: Scale, layout: Layout) -> list[str]:
    """The names of a wide drawing, cut only where the bars and their labels would lack room."""
    label = widest([LABEL_GAP + text for text in scale.labels], layout.label_size)
    room = layout.width - MARGIN_INCHES - label - LEAST_BAR_INCHES
    return [fit_lines(name, layout.name_size, max(room, LEAST_NAME_INCHES)) for name in names]


def _row_inches(names: Sequence[str], layout: Layout) -> float:
    if layout.is_narrow:
        return NARROW_ROW_INCHES
    is_dense = len(names) > FEW_ROWS and not any("\n" in name for name in names)
    return ROW_INCHES if is_dense else WIDE_ROW_INCHES


def _name_mark(name: str, scale: Scale, room: float, layout: Layout) -> annotate:
    """What the marks are, above the first of them."""
    text = fit_line(name, "", layout.axis_size, room)
    first, end = scale.known_marks[0], scale.end(room, layout)
    left = (first - scale.floor) / (end - scale.floor) * room
    half = widest([text], layout.axis_size) / 2
    if half <= left <= room - half:
        return annotate("text", x=first, y=float("inf"), label=text, va="top", size=layout.axis_size, color=MARK)
    side, edge = ("left", "-inf") if left < half else ("right", "inf")
    return annotate(
        "text", x=float(edge), y=float("inf"), label=text, ha=side, va="top", size=layout.axis_size, color=MARK
    )


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
