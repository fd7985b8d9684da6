"""The pages' templates: every value that enters one is escaped, and one that is missing is an error."""

from __future__ import annotations

from pathlib import Path

import jinja2

from reports.formats import format_date, format_integer, format_moment
from reports.languages import reader, tr, tr_many
from reports.names import clean_text

LONGEST_LINE = 500


def open_template(name: str) -> jinja2.Template:
    """The template of that name beside this file, with the formats of dates and numbers as filters."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(day=format_date, moment=format_moment, integer=format_integer, line=_one_line)
    environment.globals.update(tr=tr, tr_many=tr_many, language=reader().language)
    return environment.get_template(name)


def _one_line(text: str) -> str:
    return clean_text(text, LONGEST_LINE)
