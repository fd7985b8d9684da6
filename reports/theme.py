"""How every chart looks: palette for light and dark, one plotnine theme.

Charts are drawn in the light colours; `charts.svg` turns each into a class that the page gives its colour.
Hues are of the Okabe-Ito palette (Okabe and Ito, "Color Universal Design", 2008) or near it: told apart with the common
colour-vision deficiencies, and never the only sign of a difference. Marks stand out from the paper by 3:1 at least and
texts by 4.5:1, as WCAG 2.2 asks (1.4.11 and 1.4.3); a test computes it.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any, Literal

from plotnine import element_blank, element_line, element_rect, element_text, theme, theme_minimal

from reports.charts.layout import Layout
from reports.names import FONT

DPI = 100
TITLE_SIZE = 14.5

PALETTE = {  # name: light, dark
    "paper": ("#FFFFFF", "#14191F"),
    "ink": ("#1B2733", "#E9EEF2"),
    "muted": ("#51606E", "#A9B5C0"),
    "grid": ("#EDF0F3", "#2A333C"),
    "pale": ("#8593A0", "#75828F"),
    "net": ("#0072B2", "#56B4E9"),
    "tax": ("#4F9BCB", "#2F7FB0"),
    "total": ("#4A5A68", "#B4BFC9"),
    "mark": ("#C44601", "#E8803C"),
    "gold": ("#A67C00", "#D9A400"),
    "silver": ("#7F8C98", "#C9D1D9"),
    "bronze": ("#A85F32", "#C98B5E"),
    "inactive": ("#5E6B77", "#8794A1"),
    "step-1": ("#EAF2F8", "#1D2A35"),
    "step-2": ("#BBD9EC", "#244660"),
    "step-3": ("#86B9DA", "#2C6790"),
    "step-4": ("#387BAB", "#3E8CBF"),
    "step-5": ("#195A88", "#6FB6E3"),
    "step-6": ("#0A3F66", "#B9E2FB"),
}
TEXTS = ("ink", "muted", "net", "total", "mark", "bronze", "inactive")
MARKS = (*TEXTS, "pale", "tax", "gold", "silver")

PAPER, INK, MUTED, GRID, PALE = (PALETTE[name][0] for name in ("paper", "ink", "muted", "grid", "pale"))
NET = PALETTE["net"][0]  # net sales, on every chart
TAX = PALETTE["tax"][0]  # what tax adds to net sales; how far chance goes
TOTAL = PALETTE["total"][0]  # all stores together
MARK = PALETTE["mark"][0]  # a reference to compare with
STEPS = tuple(PALETTE[f"step-{step}"][0] for step in range(1, 7))
CLASSES = {name: PALETTE[name.lower()][0] for name in ("Gold", "Silver", "Bronze", "Inactive")}


class report_theme(theme_minimal):  # noqa: N801 - named as plotnine names its themes
    """White paper, names at the left, faint vertical grid; `height` in inches."""

    def __init__(self, height: float, layout: Layout) -> None:
        super().__init__(base_size=layout.name_size, base_family=FONT)
        # Names may hold dollar signs: without this matplotlib reads what is between two of them as a formula.
        self._rcParams["text.parse_math"] = False  # type: ignore[assignment]  # plotnine declares texts only
        self += theme(
            figure_size=(layout.width, height),
            dpi=DPI,
            plot_background=element_rect(fill=PAPER, color=PAPER),
            plot_margin=0.015,
            plot_title=element_text(size=TITLE_SIZE, weight="bold", color=INK, ha="left", margin=_space(layout, b=8)),
            plot_subtitle=element_text(
                size=layout.label_size,
                color=MUTED,
                ha="left",
                linespacing=1.3,
                margin=_space(layout, b=6 if layout.is_narrow else 12),
            ),
            plot_title_position="plot",
            axis_title_x=element_text(
                size=layout.axis_size,
                color=MUTED,
                ha="left",
                linespacing=1.3,
                margin=_space(layout, t=4 if layout.is_narrow else 8),
            ),
            axis_title_y=element_blank(),
            axis_text_x=element_text(size=layout.axis_size, color=MUTED, margin={"t": 4}),
            axis_text_y=element_text(
                size=layout.name_size, color=INK, ha="right", linespacing=1.25, ma="right", margin={"r": 6}
            ),
            panel_grid_major_x=element_line(color=GRID, size=0.8),
            panel_grid_minor=element_blank(),
            panel_grid_major_y=element_blank(),
        )


def _space(layout: Layout, t: float = 0.0, b: float = 0.0) -> dict[Literal["t", "b", "l", "r", "unit"], Any]:
    """Points above and below a text. plotnine scales these margins by width / height once more: hence "fig"."""
    return {"t": t / 72 / layout.width, "b": b / 72 / layout.width, "unit": "fig"}
