"""The pages' templates: every value that enters one is escaped, and one that is missing is an error."""

from __future__ import annotations

from pathlib import Path

import jinja2

from reports.formats import clean_text, count_of, format_date, format_integer, format_moment

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
    environment.filters.update(
        day=format_date, moment=format_moment, integer=format_integer, count_of=count_of, line=_one_line
    )
    return environment.get_template(name)


def _one_line(text: str) -> str:
    return clean_text(text, LONGEST_LINE)
