"""The ticks of an axis in both languages: each says the number at which it stands, and no two say the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import matplotlib as mpl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt

from reports import formats, theme
from reports.charts.canvas import Scale, Words
from reports.charts.layout import NARROW, WIDE, Layout
from reports.charts.lines import Line, draw_lines
from reports.kpis import KPIS
from reports.languages import LANGUAGES, Language, speaking
from tests.unit.odd_shops import SHOPS

LAYOUTS = pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
ROOM_INCHES = {WIDE: 6.0, NARROW: 3.0}


@pytest.mark.parametrize(
    ("amount", "english", "french"),
    [
        (0.1 + 0.2, "$0.3", "0,3\u00a0$"),
        (-0.030000000000000002, "−$0.03", "−0,03\u00a0$"),
        (-0.0, "$0", "0\u00a0$"),
        (1e-9, "$0", "0\u00a0$"),
        (950.0000000000001, "$950", "950\u00a0$"),
        (999.996, "$1K", "1\u00a0k\u00a0$"),
        (999_996, "$1M", "1\u00a0M\u00a0$"),
        (-999_999_999, "−$1B", "−1\u00a0Md\u00a0$"),
        (999_999_999_999_999, "$1.00e+15", "1,00e+15\u00a0$"),
        (1_234_999, "$1.23M", "1,23\u00a0M\u00a0$"),
    ],
)
def test_amount_is_written_to_the_cent_or_to_three_digits_and_without_noise(
    amount: float, english: str, french: str
) -> None:
    for language, expected in zip(LANGUAGES, (english, french), strict=True):
        with speaking(language):
            assert formats.format_compact(amount) == expected


@pytest.mark.parametrize(
    ("write", "number", "english", "french"),
    [
        (formats.format_tick, -0.0, "0", "0"),
        (formats.format_tick, -0.4, "0", "0"),
        (formats.format_plain_tick, -0.0, "0", "0"),
        (formats.format_plain_tick, 0.1 + 0.2, "0.3", "0,3"),
        (formats.format_plain_tick, 1e6, "1,000,000", "1\u202f000\u202f000"),
        (formats.format_percent_tick, 0.07 * 3, "21%", "21\u00a0%"),
        (formats.format_percent_tick, -0.0, "0%", "0\u00a0%"),
        (formats.format_percent_tick, 12_345.0, "1,234,500%", "1\u202f234\u202f500\u00a0%"),
    ],
)
def test_tick_has_neither_noise_nor_an_exponent_nor_the_sign_of_nothing(
    write: Callable[[float], str], number: float, english: str, french: str
) -> None:
    for language, expected in zip(LANGUAGES, (english, french), strict=True):
        with speaking(language):
            assert write(number) == expected


def lines_axis(values: list[float], tick: Callable[[float], str], layout: Layout) -> dict[float, str]:
    """The ticks of the amounts of a chart of lines, as they are drawn, and what they say."""
    days = [date(2026, month + 1, 1) for month in range(len(values))]
    with mpl.rc_context():
        mpl.use("Agg")
        chart = draw_lines(days, [Line(list(values), "last 1", theme.NET)], Words("t", "s", "a"), tick, layout)
        axis = chart.draw().axes[0].yaxis
    plt.close("all")
    return dict(zip(map(float, axis.get_ticklocs()), [each.get_text() for each in axis.get_ticklabels()], strict=True))


def bars_axis(values: list[float], tick: Callable[[float], str], layout: Layout) -> dict[float, str]:
    """The ticks of a chart of bars, and what they say."""
    scale = Scale(values, tick, [tick(value) for value in values])
    return {at: tick(at) for at in scale.ticks(ROOM_INCHES[layout], layout)}


@LAYOUTS
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("axis", [lines_axis, bars_axis], ids=["lines", "bars"])
@pytest.mark.parametrize("most", [1, 2, 3, 5, 9, 10, 11, 25])
def test_axis_of_counts_has_whole_ticks_that_differ(
    most: int, axis: Callable[..., dict[float, str]], language: Language, layout: Layout
) -> None:
    with speaking(language):
        ticks = axis([0.0, float(most)], formats.format_tick, layout)
    assert {at: text for at, text in ticks.items() if text != str(at).removesuffix(".0")} == {}
    assert len(ticks) > 1


@LAYOUTS
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("axis", [lines_axis, bars_axis], ids=["lines", "bars"])
@pytest.mark.parametrize("cents", [-2, -1, 1, 2, 3, 5, 7, 30, 99])
def test_axis_of_amounts_has_ticks_of_whole_cents_that_differ(
    cents: int, axis: Callable[..., dict[float, str]], language: Language, layout: Layout
) -> None:
    with speaking(language):
        ticks = axis([0.0, cents / 100], formats.format_compact, layout)
    assert len(set(ticks.values())) == len(ticks) > 1
    assert {at: text for at, text in ticks.items() if read_amount(text) != round(at, 2) or round(at, 2) != at} == {}


def read_amount(text: str) -> float:
    """What an amount below 1,000 says, in either language."""
    return float(text.replace("$", "").replace(",", ".").replace("−", "-").strip())


WRITERS: dict[Callable[[float], str], float] = {  # and the step of the numbers on such an axis
    formats.format_tick: 1.0,
    formats.format_compact: 0.01,
    formats.format_plain_tick: 1e-4,
    formats.format_percent_tick: 1e-5,
    "{:.1f}".format: 0.1,
}
ANY_STEP = (formats.format_plain_tick, formats.format_percent_tick)


@settings(max_examples=300, deadline=None)
@given(
    low=st.integers(0, 10**9),
    high=st.integers(1, 10**13),
    write=st.sampled_from(list(WRITERS)),
    language=st.sampled_from(LANGUAGES),
    layout=st.sampled_from([WIDE, NARROW]),
)
def test_no_axis_has_two_ticks_that_say_the_same(
    low: int, high: int, write: Callable[[float], str], language: Language, layout: Layout
) -> None:
    with speaking(language):
        ticks = bars_axis([-low * WRITERS[write], high * WRITERS[write]], write, layout)
    assert len(set(ticks.values())) == len(ticks)
    steps = [] if write in ANY_STEP else [at / WRITERS[write] for at in ticks]
    assert steps == pytest.approx([round(step) for step in steps])


@LAYOUTS
def test_units_to_order_have_whole_ticks(layout: Layout) -> None:
    kpi = KPIS["reorder_suggestions"]
    frame = SHOPS["usual"].frames[kpi.name].head(2).with_columns(suggested_order_unit_count=1, units_on_hand=0)
    with mpl.rc_context():
        mpl.use("Agg")
        ticks = kpi.chart(frame, layout).draw().axes[0].get_xticks()
    plt.close("all")
    assert [float(tick) for tick in ticks] == [0.0, 1.0]
