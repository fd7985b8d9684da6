"""Every chart with data as odd as a shop's may be: nothing meets, nothing leaves, and what is missing is said."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from datetime import date

import matplotlib
import polars as pl
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from plotnine import labs
from plotnine.exceptions import PlotnineWarning

from reports import theme
from reports.charts.bars import add_labels, add_marks
from reports.charts.canvas import Scale, Words, draw_canvas
from reports.charts.layout import NARROW, WIDE, Layout, fit_line, widest
from reports.charts.lines import Line, draw_lines
from reports.formats import format_compact, format_tick
from reports.kpis import KPIS
from reports.languages import LANGUAGES, Language, speaking
from reports.tables import build_rows
from tests.unit.drawn import find_faults, read_texts
from tests.unit.odd_shops import AS_OF, SHOPS

LAYOUTS = {"wide": WIDE, "narrow": NARROW}
LINES = ("rolling_year", "sales_by_month", "customer_classes_by_month")
GRIDS = ("sales_by_weekday_hour", "repeat_purchase")


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


@pytest.mark.parametrize("case", list(SHOPS))
def test_chart_of_odd_data_has_no_text_that_meets_another_or_leaves_it(case: str) -> None:
    """In pairs: each chart and case in both widths, the languages taking turns, so that each width has either."""
    found = {}
    for turn, (name, frame) in enumerate(SHOPS[case].frames.items(), start=list(SHOPS).index(case)):
        if case != "usual" and frame.equals(SHOPS["usual"].frames[name]):
            continue
        for side, layout in enumerate(LAYOUTS):
            language = LANGUAGES[(turn + side) % 2]
            with speaking(language):
                figure = draw(name, frame, LAYOUTS[layout])
                found[f"{name}, {layout}, {language}"] = find_faults(figure)
            plt.close(figure)
    assert {drawn: faults for drawn, faults in found.items() if faults} == {}


NOTHING = {
    "rolling_year": "No orders in the last two years",
    "sales_by_month": "No orders so far",
    "store_performance": "No sales in the last year, nor in the one before",
    "sales_by_weekday_hour": "No orders in the last year",
    "average_order_comparison": "No orders with items in the last year",
    "average_order_per_store": "No orders so far",
    "sales_by_category": "No items sold so far",
    "product_margin": "No items sold in the last year",
    "price_guide": "No product has a price",
    "supply_usage": "No supplies used in the last year",
    "stock_cover": "No stock was counted",
    "reorder_suggestions": "Nothing is to be ordered",
    "product_affinity": "No pair of products shares enough orders",
    "revenue_by_class": "No customers so far",
    "sales_per_customer": "No orders in the last year",
    "customer_classes_by_month": "No customers so far",
    "repeat_purchase": "No customer's first month is over yet",
    "tax_ratio": "No net sales so far",
    "tax_rounding": "No order is taxed below the rounded exact tax",
}


@pytest.mark.parametrize("name", list(KPIS))
def test_chart_of_nothing_says_what_there_is_none_of(name: str) -> None:
    nothing = SHOPS["nothing"].frames[name]
    empty = nothing.clear()
    figures = [draw(name, frame, NARROW) for frame in ((nothing, empty) if nothing.height else (empty,))]
    for figure in figures:
        assert " ".join(each.text for each in read_texts(figure)) == NOTHING[name]


def test_chart_of_a_year_without_orders_or_a_first_month_says_so() -> None:
    closed, new = SHOPS["no orders in the year"].frames, SHOPS["one month"].frames
    for name in ("sales_by_weekday_hour", "average_order_comparison", "product_margin", "sales_per_customer"):
        texts = " ".join(each.text for each in read_texts(draw(name, closed[name], NARROW)))
        assert texts == NOTHING[name]
    repeat = " ".join(each.text for each in read_texts(draw("repeat_purchase", new["repeat_purchase"], NARROW)))
    assert repeat == NOTHING["repeat_purchase"]


@pytest.mark.parametrize(
    ("name", "column"),
    [("sales_by_category", "net_sales_usd"), ("product_margin", "margin_usd"), ("supply_usage", "cost_usd")],
)
def test_bar_of_a_loss_goes_left_of_zero_and_is_drawn_whole(name: str, column: str) -> None:
    frame = SHOPS["all losses"].frames[name]
    axes = draw(name, frame, WIDE).axes[0]
    bars = [path.get_extents() for mark in axes.collections for path in mark.get_paths()]
    shown = frame[column].sort(descending=True).head(12 if name == "supply_usage" else 15)
    assert [bar.x0 for bar in bars] == pytest.approx([float(amount) for amount in shown])
    assert {bar.x1 for bar in bars} == {0}
    assert axes.get_xlim()[0] <= min(bar.x0 for bar in bars)


def test_label_too_long_for_a_narrow_drawing_is_cut() -> None:
    canvas = draw_canvas(["name"], Words("t", "s", "a"), Scale([1.0], str, []), NARROW)
    figure = (canvas + add_labels([1.0], ["W" * 90], NARROW) + labs(title="")).draw()
    assert any(each.text.endswith("W…") for each in read_texts(figure))
    assert find_faults(figure) == []


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_name_of_the_marks_stands_above_the_first_one_within_the_chart(layout: str, at: float) -> None:
    words = Words("title", "subtitle", "axis", mark="what the marks are")
    canvas = draw_canvas(["one", "two"], words, Scale([1.0, 1.0], str, ["1.0"] * 2, [None, at]), LAYOUTS[layout])
    figure = (canvas + add_marks([None, at], LAYOUTS[layout])).draw()
    name = next(each for each in read_texts(figure) if each.text == words.mark)
    place = figure.axes[0].transData.transform((at, 0))[0]
    assert name.box.x0 - 2 <= place <= name.box.x1 + 2
    assert find_faults(figure) == []
    bare = draw_canvas(["one"], words, Scale([1.0], str, ["1.0"], [None]), LAYOUTS[layout]).draw()
    assert words.mark not in [each.text for each in read_texts(bare)]


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_labels_of_lines_that_end_below_zero_are_apart(layout: str) -> None:
    lines = [Line([100.0, end], f"stores ${end:.0f}", theme.NET) for end in (-80.0, -81.0, -79.0)]
    figure = draw_lines([AS_OF, AS_OF], lines, Words("t", "s", "a"), "{:.0f}".format, LAYOUTS[layout]).draw()
    assert find_faults(figure) == []
    assert sum("stores" in each.text for each in read_texts(figure)) == 3


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("amount", [1e3, 1e9, 1e12, -1e12])
def test_labels_of_lines_stay_in_a_narrow_chart_however_wide_the_ticks_beside_them(
    amount: float, language: Language
) -> None:
    days = [date(2020 + month // 12, month % 12 + 1, 1) for month in range(25)]
    with speaking(language):
        lines = [
            Line([amount] * 25, f"a name that is too long for any chart {format_compact(amount)}", theme.NET),
            Line([amount / 2] * 25, f"the year before {format_compact(amount / 2)}", theme.TOTAL),
        ]
        figure = draw_lines(days, lines, Words("title", "subtitle", "axis"), format_tick, NARROW).draw()
        numbers = [format_compact(amount), format_compact(amount / 2)]
    assert find_faults(figure) == []
    texts = [each.text for each in read_texts(figure)]
    assert all(any(text.endswith(f" {number}") or text == number for text in texts) for number in numbers)


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


def test_find_faults_names_ticks_that_say_the_same_or_have_noise() -> None:
    axes = plt.figure(figsize=(3, 2)).add_axes((0.4, 0.4, 0.5, 0.5))
    axes.set_yticks([0.0, 0.5, 1.0], ["0", "0", "1"])
    axes.set_xticks([0.0], ["$0.30000000000000004"])
    assert find_faults(axes.figure) == ["the tick '$0.30000000000000004' has noise", "ticks say the same: 0, 0, 1"]


OF_ANOTHER_SHAPE = (
    "revenue_by_class",
    "product_affinity",
)  # classes by rank; pairs once in the chart, twice in the table
ASKED_IN_ANOTHER_ORDER = ("supply_usage", "stock_cover", "price_guide", "tax_ratio", "tax_rounding")


@pytest.mark.parametrize("name", [name for name in KPIS if name not in (*LINES, *GRIDS, *OF_ANOTHER_SHAPE)])
def test_table_has_its_rows_in_the_order_of_the_chart(name: str) -> None:
    """Those that SQL gives in another order are given in any order here."""
    frame = SHOPS["usual"].frames[name]
    turned = frame.reverse() if name in ASKED_IN_ANOTHER_ORDER else frame
    figure = draw(name, turned, WIDE)
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    rows = build_rows(KPIS[name], turned)
    assert len(labels) > 2
    for label, row in zip(labels, rows, strict=False):
        shown = [row.name.text, *(cell.text for cell in row.cells)]
        parts = re.sub(r"^\d+\. ", "", label).split("\n")
        assert parts[0] in shown, (labels, shown)
        if name in ("supply_usage", "stock_cover"):
            assert parts[1].removesuffix(", perishable") in shown
