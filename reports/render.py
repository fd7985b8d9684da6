"""A KPI frame in; its chart as a PNG file, or its section of a Prefect Markdown artifact out.

Charts are drawn one after the other on matplotlib's Agg backend: pyplot is not thread-safe, and no window may open in
a worker. The same frame gives the same bytes: the file holds neither a time nor a version of software.
"""

from __future__ import annotations

import base64
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import matplotlib
import polars as pl
from plotnine.exceptions import PlotnineWarning

from reports.charts.layout import NARROW, WIDE
from reports.charts.svg import stand_alone, write_svg
from reports.formats import format_date, format_integer, format_value
from reports.kpis import Kpi, check_frame
from reports.languages import join_sentences, tr
from reports.names import markdown_text
from reports.tables import order_rows, without_ids
from reports.theme import DPI


def render_chart(kpi: Kpi, frame: pl.DataFrame, path: Path) -> None:
    """Draw the chart of `frame` as a PNG, 900 pixels wide; raises ValueError if the frame is not the KPI's.

    Rows that plotnine would leave out of the drawing, with a warning, are an error here: a chart shows all or fails.
    """
    with _drawing_alone():
        chart = kpi.chart(check_frame(kpi, frame))
        chart.save(path, format="png", dpi=DPI, verbose=False, metadata={"Software": None})


def render_svg(kpi: Kpi, frame: pl.DataFrame, folder: Path) -> None:
    """Draw the chart twice, as `<kpi>.svg` for wide and `<kpi>.narrow.svg` for narrow screens; errors as above."""
    checked = check_frame(kpi, frame)
    for name, layout in ((kpi.name, WIDE), (f"{kpi.name}.narrow", NARROW)):
        with _drawing_alone():
            chart, title = kpi.chart(checked, layout), kpi.say(kpi.title)
            svg = write_svg(chart, name.replace(".", "-"), title, kpi.alt_text(checked))
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8", newline="\n")


@contextmanager
def _drawing_alone() -> Iterator[None]:
    """Draw in no window and on matplotlib's own defaults, whatever a matplotlibrc of this user or folder says."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.use("Agg")
        warnings.simplefilter("error", PlotnineWarning)
        yield


def markdown_section(kpi: Kpi, frame: pl.DataFrame, drawing: Path, as_of: date, max_rows: int = 20) -> str:
    """Headline, embedded chart and the first `max_rows` rows as a GitHub Markdown table; no cell is live markup."""
    checked = check_frame(kpi, frame)
    alt = markdown_text(kpi.alt_text(checked))
    return "\n\n".join(
        [
            f"## {markdown_text(kpi.say(kpi.title))}",
            f"**{markdown_text(kpi.headline(checked))}**",
            f"![{alt}]({data_uri(drawing)})",
            _markdown_table(kpi, order_rows(kpi, checked).head(max_rows)),
            join_sentences(_count_rows(kpi, checked.height, max_rows), tr("As of {day}.", day=format_date(as_of))),
            markdown_text(kpi.say(kpi.definition)) + "\n",
        ]
    )


def data_uri(drawing: Path) -> str:
    """The image itself as an address, so that a page needs no second file."""
    svg = stand_alone(drawing.read_text(encoding="utf-8"))
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")


def _markdown_table(kpi: Kpi, frame: pl.DataFrame) -> str:
    columns = without_ids(kpi)
    header = " | ".join(markdown_text(column.head) for column in columns)
    rule = " | ".join("---:" if column.format.is_number else ":---" for column in columns)
    formats = [column.format for column in columns]
    rows = (
        " | ".join(markdown_text(format_value(value, how)) for value, how in zip(row, formats, strict=True))
        for row in frame.select(column.name for column in columns).iter_rows()
    )
    return "\n".join(f"| {line} |" for line in (header, rule, *rows))


def _count_rows(kpi: Kpi, height: int, max_rows: int) -> str:
    if height <= max_rows:
        return tr("One row.") if height == 1 else tr("All {count} rows.", count=format_integer(height))
    return tr(
        "{shown} of {total} rows; all are in {file}.",
        shown=format_integer(max_rows),
        total=format_integer(height),
        file=markdown_text(f"{kpi.name}.parquet"),
    )
