"""A Redshift for tests: the stand-in, or a real workgroup that the environment names (`make test-redshift`)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import redshift_connector

from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion, convert_csv
from flows.lake.sources import find_sources
from flows.run.blocks import read_blocks
from flows.run.settings import load_settings
from flows.run.target import find_access, open_warehouse
from flows.warehouse.ddl import SCHEMAS
from flows.warehouse.ingestion import Ingestion
from flows.warehouse.redshift.warehouse import RedshiftWarehouse
from tests.warehouse.redshift_standin import RedshiftStandin


@dataclass(frozen=True)
class Redshift:
    """Where tests load to. Everything they make has the prefix; `standin` is None on a real workgroup."""

    environment: Mapping[str, str]
    prefix: str = ""
    standin: RedshiftStandin | None = None

    def run(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Run a statement in a transaction of its own; `{p}` in it is the prefix of the schemas."""
        settings = load_settings(target="redshift")
        access = find_access(settings, read_blocks(settings))
        with redshift_connector.connect(**access.driver_arguments()) as connection, connection.cursor() as cursor:
            cursor.execute(sql.replace("{p}", self.prefix), arguments or None)
            rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            connection.commit()
            return rows

    def drop_schemas(self) -> None:
        for schema in SCHEMAS:
            self.run(f'drop schema if exists "{{p}}{schema}" cascade')


def standin_environment(standin: RedshiftStandin) -> dict[str, str]:
    """What a user would export to reach the stand-in."""
    return standin.environment() | {
        "RETAIL_REDSHIFT_HOST": standin.host,
        "RETAIL_REDSHIFT_PORT": str(standin.port),
        "RETAIL_REDSHIFT_DATABASE": standin.database,
        "RETAIL_REDSHIFT_USER": standin.user,
        "RETAIL_REDSHIFT_PASSWORD": standin.password,
        "RETAIL_REDSHIFT_REGION": standin.region,
        "RETAIL_REDSHIFT_COPY_ROLE": standin.role_arn,
        "RETAIL_REDSHIFT_CONNECT_SECONDS": "20",
        "RETAIL_S3_BUCKET": standin.bucket,
    }


@contextmanager
def schemas_of_our_own(given: Mapping[str, str], environment: pytest.MonkeyPatch) -> Iterator[Redshift]:
    """A real workgroup, in schemas with a prefix that is used once; they are dropped in the end."""
    prefix = f"test_{secrets.token_hex(4)}_"
    exported = {**given, "RETAIL_SCHEMA_PREFIX": prefix}
    for name, value in exported.items():
        environment.setenv(name, value)
    redshift = Redshift(exported, prefix)
    try:
        yield redshift
    finally:
        redshift.drop_schemas()


def open_redshift(**options: Any) -> RedshiftWarehouse:
    """The warehouse that the environment names; tries follow at once, and `options` are of LoadOptions."""
    warehouse = open_warehouse(load_settings(target="redshift"))
    assert isinstance(warehouse, RedshiftWarehouse)
    warehouse.options = replace(warehouse.options, **{"pause_seconds": 0.05} | options)
    warehouse.parallel_loads = warehouse.options.parallel_loads
    return warehouse


def ingest(warehouse: RedshiftWarehouse, source: Path, work_dir: Path, run_id: str) -> Ingestion:
    """Load a folder of files as a run does, without Prefect."""
    with warehouse.hold(run_id):
        job = Ingestion(warehouse, work_dir, run_id)
        job.load(job.convert(find_sources(source, CONTRACTS).files))
    return job


def convert(folder: Any, text: str, name: str = "raw_customers.csv") -> Conversion:
    """The conversion of a file of customers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return convert_csv(folder / name, CONTRACTS["raw_customers"], folder)
