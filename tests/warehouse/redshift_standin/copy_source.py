"""The objects that one COPY reads: what a manifest or a prefix names, in S3.

Page: loading-data-files-using-manifest.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.warehouse.redshift_standin.copy_command import Copy
from tests.warehouse.redshift_standin.copy_errors import CopyError, scan_error


@dataclass(frozen=True)
class ObjectStore:
    """S3 as the warehouse sees it: a client that never meets a fault, and the roles that may read."""

    client: Any
    roles: frozenset[str]

    def read(self, bucket: str, key: str) -> bytes:
        body: bytes = self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body


def list_objects(copy: Copy, store: ObjectStore) -> list[tuple[str, str]]:
    """The buckets and keys that COPY is to load, at least one.

    Raises:
        CopyError: nothing is there, a mandatory file is missing, or the manifest is not right.
    """
    if copy.role not in store.roles:
        raise CopyError(f"User is not authorized to assume IAM Role {copy.role}.", code=30000)  # number unconfirmed
    try:
        return _read_manifest(copy.url, store) if copy.is_manifest else _list_prefix(copy.url, store)
    except ClientError as error:
        found = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        raise CopyError(
            f"S3ServiceException:{found.get('Message', '')},Status {status},Error {found['Code']}", copy.url, 8001
        ) from error


def _list_prefix(url: str, store: ObjectStore) -> list[tuple[str, str]]:
    bucket, prefix = split_url(url)
    pages = store.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", []) if item["Size"]]
    if not keys:
        raise CopyError(f"The specified S3 prefix '{prefix}' does not exist", code=8001)
    return [(bucket, key) for key in keys]


def _read_manifest(url: str, store: ObjectStore) -> list[tuple[str, str]]:
    bucket, key = split_url(url)
    try:
        manifest = json.loads(store.read(bucket, key))
        entries = manifest["entries"]
    except (ValueError, KeyError, TypeError) as error:
        raise CopyError("The S3 manifest is not valid JSON with 'entries'", url, 15003) from error  # unconfirmed
    found = [place for entry in entries if (place := _find_entry(entry, store))]
    if not found:
        raise CopyError("The manifest names no file that exists", url, 15001)  # unconfirmed
    return found


def _find_entry(entry: dict[str, Any], store: ObjectStore) -> tuple[str, str] | None:
    """The place of one entry; None if it is missing and need not be there."""
    expected = entry.get("meta", {}).get("content_length")
    if expected is None:
        # "The meta key ... content_length is required" for Parquet and ORC
        missing = "content_length" if "meta" in entry else "meta"
        raise CopyError(f"File entry does not have '{missing}' key.", entry.get("url", ""), 15003)
    place = split_url(entry["url"])
    try:
        size = store.client.head_object(Bucket=place[0], Key=place[1])["ContentLength"]
    except ClientError as error:
        if not entry.get("mandatory", False):
            return None
        raise CopyError(f"The requested file '{entry['url']}' could not be found", entry["url"], 15001) from error
    if size != expected:
        # that Redshift refuses it is documented nowhere; the stand-in does, for the loader's size must be true
        raise scan_error(f"content_length {expected} of '{entry['url']}' is not its size {size}", entry["url"])
    return place


def split_url(url: str) -> tuple[str, str]:
    """The bucket of a URL, and the rest."""
    match = re.fullmatch(r"s3://([^/]+)/(.+)", url)
    if not match:
        raise CopyError(f"The S3 path '{url}' is not valid", url, 8001)  # unconfirmed
    return match[1], match[2]
