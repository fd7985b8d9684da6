"""A plotnine chart in, SVG out: text stays text, colours are classes, the same chart gives the same bytes.

Every colour of the palette is written as a presentation attribute with a class beside it. Alone the file shows the
light colours; in the page a style rule for the class wins over the attribute (SVG 2, "Presentation attributes"), and so
the drawing follows light and dark.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

import io
import re

import matplotlib as mpl
from plotnine import ggplot, labs

from reports.theme import PALETTE

_NAMES = {light.lower(): name for name, (light, _) in PALETTE.items()}
_NOISE = re.compile(
    r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>|<!--.*?-->|<title>.*?</title>", re.S
)
_REFERENCE = re.compile(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"")


def write_svg(chart: ggplot, name: str, alt: str) -> str:
    """The chart as one `svg` element, named by `alt` for screen readers; `name` makes its ids its own on a page."""
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        metadata = {"Date": None, "Creator": None}
        (chart + labs(title="")).save(buffer, format="svg", verbose=False, metadata=metadata)
    text = _NOISE.sub("", buffer.getvalue().decode("utf-8"))
    text = _own_ids(text[text.index("<svg") :], name)
    text = re.sub(r' style="([^"]*)"', _split_style, text)
    text = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", text)
    text = re.sub(r">[^<>\n]*  ?[^<>\n]*</text>", _keep_spaces, text)
    text = re.sub(r"<[^>]*>", _shorten, text)
    head = re.match(r'<svg[^>]*viewBox="([^"]+)"[^>]*>', text)
    if head is None:
        raise ValueError(f"matplotlib wrote no viewBox for the chart {name}")
    body = re.sub(r"\n\s*", "\n", text[head.end() :])
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {space} viewBox="{head[1]}" role="img" aria-label="{_attribute(alt)}">{body}'


def _own_ids(text: str, name: str) -> str:
    """Ids that nobody refers to are dropped, the others are made the chart's own."""
    used = {one or other for one, other in _REFERENCE.findall(text)}
    text = re.sub(r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    return re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)


def _split_style(style: re.Match[str]) -> str:
    """Colours of the palette as attribute and class; fonts are the page's; the rest stays a style."""
    classes, attributes, rest = [], [], []
    for part in style[1].split(";"):
        key, _, value = part.strip().partition(": ")
        name = _NAMES.get(value.lower())
        if key in ("fill", "stroke") and name:
            attributes.append(f' {key}="{value}"')
            classes.append(f"{key[0]}-{name}")
        elif key == "font":
            rest.append(f"font:{value.replace(chr(39), '')}")
        elif part.strip():
            rest.append(f"{key}:{value}")
    named = f' class="{" ".join(classes)}"' if classes else ""
    return "".join(attributes) + named + (f' style="{";".join(rest)}"' if rest else "")


def _shorten(tag: re.Match[str]) -> str:
    """A hundredth of a point is enough for a place; texts, which stand between the tags, keep all their digits."""
    return re.sub(r"(\d+\.\d{2})\d+", r"\1", tag[0])


def _keep_spaces(text: re.Match[str]) -> str:
    """Spaces at the start of a text and double ones would collapse: they become no-break spaces."""
    return re.sub(r"(?<=>) +|  +", lambda found: "\N{NO-BREAK SPACE}" * len(found[0]), text[0])


def _attribute(text: str) -> str:
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(char, entity)
    return text
