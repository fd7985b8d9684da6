"""The deployments of prefect.yaml, on the server that Prefect's settings name, and the work pools they need.

    .venv/bin/python infra/deploy.py            # local, dev and prod
    .venv/bin/python infra/deploy.py prod

Pools run one flow at a time, for theirs is one warehouse. Schedules and pools stay as people left them: `prefect deploy
--all` by itself replaces the schedules of a deployment by those of prefect.yaml, all of them inactive.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

PROJECT = Path(__file__).resolve().parent.parent
PREFECT = [sys.executable, "-m", "prefect"]
ENVIRONMENTS = ("local", "dev", "prod")
RUNS_AT_ONCE = 1

Schedules = dict[UUID, list[DeploymentSchedule]]


def main(environments: Sequence[str]) -> int:
    """Deploy to those environments; the exit code is that of `prefect deploy`, or 2 for one that there is not."""
    unknown = sorted(set(environments) - set(ENVIRONMENTS))
    if unknown:
        print(f"there is no environment {', '.join(unknown)}; expected {', '.join(ENVIRONMENTS)}", file=sys.stderr)
        return 2
    chosen = ["--all"] if set(environments) == set(ENVIRONMENTS) else name_options(environments)
    with get_client(sync_client=True) as client:
        for environment in environments:
            make_pool(client, f"retail-{environment}")
        known = read_schedules(client)
        try:
            return subprocess.run([*PREFECT, "--no-prompt", "deploy", *chosen], cwd=PROJECT, check=False).returncode
        finally:
            restore_schedules(client, known)


def name_options(environments: Sequence[str]) -> list[str]:
    """The options that choose the deployments of prefect.yaml that run there: all and only they end in its name."""
    names = [name for name in read_names() if name.rpartition("-")[2] in environments]
    return [word for name in names for word in ("--name", name)]


def read_names() -> list[str]:
    """The names of all deployments of prefect.yaml."""
    declared = yaml.safe_load((PROJECT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    return [each["name"] for each in declared]


def read_ours(client: SyncPrefectClient) -> list[DeploymentResponse]:
    """Our deployments alone; of all of them a server tells 200 at most."""
    ours = DeploymentFilter(name=DeploymentFilterName(any_=read_names()))
    return client.read_deployments(deployment_filter=ours)


def make_pool(client: SyncPrefectClient, name: str) -> None:
    """A work pool for process workers; one that is there stays as it is, but for a limit where it has none."""
    try:
        limit = client.read_work_pool(name).concurrency_limit
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=name, type="process", base_job_template=template))
        limit = None
    if limit is None:
        client.update_work_pool(name, WorkPoolUpdate(concurrency_limit=RUNS_AT_ONCE))


def read_schedules(client: SyncPrefectClient) -> Schedules:
    """The schedules of each deployment that is there."""
    return {deployment.id: list(deployment.schedules) for deployment in read_ours(client)}


def restore_schedules(client: SyncPrefectClient, known: Schedules) -> None:
    """Give the deployments that were there their schedules back; new ones keep those of prefect.yaml."""
    for deployment in read_ours(client):
        before = known.get(deployment.id)
        if before is None or list(map(_describe, before)) == list(map(_describe, deployment.schedules)):
            continue
        for schedule in deployment.schedules:
            client.delete_deployment_schedule(deployment.id, schedule.id)
        if before:  # the client's own method for this loses slugs and parameters
            client.request("POST", f"/deployments/{deployment.id}/schedules", json=list(map(_describe, before)))


def _describe(schedule: DeploymentSchedule) -> dict[str, object]:
    return schedule.model_dump(mode="json", include={"schedule", "active", "slug", "parameters", "max_scheduled_runs"})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ENVIRONMENTS))
