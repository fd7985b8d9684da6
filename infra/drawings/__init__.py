"""The contracts and the dbt manifest in; drawings of the raw schema, the star schema and the lineage out.

A drawing is an SVG whose text stays text, in colours for light and dark, and the same as PNG for whoever shows no SVG.
The layout is computed and sorted throughout: the same project gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.drawings.canvas import render_png
from infra.drawings.lineage import draw_lineage
from infra.drawings.schemas import draw_raw_schema, draw_star_schema

__all__ = ["draw_all", "write_drawings"]


def draw_all(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Name of the drawing → its SVG.

    Raises:
        ValueError: a table has no place in its drawing yet; the message says where to give it one.
    """
    return {
        "raw_schema": draw_raw_schema(),
        "star_schema": draw_star_schema(manifest),
        "dbt_lineage": draw_lineage(manifest),
    }


def write_drawings(manifest: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write `<name>.svg` and `<name>.png` for each drawing; returns the paths of the SVG files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, svg in draw_all(manifest).items():
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8", newline="\n")
        (folder / f"{name}.png").write_bytes(render_png(svg))
        written.append(folder / f"{name}.svg")
    return written
