"""What whole runs say and leave: an object a line where JSON is asked for, and nowhere one of their secrets.

The secrets are marked (`tests.marks`), and stand wherever a secret may come from. The main job on Redshift is looked
through the same way where it runs, in `test_redshift_pipeline`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from prefect.settings import get_current_settings
from prefect_aws import AwsCredentials, AwsSecret
from redshift_connector.iam_helper import IamHelper

from flows.errors import RetailError
from flows.ingest import ingest
from flows.marts.environment import hold_environment
from flows.run.settings import load_settings
from flows.run.target import dbt_environment
from tests.buckets import deny, find_kept
from tests.conftest import PROJECT
from tests.flows.test_forget import list_database
from tests.flows.test_prefect_credentials import ROLE, debug_connection
from tests.flows.test_stopping import Stopper, send, stopper
from tests.marks import MARK, find_marks, mark, show_marks
from tests.tiny_shop import AS_OF, write_shop
from tests.warehouse.redshift import Redshift

__all__ = ["stopper"]
IN_THE_SHELL = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PREFECT_API_KEY"),
    *("RETAIL_REDSHIFT_PASSWORD", "DBT_ENV_SECRET_RETAIL_REDSHIFT_PASSWORD"),
)


@dataclass(frozen=True)
class Said:
    """A process that ended: what it said, and the folder that it worked in."""

    exit_code: int
    output: str
    errors: str
    work_dir: Path
    run_id: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.errors.splitlines()]


def in_a_shell(**others: str) -> dict[str, str]:
    """An environment with a secret wherever one may stand, for a process that asks the session's server."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RETAIL_")}
    secrets = {name: mark(name) for name in IN_THE_SHELL}
    return inherited | secrets | {"PREFECT_API_URL": str(get_current_settings().api.url)} | others


@pytest.fixture(scope="module")
def local(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Said:
    """The main job on DuckDB, which tells in JSON all that it can tell."""
    folder = tmp_path_factory.mktemp("said")
    work_dir = folder / "work"
    source = write_shop(folder / "source", raw_customers="id,name\nc1,Ada\nc2,Bo\nc3,Cy\nc5,Eve\n,nobody\n")
    options = ["--source", source, "--work-dir", work_dir, "--as-of", str(AS_OF)]
    shell = in_a_shell(RETAIL_LOG_FORMAT="json", RETAIL_MAX_QUARANTINED_RATIO="0.5", PREFECT_LOGGING_LEVEL="DEBUG")
    command = [sys.executable, "-m", "flows.pipeline", *map(str, options)]
    done = subprocess.run(command, cwd=PROJECT, env=shell, capture_output=True, text=True, check=False)
    (summary,) = (work_dir / "runs").iterdir()
    return Said(done.returncode, done.stdout, done.stderr, work_dir, summary.stem)


def test_every_line_of_a_run_is_an_object_that_names_it(local: Said) -> None:
    assert local.exit_code == 0, local.errors[-3000:]
    assert len(local.lines) > 100
    assert all(line.keys() >= {"time", "level", "logger", "message"} for line in local.lines)
    assert {line["run_id"] for line in local.lines if line["logger"].endswith("_runs")} == {local.run_id}
    assert {"INFO", "WARNING", "DEBUG"} <= {line["level"] for line in local.lines}
    told = {line.get("task") for line in local.lines}
    assert any("fact_orders" in str(task) for task in told), "dbt's nodes are among them"


def test_line_about_a_file_names_file_and_table(local: Said) -> None:
    (line,) = [each for each in local.lines if each.get("file") and each["level"] == "WARNING"]
    assert (line["table"], line["file"], line["run_id"]) == ("raw_customers", "raw_customers.csv", local.run_id)
    tables = {each["table"] for each in local.lines if "table" in each}
    assert "raw_customers" in tables


def test_standard_output_is_text_as_ever(local: Said) -> None:
    assert "index.html" in local.output
    assert not local.output.lstrip().startswith("{")


def test_no_secret_of_the_shell_is_said_or_left_by_a_run(local: Said) -> None:
    assert show_marks(local.output + local.errors) == []
    assert find_marks(local.work_dir, *list_database()) == {}


def test_run_that_fails_is_told_in_json_without_a_secret(prefect_server: None, tmp_path: Path) -> None:
    source = write_shop(tmp_path / "source", raw_orders="nonsense")
    command = [sys.executable, "-m", "flows.ingest", "--source", str(source), "--work-dir", str(tmp_path / "work")]
    shell = in_a_shell(RETAIL_LOG_FORMAT="json")
    done = subprocess.run(command, cwd=PROJECT, env=shell, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    (last,) = [line for line in lines if line["logger"] == "flows"]
    assert last["message"].startswith("ingest failed:")
    assert "raw_orders.csv" in last["message"]
    assert last["run_id"] in {path.stem for path in (tmp_path / "work" / "runs").iterdir()}
    assert show_marks(done.stdout + done.stderr) == []
    assert find_marks(tmp_path / "work", *list_database()) == {}


def test_run_that_is_cancelled_says_and_leaves_no_secret(
    prefect_server: None, stopper: Stopper, tmp_path: Path
) -> None:
    source, work_dir = write_shop(tmp_path / "source"), tmp_path / "work"
    server = str(get_current_settings().api.url)
    secrets = {name: mark(name) for name in IN_THE_SHELL} | {"RETAIL_LOG_FORMAT": "json"}
    stopped = stopper.run(
        *("ingest", "--source", str(source)),
        work_dir=work_dir,
        point="convert",
        stop=send(signal.SIGTERM),
        server=server,
        environment=secrets,
    )
    assert stopped.summary["status"] == "cancelled"
    said = [json.loads(line) for line in stopped.output.splitlines()]
    assert any("SIGTERM" in line["message"] for line in said)
    assert show_marks(stopped.output) == []
    assert find_marks(work_dir, *list_database()) == {}


@dataclass(frozen=True)
class Somewhere:
    """A Redshift whose secrets are in Prefect's blocks, and what is looked through after runs on it."""

    redshift: Redshift
    source: Path
    folder: Path
    secrets: tuple[str, ...]
    keys: AwsCredentials

    def keep_secret(self, **content: Any) -> None:
        """Make the secret in AWS that the block names."""
        standin = self.redshift.standin
        assert standin
        client = boto3.client("secretsmanager", endpoint_url=standin.s3_endpoint, region_name=standin.region)
        known = {"username": standin.user, "password": standin.password, "host": standin.host, "port": standin.port}
        client.create_secret(Name=f"retail/{self.folder.name}", SecretString=json.dumps(known | content))
        AwsSecret(aws_credentials=self.keys, secret_name=f"retail/{self.folder.name}").save("marked", overwrite=True)

    def find_secrets(self, said: str) -> list[Any]:
        """Where one of them shows: in what was said, files, objects, statements or Prefect's database."""
        standin = self.redshift.standin
        assert standin

        find = partial(find_marks, secrets=self.secrets)
        return [
            *show_marks(said, self.secrets),
            *find_marks(self.folder / "work", *list_database(), secrets=self.secrets).items(),
            *find_kept(standin.s3, standin.bucket, self.folder / "kept", find),
            *(statement for statement in standin.log if show_marks(statement, self.secrets)),
        ]


@pytest.fixture
def somewhere(
    redshift: Redshift, prefect_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Somewhere]:
    standin = redshift.standin
    assert standin
    keys = AwsCredentials(
        aws_access_key_id="testing", aws_secret_access_key=mark("block-key"), region_name=standin.region
    )
    keys.save("marked", overwrite=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", standin.s3_endpoint)
    for name in ("SECRET_ACCESS_KEY", "SESSION_TOKEN"):
        monkeypatch.setenv(f"AWS_{name}", mark(name))
    for name in ("USER", "PASSWORD"):
        monkeypatch.delenv(f"RETAIL_REDSHIFT_{name}")
    monkeypatch.setenv("RETAIL_TARGET", "redshift")
    monkeypatch.setenv("RETAIL_STATE", f"s3://{standin.bucket}/state")
    monkeypatch.setenv("RETAIL_AWS_CREDENTIALS_BLOCK", "marked")
    yield Somewhere(redshift, write_shop(tmp_path / "source"), tmp_path, (MARK, standin.password), keys)
    IamHelper.credentials_cache.clear()  # the driver's, of the whole process


def test_run_with_its_password_in_a_secret_says_and_leaves_none(
    somewhere: Somewhere, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    somewhere.keep_secret()
    monkeypatch.setenv("RETAIL_REDSHIFT_SECRET_BLOCK", "marked")
    assert ingest(source=str(somewhere.source))["status"] == "completed"
    assert "raw_orders" in caplog.text
    assert somewhere.find_secrets(caplog.text + "".join(capfd.readouterr())) == []


def test_run_whose_password_is_wrong_says_and_leaves_none(
    somewhere: Somewhere, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    somewhere.keep_secret(password=mark("wrong"))
    monkeypatch.setenv("RETAIL_REDSHIFT_SECRET_BLOCK", "marked")
    with pytest.raises(RetailError) as failed:
        ingest(source=str(somewhere.source))
    said = "".join(traceback.format_exception(failed.value))
    assert "password" in said
    assert somewhere.find_secrets(said + caplog.text + "".join(capfd.readouterr())) == []


def test_run_with_the_keys_of_a_role_says_and_leaves_none_and_dbt_neither(
    somewhere: Somewhere,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: Any,
) -> None:
    standin = somewhere.redshift.standin
    assert standin
    somewhere.keys.model_copy(update={"assume_role_arn": ROLE}).save("marked", overwrite=True)
    monkeypatch.setenv("RETAIL_REDSHIFT_METHOD", "iam")
    monkeypatch.setenv("RETAIL_REDSHIFT_WORKGROUP", standin.workgroup)
    IamHelper.credentials_cache.clear()
    assert ingest(source=str(somewhere.source))["status"] == "completed"
    with dbt_environment(load_settings()) as variables, hold_environment(variables):
        lent = str(variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
        done = debug_connection(somewhere.folder / "work" / "debug")
    assert "OK connection ok" in done.stdout, done.stdout + done.stderr
    deny(monkeypatch, "PutObject")
    (somewhere.source / "raw_customers.csv").write_text("id,name\nc1,Ada\nc9,New\n", encoding="utf-8")
    with pytest.raises(RetailError, match="AccessDenied") as failed:
        ingest(source=str(somewhere.source))
    said = "".join(traceback.format_exception(failed.value)) + done.stdout + done.stderr + caplog.text
    given = replace(somewhere, secrets=(*somewhere.secrets, lent))
    assert given.find_secrets(said + "".join(capfd.readouterr())) == []
