"""What a run needs, looked at before anything starts: settings in, every fault at once out.

Neither Prefect nor dbt nor AWS is imported here, and nothing is connected: what is missing costs a second, not the
minutes of a server that starts. What only a Prefect block can say is looked at again when the block has been read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flows.errors import ConfigError
from flows.lake.sources import find_sources
from flows.run.paths import find_path
from flows.run.settings import Settings

_ROLE = r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=.@/-]+"
COPY_ROLE = re.compile(rf"\A(default|{_ROLE}(,{_ROLE})*)\Z")  # several: a chain of roles


def check_needs(settings: Settings, *, reads_source: bool) -> None:
    """Refuse what cannot end well: a source folder without raw data, a Redshift that is not named in full.

    Raises:
        ConfigError: lists what is missing or wrong, and every way to set it.
    """
    if reads_source and not settings.source.startswith("s3://"):
        _check_source(settings)
    if reads_source:
        check_runner(settings)
    if settings.target == "redshift":
        secret: dict[str, Any] | None = None if settings.redshift_secret_block else {}
        bucket = "of a block that is not read yet" if settings.s3_bucket_block else None
        refuse(missing_access(settings, secret) + missing_stage(settings, bucket))


def check_runner(settings: Settings) -> None:
    """Refuse workers of a cluster where they cannot reach what they are to read and write.

    Raises:
        ConfigError: lists what is missing or wrong, and how to set it.
    """
    missing = _missing_for_workers(settings) if settings.runner == "dask" else []
    if missing:
        cure = "Set these, or let RETAIL_RUNNER be threads."
        raise ConfigError(
            "\n".join(["RETAIL_RUNNER is dask, but this is missing:", *(f"  - {each}" for each in missing), cure])
        )


def _missing_for_workers(settings: Settings) -> list[str]:
    missing = []
    if not settings.source.startswith("s3://"):
        missing.append(f"a source in S3, where workers can read it: RETAIL_SOURCE is {settings.source[:200]!r}")
    if settings.target != "redshift":
        missing.append("RETAIL_TARGET=redshift: a DuckDB file is loaded with parts of this disk, which workers lack")
    if settings.dask_address is None:
        missing.append("the scheduler's address: set RETAIL_DASK_ADDRESS, e.g. tls://scheduler:8786")
    if find_spec("prefect_dask") is None:
        missing.append("the package prefect-dask: install the extra dask (docs/scale.md)")
    return missing


def missing_access(settings: Settings, secret: Mapping[str, Any] | None) -> list[str]:
    """What the connection lacks; `secret` is what the block of the secret says, None where it is not read yet."""
    is_iam, missing = settings.redshift_method == "iam", []
    if not settings.redshift_host and not (is_iam and settings.redshift_workgroup) and _lacks(secret, "host"):
        missing.append(_missing("the host", "RETAIL_REDSHIFT_HOST", "host", settings))
    if is_iam and not settings.redshift_workgroup and not settings.redshift_cluster_id:
        missing.append("what IAM is asked for: set either RETAIL_REDSHIFT_WORKGROUP or RETAIL_REDSHIFT_CLUSTER_ID")
    if is_iam and settings.redshift_sslmode == "disable":
        missing.append("TLS, which IAM needs: RETAIL_REDSHIFT_SSLMODE is disable")
    if not is_iam and not settings.redshift_user and _lacks(secret, "username"):
        missing.append(_missing("the user", "RETAIL_REDSHIFT_USER", "username", settings))
    if not is_iam and not settings.redshift_password and _lacks(secret, "password"):
        missing.append(_missing("the password", "RETAIL_REDSHIFT_PASSWORD", "password", settings))
    return missing


def missing_stage(settings: Settings, bucket: str | None) -> list[str]:
    """What COPY lacks; `bucket` is that of a block."""
    missing = []
    if not settings.s3_bucket and not bucket:
        missing.append(
            "the bucket for staged parts: set either RETAIL_S3_BUCKET, or RETAIL_S3_BUCKET_BLOCK, which names a block"
        )
    if not settings.redshift_copy_role:
        missing.append("the role that COPY reads the bucket with: set RETAIL_REDSHIFT_COPY_ROLE")
    elif not COPY_ROLE.match(settings.redshift_copy_role):
        missing.append(
            "a role in RETAIL_REDSHIFT_COPY_ROLE: expected arn:aws:iam::<account>:role/<name> or default, "
            f"found {settings.redshift_copy_role[:100]!r}"
        )
    return missing


def refuse(missing: list[str]) -> None:
    """End here if anything is missing.

    Raises:
        ConfigError: lists it.
    """
    if missing:
        raise ConfigError(
            "\n".join(["target redshift: these settings are missing or wrong:", *(f"  - {each}" for each in missing)])
        )


def _check_source(settings: Settings) -> None:
    from flows.lake.contracts import CONTRACTS
    from flows.lake.profile_files import find_profiled_sources

    folder, profile = find_source(settings.source), settings.read_profile()
    if profile:
        find_profiled_sources(folder, profile)
    else:
        find_sources(folder, CONTRACTS)


def find_source(source: str) -> Path:
    """The absolute path of a source folder.

    Raises:
        ConfigError: there can be no such folder.
    """
    try:
        return find_path(source)
    except ValueError as error:
        raise ConfigError(
            f"{source[:200]!r}: the source folder cannot be found: {error} with --source or RETAIL_SOURCE."
        ) from error


def _lacks(secret: Mapping[str, Any] | None, key: str) -> bool:
    return secret is not None and not secret.get(key)


def _missing(what: str, variable: str, key: str, settings: Settings) -> str:
    block = settings.redshift_secret_block
    return f"{what}: set either {variable}, or {key!r} in " + (
        f"the secret of block {block!r}" if block else "a secret whose block RETAIL_REDSHIFT_SECRET_BLOCK names"
    )
