"""A run summary in; the artifact `run-summary` on the main flow run out, however the run ended.

Prefect keeps artifacts, and events that repeat them: so it has figures, names of files and of nodes, and no word of
errors, which may quote records. The log of the run and `runs/<run id>.json` say those.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from threading import Thread
from typing import Any

from prefect.context import FlowRunContext

from flows.run.artifacts import escape, markdown_table, publish

KEY = "run-summary"
MAX_FILES = 50
PATIENCE_SECONDS = 5.0  # a run that somebody stops must be gone soon, whether or not a server answers


def publish_overview(summary: Mapping[str, Any]) -> None:
    """Save it with the main run, within a bounded time; that it cannot be saved is no reason to fail."""
    if FlowRunContext.get() is None:
        return
    context = copy_context()
    saving = Thread(target=context.run, args=(_save, summary), daemon=True)
    saving.start()
    saving.join(PATIENCE_SECONDS)


def describe_run(summary: Mapping[str, Any]) -> str:
    """How it ended, files and rows, reasons, what took long, and where the report lies, as Markdown."""
    facts = [("status", summary["status"]), ("target", summary["target"]), ("as of", summary["as_of"] or "not known")]
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
    came, loaded, bad = (sum(file[key] for file in files) for key in ("rows_in", "rows_loaded", "rows_quarantined"))
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
    counts = f"{dbt['success']:,} succeeded, {dbt['error']:,} failed, {dbt['skipped']:,} skipped"
    sections = [f"## {dbt['nodes']:,} dbt nodes in {dbt['seconds']:.0f} s", f"{counts}."]
    if slowest := dbt.get("slowest"):
        rows = [
            (each["node"], f"{each['seconds']:.2f}", _say_rows(each["rows_affected"]), each["status"])
            for each in slowest
        ]
        sections.append(markdown_table(("slowest nodes", "seconds", "rows affected", "status"), rows))
    return sections


def _say_rows(count: int | None) -> str:
    return "not told" if count is None else f"{count:,}"


def _save(summary: Mapping[str, Any]) -> None:
    try:
        publish(KEY, f"The run: {escape(summary['status'])}", describe_run(summary))
    except Exception as error:  # whatever it is, the run has ended as it has
        logging.getLogger(__name__).warning("the artifact %s cannot be saved: %s", KEY, type(error).__name__)
