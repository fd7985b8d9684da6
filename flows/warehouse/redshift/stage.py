"""Parquet parts → objects in S3 and a manifest that COPY reads.

Names follow from content: a part is `<prefix>/parts/<sha256>.parquet`, a manifest `<prefix>/manifests/<sha256>.json`.
So whatever is uploaded again overwrites equal bytes. S3 compares each part with the SHA-256 that was taken when it was
written. The manifest comes last, and names exactly the parts of one load.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flows.errors import ConfigError, LoadError
from flows.lake.parts import Part
from flows.warehouse.redshift.access import AwsKeys

_OURS = re.compile(r"\A(parts/[0-9a-f]{64}\.parquet|manifests/[0-9a-f]{64}\.json)\Z")
_FINAL = ("AccessDenied", "NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch", "PermanentRedirect", "403")
UPLOADS = 4


@dataclass(frozen=True)
class StageSettings:
    """Where parts lie until they are loaded; `prefix` belongs to one warehouse alone."""

    bucket: str
    prefix: str
    region: str | None = None
    kms_key_id: str | None = None
    keys: AwsKeys | None = None


@dataclass(frozen=True)
class Staged:
    """What one load put into the bucket: the URL of its manifest, and all its keys."""

    manifest_url: str
    keys: tuple[str, ...]


class Stage:
    """A place in S3 for the parts of loads that are under way."""

    def __init__(self, settings: StageSettings) -> None:
        self.settings = settings
        self._client = _make_client(settings)

    def upload(self, parts: Sequence[Part]) -> Staged:
        """Upload the parts, several at once, then the manifest.

        Raises:
            ConfigError: the bucket does not exist or may not be written to.
            LoadError: S3 failed for longer than the retries last, or a part is not what was written.
        """
        with ThreadPoolExecutor(UPLOADS) as pool:
            keys = list(pool.map(self._upload_part, parts))
        manifest = _manifest(self.settings.bucket, keys, parts)
        key = f"{self.settings.prefix}/manifests/{hashlib.sha256(manifest).hexdigest()}.json"
        self._put(key, manifest, hashlib.sha256(manifest).hexdigest())
        return Staged(f"s3://{self.settings.bucket}/{key}", (key, *dict.fromkeys(keys)))

    def remove(self, keys: Iterable[str]) -> None:
        """Remove staged objects; what cannot be removed is found again by `sweep`."""
        for batch in _in_batches(list(keys), 1000):
            self._call(
                "remove staged objects",
                lambda batch=batch: self._client.delete_objects(
                    Bucket=self.settings.bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                ),
            )

    def sweep(self) -> int:
        """Remove what killed runs left under this prefix, and nothing that a run does not name so; return how many.

        For the one run that holds the warehouse: everything staged is then an orphan.
        """
        orphans = self.list_keys()
        self.remove(orphans)
        return len(orphans)

    def list_keys(self) -> list[str]:
        """The keys of all staged objects."""
        prefix = f"{self.settings.prefix}/"
        pages = self._call(
            "list staged objects",
            lambda: list(
                self._client.get_paginator("list_objects_v2").paginate(Bucket=self.settings.bucket, Prefix=prefix)
            ),
        )
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return [key for key in keys if _OURS.match(key.removeprefix(prefix))]

    def _upload_part(self, part: Part) -> str:
        key = f"{self.settings.prefix}/parts/{part.sha256}.parquet"
        with part.path.open("rb") as file:
            self._put(key, file, part.sha256)
        return key

    def _put(self, key: str, body: Any, sha256: str) -> None:
        encryption: dict[str, Any] = {}
        if self.settings.kms_key_id:
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.settings.kms_key_id}
        self._call(
            f"upload {key}",
            lambda: self._client.put_object(
                Bucket=self.settings.bucket,
                Key=key,
                Body=body,
                ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
                **encryption,
            ),
        )

    def _call(self, what: str, action: Any) -> Any:
        where = f"s3://{self.settings.bucket}/{self.settings.prefix}: cannot {what}"
        try:
            return action()
        except ClientError as error:
            if error.response["Error"]["Code"] in _FINAL:
                raise ConfigError(f"{where} ({error}). Check RETAIL_S3_BUCKET, its region and the rights.") from error
            raise LoadError(f"{where} ({error}). Nothing of it was loaded; run again.") from error
        except (BotoCoreError, Boto3Error, OSError) as error:
            raise LoadError(f"{where} ({error}). Nothing of it was loaded; run again.") from error


def _make_client(settings: StageSettings) -> Any:
    keys = settings.keys
    session = boto3.Session(
        aws_access_key_id=keys.access_key_id if keys else None,
        aws_secret_access_key=keys.secret_access_key if keys else None,
        aws_session_token=keys.session_token if keys else None,
        region_name=settings.region,
    )
    # the SDK repeats after 5xx, throttling and time-outs, with a backoff that doubles
    config = Config(retries={"mode": "standard", "total_max_attempts": 8}, connect_timeout=10, read_timeout=60)
    return session.client("s3", config=config)


def _manifest(bucket: str, keys: Sequence[str], parts: Sequence[Part]) -> bytes:
    """The manifest of a columnar COPY: each entry mandatory, with its length (AWS: "Using a manifest")."""
    sizes = dict(zip(keys, (part.size for part in parts), strict=True))
    entries = [
        {"url": f"s3://{bucket}/{key}", "mandatory": True, "meta": {"content_length": size}}
        for key, size in sizes.items()
    ]
    return json.dumps({"entries": entries}).encode()


def _in_batches(keys: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
