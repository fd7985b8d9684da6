"""`make ui` as a user meets it: a real server, the deployments of prefect.yaml, a real process worker, a real run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.conftest import PROJECT
from tests.tiny_shop import write_shop

MAIN, STEP, LAST = "retail-pipeline/nightly-pipeline-local", "ingest/hourly-ingest-local", "report/weekly-report-local"
ON_DEMAND, WEEKLY = "backfill/on-demand-backfill-local", "maintenance/weekly-maintenance-local"


MODELS = {f"model {path.stem}" for end in ("sql", "py") for path in (PROJECT / "dbt" / "models").rglob(f"*.{end}")}


def test_deployments_are_those_of_prefect_yaml(api: httpx.Client) -> None:
    declared = yaml.safe_load((PROJECT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    for name in (MAIN, STEP, LAST, ON_DEMAND, WEEKLY):
        found = api.get(f"/deployments/name/{name}").json()
        assert found["description"]
        assert "retail" in found["tags"]
        assert found["global_concurrency_limit"]["limit"] == 1
        assert [schedule["active"] for schedule in found["schedules"]] == [False] * (name != ON_DEMAND)
    local = {each["name"] for each in declared if each["work_pool"]["name"] == "retail-local"}
    assert {each["name"] for each in api.post("/deployments/filter", json={}).json()} == local


def test_pool_runs_one_flow_at_a_time_for_its_flows_write_one_warehouse(api: httpx.Client) -> None:
    assert api.get("/work_pools/retail-local").json()["concurrency_limit"] == 1


def test_deployment_parameters_make_a_usable_form(api: httpx.Client) -> None:
    found = api.get(f"/deployments/name/{MAIN}").json()
    form = found["parameter_openapi_schema"]["properties"]
    assert list(form) == ["source", "work_dir", "target", "as_of", "pdf", "language", "profile", "rebuild"]
    assert all(field["description"] for field in form.values())
    assert {"enum": ["local", "redshift"], "type": "string"}.items() <= form["target"]["anyOf"][0].items()
    assert form["as_of"]["anyOf"][0]["format"] == "date"
    assert found["parameters"] == dict.fromkeys(("source", "work_dir", "target", "as_of"))


def test_deployment_run_by_the_worker_publishes_report_and_artifacts(api: httpx.Client, tmp_path: Path) -> None:
    deployment = api.get(f"/deployments/name/{MAIN}").json()["id"]
    parameters = {
        "source": str(write_shop(tmp_path / "source")),
        "work_dir": str(tmp_path / "work"),
        "as_of": "2025-06-30",
    }
    run = api.post(f"/deployments/{deployment}/create_flow_run", json={"parameters": parameters}).json()["id"]
    end = time.monotonic() + 480
    while (state := api.get(f"/flow_runs/{run}").json()["state"])["type"] not in ("COMPLETED", "FAILED", "CRASHED"):
        assert time.monotonic() < end, state
        time.sleep(1)
    assert state["type"] == "COMPLETED", state
    logs = api.post("/logs/filter", json={"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200}).json()
    first = min((log for log in logs if log["message"].startswith("Run with ")), key=lambda log: log["timestamp"])
    assert first["message"].startswith(f"Run with target local (default), source {tmp_path / 'source'} (given)")
    assert (tmp_path / "work/reports/latest/index.html").is_file()
    assert (tmp_path / f"work/runs/{run}.json").is_file()
    keys = {artifact["key"] for artifact in api.post("/artifacts/latest/filter", json={"limit": 100}).json()}
    told = {event["event"]: event for event in emitted(api, run)}
    assert told["retail.run.finished"]["resource"]["retail.status"] == "completed"
    assert told["retail.run.finished"]["payload"]["rows_quarantined"] == 0
    assert told["retail.report.published"]["payload"]["as_of"] == "2025-06-30"
    assert keys >= {"ingest-files", "dbt-build", "kpi-sales-per-customer", "kpi-tax-ratio"}
    while missing := MODELS - node_runs(api):
        assert time.monotonic() < end, f"without a task run: {missing}"
        time.sleep(1)


def emitted(api: httpx.Client, run: str) -> list[dict[str, Any]]:
    """The events of ours that this run told; the server takes them in after the fact."""
    wanted = {"filter": {"event": {"prefix": ["retail."]}}}
    end = time.monotonic() + 60
    while len(found := [e for e in api.post("/events/filter", json=wanted).json()["events"] if is_of(e, run)]) < 2:
        assert time.monotonic() < end, found
        time.sleep(1)
    return found


def is_of(event: dict[str, Any], run: str) -> bool:
    """Also what flows tell that the run's own flow calls."""
    return bool(event["payload"].get("run_id") == run)


def schedules_of(api: httpx.Client, name: str) -> list[tuple[str, bool]]:
    found = api.get(f"/deployments/name/{name}").json()["schedules"]
    return sorted((schedule["schedule"]["cron"], schedule["active"]) for schedule in found)


def test_deploying_all_side_by_side_keeps_what_people_did_to_schedules_and_pools(api: httpx.Client) -> None:
    main, step, last = (api.get(f"/deployments/name/{name}").json() for name in (MAIN, STEP, LAST))
    mornings = main["schedules"][0]["id"]
    assert api.patch(f"/deployments/{main['id']}/schedules/{mornings}", json={"active": True}).is_success
    noon = {"schedule": {"cron": "0 12 * * 1", "timezone": "Europe/Paris"}, "active": True}
    assert api.post(f"/deployments/{step['id']}/schedules", json=[noon]).is_success
    assert api.delete(f"/deployments/{last['id']}/schedules/{last['schedules'][0]['id']}").is_success
    environment = os.environ | {"PREFECT_API_URL": str(api.base_url).rstrip("/")}
    assert api.patch("/work_pools/retail-local", json={"concurrency_limit": 2}).is_success
    subprocess.run([sys.executable, "infra/deploy.py"], cwd=PROJECT, env=environment, check=True, timeout=400)
    assert schedules_of(api, MAIN) == [("0 6 * * *", True)]
    assert schedules_of(api, STEP) == [("0 * * * *", False), ("0 12 * * 1", True)]
    assert schedules_of(api, LAST) == []
    assert api.get("/work_pools/retail-local").json()["concurrency_limit"] == 2
    declared = yaml.safe_load((PROJECT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    found = {each["name"]: each for each in api.post("/deployments/filter", json={}).json()}
    assert found.keys() == {each["name"] for each in declared}
    assert len(found) == 15
    for name, each in found.items():
        assert each["work_pool_name"] == f"retail-{name.rpartition('-')[2]}"
        assert str(PROJECT) not in str(each)  # whoever deploys leaves no path of their machine


def node_runs(api: httpx.Client) -> set[str]:
    """The names of all task runs; the server takes them in as events, after the fact."""
    return {run["name"] for run in api.post("/task_runs/filter", json={"limit": 200}).json()}
