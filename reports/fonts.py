"""The page's font as a style rule: a subset of DejaVu Sans, the font that charts are measured with, embedded as WOFF.

DejaVu ships with matplotlib; its licence (matplotlib's `LICENSE_DEJAVU`) allows to embed and to change it, and wants to
go with every copy. What the subset lacks is drawn in the reader's own fonts.
"""

from __future__ import annotations

import base64
import io
import logging
from functools import cache
from pathlib import Path

from fontTools import subset
from matplotlib.font_manager import FontProperties, findfont

from reports.names import FONT

WEIGHTS = (400, 700)
_RANGES = (range(0x20, 0x7F), range(0xA0, 0x180))  # Latin of western and central Europe
_SIGNS = (
    0x2013,
    0x2014,
    0x2018,
    0x2019,
    0x201C,
    0x201D,
    0x2022,
    0x2026,
    0x20AC,
    0x2191,
    0x2193,
    0x2195,
    0x2212,
    0x25A1,
    0x2605,
)


@cache
def font_faces() -> str:
    """`@font-face` rules for both weights under the font's licence, which is a comment; about 50 KB."""
    return f"/*\n{_read_licence()}*/\n" + "".join(_font_face(weight) for weight in WEIGHTS)


def _read_licence() -> str:
    """The licence as it lies beside the font; nothing in it ends a comment or a style."""
    path = Path(findfont(FontProperties(family=FONT), fallback_to_default=False)).with_name("LICENSE_DEJAVU")
    return path.read_text(encoding="utf-8").replace("*/", "* /").replace("<", "\u2039")


def _font_face(weight: int) -> str:
    logging.getLogger("fontTools.subset").setLevel(logging.ERROR)  # it names each table that it drops
    options = subset.Options(flavor="woff", hinting=False, layout_features=["kern"], recalc_timestamp=False)
    wanted = FontProperties(family=FONT, style="normal", variant="normal", weight=weight, stretch="normal")
    font = subset.load_font(findfont(wanted, fallback_to_default=False), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[*(code for codes in _RANGES for code in codes), *_SIGNS])
    subsetter.subset(font)
    written = io.BytesIO()
    subset.save_font(font, written, options)
    data = base64.b64encode(written.getvalue()).decode("ascii")
    source = f"src:url(data:font/woff;base64,{data}) format('woff')"
    return f"@font-face{{font-family:'{FONT}';font-weight:{weight};{source}}}"
