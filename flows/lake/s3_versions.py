"""What a bucket keeps of objects that are removed: older versions. A prefix in; what is chosen there is gone.

In a bucket that keeps versions, deleting hides an object and removes nothing; a version goes when it is named, which is
a right of its own, s3:DeleteObjectVersion (AWS: "Deleting object versions from a versioning-enabled bucket"). Whether
there are any only s3:ListBucketVersions tells. Markers of what was deleted stay: they hold a key and no content.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from flows.errors import ConfigError, LoadError

DENIED = {"AccessDenied", "403", "AllAccessDisabled"}
AT_ONCE = 1000  # of DeleteObjects


class StoredVersion(NamedTuple):
    """One content of a key; `modified` is when S3 got it (UTC)."""

    key: str
    version_id: str
    is_latest: bool
    modified: datetime


def list_versions(client: Any, bucket: str, prefix: str) -> list[StoredVersion]:
    """Every content that the bucket keeps under a prefix, of objects that are deleted too.

    Raises:
        ConfigError: the role may not know.
    """
    try:
        pages = list(client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix))
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        raise ConfigError(
            f"s3://{bucket}/{prefix}: nobody can tell whether the bucket keeps older versions ({error}). Grant "
            "s3:ListBucketVersions on the bucket to whoever forgets, then run again."
        ) from error
    found = [entry for page in pages for entry in page.get("Versions", [])]
    return [
        StoredVersion(each["Key"], each["VersionId"], bool(each["IsLatest"]), each["LastModified"]) for each in found
    ]


def remove_versions(client: Any, bucket: str, versions: Sequence[StoredVersion]) -> None:
    """Remove these contents for good; without naming a version where that is enough, as in a bucket that keeps none.

    Raises:
        LoadError: some are there still, and the right that lacks.
    """
    latest = [version for version in versions if version.is_latest]
    _delete(client, bucket, [{"Key": version.key} for version in latest])
    hidden = [version for version in versions if not version.is_latest]
    hidden += _find_kept(client, bucket, latest)
    failed = _delete(client, bucket, [{"Key": each.key, "VersionId": each.version_id} for each in hidden])
    if failed:
        named = ", ".join(f"{error.get('Key')} ({error.get('Code')})" for error in failed[:5])
        raise LoadError(
            f"s3://{bucket}: {len(failed)} contents are kept still, such as {named}. Grant s3:DeleteObject, and "
            "s3:DeleteObjectVersion where the bucket keeps versions, to whoever forgets; or remove them there. Then "
            "run again."
        )


def _find_kept(client: Any, bucket: str, deleted: Sequence[StoredVersion]) -> list[StoredVersion]:
    """Those of the deleted contents that the bucket keeps all the same."""
    prefix = os.path.commonprefix([version.key for version in deleted])  # noqa: RUF071 - of text, as S3 has it
    gone = {(version.key, version.version_id) for version in deleted}
    kept = list_versions(client, bucket, prefix) if deleted else []
    return [version for version in kept if (version.key, version.version_id) in gone]


def _delete(client: Any, bucket: str, objects: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """Ask for these to be removed; the errors, one a key, are in the bodies of answers of 200 (API: DeleteObjects)."""
    failed: list[dict[str, Any]] = []
    for start in range(0, len(objects), AT_ONCE):
        batch = list(objects[start : start + AT_ONCE])
        failed += client.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True}).get("Errors", [])
    return failed
