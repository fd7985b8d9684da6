"""What Redshift writes of its statements and sessions into CloudWatch: kept for a month, removed with the stack.

Redshift makes these groups itself when it first has something to say, outside of the stack, and they keep for ever
(AWS: "Audit logging for Amazon Redshift Serverless"). One that is there is used as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from flows.cloud.template import read_template

DAYS = 30


def name_logs(namespace: str) -> Iterator[str]:
    """The group of each log that the template lets Redshift write."""
    for kind in read_template()["Resources"]["Namespace"]["Properties"]["LogExports"]:
        yield f"/aws/redshift/{namespace}/{kind}"


def bound_logs(client: Any, namespace: str) -> int:
    """Let each group end after 30 days, unless somebody said another time; how many were bounded now."""
    bounded = 0
    for name in name_logs(namespace):
        with suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_group(logGroupName=name)
        pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
        found = [group for page in pages for group in page["logGroups"] if group["logGroupName"] == name]
        if not any("retentionInDays" in group for group in found):
            client.put_retention_policy(logGroupName=name, retentionInDays=DAYS)
            bounded += 1
    return bounded


def remove_logs(client: Any, namespace: str) -> None:
    """Remove each group; one that is gone is no fault."""
    for name in name_logs(namespace):
        with suppress(client.exceptions.ResourceNotFoundException):
            client.delete_log_group(logGroupName=name)
