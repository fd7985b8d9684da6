"""Where a workgroup is reached, asked of AWS."""

from __future__ import annotations

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from flows.errors import ConfigError
from flows.warehouse.redshift.connections import with_patience
from flows.warehouse.redshift.failures import is_passing


def find_endpoint(workgroup: str, region: str | None, session: boto3.Session | None, seconds: float) -> tuple[str, int]:
    """Host and port of a Serverless workgroup (API: GetWorkgroup); asked again for up to `seconds` while AWS throttles.

    Raises:
        ConfigError: there is no such workgroup, or the rights to ask for it are missing.
        LoadError: AWS throttled or did not answer all that time.
    """
    client = (session or boto3.Session()).client("redshift-serverless", region_name=region)

    def ask() -> tuple[str, int]:
        try:
            found = client.get_workgroup(workgroupName=workgroup)["workgroup"]["endpoint"]
        except (BotoCoreError, ClientError) as error:
            if is_passing(error):
                raise
            raise ConfigError(
                f"the workgroup {workgroup!r} cannot be looked up ({error}). Check RETAIL_REDSHIFT_WORKGROUP, the "
                "region and the rights, or set RETAIL_REDSHIFT_HOST."
            ) from error
        return str(found["address"]), int(found["port"])

    return with_patience(
        ask,
        seconds,
        lambda said: (
            f"the workgroup {workgroup!r} could not be looked up for {seconds:.0f} s ({said}). Run again later, or set "
            "RETAIL_REDSHIFT_HOST, which saves the question."
        ),
    )
