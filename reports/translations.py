"""A report's frames in; its page in the languages that it was not drawn in out, beside the page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from reports.drawing import Picture, draw_pictures
from reports.languages import LANGUAGES, Language, speaking
from reports.page import PageContext, Translation, render_page

PAGE = "index.html"


def write_translations(
    frames: Mapping[str, pl.DataFrame], folder: Path, context: PageContext, language: Language
) -> None:
    """The page in each language but that one, beside it; its drawings are in the page alone."""
    for other in list_others(language):
        with speaking(other.language), TemporaryDirectory() as drawings:
            draw_pictures([Picture(name, "svg", Path(drawings)) for name in frames], frames)
            render_page(frames, folder / other.file, context, Path(drawings), list_others(other.language, language))


def list_others(language: Language, main: Language | None = None) -> list[Translation]:
    """The pages in the other languages as that page links them; `main` is the language of index.html."""
    return [
        Translation(other, PAGE if other == main else f"index.{other}.html") for other in LANGUAGES if other != language
    ]
