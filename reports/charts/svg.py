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

from reports.names import FONT
from reports.theme import PALETTE

_NAMES = {light.lower(): name for name, (light, _) in PALETTE.items()}
_NOISE = re.compile(
    r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>|<!--.*?-->|<title>.*?</title>", re.S
)
_DEFINED = re.compile(r'<path id="(\w+)" d="([^"]*)"[^>]*/>')  # none but definitions have an id
_USED = re.compile(r'<use xlink:href="#(\w+)" x="([^"]*)" y="([^"]*)"([^>]*)/>')
_CIRCLE = re.compile(r'<path d="(M [^"A-Z]*(?:C [^"A-Zz]*){8}z\s*)"([^>]*)/>')
_NEAR = 0.01  # points; the path has more digits
_LINE = re.compile(r'<path d="M (-?[\d.]+ -?[\d.]+) L ([^"z]*)"([^>]*)/>')


def write_svg(chart: ggplot, name: str, title: str, message: str) -> str:
    """The chart as one `svg` element; `name` is unlike that of any other drawing of a page, for ids begin with it.

    For those who do not see it, it is one image: `title` names it, `message` says what it shows (SVG Accessibility API
    Mappings, "Including elements"; WCAG 2.2, 1.1.1).
    """
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        metadata = {"Date": None, "Creator": None}
        (chart + labs(title="")).save(buffer, format="svg", verbose=False, metadata=metadata)
    text = _CIRCLE.sub(_draw_circle, _draw_used(_NOISE.sub("", buffer.getvalue().decode("utf-8"))))
    text = re.sub(r"<[^>]*>", _shorten_tag, text[text.index("<svg") :])
    text = re.sub(r">[^<>\n]*  ?[^<>\n]*</text>", _keep_spaces, text)
    head = re.match(r'<svg[^>]*viewBox="([^"]+)"[^>]*>', text)
    if head is None:
        raise ValueError(f"matplotlib wrote no viewBox for the chart {name}")
    space = f'xmlns="http://www.w3.org/2000/svg" font-family="{FONT}"'
    named = f'role="img" aria-labelledby="{name}-named" aria-describedby="{name}-told"'
    told = f'<title id="{name}-named">{_escape(title)}</title><desc id="{name}-told">{_escape(message)}</desc>'
    return f'<svg {space} viewBox="{head[1]}" {named}>{told}\n{_shorten(text[head.end() :])}'


def stand_alone(svg: str) -> str:
    """A drawing of `write_svg` for a place outside the page: it holds its colours for light and dark itself.

    As a picture it follows the colour scheme of the element that shows it (CSS Color Adjustment, "preferred color
    schemes of embedded SVG images"), so of Prefect's theme and not of the reader's system. Readers without the font get
    Verdana, which is as wide.
    """
    classes = set(" ".join(re.findall(r'class="([^"]*)"', svg)).split())
    used = [name for name in PALETTE if {f"f-{name}", f"s-{name}"} & classes]
    light, dark = (
        "".join(f".f-{name}{{fill:{PALETTE[name][mode]}}}.s-{name}{{stroke:{PALETTE[name][mode]}}}" for name in used)
        for mode in (0, 1)
    )
    named = svg.replace(f'font-family="{FONT}"', f'font-family="{FONT}, Verdana, sans-serif"', 1)
    head, end, body = named.partition("</desc>")
    return f"{head}{end}<style>{light}@media (prefers-color-scheme:dark){{{dark}}}</style>{body}"


def _shorten(body: str) -> str:
    """The same drawing in a third of the letters: no groups, no clipping (marks stay in their panel), joined lines."""
    body = re.sub(r"<clipPath.*?</clipPath>|</?(?:g|defs)[^>]*>", "", body, flags=re.S)
    lines: list[str] = []
    for line in filter(None, map(str.strip, body.splitlines())):
        joined = _join_lines(lines[-1], line) if lines else None
        lines = [*lines[:-1], joined] if joined else [*lines, line]
    return "\n".join(lines) + "\n"


def _shorten_tag(tag: re.Match[str]) -> str:
    """Colours as classes, a tenth of a point as precision; texts, which stand between the tags, keep all digits."""
    text = re.sub(
        r' (?:id|clip-path)="[^"]*"| transform="rotate\(-0 [^)]*\)"', "", " ".join(tag[0].split()).replace(' "', '"')
    )
    text = re.sub(r"\d+\.\d+", lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), text)
    return re.sub(r' style="([^"]*)"', _split_style, text)


def _draw_used(text: str) -> str:
    """What matplotlib defines once and uses at its places, dots or a bar alone, each as the path that it is there."""
    outlines = dict(_DEFINED.findall(text))
    return _USED.sub(
        lambda used: f'<path d="{_move(outlines[used[1]], float(used[2]), float(used[3]))}"{used[4]}/>',
        _DEFINED.sub("", text),
    )


def _move(outline: str, x: float, y: float) -> str:
    """The path moved; it has matplotlib's six digits, so that what stands at a place is rounded as the place is."""
    return re.sub(r"(-?[\d.]+) (-?[\d.]+)", lambda at: f"{float(at[1]) + x:.6f} {float(at[2]) + y:.6f}", outline)


def _draw_circle(path: re.Match[str]) -> str:
    """matplotlib writes a dot as eight curves, from its lowest point on; so it does an ellipse, which stays a path."""
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", path[1])]
    left, right, low, high = min(numbers[::2]), max(numbers[::2]), min(numbers[1::2]), max(numbers[1::2])
    if abs((right - left) - (high - low)) > _NEAR:
        return path[0]
    return f'<circle cx="{numbers[0]}" cy="{round((low + high) / 2, 6)}" r="{(high - low) / 2}"{path[2]}/>'


def _join_lines(one: str, other: str) -> str | None:
    """One path of two that look the same, where the other begins at the end of the one."""
    before, after = _LINE.fullmatch(one), _LINE.fullmatch(other)
    if before is None or after is None or before[3] != after[3]:
        return None
    end = before[2].rpartition("L ")[2]
    return f'<path d="M {before[1]} L {before[2]} L {after[2]}"{before[3]}/>' if end == after[1] else None


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
        elif part.strip() and key != "font-family":
            rest.append(f"{key}:{value}")
    named = f' class="{" ".join(classes)}"' if classes else ""
    return "".join(attributes) + named + (f' style="{";".join(rest)}"' if rest else "")


def _keep_spaces(text: re.Match[str]) -> str:
    """Spaces at the start of a text and double ones would collapse: they become no-break spaces."""
    return re.sub(r"(?<=>) +|  +", lambda found: "\N{NO-BREAK SPACE}" * len(found[0]), text[0])


def _escape(text: str) -> str:
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(char, entity)
    return text
