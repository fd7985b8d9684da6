"""dbt in this process, through prefect-dbt: one task run a node, or none; settings as its environment."""

from __future__ import annotations

import json
import sys
from typing import Any

from dbt_common.events.base_types import EventLevel
from prefect_dbt import PrefectDbtRunner, PrefectDbtSettings

from flows.marts.environment import hold_environment
from flows.marts.guard import guard_connections
from flows.marts.node_runs import run_nodes_as_tasks
from flows.run.interruption import raise_if_stopped
from flows.run.settings import Settings
from flows.run.target import dbt_environment

PARTIAL_PARSE = "partial_parse.msgpack"  # what dbt has parsed, in its target folder


def invoke_dbt(arguments: list[str], settings: Settings, **options: Any) -> None:
    """Run dbt in this process, with the settings as its environment.

    Raises:
        ValueError: dbt could not run at all; nodes that fail are only in run_results.json.
    """
    variables_of_run = settings.dbt_variables()
    if variables_of_run and arguments != ["retry"]:  # a retry takes the variables of the run it repeats
        options["vars"] = json.dumps(variables_of_run)
    prepare_dbt(settings)
    with (
        dbt_environment(settings) as variables,
        hold_environment(variables | log_path(settings)),
        guard_connections(settings),
        run_nodes_as_tasks(),
    ):
        _invoke(arguments, settings, log_level_file="info", use_colors=False, use_colors_file=False, **options)


def prepare_dbt(settings: Settings) -> None:
    """Make the folder that dbt writes to, and let it find the project's plugins."""
    settings.dbt_target_dir.mkdir(parents=True, exist_ok=True)
    drop_parse_of_elsewhere(settings)
    _let_find_plugins(str(settings.dbt_project_dir / "plugins"))


def log_path(settings: Settings) -> dict[str, str]:
    """The variable that tells dbt where to write its whole log."""
    return {"DBT_LOG_PATH": str(settings.dbt_target_dir / "logs")}


def _invoke(arguments: list[str], settings: Settings, **options: Any) -> None:
    """Run dbt; what is no mere error, such as the signal that ends this process, is raised as it came.

    prefect-dbt shows it in a hook only and wraps it in a ValueError (PrefectHQ/prefect #23161).
    """
    runner = PrefectDbtRunner(
        settings=PrefectDbtSettings(
            project_dir=settings.dbt_project_dir,
            profiles_dir=settings.dbt_project_dir,
            target_path=settings.dbt_target_dir,
            log_level=EventLevel.WARN,  # a line a node comes from Prefect; the whole log is in dbt.log
        ),
        raise_on_failure=False,
        _disable_callbacks=not settings.dbt_node_runs,  # they are what makes the task runs and tells of nodes
    )
    ends: list[BaseException | None] = []
    runner.on_run_end(lambda context: ends.append(context.error))
    try:
        runner.invoke(arguments, target=settings.target, **options)
    finally:
        raise_if_stopped()
        for end in ends:
            if end is not None and not isinstance(end, Exception):
                raise end


def drop_parse_of_elsewhere(settings: Settings) -> None:
    """Have dbt parse anew where the project was moved; else it would look for seeds where they were."""
    note, here = settings.dbt_target_dir / "parsed_in.txt", str(settings.dbt_project_dir.resolve())
    if not note.is_file() or note.read_text(encoding="utf-8") != here:
        (settings.dbt_target_dir / PARTIAL_PARSE).unlink(missing_ok=True)
        note.write_text(here, encoding="utf-8")


def _let_find_plugins(folder: str) -> None:
    """Put the project's plugins where dbt looks for them first; `make` does so for the command line of dbt."""
    if sys.path[0] != folder:
        sys.path.insert(0, folder)


def release_warehouse(settings: Settings) -> None:
    """Close the connection that an in-process dbt keeps, so that other programs can open the DuckDB file."""
    if settings.target == "local":
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        DuckDBConnectionManager.close_all_connections()
