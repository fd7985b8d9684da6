"""What the reports of all days say of themselves in; the page that lists them out, as self-contained as theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from markupsafe import Markup

from reports.fonts import font_faces
from reports.templates import open_template
from reports.theme import PALETTE


@dataclass(frozen=True)
class Facts:
    """What a report says of itself; `made_at` is UTC, `build_id` is empty where it is not known.

    `covers_all`: no order known when it was made is later than `as_of`. `is_backfilled`: somebody asked for this very
    day, long after it; it stays for good, and `latest` does not follow it.
    """

    as_of: date
    title: str
    made_at: datetime
    build_id: str
    run_id: str
    covers_all: bool
    is_backfilled: bool = False


def render_archive(listed: Sequence[Facts]) -> str:
    """The page, its rows in the order given; each leads to `<as_of>/index.html` beside it."""
    return open_template("archive.html.j2").render(
        listed=listed,
        palette=PALETTE,
        fonts=Markup(font_faces()),  # noqa: S704 - made of the font file alone
    )
