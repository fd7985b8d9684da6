"""Shapes and texts in, an SVG document out; an SVG document in, a PNG out.

Texts are set in DejaVu Sans, which matplotlib brings; where a reader lacks it, Verdana has nearly its widths and the
other fonts named are narrower, so that no text outgrows its box. Colours are classes, not attributes: the dark ones
follow `prefers-color-scheme`. They are shades of the Okabe-Ito palette ("Color Universal Design", 2008), each with a
contrast to its paper of at least 4.5 : 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from html import escape
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import resvg_py
from PIL import Image, ImageFont

FONT_FILES = {weight: Path(mpl.get_data_path()) / "fonts" / "ttf" / name for weight, name in (
    ("normal", "DejaVuSans.ttf"), ("bold", "DejaVuSans-Bold.ttf"))}  # fmt: skip
FAMILY = '"DejaVu Sans", Verdana, "Segoe UI", Helvetica, Arial, sans-serif'
PNG_ZOOM = 2
PNG_COLORS = 128

COLORS = {  # name → on light paper, on dark paper
    "paper": ("#FFFFFF", "#0D1117"),
    "box": ("#F7F9FB", "#161D26"),
    "head": ("#E6EBF0", "#26313D"),
    "frame": ("#9AA8B5", "#4D5C6B"),
    "ink": ("#1B2733", "#E6EDF3"),
    "muted": ("#51606E", "#A3B1BF"),
    "blue": ("#0067A3", "#6CC0F5"),
    "red": ("#B84A00", "#FF9A62"),
    "green": ("#00734F", "#4CD3A5"),
    "purple": ("#86478F", "#DDA5E6"),
    "olive": ("#6F6000", "#D8C64A"),
    "slate": ("#3F5468", "#B4C6D8"),
    "rose": ("#AD2E67", "#FF93C0"),
}


@dataclass(frozen=True)
class Style:
    """How a line of text is set; `ends_there`: it ends at its point instead of beginning there."""

    size: float = 12.0
    color: str = "ink"
    is_bold: bool = False
    ends_there: bool = False

    def width(self, text: str) -> float:
        """Pixels that a line of text takes."""
        return float(_font("bold" if self.is_bold else "normal").getlength(text)) * self.size / 100


PLAIN = Style()
TITLE = Style(17.0, is_bold=True)
SUBTITLE = Style(12.0, "muted")
FOOTNOTE = Style(11.0, "muted")


class Canvas:
    """A sheet of paper; y grows downwards, all lengths are pixels."""

    def __init__(self, width: float, height: float, title: str, description: str) -> None:
        self.width, self.height = width, height
        self._title, self._description = title, description
        self._marks: list[str] = []

    def text(self, at: tuple[float, float], text: str, style: Style = PLAIN) -> None:
        """A line of text whose baseline begins at the point, or ends there."""
        weight = ' font-weight="bold"' if style.is_bold else ""
        anchored = ' text-anchor="end"' if style.ends_there else ""
        place = f'x="{_number(at[0])}" y="{_number(at[1])}" font-size="{_number(style.size)}"'
        said = escape(text, quote=False)
        self._marks.append(f'<text {place}{weight}{anchored} class="f-{style.color}">{said}</text>')

    def box(self, at: tuple[float, float], size: tuple[float, float], fill: str, frame: str = "") -> None:
        """A rectangle with round corners, with the upper left one at the point."""
        numbers = zip(("x", "y", "width", "height"), (*at, *size), strict=True)
        place = " ".join(f'{name}="{_number(value)}"' for name, value in numbers)
        self._marks.append(f'<rect {place} rx="4" class="f-{fill}{f" s-{frame}" if frame else ""}"/>')

    def line(self, path: str, color: str, width: float = 1.4) -> None:
        """An open path in SVG's own words."""
        self._marks.append(f'<path d="{path}" class="line s-{color}" stroke-width="{_number(width)}"/>')

    def shape(self, path: str, color: str) -> None:
        """A filled path in SVG's own words."""
        self._marks.append(f'<path d="{path}" class="f-{color}"/>')

    def svg(self) -> str:
        """The whole document."""
        size = f'width="{_number(self.width)}" height="{_number(self.height)}"'
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {_number(self.width)} '
            f'{_number(self.height)}" role="img" aria-labelledby="title desc">'
        )
        names = f'<title id="title">{escape(self._title)}</title>\n<desc id="desc">{escape(self._description)}</desc>'
        paper = f'<rect {size} class="f-paper"/>'
        return "\n".join([head, names, _style(), paper, *self._marks, "</svg>"]) + "\n"


def point(x: float, y: float) -> str:
    """A point as paths write it."""
    return f"{_number(x)} {_number(y)}"


def render_png(svg: str) -> bytes:
    """The drawing in its light colours, twice as large; the fonts of the machine play no part in it.

    A palette of 128 colours holds the few that are drawn and their edges, in a third of the bytes.
    """
    light = svg.replace(_dark_rules(), "")
    fonts = [str(path) for path in FONT_FILES.values()]
    drawn = resvg_py.svg_to_bytes(light, skip_system_fonts=True, font_files=fonts, zoom=PNG_ZOOM)
    png = BytesIO()
    Image.open(BytesIO(drawn)).convert("RGB").quantize(PNG_COLORS).save(png, format="png", optimize=True)
    return png.getvalue()


@cache
def _font(weight: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT_FILES[weight], 100)


def _style() -> str:
    shared = f"text {{ font-family: {FAMILY}; }}\n.line {{ fill: none; }}"
    return f"<style>\n{shared}\n{_rules(0)}\n{_dark_rules()}</style>"


def _dark_rules() -> str:
    return f"@media (prefers-color-scheme: dark) {{\n{_rules(1)}\n}}\n"


def _rules(scheme: int) -> str:
    return "\n".join(
        f".f-{name} {{ fill: {shades[scheme]}; }} .s-{name} {{ stroke: {shades[scheme]}; }}"
        for name, shades in COLORS.items()
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
