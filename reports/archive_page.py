"""What the reports of all days say of themselves in; the page that lists them out, as self-contained as theirs."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from reports.facts import Facts
from reports.fonts import font_faces
from reports.templates import open_template
from reports.theme import PALETTE


def render_archive(listed: Sequence[Facts]) -> str:
    """The page, its rows in the order given; each leads to `<as_of>/index.html` beside it."""
    return open_template("archive.html.j2").render(
        listed=listed,
        palette=PALETTE,
        fonts=Markup(font_faces()),  # noqa: S704 - made of the font file alone
    )
