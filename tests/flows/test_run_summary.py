"""docs/run-summary.md names what a run summary holds, no more and no less."""

from __future__ import annotations

import re
from typing import Any

from tests.conftest import PROJECT, Finished

PAGE = PROJECT / "docs" / "run-summary.md"
ONLY_OF_FAILURES = {"error"}
ONLY_OF_OTHER_PROGRAMS = {"days", "forgotten"}  # backfill and forget


def keys_of(section: str) -> set[str]:
    """The keys in the first column of a section's table."""
    text = PAGE.read_text(encoding="utf-8")
    body = text.split(f"\n## `{section}`")[1] if section else text
    rows = re.findall(r"^\| (`.+?`) \|", body.split("\n## ")[0], re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)}


def test_page_names_every_key_of_a_summary(shipped_run: Finished) -> None:
    summary: dict[str, Any] = shipped_run.summary
    assert keys_of("") - ONLY_OF_FAILURES - ONLY_OF_OTHER_PROGRAMS == set(summary)
    assert keys_of("files") - ONLY_OF_FAILURES == set(summary["files"][0])
    assert keys_of("dbt") == set(summary["dbt"])
