"""Who may read the marts on Redshift: a user, or whom IAM lets in. Groups: `tests/flows/test_redshift_pipeline`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from flows.errors import ConfigError
from flows.marts.environment import process_environment
from flows.run.settings import load_settings
from flows.run.target import dbt_environment
from tests.warehouse.redshift import Redshift
from tests.warehouse.redshift_standin import RedshiftStandin

READERS = {
    "reader": "reader",
    "IAMR:analyst": '"IAMR:analyst"',
}
MAKE = 'create role reader login; create role "IAMR:analyst";'


def build_seeds(folder: Path) -> None:
    settings = load_settings(target="redshift")
    dbt = Path(sys.executable).parent / "dbt"
    with dbt_environment(settings) as variables:
        done = subprocess.run(
            [dbt, "build", "--select", "customers_status", "--exclude-resource-type", "test", "--profiles-dir", "."],
            cwd=settings.dbt_project_dir,
            env=process_environment(variables | {"DBT_LOG_PATH": str(folder), "DBT_TARGET_PATH": str(folder)}),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("reader", READERS)
def test_reader_is_granted_by_name_and_what_is_granted_stays(
    redshift: Redshift,
    standin: RedshiftStandin,
    warehouse: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reader: str,
) -> None:
    """Twice: dbt then compares what it finds granted with the setting, and takes away what differs."""
    standin.postgres.run_sql(MAKE)
    monkeypatch.setenv("RETAIL_REDSHIFT_READER", reader)
    standin.log.clear()
    build_seeds(tmp_path)
    build_seeds(tmp_path)
    said = re.sub(r"\s+", " ", "\n".join(standin.log)).lower()
    name = READERS[reader].lower()
    assert f'grant usage on schema "data_mart" to {name}' in said
    assert f'grant select on "dev"."data_mart"."customers_status" to {name}' in said
    assert "revoke" not in said


@pytest.mark.parametrize("reader", ['IAMR:x" ; drop', "IAMR:", "IAMX:x", "group:IAMR:x", "IAMR:" + "x" * 65])
def test_reader_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    monkeypatch.setenv("RETAIL_REDSHIFT_READER", reader)
    with pytest.raises(ConfigError, match="redshift_reader"):
        load_settings(target="redshift")
