"""What a run looks like in Prefect's user interface: whose its steps are, and what they do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows.run.run_names import name_flow_run
from tests.conftest import Finished

STEPS = ("ingest", "transform", "report")
TASKS = {"reach source", "dbt parse", "dbt source freshness", "dbt build", "compile KPI queries", "read KPIs"}


def ask(path: str, **wanted: Any) -> Any:
    with get_client(sync_client=True) as client:
        return client.request("POST", path, json=wanted).json()


def test_steps_of_a_run_are_named_by_what_they_do_and_whose_they_are(tiny_run: Finished) -> None:
    run_id = tiny_run.summary["run_id"]
    main = ask("/flow_runs/filter", flow_runs={"id": {"any_": [run_id]}})[0]
    steps = ask("/flow_runs/filter", flow_runs={"parent_flow_run_id": {"any_": [run_id]}})
    assert sorted(step["name"] for step in steps) == sorted(f"{step} of {main['name']}" for step in STEPS)
    ids = [step["id"] for step in steps]
    tasks = {task["name"] for task in ask("/task_runs/filter", flow_runs={"id": {"any_": ids}})}
    assert tasks >= TASKS


def test_flow_run_that_is_no_step_keeps_the_name_that_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefect makes one up, or a person names the run of a deployment."""
    begun = SimpleNamespace(flow=SimpleNamespace(name="ingest"), flow_run=SimpleNamespace(name="monday's"))
    monkeypatch.setattr("flows.run.run_names.FlowRunContext.get", lambda: begun)
    assert name_flow_run() == "monday's"
