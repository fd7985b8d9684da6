"""How this run reaches its warehouse: settings and Prefect blocks in, a warehouse and dbt's environment out.

A value comes from the environment (`RETAIL_…`) first, then from a Prefect block that the environment names. What is
missing is listed at once, with every place it was looked for, before any work starts. Secrets stay in memory: they are
handed to the driver and, for the time dbt runs, to its environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from flows.run.blocks import Blocks, read_blocks
from flows.run.credentials import lend_credentials
from flows.run.needs import missing_access, missing_stage, refuse
from flows.run.settings import Settings
from flows.run.state import State
from flows.warehouse.base import Warehouse
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.redshift.access import Access
from flows.warehouse.redshift.stage import StageSettings


def open_warehouse(settings: Settings) -> Warehouse:
    """The warehouse that the target names; for Redshift nothing is connected yet.

    Raises:
        ConfigError: lists every setting that is missing or wrong.
    """
    if settings.target == "local":
        return DuckDBWarehouse(settings.duckdb_path, settings.duckdb_memory, settings.statement_timeout_s)
    from flows.warehouse.redshift.options import LoadOptions
    from flows.warehouse.redshift.warehouse import RedshiftWarehouse

    blocks = read_blocks(settings)
    access, stage = find_access(settings, blocks), find_stage(settings, blocks)
    options = LoadOptions(
        copy_role=settings.redshift_copy_role or "",
        work_dir=settings.work_dir,
        prefix=settings.schema_prefix,
        parallel_loads=settings.redshift_parallel_loads,
        lease_seconds=settings.redshift_lease_minutes * 60,
    )
    return RedshiftWarehouse(access, stage, options)


def open_state(settings: Settings) -> State | None:
    """Where the run keeps what it remembers beside the warehouse; None: in the work folder alone."""
    if settings.state is None:
        return None
    blocks = read_blocks(settings)
    return State(settings.state, settings.work_dir, blocks.session, blocks.region)


@contextmanager
def dbt_environment(settings: Settings) -> Iterator[dict[str, str | None]]:
    """Everything dbt reads from its environment, for as long as it runs; what is None must not be there.

    `DBT_ENV_SECRET_` makes dbt mask a value in its logs.

    Raises:
        ConfigError: lists every setting that is missing or wrong.
    """
    variables: dict[str, str | None] = {**settings.dbt_environment()}
    if settings.target == "local":
        yield variables
        return
    blocks = read_blocks(settings)
    access = find_access(settings, blocks)
    variables |= _python_models_environment(settings, find_stage(settings, blocks))
    variables |= {
        "RETAIL_REDSHIFT_HOST": access.host,
        "RETAIL_REDSHIFT_PORT": str(access.port),
        "RETAIL_REDSHIFT_DATABASE": access.database,
        "RETAIL_REDSHIFT_METHOD": access.method,
        "RETAIL_REDSHIFT_USER": access.user or "",
        "RETAIL_REDSHIFT_REGION": access.region or "",
        "RETAIL_REDSHIFT_WORKGROUP": access.workgroup or "",
        "RETAIL_REDSHIFT_CLUSTER_ID": access.cluster_id or "",
        "RETAIL_REDSHIFT_SSLMODE": access.sslmode,
        "DBT_ENV_SECRET_RETAIL_REDSHIFT_PASSWORD": access.password or "",
    }
    if access.session:  # without a block dbt's driver and its Python models use AWS's own chain, as ours do
        with lend_credentials(access.session) as lent:
            yield variables | lent
    else:
        yield variables


def _python_models_environment(settings: Settings, stage: StageSettings) -> dict[str, str | None]:
    """What dbt/plugins/dbt_redshift_python reads: a folder beside the parts, in which a run is alone by its lease.

    So whatever another machine left there is an orphan, however new it is.
    """
    return {
        "REDSHIFT_PYTHON_BUCKET": stage.bucket,
        "REDSHIFT_PYTHON_PREFIX": f"{stage.prefix}/python-models",
        "REDSHIFT_PYTHON_ROLE": settings.redshift_copy_role or "",
        "REDSHIFT_PYTHON_REGION": stage.region or "",
        "REDSHIFT_PYTHON_KMS_KEY_ID": stage.kms_key_id or "",
        "REDSHIFT_PYTHON_ORPHAN_MINUTES": "0",
        "REDSHIFT_PYTHON_MEMORY_MB": str(settings.python_memory_mb),
    }


def find_access(settings: Settings, blocks: Blocks) -> Access:
    """How to connect.

    Raises:
        ConfigError: lists every setting that is missing, with where it was looked for; or AWS knows no such workgroup.
    """
    secret = blocks.secret
    password = settings.redshift_password.get_secret_value() if settings.redshift_password else secret.get("password")
    user = settings.redshift_user or secret.get("username")
    host, port = settings.redshift_host, settings.redshift_port
    if not host and secret.get("host"):
        host, port = str(secret["host"]), int(secret.get("port", port))
    is_iam = settings.redshift_method == "iam"
    refuse(missing_access(settings, secret) + missing_stage(settings, blocks.bucket))
    region = settings.redshift_region or blocks.region
    if not host:
        from flows.warehouse.redshift.endpoint import find_endpoint

        host, port = find_endpoint(
            str(settings.redshift_workgroup), region, blocks.session, settings.redshift_connect_seconds
        )
    return Access(
        host=host,
        port=port,
        database=settings.redshift_database,
        method=settings.redshift_method,
        user=str(user) if user and not (is_iam and settings.redshift_workgroup) else None,
        password=None if is_iam else str(password),
        region=region,
        workgroup=settings.redshift_workgroup,
        cluster_id=settings.redshift_cluster_id,
        sslmode=settings.redshift_sslmode,
        session=blocks.session,
        connect_seconds=settings.redshift_connect_seconds,
        statement_seconds=settings.statement_timeout_s,
    )


def find_stage(settings: Settings, blocks: Blocks) -> StageSettings:
    """Where parts lie until they are loaded: a folder of this warehouse alone.

    Raises:
        ConfigError: the bucket or the role is missing or wrong.
    """
    refuse(missing_stage(settings, blocks.bucket))
    place = settings.redshift_workgroup or settings.redshift_cluster_id or settings.redshift_host or "redshift"
    folders = [blocks.folder, settings.s3_prefix.strip("/"), place, settings.redshift_database, settings.schema_prefix]
    return StageSettings(
        bucket=settings.s3_bucket or blocks.bucket or "",
        prefix="/".join(re.sub(r"[^A-Za-z0-9!_.*()/=-]", "_", folder) for folder in folders if folder),
        region=settings.redshift_region or blocks.region,
        kms_key_id=settings.s3_kms_key_id,
        session=blocks.session,
    )
