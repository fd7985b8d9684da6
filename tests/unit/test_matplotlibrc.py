"""A `matplotlibrc` of somebody's home or folder changes no drawing and no font of the page."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import PROJECT

HOSTILE = """
backend: pdf
font.size: 22
font.weight: bold
font.style: italic
svg.fonttype: path
savefig.dpi: 30
savefig.transparent: True
savefig.bbox: tight
text.hinting: none
text.antialiased: False
lines.linewidth: 9
lines.antialiased: False
patch.antialiased: False
path.simplify_threshold: 1.0
axes.unicode_minus: False
"""
DRAW = """
import sys
from pathlib import Path
import polars as pl
from reports.fonts import font_faces
from reports.kpis import KPIS
from reports.names import font_glyphs
from reports.render import render_chart, render_svg
from tests.unit.test_reports import usual_frames
folder, name = Path(sys.argv[1]), "sales_per_customer"
render_chart(KPIS[name], usual_frames()[name], folder / "chart.png")
render_svg(KPIS[name], usual_frames()[name], folder)
(folder / "fonts.css").write_text(str(font_faces()) + str(sorted(font_glyphs())))
"""


def draw(folder: Path, script: str, **environment: str) -> dict[str, str]:
    """What a process that draws leaves, file by file."""
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        cwd=environment.pop("cwd", PROJECT),
        env=os.environ | {"PYTHONPATH": str(PROJECT)} | environment,
        check=True,
        timeout=120,
    )
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_drawings_and_fonts_are_the_same_with_any_matplotlibrc(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "matplotlibrc").write_text(HOSTILE, encoding="utf-8")
    usual = draw(tmp_path / "usual", DRAW, MPLCONFIGDIR=str(tmp_path / "empty"))
    assert len(usual) == 4
    assert draw(tmp_path / "odd", DRAW, MPLCONFIGDIR=str(theirs), MPLBACKEND="svg", cwd=str(theirs)) == usual
