"""The command `dbt` finds the package and runs Python models; what a killed one leaves in S3, the next removes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.dbt_plugins import write_path_file
from tests.redshift_python.project import PLUGINS, write_project
from tests.redshift_python.runs import PREFIX, Dbt, list_keys, on_standin, prepare_schema
from tests.warehouse.redshift_standin import RedshiftStandin

MODELS = {
    "killed.py": """
        import os
        import signal


        def model(dbt, session):
            read = session.sql("select a, b from data_mart.plain").pl()
            if dbt.config.meta_get("kill"):
                os.kill(os.getpid(), signal.SIGKILL)
            return read
    """,
    "schema.yml": """
        models: [{name: killed, config: {meta: {kill: "{{ env_var('KILL', '') }}"}}}]
    """,
}


@pytest.fixture
def dbt(standin: RedshiftStandin, tmp_path: Path) -> Dbt:
    prepare_schema(standin)
    found = on_standin(write_project(tmp_path / "small", MODELS), standin)
    return Dbt(found.folder, {**found.environment, "PYTHONPATH": str(PLUGINS), "REDSHIFT_PYTHON_DRIVER_MB": "0"})


def call_dbt(dbt: Dbt, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a shell starts it."""
    return subprocess.run(
        [Path(sys.executable).parent / "dbt", "run", "--project-dir", dbt.folder, "--profiles-dir", dbt.folder],
        env={**os.environ, **dbt.environment, **environment},
        cwd=dbt.folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_runs_models_and_removes_what_a_killed_one_left(standin: RedshiftStandin, dbt: Dbt) -> None:
    foreign = f"{PREFIX}/notes.txt"
    standin.s3.put_object(Bucket=standin.bucket, Key=foreign, Body=b"of somebody else")

    killed = call_dbt(dbt, KILL="yes")
    assert killed.returncode == -signal.SIGKILL, killed.stdout
    left = [key for key in list_keys(standin) if key != foreign]
    assert len(left) == 1
    assert left[0].startswith(f"{PREFIX}/"), "what was unloaded for the model that was killed"
    tables = standin.run("select tablename from pg_tables where schemaname = 'data_mart'")
    assert tables == [("plain",)]

    done = call_dbt(dbt)
    assert done.returncode == 0, done.stdout
    assert standin.run("select a, b from data_mart.killed") == [(1, "x")]
    assert list_keys(standin) == [foreign]


def test_path_file_lets_any_python_of_the_environment_find_the_package(tmp_path: Path) -> None:
    write_path_file(tmp_path)
    write_path_file(tmp_path)
    code = "import pkgutil, site, sys; site.addsitedir(sys.argv[1]); print([m.name for m in pkgutil.iter_modules()])"
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "'dbt_redshift_python'" in done.stdout
