"""A real cluster of two workers: the ingest gives them its files, and one of them may die."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import distributed
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.settings import PREFECT_API_KEY, PREFECT_API_URL, temporary_settings
from prefect_dask.client import PrefectDaskClient

from flows.errors import ConfigError
from flows.ingest import ingest
from flows.lake.sources import Delivery
from flows.run.cluster import open_converter
from flows.run.settings import load_settings
from flows.warehouse.told import Log
from tests.conftest import PROJECT
from tests.flows.conftest import wait_for
from tests.tiny_shop import FILES
from tests.warehouse.redshift import Redshift, open_redshift
from tests.warehouse.redshift_standin import RedshiftStandin
from tests.warehouse.remote_workers import LEDGER, copies, deliver, read_loaded, read_quarantine, staged

pytestmark = pytest.mark.usefixtures("prefect_server")
HEADER, *ORDERS = FILES["raw_orders.csv"].splitlines()
MANY = 250_000
SHOP = FILES | {
    "raw_orders.csv": "\n".join(
        [
            HEADER,
            *ORDERS,
            *(f"n{number},c1,2025-03-01T08:00:00,s1,1000,50,1050" for number in range(MANY)),
            "bad,c1,x,s1,1,1,1\n",
        ]
    ),
    "raw_customers_2025.csv": "id,name\n" + "c6,Fay\n" * 30 + "c7\n",
}
TABLES = ("raw_customers", "raw_items", "raw_stores")


@pytest.fixture(scope="module")
def cluster(shared_standin: RedshiftStandin) -> Iterator[distributed.LocalCluster]:
    """Two processes that find S3 by their own environment."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in shared_standin.environment().items():
            environment.setenv(name, value)
        options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}
        with distributed.LocalCluster(**options) as cluster:
            yield cluster


def run(redshift: Redshift, standin: RedshiftStandin, work_dir: Path) -> tuple[dict[str, Any], list[Any]]:
    """Load the shop; the summary, and what there is afterwards."""
    standin.reset()
    deliver(standin, SHOP)
    summary = ingest(source=f"s3://{standin.bucket}/drops", work_dir=str(work_dir), target="redshift")
    orders = redshift.run(
        'select _file, count(*), sum(order_total), max(_row) from "{p}raw".raw_orders group by 1 order by 1'
    )
    return summary, [
        summary["files"],
        read_loaded(redshift, TABLES),
        orders,
        read_quarantine(work_dir),
        copies(standin),
        staged(standin),
    ]


@pytest.fixture(scope="module")
def by_threads() -> dict[str, Any]:
    """What the threads of a run leave; filled by the first test that asks."""
    return {}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All that is handed to the cluster in this test."""
    submit, sent = PrefectDaskClient.submit, []

    def note(self: Any, function: Any, *arguments: Any, **given: Any) -> Any:
        sent.append(cloudpickle.dumps((function, arguments, given)))
        return submit(self, function, *arguments, **given)

    monkeypatch.setattr(PrefectDaskClient, "submit", note)
    return sent


def kill_a_worker_at_work(address: str, dead: list[int]) -> None:
    """SIGKILL the first worker that is seen converting."""
    with distributed.Client(address, set_as_default=False) as client:
        pids = client.run(os.getpid)
        end = time.monotonic() + 120
        while not dead and time.monotonic() < end:
            for worker, tasks in client.processing().items():
                if any(task.startswith("convert_objects") for task in tasks) and not dead:
                    os.kill(pids[worker], signal.SIGKILL)
                    dead.append(pids[worker])
            time.sleep(0.02)


@pytest.mark.parametrize("dies", [False, True], ids=["both live", "one is killed"])
def test_two_workers_leave_what_threads_leave_also_when_one_is_killed(
    redshift: Redshift,
    standin: RedshiftStandin,
    cluster: distributed.LocalCluster,
    by_threads: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sent: list[bytes],
    dies: bool,
) -> None:
    if not by_threads:
        _, by_threads["left"] = run(redshift, standin, tmp_path / "threads")
    monkeypatch.setenv("RETAIL_RUNNER", "dask")
    monkeypatch.setenv("RETAIL_DASK_ADDRESS", cluster.scheduler_address)
    dead: list[int] = []
    killer = threading.Thread(target=kill_a_worker_at_work, args=(cluster.scheduler_address, dead))
    if dies:
        killer.start()
    with temporary_settings({PREFECT_API_KEY: "marked-key"}):
        summary, left = run(redshift, standin, tmp_path / "workers")
    if dies:
        killer.join()
        assert dead
    assert left == by_threads["left"]
    assert left[2] == [("raw_orders.csv", MANY + 7, MANY * 1050 + 280100, MANY + 7)]
    assert [path.name for path in (tmp_path / "workers" / "incoming").glob("raw_*")] == ["raw_stores.csv"], "time zones"
    secrets = ("marked-key", redshift.environment["RETAIL_REDSHIFT_PASSWORD"], os.environ["AWS_SECRET_ACCESS_KEY"])
    told = b"".join(sent)
    assert b"raw_orders.csv" in told
    assert [secret for secret in secrets if secret.encode() in told] == []
    with get_client(sync_client=True) as client:
        only = FlowRunFilter(id=FlowRunFilterId(any_=[summary["run_id"]]))
        names = {task.name for task in client.read_task_runs(flow_run_filter=only)}
    assert {"convert raw_orders.csv", "convert raw_customers: 2 files"} <= names


def test_run_that_waits_for_workers_ends_when_it_is_told(
    redshift: Redshift, standin: RedshiftStandin, tmp_path: Path
) -> None:
    deliver(standin, FILES)
    options = {"n_workers": 0, "dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}
    with distributed.LocalCluster(**options) as nobody:
        told = os.environ | {
            "PREFECT_API_URL": PREFECT_API_URL.value(),
            "RETAIL_RUNNER": "dask",
            "RETAIL_DASK_ADDRESS": nobody.scheduler_address,
            "RETAIL_SOURCE": f"s3://{standin.bucket}/drops",
            "RETAIL_TARGET": "redshift",
        }
        command = [sys.executable, "-m", "flows.ingest", "--work-dir", str(tmp_path)]
        with (tmp_path / "log").open("wb") as log:
            run = subprocess.Popen(command, cwd=PROJECT, env=told, stdout=log, stderr=subprocess.STDOUT)
        wait_for(lambda: "0 workers are at" in (tmp_path / "log").read_text(), run, tmp_path / "log")
        time.sleep(1)  # until it waits
        run.send_signal(signal.SIGTERM)
        assert run.wait(timeout=20) == 128 + signal.SIGTERM
    (summary,) = [json.loads(path.read_text()) for path in (tmp_path / "runs").glob("*.json")]
    assert summary["status"] == "cancelled"
    with open_redshift().hold("the next run"):
        assert redshift.run(LEDGER) == []


@pytest.mark.usefixtures("redshift")
def test_scheduler_that_does_not_answer_is_told_of_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.run.cluster.CONNECT_SECONDS", 1)
    given = {"source": "s3://bucket/drops", "target": "redshift", "runner": "dask", "dask_address": "tcp://127.0.0.1:9"}
    log: Log = logging.getLogger("test")
    with (
        pytest.raises(ConfigError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9 .*RETAIL_DASK_ADDRESS"),
        open_converter(load_settings(**given), Delivery((), ()), log),
    ):
        pass
