"""The page's drawings: SVG with text as text, colours that follow light and dark, nothing left out, the same twice."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from plotnine import geom_point

from reports import theme
from reports.charts import tiles
from reports.charts.canvas import Words
from reports.charts.layout import NARROW, WIDE, Layout
from reports.charts.lines import Line, draw_lines
from reports.charts.svg import write_svg
from reports.kpis import KPIS
from reports.languages import tr
from reports.render import data_uri, render_chart, render_svg
from tests.unit.odd_shops import SHOPS
from tests.unit.test_reports import hostile_frames, usual_frames


def luminance(color: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_palette_stands_out_from_the_paper(mode: int) -> None:
    paper = theme.PALETTE["paper"][mode]
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert {name for name in theme.TEXTS if contrast(theme.PALETTE[name][mode], paper) < 4.5} == set()
    assert {name for name in theme.MARKS if contrast(theme.PALETTE[name][mode], paper) < 3} == set()


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_texts_on_tiles_stand_out_from_every_step(mode: int) -> None:
    texts = ["ink" if step < tiles.DARK_FROM else "paper" for step in range(len(theme.STEPS))]
    found = {
        f"{text} on step-{step}": contrast(theme.PALETTE[text][mode], theme.PALETTE[f"step-{step}"][mode])
        for step, text in enumerate(texts, start=1)
    }
    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}


def read_names(drawing: ET.Element) -> list[str]:
    """What assistive technology says of a drawing: the texts that it is named and described by, its first two parts."""
    assert drawing.get("role") == "img"
    ids = [drawing.get(name, "") for name in ("aria-labelledby", "aria-describedby")]
    parts = {part.get("id"): part.text or "" for part in drawing[:2]}
    assert [part.tag.split("}")[1] for part in drawing[:2]] == ["title", "desc"]
    return [parts[each] for each in ids]


@pytest.mark.parametrize("name", list(KPIS))
def test_svg_is_text_in_colours_of_the_palette_and_the_same_twice(name: str, tmp_path: Path) -> None:
    render_svg(KPIS[name], usual_frames()[name], tmp_path)
    drawn = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    render_svg(KPIS[name], usual_frames()[name], tmp_path)
    assert drawn == {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert set(drawn) == {f"{name}.svg", f"{name}.narrow.svg"}
    colors = {light.lower() for light, _ in theme.PALETTE.values()}
    for svg in drawn.values():
        root = ET.fromstring(svg)
        assert read_names(root) == [tr(KPIS[name].title), KPIS[name].alt_text(usual_frames()[name])]
        assert len(root.findall(".//{*}text")) > 1
        assert {color.lower() for color in re.findall(r"#[0-9A-Fa-f]{6}", svg)} <= colors
        assert re.findall(r'(?:fill|stroke)="#\w+"(?! class| stroke)', svg) == []  # each has a class beside it
        sizes = [float(size) for size in re.findall(r"font-size:([\d.]+)px", svg)]  # in points of the drawing
        assert min(sizes) >= 8
        assert re.findall(r' (?:clip-path|href)="[^"]+"', svg) == []
    ids = [found for svg in drawn.values() for found in re.findall(r' id="([^"]+)"', svg)]
    assert len(set(ids)) == len(ids) == 4  # title and description of each; two drawings of a page never share one


@pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
def test_product_with_a_loss_has_its_bar_left_of_zero(layout: Layout) -> None:
    axes = KPIS["product_margin"].chart(usual_frames()["product_margin"], layout).draw().axes[0]
    bars = [path.get_extents() for path in axes.collections[0].get_paths()]
    assert [(round(bar.x0), round(bar.x1)) for bar in bars] == [(0, 6000), (-1200, 0)]
    assert axes.get_xlim()[0] <= -1200


def test_svg_hostile_names_are_text(tmp_path: Path) -> None:
    for name, frame in hostile_frames().items():
        render_svg(KPIS[name], frame, tmp_path)
        for path in tmp_path.glob(f"{name}*.svg"):
            tags = {element.tag.split("}")[1] for element in ET.parse(path).iter()}
            assert tags <= {"svg", "title", "desc", "path", "circle", "text", "tspan"}


@pytest.mark.parametrize(("last", "is_open"), [(date(2021, 8, 30), True), (date(2021, 8, 31), False)])
def test_customer_classes_of_a_month_in_progress_are_open_circles(last: date, is_open: bool) -> None:
    kpi = KPIS["customer_classes_by_month"]
    frame = usual_frames()[kpi.name].with_columns(
        pl.col("as_of_date").replace_strict({date(2021, 8, 30): last}, default=pl.col("as_of_date"))
    )
    chart = kpi.chart(frame)
    points = [layer.geom.aes_params["fill"] for layer in chart.layers if isinstance(layer.geom, geom_point)]
    assert [fills[-1] == theme.PAPER for fills in points] == [is_open] * 3
    assert all(theme.PAPER not in fills[:-1] for fills in points)
    assert ("Circle: month in progress" in str(chart.labels.subtitle)) is is_open


@pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
def test_line_below_zero_is_drawn_whole(layout: Layout) -> None:
    days = [date(2026, month, 1) for month in (1, 2, 3)]
    chart = draw_lines(
        days, [Line([100.0, -80.0, 60.0], "$60", theme.NET)], Words("t", "s", "a"), "{:.0f}".format, layout
    )
    axes = chart.draw().axes[0]
    assert axes.get_ylim()[0] < -80


@pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("months", [1, 2, 3, 13, 36])
@pytest.mark.parametrize("label", ["", "a label that leaves the lines little room $225.94K"], ids=["short", "long"])
def test_names_of_months_never_meet_and_the_newest_is_there(months: int, layout: Layout, label: str) -> None:
    days = [date(2018 + month // 12, month % 12 + 1, 1) for month in range(months)]
    lines = [Line([1.0] * months, label, theme.NET)]
    figure = draw_lines(days, lines, Words("title", "subtitle", "axis"), str, layout).draw()
    figure.canvas.draw()
    names = [tick for tick in figure.axes[0].get_xticklabels() if tick.get_text()]
    boxes = [name.get_window_extent() for name in names]
    assert all(other.x0 - one.x1 > 0.08 * figure.dpi for one, other in pairwise(boxes))
    assert names[-1].get_text().startswith(f"{days[-1]:%b}")


@pytest.mark.parametrize("months", [1, 2, 30])
def test_svg_of_lines_has_a_dot_a_month_and_one_path_a_line(months: int) -> None:
    days = [date(2018 + month // 12, month % 12 + 1, 1) for month in range(months)]
    values: list[float | None] = [float(month % 7) for month in range(months)]
    gap = [*values[:10], None, *values[11:]] if months > 10 else values
    lines = [Line(gap, "gap", theme.TOTAL), Line(values, "net", theme.NET, is_in_progress=True)]
    svg = write_svg(draw_lines(days, lines, Words("t", "s", "a"), "{:.0f}".format, WIDE), "name", "title", "message")
    dots = list(ET.fromstring(svg).findall("{*}circle"))
    found = [(float(dot.get("cx", "")), float(dot.get("cy", "")), float(dot.get("r", ""))) for dot in dots]
    assert len(found) == len([value for value in (*gap, *values) if value is not None])
    assert len({x for x, _, _ in found}) == months
    assert {round(radius) for _, _, radius in found} == {2}
    assert [dot.get("class") for dot in dots][-1] == "f-paper s-net"
    paths = [
        path.get("d", "") for path in ET.fromstring(svg).findall("{*}path") if path.get("class") in ("s-net", "s-total")
    ]
    ends = [place for path in paths for place in path.removeprefix("M ").split(" L ")]
    assert len(paths) == (0 if months == 1 else 2 if months == 2 else 3)
    assert {f"{x:g} {y:g}" for x, y, _ in found} >= set(ends) or months == 1


def test_svg_keeps_the_text_of_names_that_look_like_attributes(tmp_path: Path) -> None:
    name = 'a id="b" 1.2345 d="M 0" clip'
    frame = usual_frames()["sales_by_category"].with_columns(category=pl.lit(name))
    render_svg(KPIS["sales_by_category"], frame, tmp_path)
    root = ET.fromstring((tmp_path / "sales_by_category.svg").read_text(encoding="utf-8"))
    assert [text.text for text in root.findall("{*}text") if "clip" in (text.text or "")] == [name, name]


@pytest.mark.parametrize("name", ["tax_ratio", "price_guide", "stock_cover", "average_order_per_store"])
def test_colours_of_bars_and_marks_do_not_meet_but_where_they_stand_out_from_one_another(
    name: str, tmp_path: Path
) -> None:
    """WCAG 2.2, 1.4.11: neighbours have 3:1, or paper between them."""
    render_chart(KPIS[name], SHOPS["usual"].frames[name], tmp_path / "chart.png")
    named = {
        tuple(bytes.fromhex(theme.PALETTE[color][0][1:])): color for color in ("net", "tax", "mark", "total", "paper")
    }
    with Image.open(tmp_path / "chart.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    met = set()
    for line in pixels:
        colors = [named[color] for color in map(tuple, line.tolist()) if color in named]
        met |= {frozenset(pair) for pair in pairwise(colors) if len(set(pair)) > 1}
    assert any("net" in pair or "mark" in pair for pair in met)
    pale = {pair for pair in met if contrast(*(theme.PALETTE[color][0] for color in pair)) < 3}
    assert pale == set()


@pytest.mark.parametrize("name", ["sales_by_month", "sales_by_weekday_hour", "store_performance"])
def test_drawing_of_an_artifact_has_its_colours_for_light_and_dark_itself(name: str, tmp_path: Path) -> None:
    """All that it uses and no more; nothing of it is fetched; without the font it gets one that is as wide."""
    render_svg(KPIS[name], usual_frames()[name], tmp_path)
    uri = data_uri(tmp_path / f"{name}.svg")
    svg = base64.b64decode(uri.removeprefix("data:image/svg+xml;base64,")).decode("utf-8")
    ET.fromstring(svg)
    used = set(re.findall(r"\b([fs])-([a-z0-9-]+)", " ".join(re.findall(r'class="([^"]*)"', svg))))
    light, dark = svg.split("<style>")[1].split("</style>")[0].split("@media (prefers-color-scheme:dark)")
    for mode, rules in enumerate((light, dark)):
        for kind, color in used:
            key = "fill" if kind == "f" else "stroke"
            assert f".{kind}-{color}{{{key}:{theme.PALETTE[color][mode]}}}" in rules
        named = set(re.findall(r"\.[fs]-([a-z0-9-]+)\{", rules))
        assert named == {color for _, color in used}
    assert 'font-family="DejaVu Sans, Verdana, sans-serif"' in svg
    assert not re.search(r"https?://(?!www\.w3\.org/)|url\(|<script|href=", svg)
    assert "<style>" not in (tmp_path / f"{name}.svg").read_text(encoding="utf-8"), "the page has its own"
