"""Rows, columns and shades in, a plotnine chart of tiles out: where something is much, at a glance."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from plotnine import (
    aes,
    element_blank,
    geom_rect,
    geom_text,
    ggplot,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from reports.charts.canvas import MARGIN_INCHES, ROW_INCHES, Words, frame_inches, write_words
from reports.charts.layout import Layout, fit_lines, widest
from reports.theme import INK, PAPER, STEPS, report_theme

HALF_TILE = 0.47
NARROW_TILE_INCHES = 0.2
NAME_PART = 0.42  # of the width, which the names of the rows may take
TEXT_PART = 0.92  # of a tile's width, which its text may take
NAME_GAP_INCHES = 0.06  # between the names of two columns
DARK_FROM = 3  # the first step on which ink is hard to read


@dataclass(frozen=True)
class Tile:
    """A place in the grid, from 0; `shade` from 0 to 1; a short text inside, or none."""

    row: int
    column: int
    shade: float
    text: str = ""


def draw_tiles(
    rows: Sequence[str], columns: Sequence[str], tiles: Sequence[Tile], words: Words, layout: Layout
) -> ggplot:
    """A grid with the first row at the top; a place without a tile stays empty."""
    names = [fit_lines(name, layout.name_size, layout.width * NAME_PART) for name in rows]
    indent = widest(names, layout.name_size)
    room = (layout.width - MARGIN_INCHES - indent) / len(columns)
    chart = ggplot() + _across(columns, room, layout) + _down(names)
    chart += write_words(words, layout, indent)
    row = NARROW_TILE_INCHES if layout.is_narrow else ROW_INCHES
    chart += report_theme(frame_inches(words, layout, indent) + row * len(rows), layout)
    chart += theme(panel_grid_major_x=element_blank())
    chart += _add_shades(tiles)
    shown = [tile for tile in tiles if tile.text and widest([tile.text], layout.axis_size) <= TEXT_PART * room]
    chart += _add_texts([tile for tile in shown if _step(tile) < DARK_FROM], INK, layout)
    return chart + _add_texts([tile for tile in shown if _step(tile) >= DARK_FROM], PAPER, layout)


def _across(columns: Sequence[str], room: float, layout: Layout) -> scale_x_continuous:
    """The names of the columns, every second or third one where `room` inches are too few for one."""
    step = math.ceil((widest(columns, layout.axis_size) + NAME_GAP_INCHES) / room)
    positions = list(range(0, len(columns), step))
    return scale_x_continuous(
        breaks=positions, labels=list(columns)[::step], limits=(-0.6, len(columns) - 0.4), expand=(0, 0)
    )


def _down(rows: Sequence[str]) -> scale_y_continuous:
    positions = [-row for row in range(len(rows))]
    return scale_y_continuous(breaks=positions, labels=list(rows), limits=(0.4 - len(rows), 0.6), expand=(0, 0))


def _add_shades(tiles: Sequence[Tile]) -> geom_rect:
    frame = pl.DataFrame(
        {
            "left": [tile.column - HALF_TILE for tile in tiles],
            "right": [tile.column + HALF_TILE for tile in tiles],
            "low": [-tile.row - HALF_TILE for tile in tiles],
            "high": [-tile.row + HALF_TILE for tile in tiles],
        }
    )
    fill = [STEPS[_step(tile)] for tile in tiles]
    return geom_rect(aes(xmin="left", xmax="right", ymin="low", ymax="high"), data=frame, fill=fill)


def _add_texts(tiles: Sequence[Tile], color: str, layout: Layout) -> geom_text:
    found = [(float(tile.column), -float(tile.row), tile.text) for tile in tiles]
    schema = {"at": pl.Float64, "row": pl.Float64, "text": pl.String}
    frame = pl.DataFrame(found, schema=schema, orient="row")
    return geom_text(
        aes(x="at", y="row", label="text"), data=frame, va="center_baseline", size=layout.axis_size, color=color
    )


def _step(tile: Tile) -> int:
    """Which of the palette's steps shows the shade."""
    return min(int(max(tile.shade, 0.0) * len(STEPS)), len(STEPS) - 1)
