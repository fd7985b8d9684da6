"""Tables side by side in three columns in; a drawing in which each reference is a line from column to column out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from infra.drawings.canvas import FOOTNOTE, PLAIN, SUBTITLE, TITLE, Canvas, Style, point
from infra.drawings.routes import CORNER, Bundle, End, Side, order_lanes

ROW, HEAD, FOOT = 18.0, 27.0, 9.0  # HEAD + FOOT is a whole number of rows
GAP = 2 * ROW
MARGIN = 24.0
LANE, LANE_MARGIN = 13.0, 30.0
LANE_COLORS = ("blue", "red", "green", "purple", "olive", "slate", "rose")
NAME, KIND = Style(13.0, is_bold=True), Style(10.5, "muted", ends_there=True)
FORK, BAR = 9.0, 5.0


@dataclass(frozen=True)
class Field:
    """A column; `refers_to` is (table, column) of another."""

    name: str
    kind: str
    is_key: bool = False
    refers_to: tuple[str, str] | None = None


@dataclass(frozen=True)
class Table:
    """A table with its columns, in their order."""

    name: str
    fields: tuple[Field, ...]

    @property
    def key(self) -> list[str]:
        """The columns that tell its rows apart."""
        return [field.name for field in self.fields if field.is_key]

    @property
    def height(self) -> float:
        """Pixels from its head to its foot: a whole number of rows."""
        return HEAD + ROW * len(self.fields) + FOOT


@dataclass(frozen=True)
class Words:
    """What stands around a drawing: a title, lines below it, lines at the foot; `description` for who cannot see it."""

    title: str
    subtitle: tuple[str, ...]
    foot: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class Placed:
    """A table at its place."""

    table: Table
    column: int
    top: float

    def row(self, field: str) -> float:
        """How far down the middle of the column's row lies."""
        names = [each.name for each in self.table.fields]
        return self.top + HEAD + ROW * (names.index(field) + 0.5)


def draw_tables(columns: Sequence[Sequence[Table]], words: Words) -> str:
    """The drawing as SVG.

    Raises:
        ValueError: a table refers to one that is not there, or that stands two columns away.
    """
    begin = MARGIN + TITLE.size + 20 * len(words.subtitle) + 16
    placed = _place(columns, begin)
    gutters = [order_lanes(found) for found in _find_bundles(placed, len(columns))]
    widths = [_column_width(column) for column in columns]
    lefts, edges = [MARGIN], []
    for width, lanes in zip(widths, [*gutters, []], strict=True):
        edges.append((lefts[-1], lefts[-1] + width))
        lefts.append(lefts[-1] + width + 2 * LANE_MARGIN + LANE * max(len(lanes) - 1, 0))
    bottom = max(each.top + each.table.height for each in placed.values())
    canvas = Canvas(edges[-1][1] + MARGIN, bottom + 18 * len(words.foot) + MARGIN + 8, words.title, words.description)
    _write_words(canvas, words, bottom)
    colors = _choose_colors(gutters)
    for lanes, ((_, left), (right, _)) in zip(gutters, pairwise(edges), strict=True):
        _draw_lanes(canvas, lanes, left, right, colors)
    for each in placed.values():
        _draw_table(canvas, each, edges[each.column], colors)
    return canvas.svg()


def _place(columns: Sequence[Sequence[Table]], begin: float) -> dict[str, Placed]:
    """Columns of equal length; every second one lies half a row lower, so that no two lines lie on each other."""
    longest = max(sum(table.height for table in column) + GAP * (len(column) - 1) for column in columns)
    placed = {}
    for number, column in enumerate(columns):
        spare = longest - sum(table.height for table in column)
        gap = min(spare / max(len(column) - 1, 1) // ROW * ROW, 6 * ROW)
        top = begin + (0 if number % 2 else ROW / 2)
        for table in column:
            placed[table.name] = Placed(table, number, top)
            top += table.height + gap
    return placed


def _find_bundles(placed: dict[str, Placed], columns: int) -> list[list[Bundle]]:
    """For each gutter the bundles in it; a reference within the middle column goes through the gutter at its right."""
    sources: dict[tuple[int, str, str], list[End]] = defaultdict(list)
    for each in placed.values():
        for field in each.table.fields:
            if field.refers_to is not None:
                gutter = _find_gutter(each, field.refers_to[0], placed, columns)
                side: Side = "left" if each.column == gutter else "right"
                sources[gutter, *field.refers_to].append(End(each.row(field.name), side))
    found: list[list[Bundle]] = [[] for _ in range(columns - 1)]
    for (gutter, name, column), ends in sorted(sources.items(), key=lambda item: item[0]):
        target = placed[name]
        end = End(target.row(column), "left" if target.column == gutter else "right")
        found[gutter].append(Bundle(f"{name}.{column}", end, tuple(ends), is_one=target.table.key == [column]))
    return found


def _find_gutter(source: Placed, name: str, placed: dict[str, Placed], columns: int) -> int:
    target = placed.get(name)
    if target is None or abs(target.column - source.column) > 1:
        raise ValueError(f"{source.table.name} refers to {name}, which stands in none of the columns beside it")
    return min(source.column, target.column) if source.column != target.column else min(source.column, columns - 2)


def _choose_colors(gutters: list[list[Bundle]]) -> dict[str, str]:
    names = dict.fromkeys(bundle.name for lanes in gutters for bundle in lanes)
    return {name: LANE_COLORS[number % len(LANE_COLORS)] for number, name in enumerate(names)}


def _column_width(tables: Sequence[Table]) -> float:
    heads = [NAME.width(table.name) + 20 for table in tables]
    rows = [
        Style(is_bold=field.is_key).width(field.name) + KIND.width(field.kind) + 36
        for table in tables
        for field in table.fields
    ]
    return round(max(heads + rows))


def _write_words(canvas: Canvas, words: Words, bottom: float) -> None:
    canvas.text((MARGIN, MARGIN + TITLE.size - 3), words.title, TITLE)
    for number, line in enumerate(words.subtitle):
        canvas.text((MARGIN, MARGIN + TITLE.size + 20 * (number + 1) - 2), line, SUBTITLE)
    for number, line in enumerate(words.foot):
        canvas.text((MARGIN, bottom + MARGIN + 18 * number + 6), line, FOOTNOTE)


def _draw_table(canvas: Canvas, placed: Placed, edges: tuple[float, float], colors: dict[str, str]) -> None:
    (left, right), table, top = edges, placed.table, placed.top
    canvas.box((left, top), (right - left, table.height), "box", "frame")
    canvas.box((left, top), (right - left, HEAD - 3), "head", "frame")
    canvas.text((left + 10, top + 17), table.name, NAME)
    for field in table.fields:
        y = placed.row(field.name)
        color = colors[".".join(field.refers_to)] if field.refers_to else "ink"
        canvas.text((left + 10, y + 4), field.name, Style(PLAIN.size, color, field.is_key))
        canvas.text((right - 10, y + 4), field.kind, KIND)


def _draw_lanes(canvas: Canvas, lanes: list[Bundle], left: float, right: float, colors: dict[str, str]) -> None:
    """Each bundle on its lane; where two cross, the later one bridges the earlier."""
    edge = {"left": left, "right": right}
    for number, bundle in enumerate(lanes):
        x = left + LANE_MARGIN + LANE * number
        paths = [_path(edge[end.side], end, x, bundle.target, edge[bundle.target.side]) for end in bundle.sources]
        for color, width in (("paper", 5.0), (colors[bundle.name], 1.4)):
            canvas.line(" ".join(paths), color, width)
        marks = [*(_fork(edge[end.side], end) for end in bundle.sources), *_target_mark(bundle, edge)]
        canvas.line(" ".join(marks), colors[bundle.name])


def _path(begin: float, source: End, lane: float, target: End, end: float) -> str:
    """From the edge into the lane, along it and out again, with round corners."""
    down = 1 if target.y > source.y else -1
    corner = min(CORNER, abs(target.y - source.y) / 2)
    into, out = (1 if lane > begin else -1), (1 if end > lane else -1)
    return (
        f"M{point(begin, source.y)} H{point(lane - into * corner, 0).split()[0]} "
        f"Q{point(lane, source.y)} {point(lane, source.y + down * corner)} "
        f"V{point(target.y - down * corner, 0).split()[0]} "
        f"Q{point(lane, target.y)} {point(lane + out * corner, target.y)} H{point(end, 0).split()[0]}"
    )


def _fork(edge: float, end: End) -> str:
    """The sign for many: the line spreads into three before the box."""
    tip = edge + FORK if end.side == "left" else edge - FORK
    return f"M{point(tip, end.y)} L{point(edge, end.y - BAR)} M{point(tip, end.y)} L{point(edge, end.y + BAR)}"


def _target_mark(bundle: Bundle, edge: dict[str, float]) -> Iterator[str]:
    x, end = edge[bundle.target.side], bundle.target
    if not bundle.is_one:
        yield _fork(x, end)
        return
    x += FORK if end.side == "left" else -FORK
    yield f"M{point(x, end.y - BAR)} V{point(end.y + BAR, 0).split()[0]}"
