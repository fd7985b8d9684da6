"""KPI frames, their drawings and the facts of a run in; one self-contained page out, in the reader's language.

The page needs no network and no second file: it can be mailed, archived and printed. Its only script sorts tables and
is admitted by its hash; without it the tables are plain. What came from data passes Jinja's autoescape, and the page's
own policy forbids whatever might slip through.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import polars as pl
from markupsafe import Markup

from reports.fonts import font_faces
from reports.kpis import KPIS, Kpi, check_frame, last_year_start
from reports.languages import LANGUAGE_NAMES, Language, tr
from reports.paper import count_printed, name_further_columns, write_printed
from reports.past import write_past
from reports.quality import Quality, write_tests, write_warning
from reports.sections import CHANGES_WITH, FIVE, HEADINGS
from reports.summary import build_tiles, name_later_stores, write_title
from reports.tables import Head, Row, build_heads, build_rows, csv_link, shown_columns
from reports.templates import open_template
from reports.theme import PALETTE

SORT_SCRIPT = (Path(__file__).parent / "sort_tables.js").read_text(encoding="utf-8")
FIRST_ROWS = 10


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

    `is_behind`: files were loaded since the numbers were built.
    """

    as_of: date
    first_order_date: date
    last_order_date: date
    generated_at: datetime
    run_id: str
    target: str
    rows: Totals
    notes: tuple[str, ...] = ()
    quality: Quality = field(default_factory=Quality)
    is_behind: bool = False

    @property
    def past(self) -> str:
        """What changed the numbers of a past day since; empty for another day."""
        return write_past(self.quality.changes, self.as_of)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What readers must know before they trust the numbers, beside the findings of the build."""
        behind = tr("Files were loaded since these numbers were built; they are not in them.") if self.is_behind else ""
        return (*self.notes, *filter(None, (behind, self.past if self.quality.changes else "")))


@dataclass(frozen=True)
class Translation:
    """The same page in another language: the file beside it, and the language's own name."""

    language: Language
    file: str

    @property
    def name(self) -> str:
        """E.g. Français."""
        return LANGUAGE_NAMES[self.language]


@dataclass(frozen=True)
class Section:
    """One KPI as the page shows it: its question, sentence, two drawings, table; `height` rows are in all."""

    kpi: Kpi
    question: str
    headline: str
    wide: Markup
    narrow: Markup
    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    total: Row | None
    csv: str | None
    height: int
    doubts: tuple[str, ...]

    @property
    def file(self) -> str:
        """What holds all rows and columns: the CSV of the page, or of very many rows the table beside it."""
        return f"{self.kpi.name}.{'csv' if self.csv else 'parquet'}"

    @property
    def printed_rows(self) -> int:
        """How many rows of the table are printed."""
        return count_printed(self.kpi, self.height)

    @property
    def on_paper(self) -> str:
        """What the printed page says above its table or in its place."""
        return write_printed(self.kpi, self.height, shown_columns(self.kpi), self.file)

    @property
    def further_columns(self) -> str:
        """The columns that are not shown, and where they are; empty if there are none."""
        return name_further_columns(self.kpi, self.file)


def render_page(
    frames: Mapping[str, pl.DataFrame],
    page: Path,
    context: PageContext,
    drawings: Path | None = None,
    others: Sequence[Translation] = (),
) -> Path:
    """Write `page` from the frames of all KPIs and their drawings, `<kpi>.svg` and `<kpi>.narrow.svg`.

    The drawings lie beside the page, or in the folder `drawings`. Returns the path of the page. Raises ValueError if a
    frame is missing, unknown or not as its KPI declares, FileNotFoundError without a drawing.
    """
    drawings = drawings or page.parent
    if set(frames) != set(KPIS):
        wrong = ", ".join(sorted(set(frames) ^ set(KPIS)))
        raise ValueError(f"the page shows exactly the KPIs {', '.join(KPIS)}; missing or unknown: {wrong}")
    checked = {name: check_frame(kpi, frames[name]) for name, kpi in KPIS.items()}
    doubts = {name: context.quality.notes_at(name) for name in KPIS}
    shared = {heading.key: find_shared(heading.names, doubts) for heading in HEADINGS}
    html = open_template("page.html.j2").render(
        context=context,
        others=others,
        title=write_title(checked),
        tiles=build_tiles(checked),
        later_stores=name_later_stores(checked),
        headings=HEADINGS,
        five=FIVE,
        changes_with=CHANGES_WITH,
        sections={
            name: build_section(
                KPIS[name],
                checked[name],
                drawings,
                tuple(note for note in doubts[name] if note not in shared[heading.key]),
            )
            for heading in HEADINGS
            for name in heading.names
        },
        shared_doubts=shared,
        tests=write_tests(context.quality),
        warning=write_warning(context.quality),
        first_rows=FIRST_ROWS,
        year_start=last_year_start(context.as_of),
        palette=PALETTE,
        fonts=Markup(font_faces()),  # noqa: S704 - made of the font file alone
        script=Markup(SORT_SCRIPT),  # noqa: S704 - a constant
        script_hash=_sha256(SORT_SCRIPT),
    )
    page.write_text(html, encoding="utf-8", newline="\n")
    return page


def find_shared(names: Sequence[str], doubts: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What makes every number under a heading of several KPIs doubtful: it is told there, once."""
    first, *others = names
    return tuple(note for note in doubts[first] if others and all(note in doubts[name] for name in others))


def build_section(kpi: Kpi, frame: pl.DataFrame, folder: Path, doubts: tuple[str, ...] = ()) -> Section:
    """All that the template needs to show one KPI, from a checked frame; `doubts` stand beside its number."""
    rows = build_rows(kpi, frame)
    has_total = bool(rows) and rows[-1].is_total
    return Section(
        kpi=kpi,
        question=kpi.ask(frame),
        headline=kpi.headline(frame),
        wide=_read_svg(folder / f"{kpi.name}.svg"),
        narrow=_read_svg(folder / f"{kpi.name}.narrow.svg"),
        heads=build_heads(kpi),
        rows=rows[:-1] if has_total else rows,
        total=rows[-1] if has_total else None,
        csv=csv_link(kpi, frame),
        height=frame.height - (has_total and not kpi.totals),
        doubts=doubts,
    )


def _read_svg(path: Path) -> Markup:
    """A drawing of our own making, whose texts matplotlib has escaped."""
    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704


def _sha256(script: str) -> str:
    """The hash by which the page's policy admits the script (Content Security Policy Level 3, hash-source)."""
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
