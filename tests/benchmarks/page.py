"""The page of the benchmarks: prose by hand, and sections between comments that only the benchmark writes.

A section stands between two comments with its name, `<!-- growth -->`, and says itself when, of which code and on which
machine it was measured. So a table cannot be older than the line above it says, and no run touches another's section.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime

from tests.benchmarks.measure import ROOT

PAGE = "docs/benchmarks.md"
MARK = re.compile(r"^<!-- ([a-z]+) -->\n", re.MULTILINE)


class PageError(ValueError):
    """The page has no place for a section, or its comments do not come in pairs."""


def read_sections(text: str) -> dict[str, str]:
    """Name → what stands between its two comments.

    Raises:
        PageError: a comment has no partner, or a name comes twice.
    """
    _, *parts = MARK.split(text)  # name, text behind it, name, text behind it, …
    names, texts = parts[::2], parts[1::2]
    if names[::2] != names[1::2] or len(set(names)) * 2 != len(names):
        raise PageError(f"the comments {', '.join(names)} are not pairs, one for each section, one after another")
    return dict(zip(names[::2], texts[::2], strict=True))


def read_prose(text: str) -> str:
    """What is written by hand: all that stands in no section."""
    read_sections(text)
    return "".join(MARK.split(text)[::4])


def put_section(text: str, name: str, section: str) -> str:
    """The page with that section in the place of what stood between its comments, and nothing else changed.

    Raises:
        PageError: there is no such place.
    """
    if name not in read_sections(text):
        raise PageError(f"there is no place for {name}: write the line <!-- {name} --> twice where it is to stand")
    comment = f"<!-- {name} -->\n"
    before, _, rest = text.partition(comment)
    _, _, after = rest.partition(comment)
    return f"{before}{comment}{section}\n{comment}{after}"


def describe_measurement(environment: Mapping[str, str]) -> str:
    """The first line of a section: the day, the commit and the machine of its run."""
    facts = "; ".join(f"{key}: {value}" for key, value in environment.items())
    return f"Measured {datetime.now(UTC):%Y-%m-%d}, {_describe_code()}. {facts}"


def _describe_code() -> str:
    """The commit, and whether anything but the page differs from it."""
    commit, changed = (
        subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
        for arguments in (("rev-parse", "--short=10", "HEAD"), ("status", "--porcelain", "--", ".", f":!{PAGE}"))
    )
    if not commit:
        return "of a copy without history"
    return f"commit {commit}{' with changes' if changed else ''}"
