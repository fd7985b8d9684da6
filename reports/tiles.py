"""Rows, columns and shades in, a plotnine chart of tiles out: where something is much, at a glance."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from plotnine import (
    aes,
    element_blank,
    geom_rect,
    geom_text,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from reports.charts import FRAME_INCHES, ROW_INCHES, Words
from reports.theme import INK, NET, PAPER, report_theme

HALF_TILE = 0.47
TEXT_SIZE = 8.5
_PALEST = 0.08  # of the way from paper to the full colour, so that the least is still seen
_DARK_FROM = 0.6


@dataclass(frozen=True)
class Tile:
    """A place in the grid, from 0; `shade` from 0 to 1; a short text inside, or none."""

    row: int
    column: int
    shade: float
    text: str = ""


def draw_tiles(rows: Sequence[str], columns: Sequence[str], tiles: Sequence[Tile], words: Words) -> ggplot:
    """A grid with the first row at the top; a place without a tile stays empty."""
    chart = ggplot() + _across(columns) + _down(rows)
    chart += labs(title=words.title, subtitle=words.subtitle, x=words.axis)
    chart += report_theme(height=FRAME_INCHES + ROW_INCHES * len(rows))
    chart += theme(panel_grid_major_x=element_blank())
    chart += _add_shades(tiles)
    chart += _add_texts([tile for tile in tiles if tile.shade < _DARK_FROM], INK)
    return chart + _add_texts([tile for tile in tiles if tile.shade >= _DARK_FROM], PAPER)


def _across(columns: Sequence[str]) -> scale_x_continuous:
    positions = list(range(len(columns)))
    return scale_x_continuous(breaks=positions, labels=list(columns), limits=(-0.6, len(columns) - 0.4), expand=(0, 0))


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
    fill = [_mix(tile.shade) for tile in tiles]
    return geom_rect(aes(xmin="left", xmax="right", ymin="low", ymax="high"), data=frame, fill=fill)


def _add_texts(tiles: Sequence[Tile], color: str) -> geom_text:
    found = [(float(tile.column), -float(tile.row), tile.text) for tile in tiles if tile.text]
    schema = {"at": pl.Float64, "row": pl.Float64, "text": pl.String}
    frame = pl.DataFrame(found, schema=schema, orient="row")
    return geom_text(aes(x="at", y="row", label="text"), data=frame, va="center_baseline", size=TEXT_SIZE, color=color)


def _mix(shade: float) -> str:
    """A colour between paper and net sales' own."""
    part = _PALEST + (1 - _PALEST) * min(max(shade, 0.0), 1.0)
    ends = zip(bytes.fromhex(PAPER[1:]), bytes.fromhex(NET[1:]), strict=True)
    return "#" + "".join(f"{round(paper + (full - paper) * part):02X}" for paper, full in ends)
