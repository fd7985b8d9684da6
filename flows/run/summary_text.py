"""A run summary in; a few lines for a person out."""

from __future__ import annotations

from typing import Any


def describe(summary: dict[str, Any]) -> str:
    """A run summary in a few lines for a person."""
    lines = ["", f"Run {summary['run_id']} {summary['status']}"]
    if summary["files"]:
        lines += _describe_files(summary["files"])
    if summary["dbt"]:
        lines += _describe_dbt(summary["dbt"], summary)
    if "forgotten" in summary:
        lines += _describe_forgotten(summary["forgotten"])
    if "days" in summary:
        lines.append(f"  reports {len(summary['days'])} days made")
    if summary["report"]:
        lines.append(f"  report  {summary['report']} (as of {summary['as_of']})")
    if summary.get("files_loaded_since_build"):
        lines.append("          files loaded since the build are not in it; build anew: python -m flows.transform")
    return "\n".join(lines)


def describe_done(summary: dict[str, Any]) -> str:
    """What stands of a run that did all it had to, but whose summary cannot be written."""
    loaded = sum(file["status"] in ("loaded", "replaced") for file in summary["files"])
    report = f", and the report is published: {summary['report']}" if summary["report"] else ""
    return (
        f"Everything else of this run is done and stands: {loaded} of its {len(summary['files'])} files were loaded"
        f"{report}. The next run loads nothing twice."
    )


def describe_age(source: dict[str, Any]) -> str:
    """How old a source is that is not fresh, as the summary tells it under `freshness`."""
    told = source["message"] or f"last loaded {source['max_loaded_at'] or 'never'}"
    return f"{source['source']}: {told}"


def _describe_dbt(dbt: dict[str, Any], summary: dict[str, Any]) -> list[str]:
    lines = [
        f"  dbt     {dbt['nodes']} nodes: {dbt['success']} succeeded, {dbt['error']} failed, "
        f"{dbt['skipped']} skipped ({dbt['seconds']:.0f} s)"
        if summary["status"] != "unchanged"
        else "  dbt     nothing to build: no file, code, setting or day asked for has changed (--rebuild forces it)"
    ]
    amounts = dbt.get("amounts_usd", {})
    for finding, count in dbt.get("findings", {}).items():
        money = f" ({float(amounts[finding]):,.2f} {summary['currency']})" if finding in amounts else ""
        lines.append(f"          counted {count:,} {finding}{money}")
    stale = [each for each in dbt.get("freshness", []) if each["status"] != "pass"]
    return lines + [f"          {describe_age(each)}" for each in stale]


def _describe_forgotten(said: dict[str, Any]) -> list[str]:
    changed = ", ".join(f"{count:,} {place}" for place, count in said["changed"].items()) or "nothing"
    delivered = ", ".join(said["still_in_source"])
    return [
        f"  {'would forget' if said['is_trial'] else 'forgot'} {', '.join(said['pseudonyms'])}",
        f"  {'would change' if said['is_trial'] else 'changed'} {changed}",
        *([f"  the source still holds ids, which no ingest will load: {delivered}"] if delivered else []),
    ]


def _describe_files(files: list[dict[str, Any]]) -> list[str]:
    statuses = [file["status"] for file in files]
    counted = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
    rows = {key: sum(file[key] for file in files) for key in ("rows_in", "rows_loaded", "rows_quarantined")}
    return [
        f"  files   {len(files)} ({counted})",
        f"  rows    {rows['rows_in']:,} in = {rows['rows_loaded']:,} loaded + {rows['rows_quarantined']:,} quarantined",
    ]
