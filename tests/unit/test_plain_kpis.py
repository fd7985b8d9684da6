"""A KPI without words or a chart of its own: both follow from its columns, and every declared column is shown."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import polars as pl
import pytest
from matplotlib.figure import Figure
from plotnine import ggplot
from plotnine.exceptions import PlotnineWarning

from reports.charts.layout import NARROW, WIDE
from reports.formats import Format
from reports.kpis import KPIS
from reports.kpis.kpi import Column, Kpi, check_frame, named_column
from reports.languages import LANGUAGES, speaking
from reports.render import markdown_section, render_svg
from reports.tables import build_heads, build_rows
from tests.unit.drawn import find_faults, read_texts

KINDS_OF_RATIO = (Format.RATE, Format.POINTS, Format.GROWTH)
DAYS = [date(2024, month, 1) for month in (4, 5, 6)]


def plain(*columns: Column) -> Kpi:
    return Kpi("plain", title="Orders by weekday", definition="Orders of the last year.", columns=columns)


STORE, CITY = named_column("store_name", "Store"), named_column("city", "City")
ORDERS, SALES = named_column("order_count", "Orders"), named_column("net_sales_usd", "Net sales ({currency})")
MONTH, WEEKDAY = named_column("month_start_date", "Month"), named_column("weekday_number", "Weekday")
SHARE = named_column("share_ratio", "Share")
OF_STORES = plain(named_column("store_id", "Store id"), STORE, CITY, WEEKDAY, ORDERS, SALES)
BY_MONTH = plain(MONTH, STORE, ORDERS)


def stores(*rows: tuple[str, str, str, int, int, str]) -> pl.DataFrame:
    cents = [(*row[:5], Decimal(row[5])) for row in rows]
    return pl.DataFrame(cents, schema=OF_STORES.schema, orient="row")


USUAL = stores(("s1", "North", "Lyon", 1, 1200, "999.50"), ("s2", "South", "Nice", 7, 3, "0.50"))


def months(*rows: tuple[date, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=BY_MONTH.schema, orient="row")


@pytest.fixture(autouse=True)
def _agg() -> Iterator[None]:
    matplotlib.use("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("error", PlotnineWarning)
        yield
    plt.close("all")


def drawn(kpi: Kpi, frame: pl.DataFrame, *, is_narrow: bool = False) -> Figure:
    figure: Figure = kpi.chart(check_frame(kpi, frame), NARROW if is_narrow else WIDE).draw()
    return figure


def segments_of(chart: ggplot) -> list[pl.DataFrame]:
    """What each line is drawn from."""
    return [layer.geom.data for layer in chart.layers if "next" in getattr(layer.geom.data, "columns", ())]


def texts(kpi: Kpi, frame: pl.DataFrame) -> str:
    return "\n".join(written.text for written in read_texts(drawn(kpi, frame)))


def test_format_of_a_column_is_what_its_name_says_as_it_is_of_every_kpi() -> None:
    units = ("_id", "_date", "_at", "_count", "_usd", "_ratio", "_number")
    columns = [column for kpi in KPIS.values() for column in kpi.columns if column.name.endswith(units)]
    columns += [column for kpi in KPIS.values() for column in kpi.columns if column.name.startswith(("is_", "has_"))]
    assert len(columns) > 60
    for column in columns:
        found = named_column(column.name, column.label).format
        assert found is (Format.SHARE if column.format in KINDS_OF_RATIO else column.format), column.name


def test_name_without_a_unit_is_that_of_a_text() -> None:
    assert named_column("city", "City") == Column("city", "City", Format.NAME)


def test_headline_tells_the_first_row_whole() -> None:
    assert OF_STORES.headline(USUAL) == "North, Lyon, Monday: Orders 1,200 · Net sales (USD) $1,000."


def test_headline_of_the_newest_first_tells_the_last_row() -> None:
    kpi = Kpi("plain", title="t", definition="d", columns=(MONTH, ORDERS), newest_first=True)
    frame = pl.DataFrame({"month_start_date": DAYS, "order_count": [5, 6, 7]})
    assert kpi.headline(frame) == "June 2024: Orders 7."


def test_headline_of_nothing_says_so() -> None:
    assert OF_STORES.headline(USUAL.clear()) == "There is nothing to show."
    assert "There is nothing to show." in texts(OF_STORES, USUAL.clear())


def test_table_and_artifact_show_every_declared_column_but_ids() -> None:
    assert [head.label for head in build_heads(OF_STORES)] == ["Store", "City", "Weekday", "Orders", "Net sales (USD)"]
    first = build_rows(OF_STORES, USUAL)[0]
    assert [first.name.text, *(cell.text for cell in first.cells)] == ["North", "Lyon", "Monday", "1,200", "999.50"]


def test_bars_name_each_row_by_all_that_it_is_and_end_in_its_number() -> None:
    found = texts(OF_STORES, USUAL)
    assert "North\nLyon, Monday" in found
    assert "South\nNice, Sunday" in found
    assert {"1,200", "3"} <= {line.strip() for line in found.splitlines()}
    assert "Orders" in found


def test_bars_show_the_first_fifteen_and_say_how_many_there_are() -> None:
    found = texts(OF_STORES, stores(*((f"s{n}", f"store {n}", "x", 1, 99 - n, "1") for n in range(20))))
    assert "Shown: the first 15 of 20." in found
    assert "store 14" in found
    assert "store 15" not in found


def test_months_are_lines_one_for_each_name_with_its_last_number() -> None:
    rows = [(day, name, 10 * place + n) for n, name in enumerate(("A", "B"), 1) for place, day in enumerate(DAYS, 1)]
    chart = BY_MONTH.chart(months(*rows))
    segments = segments_of(chart)
    assert sorted(frame["end"].to_list() for frame in segments) == [[21.0, 31.0], [22.0, 32.0]]
    found = texts(BY_MONTH, months(*rows))
    assert {"A 31", "B 32"} <= {line.strip() for line in found.splitlines()}


def test_month_without_a_row_is_a_gap_and_lines_beyond_four_are_told() -> None:
    rows = [(day, f"store {n}", 1 + n) for n in range(6) for day in DAYS if (n, day) != (5, DAYS[1])]
    chart = BY_MONTH.chart(months(*rows))
    segments = segments_of(chart)
    assert sorted(frame.height for frame in segments) == [0, 2, 2, 2]
    assert "Shown: the 4 biggest of 6." in texts(BY_MONTH, months(*rows))


@pytest.mark.parametrize("column", [SALES, SHARE, ORDERS, Column("days", "Days", Format.QUANTITY)])
def test_ratio_amount_count_and_quantity_can_be_drawn_and_what_has_no_value_is_left_out(column: Column) -> None:
    kpi = plain(STORE, Column(column.name, column.label, column.format, nullable=True))
    frame = pl.DataFrame({"store_name": ["A", "B", "C"], column.name: [1, None, 0]}, schema=kpi.schema)
    found = texts(kpi, frame)
    assert "A" in found.splitlines()
    assert "B" not in found.splitlines()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("is_narrow", [False, True])
def test_chart_of_long_hostile_and_many_names_has_no_text_that_meets_another(language: str, *, is_narrow: bool) -> None:
    name = "<script> " + "W" * 60
    rows = stores(*((f"s{n}", f"{n} {name}", name, 1 + n % 7, 10**12 - n, "-5.00") for n in range(30)))
    lines = months(*((day, f"{n} {name}", 10**7 + n) for n in range(9) for day in DAYS))
    with speaking(language):
        for kpi, frame in ((OF_STORES, rows), (BY_MONTH, lines), (BY_MONTH, lines[:1])):
            assert find_faults(drawn(kpi, frame, is_narrow=is_narrow)) == []


def test_kpi_without_a_row_to_name_or_a_number_says_so() -> None:
    total = plain(ORDERS)
    assert total.headline(pl.DataFrame({"order_count": [7]})) == "All: Orders 7."
    assert "All" in texts(total, pl.DataFrame({"order_count": [7]}))
    with pytest.raises(ValueError, match=r"the KPI plain has no column of numbers; declare one, e\.g\. order_count"):
        plain(STORE)


def test_plain_kpi_is_drawn_for_page_and_artifact(tmp_path: Path) -> None:
    render_svg(OF_STORES, USUAL, tmp_path)
    svg = (tmp_path / "plain.svg").read_text(encoding="utf-8")
    assert "Chart of the numbers in the table. North, Lyon, Monday: Orders 1,200" in svg
    shown = markdown_section(OF_STORES, USUAL, tmp_path / "plain.svg", date(2024, 6, 30))
    assert "| North | Lyon | Monday | 1,200 | 999.50 |\n" in shown
