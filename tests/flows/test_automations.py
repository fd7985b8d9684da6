"""Each automation of infra/automations fires on a real server, by what really sets it off, and says what it must."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import httpx
import pytest

from flows.run.events import describe_quarantined, describe_report, describe_run
from tests.conftest import PROJECT
from tests.unit.test_events import FILES, SUMMARY, months

DEPLOYMENT = "ingest/hourly-ingest-local"
PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def heard() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An address that takes notifications, and those that it took."""
    took: list[dict[str, str]] = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            took.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response_only(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", took
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def automations(api: httpx.Client, heard: tuple[str, list[dict[str, str]]]) -> Iterator[dict[str, Any]]:
    """The automations by their names, applied by infra/automate.py; one of them was there before in another form.

    They end with the module: other tests on this server must not be told of, nor ended.
    """
    kind = api.get("/block_types/slug/custom-webhook").json()
    schema = api.get(f"/block_schemas/checksum/{newest_checksum(api, kind['id'])}").json()
    data = {
        "name": "ear",
        "url": heard[0],
        "method": "POST",
        "json_data": {"subject": "{{subject}}", "body": "{{body}}"},
    }
    block = {"name": "ear", "block_type_id": kind["id"], "block_schema_id": schema["id"], "data": data}
    assert api.post("/block_documents/", json=block).is_success
    old = {
        "name": "retail run failed",
        "trigger": {"type": "event", "posture": "Reactive", "threshold": 1, "within": 0},
    }
    assert api.post("/automations/", json=old | {"actions": [{"type": "do-nothing"}]}).is_success
    environment = os.environ | {"PREFECT_API_URL": str(api.base_url).rstrip("/")}
    command = [sys.executable, "infra/automate.py", "custom-webhook/ear", DEPLOYMENT]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, timeout=200)
    found = api.post("/automations/filter", json={}).json()
    yield {each["name"]: each for each in found if each["name"].startswith("retail ")} | {"count": len(found)}
    for each in found:
        api.delete(f"/automations/{each['id']}")


def newest_checksum(api: httpx.Client, kind: str) -> str:
    wanted = {"block_schemas": {"block_type_id": {"any_": [kind]}}}
    return str(api.post("/block_schemas/filter", json=wanted).json()[0]["checksum"])


def wait_for(happened: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := happened()):
        assert time.monotonic() < end
        time.sleep(0.3)
    return found


def begin_run(api: httpx.Client) -> str:
    """A run of the deployment that no worker takes: it is running already."""
    deployment = api.get(f"/deployments/name/{DEPLOYMENT}").json()
    run = {"flow_id": deployment["flow_id"], "deployment_id": deployment["id"], "tags": deployment["tags"]}
    made = api.post("/flow_runs/", json=run | {"state": {"type": "RUNNING"}})
    assert made.is_success, made.text
    return str(made.json()["id"])


def emit(api: httpx.Client, event: str, resource: dict[str, str], payload: Any = None, related: Any = ()) -> None:
    told = {"id": str(uuid4()), "occurred": datetime.now(UTC).isoformat(), "event": event, "resource": resource}
    assert api.post("/events", json=[told | {"payload": payload or {}, "related": list(related)}]).is_success


def test_automations_are_applied_once_however_often(automations: dict[str, Any]) -> None:
    assert len([name for name in automations if name != "count"]) == automations["count"] == 8
    assert automations["retail run failed"]["actions"][0]["type"] == "send-notification"


@pytest.mark.parametrize(
    ("state", "subject", "cure"),
    [
        (
            {"type": "FAILED", "message": "raw_orders.csv: 3 of 1204"},
            "Retail: ingest failed",
            "do what the message says",
        ),
        ({"type": "CRASHED", "message": "raw_orders.csv: killed"}, "Retail: ingest crashed", "RETAIL_DUCKDB_MEMORY_MB"),
        ({"type": "SCHEDULED", "name": "Late"}, "Retail: ingest is late", "start a worker for this deployment's pool"),
    ],
    ids=["failed", "crashed", "late"],
)
def test_run_that_ends_or_begins_badly_is_told_with_data_and_cure(
    api: httpx.Client, automations: Any, heard: Any, state: dict[str, str], subject: str, cure: str
) -> None:
    run = begin_run(api)
    scheduled = (
        {"state_details": {"scheduled_time": datetime.now(UTC).isoformat()}} if state["type"] == "SCHEDULED" else {}
    )
    assert api.post(f"/flow_runs/{run}/set_state", json={"state": state | scheduled, "force": True}).is_success
    told = wait_for(lambda: next((each for each in heard[1] if each["subject"] == subject), None))
    assert cure in told["body"]
    assert "hourly-ingest-local" in told["body"]
    assert state.get("message", "Data: nothing has changed") in told["body"]
    api.delete(f"/flow_runs/{run}")


@pytest.mark.parametrize(
    ("event", "told", "subject", "words"),
    [
        (
            "retail.file.quarantined",
            describe_quarantined(FILES, 0.05)[0],
            "Retail: many bad records in raw_orders_4.csv",
            ["50 of 100 records", "customer:unknown", "docs/quarantine.md"],
        ),
        (
            "retail.run.finished",
            describe_run(SUMMARY | {"dbt": {"freshness": [{"source": "raw.raw_orders", "status": "error"}]}}),
            "Retail: data are older than promised",
            ["raw.raw_orders", "2026-03-31", "_staging__sources.yml"],
        ),
        (
            "retail.report.published",
            describe_report(SUMMARY, months(100, 102, 98, 101, 99, 100, 40)),
            "Retail: net sales are unusual",
            ["net sales of 2024-07 were 40.0", "reports/latest/index.html", "ingest-files"],
        ),
    ],
    ids=["quarantine", "freshness", "kpi"],
)
def test_what_the_product_tells_is_told_on(
    api: httpx.Client, automations: Any, heard: Any, event: str, told: Any, subject: str, words: list[str]
) -> None:
    emit(api, event, *told)
    body = wait_for(lambda: next((each for each in heard[1] if each["subject"] == subject), None))["body"]
    assert all(word in body for word in words), body


def test_what_is_as_it_should_be_is_not_told(api: httpx.Client, automations: Any, heard: Any) -> None:
    before = len(heard[1])
    emit(api, "retail.file.quarantined", *describe_quarantined(FILES, 0.9)[0])
    emit(api, "retail.run.finished", *describe_run(SUMMARY))
    emit(api, "retail.report.published", *describe_report(SUMMARY, months(*[100] * 7)))
    emit(api, "retail.report.published", *describe_report(SUMMARY, months()))
    time.sleep(5)
    assert heard[1][before:] == []


def test_run_whose_host_is_gone_is_crashed_and_gives_its_place_free(api: httpx.Client, automations: Any) -> None:
    zombie = automations["retail run without a heartbeat"]
    core = {key: zombie[key] for key in ("name", "description", "enabled", "trigger", "actions")}
    core["trigger"] = core["trigger"] | {"within": 10}  # of 120, so that the test need not wait for them
    assert api.put(f"/automations/{zombie['id']}", json=core).is_success
    run = begin_run(api)
    related = [{"prefect.resource.id": "prefect.tag.retail", "prefect.resource.role": "tag"}]
    emit(api, "prefect.flow-run.heartbeat", {"prefect.resource.id": f"prefect.flow-run.{run}"}, related=related)
    state = wait_for(lambda: (found := api.get(f"/flow_runs/{run}").json()["state"])["type"] == "CRASHED" and found)
    assert "The host of this run is gone" in state["message"]
    assert "start the run again" in state["message"]


def test_ten_files_that_arrive_in_a_minute_are_at_most_two_runs(api: httpx.Client, automations: Any) -> None:
    deployment = api.get(f"/deployments/name/{DEPLOYMENT}").json()["id"]
    wanted = {"flow_runs": {"deployment_id": {"any_": [deployment]}, "state": {"name": {"any_": ["Scheduled"]}}}}
    for each in api.post("/flow_runs/filter", json=wanted).json():
        api.delete(f"/flow_runs/{each['id']}")
    for number in range(10):
        emit(
            api,
            "retail.file.arrived",
            {"prefect.resource.id": "retail.source.prod"},
            {"file": f"raw_orders_{number}.csv"},
        )
    runs = wait_for(lambda: api.post("/flow_runs/filter", json=wanted).json())
    time.sleep(5)
    runs = api.post("/flow_runs/filter", json=wanted).json()
    assert 1 <= len(runs) <= 2
    starts = datetime.fromisoformat(runs[0]["expected_start_time"]) - datetime.fromisoformat(runs[0]["created"])
    assert starts.total_seconds() > 30  # what comes meanwhile is taken up too
    for each in runs:
        api.delete(f"/flow_runs/{each['id']}")
