"""prefect.yaml: telling names, no secret, no path of a machine, nothing that beats the worker's environment."""

from __future__ import annotations

import re
from importlib import import_module
from inspect import signature
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml
from prefect.client.schemas.filters import DeploymentFilter
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.schedules import CronSchedule

from flows.run.settings import Settings
from infra.deploy import ENVIRONMENTS, main, name_options, read_schedules, restore_schedules
from tests.conftest import PROJECT

TEXT = (PROJECT / "prefect.yaml").read_text(encoding="utf-8")
FOUND: dict[str, Any] = yaml.safe_load(TEXT)
DEPLOYMENTS: list[dict[str, Any]] = FOUND["deployments"]
SECRET = re.compile(r"password|secret(?!_block)|token|api_key|access_key|credential(?!s_block)", re.IGNORECASE)
# Where a shop's secrets would be as job variables: every document that shows a reader how to set something
DOCUMENTS = [PROJECT / "README.md", PROJECT / "prefect.yaml", *sorted((PROJECT / "docs").glob("*.md"))]


def by_name(name: str) -> dict[str, Any]:
    return next(each for each in DEPLOYMENTS if each["name"] == name)


def test_each_flow_is_deployed_to_each_environment_by_a_telling_name() -> None:
    jobs = ("nightly-pipeline", "hourly-ingest", "weekly-report", "on-demand-backfill", "weekly-maintenance")
    assert [each["name"] for each in DEPLOYMENTS] == [f"{job}-{where}" for where in ENVIRONMENTS for job in jobs]
    for each in DEPLOYMENTS:
        assert each["work_pool"]["name"] == f"retail-{each['name'].rpartition('-')[2]}"
        assert each["name"].rpartition("-")[2] in each["tags"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: each["name"])
def test_no_parameter_beats_the_environment_unless_someone_gives_it(deployment: dict[str, Any]) -> None:
    path, _, name = deployment["entrypoint"].partition(":")
    taken = signature(getattr(import_module(path.removesuffix(".py").replace("/", ".")), name)).parameters
    assert {"work_dir", "target"} <= deployment["parameters"].keys() <= taken.keys()
    assert set(deployment["parameters"].values()) == {None}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: each["name"])
def test_schedules_have_a_zone_and_a_name_and_begin_switched_off(deployment: dict[str, Any]) -> None:
    for schedule in deployment["schedules"]:
        assert schedule.keys() == {"cron", "timezone", "slug", "active"}
        assert schedule["active"] is False


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: each["name"])
def test_job_variables_hold_settings_that_exist_and_no_secret(deployment: dict[str, Any]) -> None:
    variables = deployment["work_pool"]["job_variables"]
    assert variables.keys() == {"working_dir", "env"}
    for name, value in variables["env"].items():
        assert not SECRET.search(name)
        assert isinstance(value, str)
        assert name.startswith("PREFECT_") or name.removeprefix("RETAIL_").lower() in Settings.model_fields
    assert variables["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"


def test_secrets_are_not_named_by_their_values_anywhere_in_prefect_yaml() -> None:
    assert "{{" not in TEXT  # blocks and variables of the shell would be written into the deployment, in clear text


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_document_makes_a_password_a_job_variable(document: Any) -> None:
    for line in document.read_text(encoding="utf-8").splitlines():
        if re.search(r"--job-variable|job_variables|-jv ", line):
            assert not SECRET.search(line), line


def test_flows_are_pulled_from_where_the_worker_is_and_from_no_path_of_a_machine() -> None:
    (step,) = FOUND["pull"]
    assert step == {"prefect.deployments.steps.set_working_directory": {"directory": "."}}
    for each in DEPLOYMENTS:
        assert each["work_pool"]["job_variables"]["working_dir"] == "."
        assert not PurePosixPath(each["entrypoint"]).is_absolute()
        assert (PROJECT / each["entrypoint"].partition(":")[0]).is_file()
        assert "pull" not in each


def test_dev_and_prod_share_a_redshift_and_no_schema() -> None:
    dev, prod = (by_name(f"nightly-pipeline-{where}")["work_pool"]["job_variables"]["env"] for where in ("dev", "prod"))
    assert (dev["RETAIL_TARGET"], prod["RETAIL_TARGET"]) == ("redshift", "redshift")
    assert dev["RETAIL_SCHEMA_PREFIX"] != prod.get("RETAIL_SCHEMA_PREFIX", "")


def test_deployments_of_one_environment_are_chosen_by_name() -> None:
    chosen = name_options(["local"])
    assert chosen[::2] == ["--name"] * 5
    assert chosen[1::2] == [each["name"] for each in DEPLOYMENTS if each["name"].endswith("-local")]


def test_deploying_to_an_environment_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["staging"]) == 2
    assert "expected local, dev, prod" in capsys.readouterr().err


def test_backfill_waits_to_be_asked_and_maintenance_is_weekly() -> None:
    assert by_name("on-demand-backfill-prod")["schedules"] == []
    (weekly,) = by_name("weekly-maintenance-prod")["schedules"]
    assert weekly["cron"].split()[-1] == "0"
    assert weekly["timezone"] == "UTC"


class FullWorkspace:
    """Of a workspace with more deployments than a server tells at once: those of others first, then ours."""

    def __init__(self) -> None:
        names = [f"other-{number}" for number in range(200)] + [each["name"] for each in DEPLOYMENTS]
        self.found = [SimpleNamespace(id=uuid4(), name=name, schedules=[schedule("1 1 * * *")]) for name in names]
        self.changed: list[UUID] = []

    def read_deployments(self, deployment_filter: DeploymentFilter | None = None) -> list[SimpleNamespace]:
        names = deployment_filter.name.any_ if deployment_filter and deployment_filter.name else None
        return [each for each in self.found if names is None or each.name in names][:200]

    def delete_deployment_schedule(self, deployment: UUID, _schedule: UUID) -> None:
        self.changed.append(deployment)

    def request(self, _method: str, path: str, json: list[dict[str, Any]]) -> None:
        assert [each["schedule"]["cron"] for each in json] == ["1 1 * * *"]
        assert str(self.changed[-1]) in path


def schedule(cron: str) -> DeploymentSchedule:
    return DeploymentSchedule(id=uuid4(), deployment_id=uuid4(), schedule=CronSchedule(cron=cron), active=True)


def test_schedules_of_all_of_ours_stay_in_a_full_workspace_and_nobody_elses_is_touched() -> None:
    """One whose schedule somebody else changes meanwhile keeps what that person chose."""
    workspace: Any = FullWorkspace()
    known = read_schedules(workspace)
    for each in workspace.found:
        each.schedules = [schedule("2 2 * * *")]
    restore_schedules(workspace, known)
    assert set(workspace.changed) == {each.id for each in workspace.found[200:]}
