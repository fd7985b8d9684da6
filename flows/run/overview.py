"""A run summary in; the artifact `run-summary` on the main flow run out, while it runs and however it ended.

Prefect keeps artifacts, and events that repeat them: so it has figures, names of files and of nodes, and no word of
errors, which may quote records. The log of the run and `runs/<run id>.json` say those.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from datetime import datetime
from threading import Thread
from typing import Any
from uuid import UUID

from prefect.context import FlowRunContext

from flows.run.artifacts import escape, markdown_table, publish

KEY = "run-summary"
MAX_FILES = 50
PATIENCE_SECONDS = 5.0  # a run that somebody stops must be gone soon, whether or not a server answers


def publish_overview(summary: Mapping[str, Any], begun_at_utc: datetime, shown: list[UUID]) -> None:
    """Save it with the main run, within a bounded time; that it cannot be saved is no reason to fail.

    `shown` gets the id of the artifact, as soon as that is known; where it has one, that artifact is changed in its
    place. It belongs to the run: an answer that comes late, or in the midst of which the run is stopped, counts too.
    """
    if FlowRunContext.get() is None:
        return
    context = copy_context()
    saving = Thread(target=context.run, args=(_save, summary, begun_at_utc, shown), daemon=True)
    saving.start()
    saving.join(PATIENCE_SECONDS)


def describe_in_short(summary: Mapping[str, Any]) -> str:
    """How the run went in one line of figures: what the list of artifacts shows."""
    found = []
    if files := summary["files"]:
        came, loaded, bad = _count_rows(files)
        found.append(f"{len(files):,} files, {came:,} records: {loaded:,} loaded, {bad:,} set aside")
    if (dbt := summary["dbt"]) and dbt["nodes"]:
        found.append(f"{dbt['nodes']:,} dbt nodes in {dbt['seconds']:.0f} s: {_count_nodes(dbt)}")
    return ": ".join([str(summary["status"]), *(["; ".join(found)] if found else [])])


def describe_run(summary: Mapping[str, Any], begun_at_utc: datetime | None = None) -> str:
    """How it goes or ended, files and rows, reasons, what took long, and where the report lies, as Markdown."""
    status = summary["status"]
    if status == "running" and begun_at_utc:
        status = f"running since {begun_at_utc:%Y-%m-%d %H:%M} UTC"
    facts = [("status", status), ("target", summary["target"]), ("as of", summary["as_of"] or "not known")]
    facts += [(f"seconds of {step}", f"{seconds:.1f}") for step, seconds in summary["seconds"].items()]
    sections = ["# This run", markdown_table(("what", "value"), facts)]
    if summary.get("error"):
        sections.append("**It did not end well.** The log of the run says why, and the cure.")
    if summary["files"]:
        sections += _describe_files(summary["files"])
    if summary["dbt"]:
        sections += _describe_nodes(summary["dbt"])
    if usage := summary.get("usage"):
        charged = f"{usage['rpu_seconds']:,} RPU-seconds while it ran, about ${escape(usage['usd'])}"
        sections.append(
            f"Redshift Serverless charged {charged}. This is an estimate: others' work counts in, and the newest "
            "minutes are counted later."
        )
    if summary["report"]:
        sections.append(f"The report: {escape(summary['report'])}")
    return "\n\n".join(sections) + "\n"


def _describe_files(files: Sequence[Mapping[str, Any]]) -> list[str]:
    came, loaded, bad = _count_rows(files)
    columns = ("file", "status", "rows_in", "rows_loaded", "rows_quarantined")
    reasons = Counter[str]()
    for file in files:
        reasons.update(file["reasons"])
    changed = [file for file in files if file["status"] != "unchanged"]
    sections = [f"## {len(files):,} files", f"{came:,} rows in = {loaded:,} loaded + {bad:,} set aside."]
    if changed:
        rows = [[file[column] for column in columns] for file in changed[:MAX_FILES]]
        sections.append(markdown_table(("file", "status", "in", "loaded", "set aside"), rows))
    if len(changed) > MAX_FILES:
        sections.append(f"And {len(changed) - MAX_FILES:,} more files, which the artifact ingest-files has.")
    if reasons:
        sections.append(markdown_table(("why set aside", "records"), reasons.most_common()))
    return sections


def _describe_nodes(dbt: Mapping[str, Any]) -> list[str]:
    sections = [f"## {dbt['nodes']:,} dbt nodes in {dbt['seconds']:.0f} s", f"{_count_nodes(dbt)}."]
    if slowest := dbt.get("slowest"):
        told = {"slowest nodes": [each["node"] for each in slowest]}
        told["seconds"] = [f"{each['seconds']:.2f}" for each in slowest]
        if any(each["rows_affected"] is not None for each in slowest):  # DuckDB tells it of no node
            told["rows affected"] = [_say_rows(each["rows_affected"]) for each in slowest]
        told["status"] = [each["status"] for each in slowest]
        sections.append(markdown_table(tuple(told), zip(*told.values(), strict=True)))
    return sections


def _count_rows(files: Sequence[Mapping[str, Any]]) -> tuple[int, int, int]:
    """Records that came, that were loaded, and that were set aside."""
    came, loaded, bad = (sum(file[key] for file in files) for key in ("rows_in", "rows_loaded", "rows_quarantined"))
    return came, loaded, bad


def _count_nodes(dbt: Mapping[str, Any]) -> str:
    return f"{dbt['success']:,} succeeded, {dbt['error']:,} failed, {dbt['skipped']:,} skipped"


def _say_rows(count: int | None) -> str:
    return "not told" if count is None else f"{count:,}"


def _save(summary: Mapping[str, Any], begun_at_utc: datetime, shown: list[UUID]) -> None:
    try:
        title, text = escape(describe_in_short(summary)), describe_run(summary, begun_at_utc)
        artifact = publish(KEY, title, text, instead_of=shown[0] if shown else None)
        shown[:] = shown or [artifact]
    except Exception as error:  # whatever it is, the run goes on or has ended as it has
        logging.getLogger(__name__).warning("the artifact %s cannot be saved: %s", KEY, type(error).__name__)
