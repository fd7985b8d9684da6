"""dbt in this process on the small project: what each node came to, and what lies in the warehouse and in S3 then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner

from tests.warehouse.redshift_standin import RedshiftStandin
from tests.warehouse.test_standin_dbt import dbt_variables

PREFIX = "dbt-python-models"


@dataclass(frozen=True)
class Outcome:
    """What a node came to."""

    status: str
    message: str
    rows: int | None


@dataclass(frozen=True)
class Dbt:
    """A project and the environment that its commands run in."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, **environment: str) -> dict[str, Outcome]:
        """Run one command; node → outcome.

        Raises:
            AssertionError: dbt could not run at all.
        """
        places = ["--project-dir", self.folder, "--profiles-dir", self.folder, "--log-path", self.folder / "logs"]
        with pytest.MonkeyPatch.context() as patched:
            for name, value in {**self.environment, **environment}.items():
                patched.setenv(name, value)
            result = dbtRunner().invoke([*arguments, *map(str, places), "--quiet"])
        assert result.exception is None, result.exception
        found = getattr(result.result, "results", None) or []
        return {each.node.name: _judge(each) for each in found}


def _judge(result: Any) -> Outcome:
    rows = (result.adapter_response or {}).get("rows_affected")
    return Outcome(str(result.status.value), result.message or "", rows)


@contextmanager
def on_duckdb(folder: Path, path: Path) -> Iterator[Dbt]:
    """Let go of the file in the end, as a process of its own would."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    yield Dbt(folder, {"RETAIL_TARGET": "local", "RETAIL_DUCKDB_PATH": str(path)})
    DuckDBConnectionManager.close_all_connections()


def on_standin(folder: Path, standin: RedshiftStandin) -> Dbt:
    """Objects go by way of the address that fails where a test wants it to."""
    return Dbt(
        folder,
        {
            **standin.environment(),
            **dbt_variables(standin),
            "AWS_ENDPOINT_URL_S3": standin.faulty_s3_endpoint,
            "REDSHIFT_PYTHON_BUCKET": standin.bucket,
            "REDSHIFT_PYTHON_ROLE": standin.role_arn,
        },
    )


def list_keys(standin: RedshiftStandin, prefix: str = "") -> list[str]:
    found = standin.s3.list_objects_v2(Bucket=standin.bucket, Prefix=prefix).get("Contents", [])
    return [entry["Key"] for entry in found]


def prepare_schema(standin: RedshiftStandin) -> None:
    """The schema of the target, with the table of the project's source."""
    standin.reset()
    standin.run("create schema data_mart")
    standin.run("create table data_mart.plain (a bigint, b varchar(3))")
    standin.run("insert into data_mart.plain values (1, 'x')")
    standin.run("create user reader password disable")
