"""A published report and a change of its KPI tables in; the same report, drawn from the changed tables, out.

What a page says beside its tables, it says of the run that made it; so that is saved with the report. A report of a
version before this one has not saved it: its page keeps the day, and says what is not known of it any more.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from pydantic import TypeAdapter, ValidationError

from reports.chromium import ChromiumError, find_chromium, print_pdf
from reports.facts import Facts, hash_files
from reports.kpis import KPIS
from reports.languages import DEFAULT_CURRENCY, Language, speaking
from reports.page import PageContext, Totals, render_page
from reports.render import render_chart, render_svg
from reports.translations import PAGE, list_others, write_translations

FACTS, PDF = "report.json", "report.pdf"
Change = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class Drawing:
    """How a report was drawn: for whom, and what its pages say beside its tables."""

    language: Language
    currency: str
    context: PageContext


_DRAWINGS = TypeAdapter(Drawing)


def write_facts(facts: Facts, folder: Path, drawing: Drawing | None = None) -> None:
    """Save what a report says of itself beside its page, with the hash of each of its files, and how it was drawn."""
    said = TypeAdapter(Facts).dump_python(facts, mode="json") | {"made_at": str(facts.made_at)}
    how = {"drawing": _DRAWINGS.dump_python(drawing, mode="json")} if drawing else {}
    files = {"files": hash_files(folder, FACTS)}
    text = json.dumps(said | how | files, indent=2, ensure_ascii=False)
    (folder / FACTS).write_text(text + "\n", encoding="utf-8")


def find_changed(folder: Path, change: Change) -> dict[str, pl.DataFrame]:
    """The KPI tables of a report that the change makes others, by name, changed."""
    changed = {}
    for path in sorted(folder.glob("*.parquet")):
        frame = pl.read_parquet(path, glob=False)
        after = change(frame)
        if not after.equals(frame):
            changed[path.stem] = after
    return changed


def redraw_report(folder: Path, changed: Mapping[str, pl.DataFrame], facts: Facts, chromium: str | None = None) -> None:
    """Draw the report in `folder` with these tables in place of its own; all else stays as it is.

    Each file takes its place in one step, the tables last: where the process is killed before, they still say that
    the report is to be drawn. A PDF that no Chromium can print is removed.

    Raises:
        ValueError: its tables are not those of the KPIs of now, so that no page can be made.
    """
    frames = {path.stem: pl.read_parquet(path, glob=False) for path in folder.glob("*.parquet")} | dict(changed)
    if set(frames) != set(KPIS):
        raise ValueError(f"{folder}: its tables are those of another version")
    drawing = _read_drawing(folder) or _assume_drawing(facts, frames)
    with TemporaryDirectory(prefix=".", suffix=".new", dir=folder.parent) as beside:
        fresh = Path(beside)
        for svg in folder.glob("*.svg"):
            if svg.name.partition(".")[0] not in changed:
                shutil.copy2(svg, fresh)
        with speaking(drawing.language, drawing.currency):
            _draw(frames, changed, fresh, drawing)
        _print_again(folder, fresh, chromium)
        for name, frame in changed.items():
            frame.write_parquet(fresh / f"{name}.parquet")
        for path in sorted(fresh.iterdir(), key=lambda path: path.suffix == ".parquet"):
            path.replace(folder / path.name)
    _hash_again(folder)


def _hash_again(folder: Path) -> None:
    """Let the report say which files it holds now; one that never said it says nothing."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        said: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        if "files" not in said:
            return
        said["files"] = hash_files(folder, FACTS)
        beside = folder / f".{FACTS}.new"
        beside.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        beside.replace(folder / FACTS)


def _draw(
    frames: Mapping[str, pl.DataFrame], changed: Mapping[str, pl.DataFrame], fresh: Path, drawing: Drawing
) -> None:
    for name in changed:
        render_chart(KPIS[name], frames[name], fresh / f"{name}.png")
        render_svg(KPIS[name], frames[name], fresh)
    render_page(frames, fresh / PAGE, drawing.context, others=list_others(drawing.language))
    write_translations(frames, fresh, drawing.context, drawing.language)


def _print_again(folder: Path, fresh: Path, chromium: str | None) -> None:
    if (folder / PDF).is_file():
        with suppress(ChromiumError):
            print_pdf(fresh / PAGE, fresh / PDF, find_chromium(chromium))
        if not (fresh / PDF).is_file():
            (folder / PDF).unlink()


def _read_drawing(folder: Path) -> Drawing | None:
    with suppress(OSError, ValueError, KeyError, TypeError, ValidationError):
        said: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        return _DRAWINGS.validate_python(said["drawing"], strict=False)
    return None


def _assume_drawing(facts: Facts, frames: Mapping[str, pl.DataFrame]) -> Drawing:
    """What the tables themselves tell; the accounting of the run is not known."""
    first = frames["sales_by_month"]["month_start_date"].min()
    context = PageContext(
        as_of=facts.as_of,
        first_order_date=first if isinstance(first, date) else facts.as_of,
        last_order_date=facts.as_of,
        generated_at=facts.made_at,
        run_id=facts.run_id,
        target="",
        rows=Totals(None, None, None, None),
    )
    return Drawing("en", DEFAULT_CURRENCY, context)
