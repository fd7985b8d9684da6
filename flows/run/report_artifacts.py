"""A published report as Prefect artifacts: one of the whole and one of each KPI, under keys that stay the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flows.run.artifacts import escape, markdown_table, publish
from reports.formats import format_date
from reports.kpis import KPIS, Kpi
from reports.languages import join_sentences, tr
from reports.names import markdown_text
from reports.page import PageContext
from reports.render import data_uri, markdown_section, render_svg
from reports.summary import build_tiles, write_title

REPORT_KEY = "report"
ID, NAME = "customer_id", "customer_name"


def publish_artifacts(
    frames: Mapping[str, pl.DataFrame], folder: Path, context: PageContext, *, with_names: bool = True
) -> None:
    """Save them with this flow run; the list of artifacts shows the title sentence and each KPI's headline.

    Prefect keeps artifacts, and events that repeat them, for as long as it likes: without names, customers' ids stand
    in their places, in texts and drawings alike.
    """
    publish(REPORT_KEY, escape(write_title(frames)), describe_report(frames, folder, context))
    for name, frame in frames.items():
        with _drawn(KPIS[name], frame, folder, with_names=with_names) as (shown, drawing):
            section = markdown_section(KPIS[name], shown, drawing, context.as_of)
            publish(f"kpi-{name.replace('_', '-')}", markdown_text(KPIS[name].headline(shown)), section)


@contextmanager
def _drawn(kpi: Kpi, frame: pl.DataFrame, folder: Path, *, with_names: bool) -> Iterator[tuple[pl.DataFrame, Path]]:
    """The table and the drawing that an artifact may show: those of the report, or others without names."""
    if with_names or NAME not in frame.columns:
        yield frame, folder / f"{kpi.name}.svg"
        return
    nameless = frame.with_columns(pl.col(ID).alias(NAME))
    with TemporaryDirectory() as beside:
        render_svg(kpi, nameless, Path(beside))
        yield nameless, Path(beside) / f"{kpi.name}.svg"


def describe_report(frames: Mapping[str, pl.DataFrame], folder: Path, context: PageContext) -> str:
    """Title, tiles, warnings, the first chart, and where the page and those of other days lie, as Markdown."""
    first = next(iter(KPIS))
    chart = f"![{markdown_text(KPIS[first].alt_text(frames[first]))}]({data_uri(folder / f'{first}.svg')})"
    tiles = markdown_table(
        [tr("Figure"), tr("Value"), tr("Note")], [(tile.name, tile.value, tile.note) for tile in build_tiles(frames)]
    )
    warning = tr("Read with care:")
    return "\n\n".join(
        [
            f"## {escape(write_title(frames))}",
            join_sentences(tr("As of {day}.", day=format_date(context.as_of)), tr("All amounts are in {money}.")),
            tiles,
            *(f"> **{warning}** {escape(note)}" for note in context.warnings),
            chart,
            tr("The page: {path}", path=escape(folder / "index.html")),
            tr("All days: {path}", path=escape(folder.parent / "index.html")) + "\n",
        ]
    )
