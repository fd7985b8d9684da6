"""Raw tables → star schema: `dbt build` through prefect-dbt, in this process, one task run a node.

What dbt did is read from its `run_results.json` alone: prefect-dbt shows a node that dbt skipped as completed.
A retry re-runs only what failed, and only what broke: a failed data test is a fact about the data, and is not retried.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dbt_common.events.base_types import EventLevel
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import task_run
from prefect.tasks import Task
from prefect_dbt import PrefectDbtRunner, PrefectDbtSettings

from flows.artifacts import markdown_table, publish
from flows.command_line import run_flow
from flows.errors import LoadError
from flows.run import Run, open_run
from flows.settings import Settings, Target, load_settings
from flows.target import dbt_environment, open_warehouse

GOOD = ("success", "pass", "warn")
NODE_SECONDS = 60  # for the server to take in the last task runs
BROKEN = ("error", "runtime error", "partial success")


@dataclass(frozen=True)
class NodeResult:
    """The last word of dbt on one node: `status` as in run_results.json, `attempts` how often it ran.

    `failures` is what a data test counted; 0 for other nodes.
    """

    node: str
    status: str
    message: str
    attempts: int
    failures: int = 0

    @property
    def name(self) -> str:
        """The node's name without its package and without the hash of a test, e.g. `model.dim_stores`."""
        kind, _, name = self.node.split(".", 2)
        return f"{kind}.{name.split('.')[0] if kind == 'test' else name}"

    @property
    def finding(self) -> str:
        """What a test that only warns is about, e.g. `orders of unknown customers`."""
        return self.name.removeprefix("test.").removeprefix("warn_").replace("_", " ")


@flow(name="transform")
def transform(
    source: str | None = None, work_dir: str | None = None, target: Target | None = None, as_of: date | None = None
) -> dict[str, Any]:
    """Build the star schema from the raw tables with dbt, and test it.

    Args:
        source: Not used by this flow.
        work_dir: Folder for everything a run writes. Empty: RETAIL_WORK_DIR, else data/work.
        target: The warehouse: local (an embedded DuckDB file) or redshift.
        as_of: Last day that customer classes cover. Empty: the last order date in the data.
    """
    settings = load_settings(source=source, work_dir=work_dir, target=target, as_of=as_of)
    with open_run(settings) as run, run.timed("transform"):
        warehouse = open_warehouse(settings)
        try:
            _check_warehouse(settings)
            with warehouse.hold(run.run_id):
                _transform(run)
        finally:
            warehouse.close()
    return run.summary


def _transform(run: Run) -> None:
    settings = run.settings
    build_marker(settings).unlink(missing_ok=True)
    shutil.rmtree(_attempts_dir(settings), ignore_errors=True)
    run.summary["dbt"] = {"nodes": 0, "success": 0, "error": 0, "skipped": 0, "seconds": 0.0}
    try:
        parse_project(settings)
        with run.timed("dbt"):
            _with_retries(dbt_build, settings)(settings)
    finally:
        seconds = run.summary["seconds"].pop("dbt", 0.0)
        results = read_attempts(settings)
        findings = {result.finding: result.failures for result in results if result.status == "warn"}
        run.summary["dbt"] = count_nodes(results) | {"seconds": seconds, "findings": findings}
        publish("dbt-build", "What dbt built and tested", _report_nodes(results, seconds))
        release_warehouse(settings)
    build_marker(settings).write_text(json.dumps({"run_id": run.run_id, "findings": findings}), encoding="utf-8")


@task(name="dbt parse", cache_policy=NO_CACHE)
def parse_project(settings: Settings) -> None:
    """Parse the project; an error in it is final, no retry can mend it."""
    try:
        invoke_dbt(["parse"], settings)
    except ValueError as error:
        raise LoadError(f"dbt cannot read its project: {error}. Correct the file it names.") from error


@task(name="dbt build", cache_policy=NO_CACHE)
def dbt_build(settings: Settings) -> None:
    """Build and test every node; on a retry only those that failed and what depends on them."""
    results = settings.dbt_target_dir / "run_results.json"
    attempt = int(task_run.run_count or 1)
    if attempt == 1:
        results.unlink(missing_ok=True)  # `dbt retry` must never read the results of an older run
    command = ["retry"] if results.exists() else ["build"]
    try:
        invoke_dbt(command, settings)
    except ValueError as error:
        raise LoadError(f"dbt {command[0]} did not run: {error}") from error
    finally:
        _keep_attempt(results, attempt, settings)
    failed = [result for result in read_attempts(settings) if result.status not in GOOD]
    if failed:
        raise LoadError(_failure(failed))


def invoke_dbt(arguments: list[str], settings: Settings, **options: Any) -> None:
    """Run dbt in this process, with the settings as its environment.

    Raises:
        ValueError: dbt could not run at all; nodes that fail are only in run_results.json.
    """
    if settings.as_of and arguments != ["retry"]:  # a retry takes the variables of the run it repeats
        options["vars"] = json.dumps({"as_of": settings.as_of.isoformat()})
    settings.dbt_target_dir.mkdir(parents=True, exist_ok=True)
    runner = PrefectDbtRunner(
        settings=PrefectDbtSettings(
            project_dir=settings.dbt_project_dir,
            profiles_dir=settings.dbt_project_dir,
            target_path=settings.dbt_target_dir,
            log_level=EventLevel.WARN,  # a line a node comes from Prefect; the whole log is in dbt.log
        ),
        raise_on_failure=False,
    )
    with _environment(dbt_environment(settings) | {"DBT_LOG_PATH": str(settings.dbt_target_dir / "logs")}), _joined():
        runner.invoke(
            arguments, target=settings.target, log_level_file="info", use_colors=False, use_colors_file=False, **options
        )


def release_warehouse(settings: Settings) -> None:
    """Close the connection that an in-process dbt keeps, so that other programs can open the DuckDB file."""
    if settings.target == "local":
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        DuckDBConnectionManager.close_all_connections()


def build_marker(settings: Settings) -> Path:
    """The file that stands while the marts are those of a build whose every test passed."""
    return settings.dbt_target_dir / "build_passed.json"


def read_attempts(settings: Settings) -> list[NodeResult]:
    """The last result of each node over all attempts of this run, in the order dbt first ran them."""
    results: dict[str, NodeResult] = {}
    for path in sorted(_attempts_dir(settings).glob("*.json")):
        for result in json.loads(path.read_text(encoding="utf-8"))["results"]:
            before = results.get(result["unique_id"])
            results[result["unique_id"]] = NodeResult(
                result["unique_id"],
                result["status"],
                " ".join((result["message"] or "").split()),
                (before.attempts if before else 0) + (result["status"] != "skipped"),
                result["failures"] or 0,
            )
    is_hook = {node for node in results if node.startswith("operation.")}  # of interest only if it fails
    return [result for node, result in results.items() if node not in is_hook or result.status not in GOOD]


def count_nodes(results: Sequence[NodeResult]) -> dict[str, int]:
    """How many nodes ended how; a warning is a success."""
    success = sum(result.status in GOOD for result in results)
    skipped = sum(result.status == "skipped" for result in results)
    return {
        "nodes": len(results),
        "success": success,
        "error": len(results) - success - skipped,
        "skipped": skipped,
        "warned": sum(result.status == "warn" for result in results),
        "retried": sum(result.attempts > 1 for result in results),
    }


def _with_retries(build: Task[[Settings], None], settings: Settings) -> Task[[Settings], None]:
    return build.with_options(
        retries=settings.dbt_retries,
        retry_delay_seconds=settings.dbt_retry_delay_seconds,
        retry_condition_fn=lambda _task, _run, _state: _is_worth_retrying(settings, _task, _run, _state),
    )


def _is_worth_retrying(settings: Settings, _task: object, _run: TaskRun, _state: State[Any]) -> bool:
    """Whether something broke (a connection, a lock, SQL that failed), rather than only tests that found bad data."""
    results = read_attempts(settings)
    return not results or any(result.status in BROKEN for result in results)


def _check_warehouse(settings: Settings) -> None:
    """Raise before any work if the warehouse cannot be reached for a reason that is known already."""
    if settings.target == "local" and not settings.duckdb_path.is_file():
        raise LoadError(f"{settings.duckdb_path}: there is no warehouse yet. Load files first: python -m flows.ingest")


def _attempts_dir(settings: Settings) -> Path:
    return settings.dbt_target_dir / "attempts"


def _keep_attempt(results: Path, attempt: int, settings: Settings) -> None:
    if results.exists():
        _attempts_dir(settings).mkdir(parents=True, exist_ok=True)
        shutil.copy(results, _attempts_dir(settings) / f"{attempt:03d}.json")


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for a while: dbt's profile reads them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _joined() -> Iterator[None]:
    """Wait for the threads in which prefect-dbt runs a task for each node; dbt may have ended before they have.

    They read the environment as they begin: one that is taken back meanwhile breaks them, and the node has no task run.
    """
    before = set(threading.enumerate())
    try:
        yield
    finally:
        for thread in set(threading.enumerate()) - before:
            if thread.name.endswith("(run_task)"):
                thread.join(NODE_SECONDS)


def _failure(failed: Sequence[NodeResult]) -> str:
    causes = [result for result in failed if result.status != "skipped"]
    skipped = len(failed) - len(causes)
    return "\n".join(
        [
            f"{len(causes)} dbt nodes failed and {skipped} were skipped after them; the report was not renewed.",
            *(f"- {result.name}: {result.status}: {result.message}" for result in causes[:10]),
        ]
    )


def _report_nodes(results: Sequence[NodeResult], seconds: float) -> str:
    counts = count_nodes(results)
    sections = [
        "# dbt build",
        f"{counts['nodes']} nodes in {seconds:.0f} s: {counts['success']} succeeded "
        f"({counts['warned']} with a warning), "
        f"{counts['error']} failed, {counts['skipped']} skipped; {counts['retried']} ran more than once.",
    ]
    notable = [result for result in results if result.status not in ("success", "pass") or result.attempts > 1]
    if notable:
        rows = [(result.name, result.status, result.attempts, result.message) for result in notable]
        sections.append(markdown_table(("node", "status", "attempts", "what dbt says"), rows))
    return "\n\n".join(sections)


if __name__ == "__main__":
    sys.exit(run_flow("transform", transform))
