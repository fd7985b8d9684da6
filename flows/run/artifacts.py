"""Markdown for flow artifacts: tables whose cells cannot break out of them, whatever text they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import cast
from uuid import UUID

from prefect.artifacts import MarkdownArtifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.objects import Artifact

from flows.run.summary import find_run
from reports.names import NO_BREAKS, clean_text

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$-])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(text: object, limit: int = 500) -> str:
    """Text that Markdown and HTML show as it is, on one line, shortened to `limit` characters."""
    plain = clean_text("".join(char if char.isprintable() or char in NO_BREAKS else " " for char in str(text)), limit)
    return "".join(_HTML.get(char, char) for char in _SPECIAL.sub(r"\\\1", plain))


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; numbers stand right, with separators of thousands."""
    rows = list(rows)
    numeric = [bool(rows) and all(isinstance(row[i], int) for row in rows) for i in range(len(header))]
    lines = [
        "| " + " | ".join(header) + " |",
        "|" + "|".join("---:" if is_number else "---" for is_number in numeric) + "|",
    ]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def publish(key: str, title: str, markdown: str, *, instead_of: UUID | None = None) -> UUID:
    """Save a Markdown artifact of the main run, where people look, whichever flow inside it made it; its id.

    `instead_of` is the id of one that this run saved before, which gets these texts: whoever looks at it sees it grow.
    """
    if instead_of is not None:
        with get_client(sync_client=True) as client:
            client.update_artifact(instead_of, ArtifactUpdate(data=markdown, description=title))
        return instead_of
    run = find_run()
    flow_run_id = UUID(run.run_id) if run else None
    artifact = MarkdownArtifact(key=key, markdown=markdown, description=title, flow_run_id=flow_run_id)
    return cast("Artifact", artifact.create()).id


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else escape(value)
