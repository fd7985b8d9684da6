"""How every chart looks: sizes, palette, one plotnine theme.

The colours are of the Okabe-Ito palette (Okabe and Ito, "Color Universal Design", 2008) and lighter shades of it: told
apart with the common colour-vision deficiencies, and never the only sign of a difference.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any, Literal

from plotnine import element_blank, element_line, element_rect, element_text, theme, theme_minimal

from reports.formats import FONT

DPI = 100
WIDTH_INCHES = 9.0

INK = "#1B2733"
MUTED = "#51606E"
GRID = "#EDF0F3"
PALE = "#C6CFD7"
PAPER = "#FFFFFF"
NET = "#0072B2"  # net sales, on every chart
TAX = "#A6CFE8"  # what tax adds to net sales
TOTAL = "#4A5A68"  # all stores together
MARK = "#D55E00"  # a reference to compare with
CLASSES = {"Gold": "#D9A400", "Silver": "#93A1AE", "Bronze": "#A85F32", "Inactive": "#5E6B77"}

NAME_SIZE = 11.0  # points, of the names at the left
LABEL_SIZE = 10.5  # and of the value labels beside the bars


def _space(t: float = 0.0, b: float = 0.0) -> dict[Literal["t", "b", "l", "r", "unit"], Any]:
    """Points above and below a text. plotnine scales these margins by width / height once more: hence "fig"."""
    return {"t": t / 72 / WIDTH_INCHES, "b": b / 72 / WIDTH_INCHES, "unit": "fig"}


class report_theme(theme_minimal):  # noqa: N801 - named as plotnine names its themes
    """White paper, names at the left, faint vertical grid; `height` in inches."""

    def __init__(self, height: float) -> None:
        super().__init__(base_size=12, base_family=FONT)
        # Names may hold dollar signs: without this matplotlib reads what is between two of them as a formula.
        self._rcParams["text.parse_math"] = False  # type: ignore[assignment]  # plotnine declares texts only
        self += theme(
            figure_size=(WIDTH_INCHES, height),
            dpi=DPI,
            plot_background=element_rect(fill=PAPER, color=PAPER),
            plot_margin=0.015,
            plot_title=element_text(size=14.5, weight="bold", color=INK, ha="left", margin=_space(b=8)),
            plot_subtitle=element_text(size=11, color=MUTED, ha="left", margin=_space(b=12)),
            plot_title_position="plot",
            axis_title_x=element_text(size=10, color=MUTED, ha="left", margin=_space(t=8)),
            axis_title_y=element_blank(),
            axis_text_x=element_text(size=9.5, color=MUTED, margin={"t": 4}),
            axis_text_y=element_text(
                size=NAME_SIZE,
                color=INK,
                ha="right",
                linespacing=1.25,
                ma="right",
                margin={"r": 6},
            ),
            panel_grid_major_x=element_line(color=GRID, size=0.8),
            panel_grid_minor=element_blank(),
            panel_grid_major_y=element_blank(),
        )
