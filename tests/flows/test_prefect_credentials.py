"""Keys of a role behind a Prefect block are renewed wherever they are used: S3, our connections, and dbt's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest
from prefect_aws import AwsCredentials
from redshift_connector.iam_helper import IamHelper

from flows.errors import ConfigError
from flows.lake.contracts import CONTRACTS
from flows.marts.environment import hold_environment, process_environment
from flows.run.settings import load_settings
from flows.run.target import dbt_environment
from tests.warehouse.redshift import Redshift, convert, open_redshift
from tests.warehouse.redshift_standin import ApiFault, RedshiftStandin

ROLE = "arn:aws:iam::123456789012:role/pipeline"
KEPT_SECONDS = 4  # enough to be used once, on a busy machine too


@pytest.fixture
def role(
    prefect_server: None, redshift: Redshift, standin: RedshiftStandin, monkeypatch: pytest.MonkeyPatch
) -> RedshiftStandin:
    """A block with a role whose keys run out soon; S3 and the AWS API refuse old ones. The shell has other keys."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": standin.region}
    AwsCredentials(**keys, assume_role_arn=ROLE).save("retail-role", overwrite=True)  # type: ignore[arg-type]
    monkeypatch.setenv("RETAIL_AWS_CREDENTIALS_BLOCK", "retail-role")
    monkeypatch.setenv("RETAIL_REDSHIFT_METHOD", "iam")
    monkeypatch.setenv("RETAIL_REDSHIFT_WORKGROUP", standin.workgroup)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", standin.faulty_s3_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-shell")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-shell")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-the-shell")  # of other keys: AWS refuses such a mixture
    for name in ("USER", "PASSWORD"):
        monkeypatch.delenv(f"RETAIL_REDSHIFT_{name}")
    standin.api.keys.seconds = KEPT_SECONDS
    IamHelper.credentials_cache.clear()  # the driver's, of the whole process
    return standin


def debug_connection(work_dir: Path) -> subprocess.CompletedProcess[str]:
    """dbt connects, in a process of its own, with the environment that this one has."""
    settings = load_settings(target="redshift")
    return subprocess.run(
        [Path(sys.executable).parent / "dbt", "debug", "--connection", "--target", "redshift", "--profiles-dir", "."],
        cwd=settings.dbt_project_dir,
        env=os.environ | {"DBT_LOG_PATH": str(work_dir), "DBT_TARGET_PATH": str(work_dir)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_run_outlives_the_keys_of_its_role(role: RedshiftStandin, redshift: Redshift, tmp_path: Path) -> None:
    warehouse = open_redshift()
    with warehouse.hold("run-1"):
        warehouse.prepare(CONTRACTS.values())
        warehouse.close()
        IamHelper.credentials_cache.clear()
        time.sleep(KEPT_SECONDS + 0.2)
        warehouse.load_files(CONTRACTS["raw_customers"], [convert(tmp_path, "id,name\na,Ada\n")], "run-1")
        assert [row.file_name for row in warehouse.read_ledger()] == ["raw_customers.csv"]
    warehouse.close()
    assert role.api.calls.count("AssumeRole") >= 2
    assert set(role.api.calls) <= {"AssumeRole", "GetCredentials", "GetWorkgroup"}


def test_dbt_is_lent_keys_that_do_not_run_out(role: RedshiftStandin, tmp_path: Path) -> None:
    with dbt_environment(load_settings(target="redshift")) as variables, hold_environment(variables):
        assert "AWS_SESSION_TOKEN" not in os.environ
        time.sleep(KEPT_SECONDS + 0.2)
        done = debug_connection(tmp_path)
    assert "OK connection ok" in done.stdout, done.stdout + done.stderr
    assert role.api.calls.count("AssumeRole") >= 1
    assert os.environ["AWS_SESSION_TOKEN"] == "token-of-the-shell"


def test_keys_are_lent_to_nobody_who_does_not_know_the_secret(role: RedshiftStandin) -> None:
    with dbt_environment(load_settings(target="redshift")) as variables:
        address = variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
        assert address is not None
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address)


def test_role_that_may_not_be_assumed_is_a_fault_of_the_settings(role: RedshiftStandin) -> None:
    role.faults.add(ApiFault("AssumeRole", "AccessDenied", 403, times=9))
    with pytest.raises(ConfigError, match=r"AccessDenied.*AssumeRole"):
        open_redshift().hold("run-1").__enter__()


def test_keys_of_a_block_are_not_mixed_with_a_token_of_the_shell(
    role: RedshiftStandin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in refuses a token with keys that have none, as AWS does (UnrecognizedClientException)."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": role.region}
    AwsCredentials(**keys).save("retail-plain", overwrite=True)  # type: ignore[arg-type]
    monkeypatch.setenv("RETAIL_AWS_CREDENTIALS_BLOCK", "retail-plain")
    warehouse = open_redshift()
    with warehouse.hold("run-1"):
        warehouse.prepare(CONTRACTS.values())
    warehouse.close()
    IamHelper.credentials_cache.clear()
    with dbt_environment(load_settings(target="redshift")) as variables, hold_environment(variables):
        done = debug_connection(tmp_path)
        identity = boto3.Session().get_credentials().get_frozen_credentials()
    assert (identity.access_key, identity.token) == ("testing", None)
    assert "OK connection ok" in done.stdout, done.stdout + done.stderr


def test_without_a_block_the_shell_s_own_keys_are_left_alone(
    redshift: Redshift, standin: RedshiftStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_REDSHIFT_METHOD", "iam")
    monkeypatch.setenv("RETAIL_REDSHIFT_WORKGROUP", standin.workgroup)
    with dbt_environment(load_settings(target="redshift")) as variables:
        assert process_environment(variables)["AWS_ACCESS_KEY_ID"] == "testing"
        assert not any(name.startswith("AWS_") for name in variables)
