"""The deployments of prefect.yaml, on the server that Prefect's settings name; schedules stay as people left them.

`prefect deploy --all` by itself replaces the schedules of a deployment by those of prefect.yaml, all of them inactive.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import DeploymentSchedule

PROJECT = Path(__file__).resolve().parent.parent
PREFECT = [sys.executable, "-m", "prefect"]
WORK_POOL = "retail-local"

Schedules = dict[UUID, list[DeploymentSchedule]]


def main() -> int:
    """Deploy; the exit code is that of `prefect deploy`."""
    pool = ["--no-prompt", "work-pool", "create", WORK_POOL, "--type", "process", "--overwrite"]
    subprocess.run([*PREFECT, *pool], cwd=PROJECT, check=True)
    with get_client(sync_client=True) as client:
        known = read_schedules(client)
        try:
            return subprocess.run([*PREFECT, "--no-prompt", "deploy", "--all"], cwd=PROJECT, check=False).returncode
        finally:
            restore_schedules(client, known)


def read_schedules(client: SyncPrefectClient) -> Schedules:
    """The schedules of each deployment that is there."""
    return {deployment.id: list(deployment.schedules) for deployment in client.read_deployments()}


def restore_schedules(client: SyncPrefectClient, known: Schedules) -> None:
    """Give the deployments that were there their schedules back; new ones keep those of prefect.yaml."""
    for deployment in client.read_deployments():
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
    sys.exit(main())
