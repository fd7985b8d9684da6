"""A node of dbt has a task run of its own, within the one of its dbt command, and costs the run no more than that."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from uuid import UUID, uuid4

import prefect.blocks.core
import prefect_dbt.core.runner as prefect_dbt_runner
import pytest
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import TaskRun
from prefect.context import FlowRunContext, serialize_context
from prefect.tasks import Task
from prefect_dbt.core._tracker import NodeTaskTracker

from flows.marts.node_runs import run_nodes_as_tasks
from flows.marts.runner import invoke_dbt, release_warehouse
from flows.run.settings import load_settings
from tests.conftest import PROJECT

NODES = [f"node_{number}" for number in range(20)]
SECONDS_TO_TELL = 60  # for the server to take in what it is told


def wait_for_node(task_state: NodeTaskTracker, node_id: str) -> None:
    """What prefect-dbt has each task run do."""
    task_state.wait_for_node_completion(node_id)
    if node_id == NODES[0]:
        raise ValueError("the node failed")


@task(name="dbt build", task_run_name="dbt build", cache_policy=NO_CACHE)
def run_dbt() -> None:
    """Begin every node, then end every node, as prefect-dbt is told by dbt."""
    with run_nodes_as_tasks():
        tracker = prefect_dbt_runner.NodeTaskTracker()
        for node in NODES:
            run = Task(wait_for_node, task_run_name=node, cache_policy=NO_CACHE)
            tracker.start_task(node, run)
            tracker.run_task_in_thread(
                node, run, uuid4(), {"task_state": tracker, "node_id": node}, serialize_context()
            )
        for node in NODES:
            tracker.set_node_status(node, {}, "")


@task(name="end", task_run_name="end", cache_policy=NO_CACHE)
def mark_end() -> None:
    """A task run that the server hears of last."""


def flow_run_of_now() -> UUID:
    """The id of the flow run that this is called in."""
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    return context.flow_run.id


@flow(name="nodes")
def nodes() -> UUID:
    """A dbt command with many nodes at once; the id of the flow run."""
    run_dbt()
    return flow_run_of_now()


def read_task_runs(flow_run: UUID, at_least: int = len(NODES) + 1) -> list[TaskRun]:
    """The task runs of that flow run, as soon as the server knows that all have ended."""
    end = time.monotonic() + SECONDS_TO_TELL
    with get_client(sync_client=True) as client:
        while True:
            found = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run])))
            if len(found) >= at_least and all(run.state and run.state.is_final() for run in found):
                return found
            assert time.monotonic() < end, [run.name for run in found]
            time.sleep(0.2)


def test_each_node_has_a_task_run_and_no_integration_is_imported_for_it(
    prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(prefect.blocks.core, "load_prefect_collections", lambda: loaded.append("all integrations"))
    runs = {run.name: run for run in read_task_runs(nodes())}
    assert loaded == []
    command = runs.pop("dbt build")
    assert sorted(runs) == sorted(NODES)
    assert {name for name, run in runs.items() if run.state and run.state.is_failed()} == {NODES[0]}
    for run in runs.values():
        assert [str(parent.id) for parent in run.task_inputs["__parents__"]] == [str(command.id)]


def test_log_calls_a_node_as_its_task_run_is_called() -> None:
    with run_nodes_as_tasks():
        tracker = prefect_dbt_runner.NodeTaskTracker()
        tracker.start_task("test.shop.warn_x.123", Task(wait_for_node, task_run_name="test warn_x"))
        for node, name in (("test.shop.warn_x.123", "test warn_x"), ("model.shop.y", "model.shop.y")):
            assert (tracker.get_task_logger(node).extra or {})["task_run_name"] == name


@pytest.mark.parametrize("has_node_runs", [True, False])
def test_nodes_of_a_build_have_task_runs_unless_that_is_not_wanted(
    prefect_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_node_runs: bool
) -> None:
    project = shutil.copytree(Path(__file__).parent / "flaky_dbt", tmp_path / "dbt")
    shutil.copy(PROJECT / "dbt/profiles.yml", project)
    (tmp_path / "flag").touch()
    monkeypatch.setenv("FLAKY_FILE", str(tmp_path / "flag"))
    monkeypatch.setenv("RETAIL_DBT_NODE_RUNS", str(has_node_runs).lower())
    settings = load_settings(dbt_project_dir=str(project), work_dir=str(tmp_path / "work"))

    @flow(name="steady")
    def build_steady() -> UUID:
        invoke_dbt(["run"], settings, select="steady")
        mark_end()
        return flow_run_of_now()

    try:
        runs = read_task_runs(build_steady(), at_least=1 + has_node_runs)
    finally:
        release_warehouse(settings)
    assert len([run for run in runs if "steady" in run.name]) == has_node_runs
    results = json.loads((settings.dbt_target_dir / "run_results.json").read_text(encoding="utf-8"))["results"]
    assert [(each["unique_id"], each["status"]) for each in results] == [("model.flaky.steady", "success")]
