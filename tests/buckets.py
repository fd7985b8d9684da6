"""Buckets of moto as tests look at them: every version that is kept, as files; and rights that lack."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError


def save_versions(s3: Any, bucket: str, folder: Path) -> dict[str, str]:
    """Write every content that the bucket keeps into a file of its own; its path → the key."""
    folder.mkdir(parents=True)
    saved = {}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for number, version in enumerate(page.get("Versions", []), len(saved)):
            given = {} if version["VersionId"] == "null" else {"VersionId": version["VersionId"]}
            body = s3.get_object(Bucket=bucket, Key=version["Key"], **given)["Body"].read()
            is_parquet = body[:4] == b"PAR1"
            path = folder / f"{number}{'.parquet' if is_parquet else ''}"
            path.write_bytes(body)
            saved[str(path)] = version["Key"]
    return saved


def find_kept(s3: Any, bucket: str, folder: Path, find: Callable[[Path], Iterable[str]]) -> set[str]:
    """The keys of those contents that `find` tells of a folder of them."""
    saved = save_versions(s3, bucket, folder)
    return {saved[path] for path in find(folder)}


def deny(environment: pytest.MonkeyPatch, *operations: str) -> None:
    """Let AWS refuse these operations from then on, as it does to a role without the right."""
    call = BaseClient._make_api_call

    def refuse(self: BaseClient, operation: str, given: dict[str, Any]) -> Any:
        is_version = operation == "DeleteObjects" and any("VersionId" in each for each in given["Delete"]["Objects"])
        if is_version and "DeleteObjectVersion" in operations:
            return {"Errors": [{"Key": each["Key"], "Code": "AccessDenied"} for each in given["Delete"]["Objects"]]}
        if operation in operations:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, operation)
        return call(self, operation, given)

    environment.setattr(BaseClient, "_make_api_call", refuse)
