"""Raw tables → star schema: `dbt build` through prefect-dbt, in this process, one task run a node.

What dbt did is read from its `run_results.json` alone: prefect-dbt shows a node that dbt skipped as completed.
A retry re-runs only what failed, and only what broke: a failed data test is a fact about the data, and is not retried.
"""

from __future__ import annotations

from flows.run.command_line import check_command

if __name__ == "__main__":
    check_command("transform")  # the imports below take seconds

import shutil
import sys
from datetime import date
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import task_run
from prefect.tasks import Task

from flows.errors import LoadError
from flows.marts.findings import count_findings, count_tests, find_examples, measure_amounts, name_deliveries
from flows.marts.freshness import Freshness, measure_freshness
from flows.marts.proof import built_from_sha256, check_complete, prove_build
from flows.marts.results import (
    BROKEN,
    GOOD,
    NodeResult,
    attempts_dir,
    count_nodes,
    describe_build,
    describe_counts,
    describe_failure,
    keep_attempt,
    list_slowest,
    read_attempts,
    read_meanings,
)
from flows.marts.runner import invoke_dbt, release_warehouse
from flows.run.artifacts import escape, publish
from flows.run.command_line import run_flow
from flows.run.full_disk import NO_ROOM, has_no_room
from flows.run.run_names import name_flow_run
from flows.run.settings import Settings, Target, load_settings
from flows.run.summary import Run, hold_warehouse, open_run
from flows.warehouse.base import Warehouse

BUILD = ["build"]
EXAMPLES = "unit_test"


@flow(name="transform", flow_run_name=name_flow_run)
def transform(
    source: str | None = None,
    work_dir: str | None = None,
    target: Target | None = None,
    as_of: date | None = None,
    profile: str | None = None,
) -> dict[str, Any]:
    """Build the star schema from the raw tables with dbt, and test it.

    Args:
        source: Not used by this flow.
        work_dir: Folder for everything a run writes. Empty: RETAIL_WORK_DIR, else data/work.
        target: The warehouse: local (an embedded DuckDB file) or redshift.
        as_of: Day of the forecasts, of stock, of what to order and of products bought together, and of the build's
            proof; other tables are the same for every day. Empty: the last plausible order date.
        profile: Source profile, a TOML file: how a shop's own files are named and written. Empty: RETAIL_PROFILE.
    """
    settings = load_settings(source=source, profile=profile, work_dir=work_dir, target=target, as_of=as_of)
    with open_run(settings) as run, run.timed("transform"):
        _check_warehouse(settings)
        with hold_warehouse(run, settings) as warehouse:
            build_marts(run, warehouse)
    return run.summary


def build_marts(run: Run, warehouse: Warehouse, *, anew: bool = False) -> None:
    """Build and test the star schema, and prove it; `anew`, also what has not changed.

    Raises:
        LoadError: a node failed, or the build cannot be proven.
    """
    settings = run.settings
    shutil.rmtree(attempts_dir(settings), ignore_errors=True)
    run.summary["dbt"] = {"nodes": 0, "success": 0, "error": 0, "skipped": 0, "seconds": 0.0}
    freshness: list[Freshness] = []
    try:
        parse_project(settings)
        build, examples = ([*BUILD, "--full-refresh"], None) if anew else _choose_build(warehouse, settings)
        freshness = check_freshness(settings)
        with run.timed("dbt"):
            _with_retries(dbt_build, settings)(settings, build)
    except LoadError as error:
        release_warehouse(settings)
        failed = [result for result in read_attempts(settings) if result.status not in GOOD]
        told = f"{error}{name_deliveries(failed, warehouse.engine(), settings.active_prefix)}"
        raise LoadError("\n".join([told, *_explain_timeout(failed, warehouse, settings)])) from error
    finally:
        release_warehouse(settings)
        seconds = run.summary["seconds"].pop("dbt", 0.0)
        results = read_attempts(settings)
        run.summary["dbt"] = count_nodes(results) | {
            "seconds": seconds,
            "slowest": list_slowest(results),
            "findings": count_findings(results),
            "amounts_usd": {},
            "freshness": [each.summarise() for each in freshness],
        }
        publish(
            "dbt-build", escape(describe_counts(results, seconds)), describe_build(results, seconds, run.summary["dbt"])
        )
    warehouse.prove_hold()
    check_complete(results, settings, leave_out=() if examples is None else (EXAMPLES,))
    amounts = measure_amounts(results, warehouse.engine())
    run.summary["dbt"]["amounts_usd"] = amounts
    found: dict[str, Any] = {"counts": count_findings(results), "amounts_usd": amounts}
    found["tests"] = count_tests(results, proven_examples=examples)
    found["classes"] = settings.customer_classes()
    prove_build(warehouse, settings, run.run_id, found | {"freshness": run.summary["dbt"]["freshness"]})


def _explain_timeout(failed: list[NodeResult], warehouse: Warehouse, settings: Settings) -> list[str]:
    """What to say of nodes whose statements took too long: the limit, and who may have blocked them."""
    if not any(result.has_timed_out for result in failed):
        return []
    limit = (
        f"A statement may run for {settings.statement_timeout_s} s (RETAIL_STATEMENT_TIMEOUT_S); this is not retried."
    )
    return [limit, *(f"  - {blocker}" for blocker in warehouse.find_blockers())]


@task(name="dbt parse", task_run_name="dbt parse", cache_policy=NO_CACHE)
def parse_project(settings: Settings) -> None:
    """Parse the project; an error in it is final, no retry can mend it."""
    try:
        invoke_dbt(["parse"], settings)
    except ValueError as error:
        raise LoadError(f"dbt cannot read its project: {error}. Correct the file it names.") from error


@task(name="dbt source freshness", task_run_name="dbt source freshness", cache_policy=NO_CACHE)
def check_freshness(settings: Settings) -> list[Freshness]:
    """How old the newest load of each source is; an old one is told, and never fails the run."""
    log = get_run_logger()
    try:
        found = measure_freshness(settings)
    except ValueError as error:
        log.warning("the age of the sources cannot be read: %s", error)
        return []
    for each in found:
        if each.status != "pass":
            log.warning("%s", each.describe())
    return found


def _choose_build(warehouse: Warehouse, settings: Settings) -> tuple[list[str], dict[str, int] | None]:
    """A build of what has changed; of everything, where this very project did not make and prove the marts.

    Beside it, how many examples (dbt's unit tests) the proof counted: of the same code they prove the same again, so
    they are left out. None: they are to run.
    """
    warehouse.prove_hold()
    proven = warehouse.read_build()
    warehouse.close()  # within one process dbt's own connection to a DuckDB file must be alone
    if proven is None or proven.project_sha256 != built_from_sha256(settings):
        get_run_logger().info("the marts are not of this version of the dbt project: everything is built anew")
        return [*BUILD, "--full-refresh"], None
    examples = find_examples(proven)
    return (BUILD if examples is None else [*BUILD, "--exclude-resource-type", EXAMPLES]), examples


@task(name="dbt build", task_run_name="dbt build", cache_policy=NO_CACHE)
def dbt_build(settings: Settings, build: list[str]) -> None:
    """Build and test every node; on a retry only those that failed and what depends on them."""
    results = settings.dbt_target_dir / "run_results.json"
    attempt = int(task_run.run_count or 1)
    if attempt == 1:
        results.unlink(missing_ok=True)  # `dbt retry` must never read the results of an older run
    command = ["retry"] if results.exists() else build
    try:
        invoke_dbt(command, settings)
    except ValueError as error:
        raise LoadError(f"dbt {command[0]} did not run: {error}") from error
    finally:
        keep_attempt(results, attempt, settings)
    failed = [result for result in read_attempts(settings) if result.status not in GOOD]
    if failed:
        raise LoadError(describe_failure(failed, read_meanings(settings)))


def _with_retries(build: Task[[Settings, list[str]], None], settings: Settings) -> Task[[Settings, list[str]], None]:
    return build.with_options(
        retries=settings.dbt_retries,
        retry_delay_seconds=settings.dbt_retry_delay_seconds,
        retry_condition_fn=lambda _task, _run, _state: _is_worth_retrying(settings, _task, _run, _state),
    )


def _is_worth_retrying(settings: Settings, _task: object, _run: TaskRun, _state: State[Any]) -> bool:
    """Whether something broke (a connection, SQL that failed): no time-out, full disk or test that found bad data."""
    if has_no_room(settings.work_dir):
        return False
    results = read_attempts(settings)
    return not results or any(
        result.status in BROKEN and not (result.has_timed_out or NO_ROOM.search(result.message)) for result in results
    )


def _check_warehouse(settings: Settings) -> None:
    """Raise before any work if the warehouse cannot be reached for a reason that is known already."""
    if settings.target == "local" and not settings.duckdb_path.is_file():
        raise LoadError(f"{settings.duckdb_path}: there is no warehouse yet. Load files first: python -m flows.ingest")


if __name__ == "__main__":
    sys.exit(run_flow("transform", transform))
