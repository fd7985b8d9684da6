"""Every chart with data as odd as a shop's may be: nothing meets, nothing leaves, and what is missing is said."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import matplotlib
import polars as pl
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from plotnine import labs
from plotnine.exceptions import PlotnineWarning

from reports import theme
from reports.charts.bars import Words
from reports.charts.layout import NARROW, WIDE, Layout, fit_line, widest
from reports.charts.lines import Line, draw_lines
from reports.kpis import KPIS
from tests.unit.drawn import find_faults, read_texts
from tests.unit.odd_shops import AS_OF, SHOPS

LAYOUTS = {"wide": WIDE, "narrow": NARROW}


@pytest.fixture(autouse=True)
def _agg() -> Iterator[None]:
    matplotlib.use("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("error", PlotnineWarning)
        yield
    plt.close("all")


def draw(name: str, frame: pl.DataFrame, layout: Layout) -> Figure:
    """The figure as the page shows it, without a title, or as a PNG, which is wide and has one."""
    chart = KPIS[name].chart(frame, layout)
    figure: Figure = (chart + labs(title="") if layout is NARROW else chart).draw()
    return figure


@pytest.mark.parametrize("layout", list(LAYOUTS))
@pytest.mark.parametrize("case", list(SHOPS))
def test_chart_of_odd_data_has_no_text_that_meets_another_or_leaves_it(case: str, layout: str) -> None:
    found = {}
    for name, frame in SHOPS[case].frames.items():
        if case == "usual" or not frame.equals(SHOPS["usual"].frames[name]):
            figure = draw(name, frame, LAYOUTS[layout])
            found[name] = find_faults(figure)
            plt.close(figure)
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_labels_of_lines_that_end_below_zero_are_apart(layout: str) -> None:
    lines = [Line([100.0, end], f"stores ${end:.0f}", theme.NET) for end in (-80.0, -81.0, -79.0)]
    figure = draw_lines([AS_OF, AS_OF], lines, Words("t", "s", "a"), "{:.0f}".format, LAYOUTS[layout]).draw()
    assert find_faults(figure) == []
    assert sum("stores" in each.text for each in read_texts(figure)) == 3


def test_wide_chart_cuts_a_name_only_where_the_room_ends() -> None:
    name = "A name of exactly sixty characters, as long as they may come"
    frame = SHOPS["usual"].frames["sales_by_category"].with_columns(category=pl.lit(name))
    texts = [each.text for each in read_texts(draw("sales_by_category", frame, WIDE))]
    assert name in texts
    long = SHOPS["names of 60 characters"].frames["average_order_per_store"]
    cut = [each.text for each in read_texts(draw("average_order_per_store", long, WIDE)) if each.text.endswith("…")]
    assert cut
    assert all(len(text) > 26 for text in cut)


@pytest.mark.parametrize("room", [0.5, 1.0, 2.0, 3.0])
def test_fit_line_keeps_as_many_letters_as_fit_and_the_detail_whole(room: float) -> None:
    name, detail = "a name that is too long for any room that a chart can give to it", " 12"
    line = fit_line(name, detail, 10, room)
    assert line.endswith(detail)
    assert widest([line], 10) <= room
    kept = len(line.removesuffix(detail).removesuffix("…"))
    assert widest([f"{name[: kept + 2]}…{detail}"], 10) > room
    assert fit_line("short", detail, 10, 3.0) == "short 12"


def test_find_faults_names_what_meets_and_what_leaves() -> None:
    figure = plt.figure(figsize=(3, 2))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.text(0.1, 0.5, "one")
    axes.text(0.12, 0.5, "other")
    axes.text(0.9, 0.1, "leaves the chart at its right")
    axes.text(0.1, 0.9, "small", fontsize=7)
    axes.scatter([0.5], [1.5])
    faults = find_faults(figure)
    assert "'one' meets 'other'" in faults
    assert "'leaves the chart at its right' leaves the chart" in faults
    assert "'small' is only 7.0 points high" in faults
    assert any("leave the panel" in fault for fault in faults)
    assert len(faults) == 4
