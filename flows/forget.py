"""Customers who asked for it are forgotten: id and name go, their orders stay under a pseudonym.

First is noted, by keyed hashes, who is forgotten, so that from then on no ingest writes them. Then go the files, which
tell nobody anything that the warehouse does not know as well; then, in one transaction, the tables of the warehouse,
which are where their names are found; last the bytes that deleted rows leave. Each step can be repeated: a run that
was killed is made good by the next one with the same ids.
"""

from __future__ import annotations

from flows.run.forget_command import hand_over, read_command, take_ids

if __name__ == "__main__":
    COMMAND = read_command()  # the imports below take seconds

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import polars as pl
from prefect import flow, get_run_logger

from flows.errors import ConfigError
from flows.ingest import reach_source, run_as_task
from flows.lake.contracts import CONTRACTS
from flows.lake.forgetting import Forgotten
from flows.lake.forgotten_files import hide_in_parts, hide_in_summaries, remove_copies, remove_naming
from flows.lake.forgotten_texts import Names, is_delivered_in
from flows.lake.sources import SourceFile
from flows.run.artifacts import markdown_table, publish
from flows.run.command_line import run_with_options
from flows.run.forgotten_artifacts import hide_artifacts, hide_in_databases
from flows.run.settings import Settings, Target, load_settings
from flows.run.summary import Run, hold_warehouse, open_run
from flows.warehouse.base import Warehouse
from flows.warehouse.forgetting import add_forgotten
from reports.archive import list_reports, remove_report
from reports.redrawing import find_changed, redraw_report


@flow(name="forget")
def forget(
    ids_from: str | None = None,
    source: str | None = None,
    work_dir: str | None = None,
    target: Target | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Forget customers: their ids and names go out of everything that the product keeps.

    Args:
        ids_from: Text file with one customer id a line. The ids themselves are no parameter: Prefect would keep them.
        source: Where to look for files that still hold the ids; nothing is changed there. Empty: RETAIL_SOURCE.
        work_dir: Folder of everything that runs write. Empty: RETAIL_WORK_DIR, else data/work.
        target: The warehouse: local (an embedded DuckDB file) or redshift.
        dry_run: Only count what would be changed.
    """
    settings = load_settings(source=source, work_dir=work_dir, target=target)
    ids = take_ids(ids_from)
    with open_run(settings) as run, run.timed("forget"), hold_warehouse(run, settings) as warehouse:
        _forget(run, warehouse, ids, is_trial=dry_run)
    return run.summary


def _forget(run: Run, warehouse: Warehouse, ids: Sequence[str], *, is_trial: bool) -> None:
    settings, log = run.settings, get_run_logger()
    run_as_task("prepare warehouse", lambda: warehouse.prepare(CONTRACTS.values()))
    found = run_as_task("find their names", lambda: warehouse.find_names(ids))
    forgotten = add_forgotten(warehouse.read_forgotten(), found)
    names = Names(frozenset(ids).union(*found.values()))
    run_as_task("look into S3", lambda: purge_objects(run, warehouse, is_trial=True))  # or refuse, with nothing changed
    if not is_trial:
        run_as_task("note who is forgotten", lambda: warehouse.note_forgotten(forgotten, run.run_id))
    still_delivered = run_as_task("look into the source", lambda: find_delivered(settings, ids))
    changed = {
        "parts of lake and quarantine": run_as_task(
            "lake and quarantine", lambda: hide_in_parts(settings.work_dir, forgotten, is_trial=is_trial)
        ),
        "reports": run_as_task("reports", lambda: hide_in_reports(settings, forgotten, is_trial=is_trial)),
        "other files": run_as_task("other files", lambda: hide_in_files(settings, ids, names, is_trial=is_trial)),
        "artifacts": run_as_task("artifacts", lambda: hide_artifacts(names, is_trial=is_trial)),
        "rows of Prefect's databases": run_as_task(
            "Prefect's databases", lambda: hide_in_databases(settings, names, is_trial=is_trial)
        ),
    }
    changed |= run_as_task("objects in S3", lambda: purge_objects(run, warehouse, is_trial=is_trial))
    changed |= run_as_task(
        "tables of the warehouse", lambda: warehouse.replace_customers(ids, forgotten, is_trial=is_trial)
    )
    if not is_trial:
        run_as_task("write the warehouse anew", warehouse.rewrite)
    run.summary["forgotten"] = {
        "is_trial": is_trial,
        "pseudonyms": [forgotten.name_pseudonym(each) for each in ids],
        "known": sum(map(bool, found.values())),
        "changed": {place: count for place, count in changed.items() if count},
        "still_in_source": still_delivered,
    }
    publish("forgotten", "Customers who are forgotten", describe_forgotten(run.summary["forgotten"]))
    log.info("%d customers forgotten", 0 if is_trial else len(ids))


def find_delivered(settings: Settings, ids: Sequence[str]) -> list[str]:
    """The source files that hold one of these ids; for a source in S3, those of its copies that are there."""
    files: Sequence[SourceFile] = ()
    with suppress(ConfigError):  # a source that is not there delivers nothing
        files = reach_source(settings, settings.read_profile()).files
    holding = []
    for name, path in sorted((file.name, file.path) for file in files):
        with suppress(OSError, EOFError):  # no ingest can read it either, and says why
            if path.is_file() and not path.is_symlink() and is_delivered_in(path, ids):
                holding.append(name)
    return holding


def hide_in_reports(settings: Settings, forgotten: Forgotten, *, is_trial: bool) -> int:
    """Draw each report that shows one of them again, of whatever day; return how many."""
    count = 0
    for report in list_reports(settings.reports_dir):
        changed = find_changed(report.folder, lambda frame: _hide(frame, forgotten))
        count += bool(changed)
        if not changed or is_trial:
            continue
        try:
            redraw_report(report.folder, changed, report.facts, settings.chromium)
        except ValueError:
            get_run_logger().warning("the report of %s is of another version, and is removed", report.facts.as_of)
            remove_report(report, settings.reports_dir, settings.keep_reports)
    return count


def hide_in_files(settings: Settings, ids: Sequence[str], names: Names, *, is_trial: bool) -> int:
    """Summaries are rewritten; logs, what dbt wrote and copies from S3 are removed where they name them."""
    folders = [settings.work_dir / "dbt", settings.work_dir / "prefect" / "server.log"]
    return (
        hide_in_summaries(settings.runs_dir, names, is_trial=is_trial)
        + remove_naming(folders, names, is_trial=is_trial)
        + remove_copies(settings.incoming_dir, ids, is_trial=is_trial)
    )


def purge_objects(run: Run, warehouse: Warehouse, *, is_trial: bool) -> dict[str, int]:
    """Remember the files as they are now, and remove what S3 has beside them; return how many contents, by place."""
    if run.state is None:
        return {"staged objects": warehouse.purge_staged(is_trial=is_trial)}
    if not is_trial:
        run.state.publish()
    return {
        "staged objects": warehouse.purge_staged(is_trial=is_trial),
        "objects of RETAIL_STATE": run.state.purge(is_trial=is_trial),
    }


def describe_forgotten(forgotten: dict[str, Any]) -> str:
    """What became of them, as Markdown that is plain enough to be printed."""
    heads = ("Would change", "Customers that would be forgotten") if forgotten["is_trial"] else ("Changed", "Customers")
    lines = [
        markdown_table((heads[1],), [(f"{each}",) for each in forgotten["pseudonyms"]]),
        markdown_table((heads[0], "count"), list(forgotten["changed"].items())),
    ]
    if forgotten["still_in_source"]:
        files = ", ".join(forgotten["still_in_source"])
        lines.append(
            f"These source files still hold ids: {files}. They are the retailer's own, and nothing is changed there; "
            "no ingest brings the customers back from them."
        )
    return "\n\n".join(lines)


def _hide(frame: pl.DataFrame, forgotten: Forgotten) -> pl.DataFrame:
    ids, names = ([name for name in (each,) if name in frame.columns] for each in ("customer_id", "customer_name"))
    return forgotten.hide_people(frame, ids, names)


if __name__ == "__main__":
    hand_over(COMMAND)
    sys.exit(run_with_options("forget", forget, COMMAND.options))
