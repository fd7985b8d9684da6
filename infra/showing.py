"""What the analysis notebook calls: SQL or a KPI in; a table, a chart or a text shown."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
from IPython.display import HTML, Markdown, display
from IPython.display import Image as Picture
from PIL import Image
from plotnine import aes, element_blank, element_text, geom_col, ggplot, labs, scale_x_continuous, theme, theme_minimal
from sqlalchemy import Connection

from reports.formats import MISSING, Format, format_value
from reports.kpis import Kpi
from reports.names import markdown_text
from reports.render import render_chart

SHOWN_ROWS = 12
PNG_COLORS = 96  # a third of the bytes, and no eye sees it in a chart of few colours
BAR = "#0072B2"
NUMBERS = (int, float, Decimal)


def ask(connection: Connection, sql: str) -> pl.DataFrame:
    """The rows of a query, with the driver's own types."""
    result = connection.exec_driver_sql(sql)
    rows = [tuple(row) for row in result]
    return pl.DataFrame(rows, schema=list(result.keys()), orient="row", infer_schema_length=None)


def show_rows(frame: pl.DataFrame) -> HTML:
    """All rows as a table."""
    is_number = [any(isinstance(value, NUMBERS) for value in frame[name]) for name in frame.columns]
    return _table(frame.columns, is_number, ([_spell(value) for value in row] for row in frame.iter_rows()))


def show_columns(frame: pl.DataFrame, title: str) -> Picture:
    """One column a row: the first field is a number and stands below it, the second is its height."""
    at, height = frame.columns
    chart = (
        ggplot(frame.select(pl.col(at).cast(pl.Float64), pl.col(height).cast(pl.Float64)))
        + geom_col(aes(x=at, y=height), fill=BAR, width=0.8 * _step(frame[at]))
        + scale_x_continuous(breaks=frame[at].to_list()[:: max(1, frame.height // 12)])
        + labs(title=title, x=at.replace("_", " "), y=height.replace("_", " "))
        + theme_minimal(base_size=11)
        + theme(figure_size=(7, 2.6), panel_grid_minor=element_blank(), panel_grid_major_x=element_blank())
        + theme(plot_title=element_text(ha="left", size=12))
    )
    drawn = BytesIO()
    chart.save(drawn, format="png", dpi=100, verbose=False, metadata={"Software": None})
    return Picture(data=_reduce(drawn), alt=title)


def show_kpi(kpi: Kpi, sql: str, frame: pl.DataFrame) -> None:
    """A KPI as the report has it, with the query that it comes from; ids are left out."""
    title, question = _plain(kpi.say(kpi.title)), f"*{_plain(kpi.ask(frame))}*  \n" if kpi.question else ""
    display(Markdown(f"### {title}\n\n{question}**{_plain(kpi.headline(frame))}**"))
    display(Picture(data=draw_chart(kpi, frame), alt=kpi.alt_text(frame)))
    columns = [column for column in kpi.columns if column.format is not Format.ID]
    rows = frame.select(column.name for column in columns).head(SHOWN_ROWS).iter_rows()
    formats = [column.format for column in columns]
    cells = ([format_value(value, how) for value, how in zip(row, formats, strict=True)] for row in rows)
    display(_table([column.head for column in columns], [how.is_number for how in formats], cells))
    more = f"{SHOWN_ROWS} of {frame.height:,} rows. " if frame.height > SHOWN_ROWS else ""
    summary = f"<details><summary>The query of <code>{kpi.name}</code></summary>"
    query = f"{summary}\n\n```sql\n{sql.strip()}\n```\n\n</details>"
    display(Markdown(f"{more}{_plain(kpi.say(kpi.definition))}\n\n{query}"))


def show_headlines(kpis: Mapping[str, Kpi], frames: Mapping[str, pl.DataFrame]) -> Markdown:
    """What the report says of each KPI, as a list."""
    lines = (f"- **{_plain(kpi.say(kpi.title))}.** {_plain(kpi.headline(frames[name]))}" for name, kpi in kpis.items())
    return Markdown("\n".join(lines))


def draw_chart(kpi: Kpi, frame: pl.DataFrame) -> bytes:
    """The chart that the page shows, as a PNG of few colours."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chart.png"
        render_chart(kpi, frame, path)
        return _reduce(path)


def _reduce(png: Path | BytesIO) -> bytes:
    small = BytesIO()
    with Image.open(png) as image:
        image.convert("RGB").quantize(PNG_COLORS).save(small, format="png", optimize=True)
    return small.getvalue()


def _table(heads: Sequence[str], is_number: Sequence[bool], rows: Iterable[Sequence[str]]) -> HTML:
    """Numbers stand at the right, texts at the left; nothing that comes from data is live markup."""
    sides = [' style="text-align: right"' if number else ' style="text-align: left"' for number in is_number]
    lines = [_line("th", heads, sides), *(_line("td", row, sides) for row in rows)]
    return HTML("<table>\n" + "\n".join(lines) + "\n</table>")


def _line(tag: str, cells: Sequence[str], sides: Sequence[str]) -> str:
    texts = (f"<{tag}{side}>{escape(cell)}</{tag}>" for cell, side in zip(cells, sides, strict=True))
    return f"<tr>{''.join(texts)}</tr>"


def _spell(value: Any) -> str:
    if value is None:
        return MISSING
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, NUMBERS) and not isinstance(value, bool) else str(value)


def _step(values: pl.Series) -> float:
    """The least distance between two values: as wide as a column can be."""
    return float(values.sort().diff().min() or 1)  # type: ignore[arg-type]


def _plain(text: str) -> str:
    """Text that Jupyter's Markdown shows as it is: between two dollar signs it would set a formula."""
    return markdown_text(text).replace("$", "\\$")
