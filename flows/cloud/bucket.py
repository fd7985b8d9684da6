"""The bucket after its stack: emptied, every version of every object, and removed."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from flows.errors import LoadError


def remove_bucket(client: Any, bucket: str) -> int:
    """How many objects and versions were removed with it; a bucket that is gone is no fault.

    Raises:
        LoadError: S3 keeps some of them.
    """
    removed = 0
    try:
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            if found:
                _remove(client, bucket, [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found])
            removed += len(found)
        client.delete_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
    return removed


def _remove(client: Any, bucket: str, objects: list[dict[str, str]]) -> None:
    kept = client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}).get("Errors", ())
    if kept:
        named = "\n".join(f"  - {each['Key']}: {each['Message']}" for each in kept[:5])
        raise LoadError(f"{bucket}: S3 keeps {len(kept)} objects. Then: aws s3 rb s3://{bucket} --force\n{named}")
