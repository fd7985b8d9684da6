"""A published report as Prefect artifacts: one of the whole and one of each KPI, under keys that stay the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from flows.run.artifacts import escape, markdown_table, publish
from reports.formats import format_date
from reports.kpis import KPIS
from reports.languages import join_sentences, tr
from reports.names import markdown_text
from reports.page import PageContext
from reports.render import data_uri, markdown_section
from reports.summary import build_tiles, write_title

REPORT_KEY = "report"


def publish_artifacts(frames: Mapping[str, pl.DataFrame], folder: Path, context: PageContext) -> None:
    """Save them with this flow run; the list of artifacts shows the title sentence and each KPI's headline."""
    publish(REPORT_KEY, escape(write_title(frames)), describe_report(frames, folder, context))
    for name, frame in frames.items():
        section = markdown_section(KPIS[name], frame, folder / f"{name}.png", context.as_of)
        publish(f"kpi-{name.replace('_', '-')}", markdown_text(KPIS[name].headline(frame)), section)


def describe_report(frames: Mapping[str, pl.DataFrame], folder: Path, context: PageContext) -> str:
    """Title, tiles, warnings, the first chart, and where the page and those of other days lie, as Markdown."""
    first = next(iter(KPIS))
    chart = f"![{markdown_text(KPIS[first].alt_text(frames[first]))}]({data_uri(folder / f'{first}.png')})"
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
