"""Reaching Redshift: passwords, IAM, TLS; what is missing or wrong, and that no secret shows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.errors import ConfigError
from flows.marts.environment import process_environment
from flows.run.blocks import read_blocks
from flows.run.settings import load_settings
from flows.run.target import dbt_environment, find_access, find_stage, open_warehouse
from flows.warehouse.redshift.warehouse import RedshiftWarehouse
from tests.warehouse import real_redshift
from tests.warehouse.redshift import Redshift, open_redshift
from tests.warehouse.redshift_standin import RedshiftStandin


def ask(warehouse: RedshiftWarehouse) -> str:
    """The user that the database sees."""
    try:
        (row,) = warehouse._query("select current_user")
        return str(row[0])
    finally:
        warehouse.close()


def test_missing_settings_are_listed_with_every_place_they_were_looked_for() -> None:
    with pytest.raises(ConfigError) as error:
        open_warehouse(load_settings(target="redshift"))
    assert str(error.value).splitlines() == [
        "target redshift: these settings are missing or wrong:",
        "  - the host: set either RETAIL_REDSHIFT_HOST, or 'host' in a secret whose block "
        "RETAIL_REDSHIFT_SECRET_BLOCK names",
        "  - the user: set either RETAIL_REDSHIFT_USER, or 'username' in a secret whose block "
        "RETAIL_REDSHIFT_SECRET_BLOCK names",
        "  - the password: set either RETAIL_REDSHIFT_PASSWORD, or 'password' in a secret whose block "
        "RETAIL_REDSHIFT_SECRET_BLOCK names",
        "  - the bucket for staged parts: set either RETAIL_S3_BUCKET, or RETAIL_S3_BUCKET_BLOCK, which names a block",
        "  - the role that COPY reads the bucket with: set RETAIL_REDSHIFT_COPY_ROLE",
    ]


def test_make_test_redshift_without_settings_says_so_and_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert real_redshift.main([]) == 2
    said = capsys.readouterr().err
    assert "RETAIL_REDSHIFT_HOST" in said
    assert "RETAIL_S3_BUCKET" in said


@pytest.mark.parametrize("role", ["my-role", "arn:aws:iam::1:role/x", "arn:aws:iam::123456789012:role/x' maxerror 9 '"])
def test_copy_role_that_is_none_is_refused(redshift: Redshift, monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    monkeypatch.setenv("RETAIL_REDSHIFT_COPY_ROLE", role)
    with pytest.raises(ConfigError, match="expected arn:aws:iam"):
        open_redshift()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RETAIL_SCHEMA_PREFIX", 'x"; drop'),
        ("RETAIL_REDSHIFT_READER", "role:x; drop"),
        ("RETAIL_S3_PREFIX", "a'b"),
        ("RETAIL_REDSHIFT_SSLMODE", "prefer"),
    ],
)
def test_setting_that_could_not_be_safe_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=variable.removeprefix("RETAIL_").lower()):
        load_settings(target="redshift")


def test_user_and_password(redshift: Redshift, standin: RedshiftStandin) -> None:
    assert ask(open_redshift()) == standin.user


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("RETAIL_REDSHIFT_PASSWORD", "wrong", "Check RETAIL_REDSHIFT_USER and RETAIL_REDSHIFT_PASSWORD"),
        ("RETAIL_REDSHIFT_DATABASE", "nowhere", "Check RETAIL_REDSHIFT_DATABASE"),
    ],
)
def test_wrong_credentials_are_a_configuration_error_at_once(
    redshift: Redshift, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=told) as error:
        ask(open_redshift())
    assert "wrong" not in str(error.value)


def test_certificate_of_an_unknown_authority_is_refused_with_the_cure(
    redshift: Redshift, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(ConfigError, match=r"certificate cannot be verified .* SSL_CERT_FILE"):
        ask(open_redshift())


def serverless(environment: pytest.MonkeyPatch, standin: RedshiftStandin) -> None:
    environment.setenv("RETAIL_REDSHIFT_WORKGROUP", standin.workgroup)
    environment.delenv("RETAIL_REDSHIFT_HOST")  # AWS is asked for it
    environment.delenv("RETAIL_REDSHIFT_USER")


def provisioned(environment: pytest.MonkeyPatch, standin: RedshiftStandin) -> None:
    environment.setenv("RETAIL_REDSHIFT_CLUSTER_ID", standin.cluster)


@pytest.mark.parametrize("kind", [serverless, provisioned])
def test_iam_gets_credentials_from_aws(
    redshift: Redshift,
    standin: RedshiftStandin,
    monkeypatch: pytest.MonkeyPatch,
    kind: Callable[[pytest.MonkeyPatch, RedshiftStandin], None],
) -> None:
    monkeypatch.setenv("RETAIL_REDSHIFT_METHOD", "iam")
    monkeypatch.delenv("RETAIL_REDSHIFT_PASSWORD")
    kind(monkeypatch, standin)
    assert ask(open_redshift()) != ""
    assert standin.api.calls
    with dbt_environment(load_settings(target="redshift")) as environment:
        assert (environment["RETAIL_REDSHIFT_METHOD"], environment["RETAIL_REDSHIFT_HOST"]) == ("iam", standin.host)
        assert environment["DBT_ENV_SECRET_RETAIL_REDSHIFT_PASSWORD"] == ""


@pytest.mark.parametrize("kind", [serverless, provisioned])
def test_dbt_connects_with_iam(
    redshift: Redshift,
    standin: RedshiftStandin,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kind: Callable[[pytest.MonkeyPatch, RedshiftStandin], None],
) -> None:
    monkeypatch.setenv("RETAIL_REDSHIFT_METHOD", "iam")
    monkeypatch.delenv("RETAIL_REDSHIFT_PASSWORD")
    kind(monkeypatch, standin)
    settings = load_settings(target="redshift")
    folders = {"DBT_LOG_PATH": str(tmp_path), "DBT_TARGET_PATH": str(tmp_path)}
    dbt = Path(sys.executable).parent / "dbt"
    with dbt_environment(settings) as variables:
        done = subprocess.run(
            [dbt, "debug", "--connection", "--target", "redshift", "--profiles-dir", "."],
            cwd=settings.dbt_project_dir,
            env=process_environment(variables | folders),
            capture_output=True,
            text=True,
            check=False,
        )
    assert "OK connection ok" in done.stdout, done.stdout + done.stderr
    assert any("credentials" in str(call).lower() for call in standin.api.calls), "AWS was asked"


def test_iam_of_a_workgroup_that_aws_does_not_know_is_a_configuration_error(
    redshift: Redshift, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_REDSHIFT_METHOD", "iam")
    monkeypatch.setenv("RETAIL_REDSHIFT_WORKGROUP", "unknown")
    monkeypatch.delenv("RETAIL_REDSHIFT_HOST")
    with pytest.raises(ConfigError, match="RETAIL_REDSHIFT_WORKGROUP"):
        open_redshift()


def test_iam_without_tls_is_refused(redshift: Redshift, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_REDSHIFT_METHOD", "iam")
    monkeypatch.setenv("RETAIL_REDSHIFT_WORKGROUP", "any")
    monkeypatch.setenv("RETAIL_REDSHIFT_SSLMODE", "disable")
    with pytest.raises(ConfigError, match="TLS"):
        open_redshift()


def test_secrets_show_in_no_text(redshift: Redshift, standin: RedshiftStandin) -> None:
    settings = load_settings(target="redshift")
    blocks = read_blocks(settings)
    shown = " ".join(map(repr, [settings, blocks, find_access(settings, blocks), find_stage(settings, blocks)]))
    assert standin.password not in shown
    ask(open_redshift())
    assert not any(standin.password in statement for statement in standin.log)
