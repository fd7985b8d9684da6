"""The Redshift of these tests: the stand-in, shared by the session; made as new before each test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.warehouse.redshift_standin import RedshiftStandin, start_standin


@pytest.fixture(scope="session")
def running_standin() -> Iterator[RedshiftStandin]:
    with start_standin() as standin:
        yield standin


@pytest.fixture
def standin(running_standin: RedshiftStandin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RedshiftStandin:
    """As new, and named by the environment as a user would name a workgroup, with user and password."""
    running_standin.reset()
    for name, value in redshift_environment(running_standin).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RETAIL_WORK_DIR", str(tmp_path / "work"))
    return running_standin


def redshift_environment(standin: RedshiftStandin) -> dict[str, str]:
    """What a user exports to reach the stand-in."""
    return standin.environment() | {
        "RETAIL_TARGET": "redshift",
        "RETAIL_REDSHIFT_HOST": standin.host,
        "RETAIL_REDSHIFT_PORT": str(standin.port),
        "RETAIL_REDSHIFT_DATABASE": standin.database,
        "RETAIL_REDSHIFT_USER": standin.user,
        "RETAIL_REDSHIFT_PASSWORD": standin.password,
        "RETAIL_REDSHIFT_REGION": standin.region,
        "RETAIL_REDSHIFT_COPY_ROLE": standin.role_arn,
        "RETAIL_S3_BUCKET": standin.bucket,
    }
