"""KPI frames, their charts and the facts of a run in; one self-contained `index.html` out.

The page needs no network, no script and no second file: it can be mailed, archived and printed. Everything that came
from data passes Jinja's autoescape, and the page's own policy forbids whatever might slip through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from reports.formats import Format, clean_text, count_of, format_date, format_integer, format_moment, format_value
from reports.kpis import KPIS, Column, Kpi, check_frame, last_year_start
from reports.render import data_uri

FIRST_ROWS = 20
MAX_ROWS = 200


@dataclass(frozen=True)
class Totals:
    """The accounting of the data behind the page; None is what the run does not know."""

    files: int | None
    rows_in: int | None
    rows_loaded: int | None
    rows_quarantined: int | None


@dataclass(frozen=True)
class PageContext:
    """What the page says about its run; `generated_at` is UTC, `notes` are warnings that readers must see.

    `currency` is that of all amounts, three letters.
    """

    as_of: date
    first_order_date: date
    last_order_date: date
    generated_at: datetime
    run_id: str
    target: str
    rows: Totals
    notes: tuple[str, ...] = ()
    currency: str = "USD"


@dataclass(frozen=True)
class Row:
    """One row as the page shows it: what heads it, the ids under it, the other cells, formatted."""

    name: str
    detail: str
    cells: tuple[str, ...]
    is_total: bool


@dataclass(frozen=True)
class Head:
    """What stands above a column; text stands at the left, numbers at the right."""

    label: str
    is_text: bool


@dataclass(frozen=True)
class Section:
    """One KPI as the page shows it; `shown` of `height` rows are on the page."""

    kpi: Kpi
    headline: str
    alt: str
    image: str
    size: tuple[int, int]
    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    height: int


def render_page(frames: Mapping[str, pl.DataFrame], folder: Path, context: PageContext) -> Path:
    """Write `folder`/index.html from the frames of all KPIs and the charts `<kpi>.png` in `folder`; return its path.

    Raises ValueError if a frame is missing, unknown or not as its KPI declares, FileNotFoundError without its chart.
    """
    if set(frames) != set(KPIS):
        wrong = ", ".join(sorted(set(frames) ^ set(KPIS)))
        raise ValueError(f"the page shows exactly the KPIs {', '.join(KPIS)}; missing or unknown: {wrong}")
    sections = [build_section(kpi, frames[name], folder / f"{name}.png") for name, kpi in KPIS.items()]
    html = (
        _environment()
        .get_template("page.html.j2")
        .render(context=context, sections=sections, first_rows=FIRST_ROWS, year_start=last_year_start(context.as_of))
    )
    page = folder / "index.html"
    page.write_text(html, encoding="utf-8", newline="\n")
    return page


def build_section(kpi: Kpi, frame: pl.DataFrame, png: Path) -> Section:
    """All that the template needs to show one KPI, as text."""
    checked = check_frame(kpi, frame)
    shown = [column for column in kpi.columns if column.format is not Format.ID]
    return Section(
        kpi=kpi,
        headline=kpi.headline(checked),
        alt=kpi.alt_text(checked),
        image=data_uri(png),
        size=_png_size(png),
        heads=tuple(Head(column.label, is_text=not column.format.is_number) for column in shown),
        rows=tuple(_build_row(kpi.columns, row) for row in checked.head(MAX_ROWS).iter_rows(named=True)),
        height=checked.height,
    )


def _build_row(columns: Sequence[Column], row: Mapping[str, Any]) -> Row:
    texts = {column.name: format_value(row[column.name], column.format) for column in columns}
    ids = [column.name for column in columns if column.format is Format.ID]
    name, *cells = (texts[column.name] for column in columns if column.format is not Format.ID)
    return Row(
        name=name,
        detail=" · ".join(texts[name] for name in ids if row[name] is not None),
        cells=tuple(cells),
        is_total=any(row[name] is None for name in ids),
    )


def _png_size(png: Path) -> tuple[int, int]:
    """Width and height in pixels: the first two fields of the IHDR chunk, which PNG puts first."""
    with png.open("rb") as file:
        head = file.read(24)
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        day=format_date, moment=format_moment, integer=format_integer, count_of=count_of, line=_one_line
    )
    return environment


def _one_line(text: str) -> str:
    return clean_text(text, 500)
