"""Texts that come from data in; the same texts out as each place may show them: charts, sentences, Markdown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from reports.languages import mark, tr

FONT = "DejaVu Sans"  # ships with matplotlib: charts look the same on every machine
_UNKNOWN_GLYPH = "□"
_CHART_NAME_LENGTH = 60
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
LEFT_TO_RIGHT = "\u200e"
_INVISIBLE = frozenset("\u200b\u2060\ufeff")
NO_BREAKS = "\u00a0\u202f"  # spaces at which a line may not break
_SPACES = re.compile(rf"[^\S{NO_BREAKS}]+")  # where a line may break
_MARKDOWN = re.compile(r"([\\`*_\[\]|~#@])")

_OURS = frozenset(  # what the star schema calls a record that is not there, and the sum of all
    {
        mark("(unknown)"),
        mark("(unknown customer)"),
        mark("(unknown product)"),
        mark("(unknown store)"),
        mark("(unknown supply)"),
        mark("All stores"),
    }
)


def known_name(name: str) -> str:
    """A name as it is; the star schema's own words for what has no name are translated."""
    return tr(name) if name in _OURS else name


def join_names(names: Sequence[str]) -> str:
    """A; A and B; A, B and C."""
    if len(names) < 2:  # noqa: PLR2004 - one name stands alone
        return "".join(names)
    return tr("{names} and {last}", names=", ".join(names[:-1]), last=names[-1])


def clean_text(text: str, limit: int) -> str:
    """One line of at most `limit` characters, without control characters or marks that turn the reading direction."""
    kept = "".join(" " if _is_control(char) else char for char in text if char not in _BIDI_CONTROLS | _INVISIBLE)
    line = _SPACES.sub(" ", kept).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def chart_name(name: str | None, key: str) -> str:
    """A name in the glyphs that the chart font has, others as one □; the key where nothing readable is left."""
    text = _in_chart_font(known_name(name or ""))
    if not any(char.isalnum() for char in text):
        text = _in_chart_font(known_name(key))
    return f"{LEFT_TO_RIGHT}{text}{LEFT_TO_RIGHT}" if _is_rtl(text) else text  # so that a rank stays on its right


def sentence_text(text: str | None, limit: int = 60) -> str:
    """A name inside a sentence; one that reads from right to left is isolated, so that the numbers stay in order."""
    name = clean_text(known_name(text or ""), limit) or tr("(no name)")
    return f"\u2068{name}\u2069" if _is_rtl(name) else name


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is: no HTML, no emphasis, no link, no new column, no new line."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = _MARKDOWN.sub(r"\\\1", _SPACES.sub(" ", plain).strip())
    return escaped.replace("://", "\\://").replace("www.", "www\\.")


@cache
def font_glyphs() -> frozenset[int]:
    """The code points that the chart font can draw."""
    from matplotlib.font_manager import FontProperties, findfont, get_font  # slow to import, and many runs draw nothing

    font = FontProperties(family=FONT, style="normal", variant="normal", weight="normal", stretch="normal")
    return frozenset(get_font(findfont(font, fallback_to_default=False)).get_charmap())


def _in_chart_font(text: str) -> str:
    glyphs = font_glyphs()
    drawn = "".join(char if ord(char) in glyphs else _UNKNOWN_GLYPH for char in clean_text(text, _CHART_NAME_LENGTH))
    return re.sub(f"{_UNKNOWN_GLYPH}+", _UNKNOWN_GLYPH, drawn)


def _is_rtl(text: str) -> bool:
    return any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Zl", "Zp")
