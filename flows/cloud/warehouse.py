"""What CloudFormation has no words for: the usage limit of a workgroup, and what a role may do in its database."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from flows.errors import LoadError

POLL_SECONDS = 1.0
PATIENCE_SECONDS = 300.0  # a workgroup that wakes takes a minute
_NAME = re.compile(r"\A[A-Za-z0-9_+=,.@-]{1,64}\Z")


def find_limit(client: Any, workgroup_arn: str) -> Mapping[str, Any] | None:
    """The monthly limit of computing that the workgroup has."""
    pages = client.get_paginator("list_usage_limits").paginate(
        resourceArn=workgroup_arn, usageType="serverless-compute"
    )
    limits = [limit for page in pages for limit in page.get("usageLimits", ()) if limit.get("period") == "monthly"]
    return limits[0] if limits else None


def set_limit(client: Any, outputs: Mapping[str, str]) -> bool:
    """Make the usage limit what the stack's outputs say; whether it was another before (API: CreateUsageLimit)."""
    amount, action = int(outputs["UsageLimitRpuHours"]), outputs["UsageLimitAction"]
    limit = find_limit(client, outputs["WorkgroupArn"])
    if limit is None:
        client.create_usage_limit(
            resourceArn=outputs["WorkgroupArn"],
            usageType="serverless-compute",
            amount=amount,
            period="monthly",
            breachAction=action,
        )
        return True
    if (limit["amount"], limit["breachAction"]) == (amount, action):
        return False
    client.update_usage_limit(usageLimitId=limit["usageLimitId"], amount=amount, breachAction=action)
    return True


def admit_runtime(serverless: Any, data: Any, outputs: Mapping[str, str], poll_seconds: float = POLL_SECONDS) -> None:
    """Let the runtime role make its schemas; Redshift knows whom IAM lets in as the user `IAMR:<role>`.

    The statements run by the Data API with the admin secret, which only its ARN is read of here (AWS: "Using the Amazon
    Redshift Data API", "GetCredentials").

    Raises:
        LoadError: a statement failed.
    """
    namespace = serverless.get_namespace(namespaceName=outputs["NamespaceName"])["namespace"]
    role, database = outputs["RuntimeRoleName"], outputs["RedshiftDatabase"]
    for name in (role, database):
        if not _NAME.match(name):
            raise LoadError(f"{name!r} is no name of a role or a database; the stack's outputs are not those expected.")
    where = {
        "WorkgroupName": outputs["RedshiftWorkgroup"],
        "Database": database,
        "SecretArn": namespace["adminPasswordSecretArn"],
    }
    _run(data, where, f'create user "IAMR:{role}" password disable', poll_seconds, unless="already exists")
    _run(data, where, f'grant create on database "{database}" to "IAMR:{role}"', poll_seconds)


def _run(
    client: Any, where: Mapping[str, str], sql: str, poll_seconds: float, unless: str = "never said by Redshift"
) -> None:
    statement, end = client.execute_statement(**where, Sql=sql)["Id"], time.monotonic() + PATIENCE_SECONDS
    while (found := client.describe_statement(Id=statement))["Status"] not in {"FINISHED", "FAILED", "ABORTED"}:
        if time.monotonic() > end:
            raise LoadError(f"Redshift did not answer within {PATIENCE_SECONDS:.0f} s: {sql}. Run up again.")
        time.sleep(poll_seconds)
    error = found.get("Error") or ""
    if found["Status"] != "FINISHED" and unless not in error:
        raise LoadError(
            f"Redshift refuses {sql}: {error or found['Status']}. Correct that, or run it as an administrator, then "
            "run up again."
        )
