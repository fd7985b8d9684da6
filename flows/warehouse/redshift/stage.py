"""Parquet parts → objects in S3 and a manifest that COPY reads.

Names follow from content: a part is `<prefix>/parts/<sha256>.parquet`, a manifest `<prefix>/manifests/<sha256>.json`,
bad records on their way from another machine `<prefix>/quarantine/<sha256>.parquet`. So whatever is uploaded again
overwrites equal bytes. S3 compares each part with the SHA-256 that was taken when it was written. The manifest comes
last, and names exactly the parts of one load.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flows.errors import ConfigError, LoadError
from flows.lake.hashing import hash_file
from flows.lake.packs import StoredPart
from flows.lake.parts import Part
from flows.lake.s3_versions import list_versions, remove_versions

Folder = Literal["parts", "quarantine"]
_OURS = re.compile(r"\A((parts|quarantine)/[0-9a-f]{64}\.parquet|manifests/[0-9a-f]{64}\.json)\Z")
_OF_MODELS = re.compile(r"\Apython-models/[0-9a-f]{12}-\d+-\d+/[^/]+-[0-9a-f]{8}/")  # as dbt_redshift_python names them
_FINAL = ("AccessDenied", "NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch", "PermanentRedirect", "403")
UPLOADS = 4
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class StageSettings:
    """Where parts lie until they are loaded; `prefix` belongs to one warehouse alone.

    `session` gives the keys of a Prefect block, fresh ones whenever they are needed; without one AWS's own chain does.
    """

    bucket: str
    prefix: str
    region: str | None = None
    kms_key_id: str | None = None
    session: boto3.Session | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Staged:
    """What one load put into the bucket: the URL of its manifest, and all its keys."""

    manifest_url: str
    keys: tuple[str, ...]


class Stage:
    """A place in S3 for the parts of loads that are under way."""

    def __init__(self, settings: StageSettings, log: logging.Logger | None = None) -> None:
        self.settings = settings
        self._client = _make_client(settings)
        self._log = log or logging.getLogger(__name__)

    def store(self, parts: Sequence[Part], folder: Folder = "parts") -> tuple[StoredPart, ...]:
        """Upload files, several at once, each under a name by its content.

        Raises:
            ConfigError: the bucket does not exist or may not be written to.
            LoadError: S3 failed for longer than the retries last, or a file is not what was written.
        """
        with ThreadPoolExecutor(UPLOADS) as pool:
            return tuple(pool.map(lambda part: self._store_part(part, folder), parts))

    def write_manifest(self, parts: Sequence[StoredPart]) -> Staged:
        """Upload the manifest of one load, which names exactly these parts."""
        manifest = _manifest(parts)
        key = f"{self.settings.prefix}/manifests/{hashlib.sha256(manifest).hexdigest()}.json"
        self._put(key, manifest, hashlib.sha256(manifest).hexdigest())
        return Staged(f"s3://{self.settings.bucket}/{key}", (key, *dict.fromkeys(map(self.key_of, parts))))

    def verify(self, parts: Sequence[StoredPart]) -> None:
        """Ask S3, several times at once, whether each part is there as it was written.

        S3 tells the SHA-256 that it compared with when it took the object (API: HeadObject, ChecksumMode).

        Raises:
            LoadError: one is not.
        """
        with ThreadPoolExecutor(UPLOADS) as pool:
            list(pool.map(self._verify_part, parts))

    def fetch(self, part: StoredPart, path: Path) -> None:
        """Copy one part to a path.

        Raises:
            LoadError: S3 or the disk failed, or the bytes are not those that were written.
        """
        key = self.key_of(part)
        self._call(f"copy {key} to {path}", lambda: self._copy(key, path))
        if hash_file(path) != part.sha256:
            raise LoadError(f"{part.uri}: changed after it was written. Nothing was loaded; run again.")

    def key_of(self, part: StoredPart) -> str:
        """Its key in the bucket.

        Raises:
            LoadError: it lies elsewhere.
        """
        start = f"s3://{self.settings.bucket}/"
        if not part.uri.startswith(f"{start}{self.settings.prefix}/"):
            raise LoadError(
                f"{part.uri}: lies outside {start}{self.settings.prefix}. The workers were given another place."
            )
        return part.uri.removeprefix(start)

    def check_region(self, warehouse_region: str | None) -> None:
        """Compare the bucket's region with that of the warehouse, before anything is uploaded.

        COPY of Parquet needs both to be the same (copy-usage_notes-copy-from-columnar); it would say so only after the
        upload. Nothing is compared where one of them is not known.

        Raises:
            ConfigError: they differ.
        """
        bucket_region = self._find_region()
        if warehouse_region and bucket_region and bucket_region != warehouse_region:
            raise ConfigError(
                f"the bucket {self.settings.bucket} lies in {bucket_region}, the warehouse in {warehouse_region}: COPY "
                "reads Parquet from a bucket of the same region only. Name a bucket in "
                f"{warehouse_region} by RETAIL_S3_BUCKET; or correct RETAIL_REDSHIFT_REGION, if that is wrong."
            )

    def remove(self, keys: Iterable[str]) -> list[str]:
        """Remove staged objects, and return those that are gone; those that stay are named, and found again by `sweep`.

        S3 answers with 200 even if it removed nothing: the errors, one a key, are in the body (API: DeleteObjects).
        """
        gone, failed = list[str](), list[dict[str, Any]]()
        for batch in _in_batches(list(keys), 1000):
            answer = self._call(
                "remove staged objects",
                lambda batch=batch: self._client.delete_objects(
                    Bucket=self.settings.bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                ),
            )
            errors = answer.get("Errors", [])
            failed += errors
            kept = {error.get("Key") for error in errors}
            gone += [key for key in batch if key not in kept]
        if failed:
            named = ", ".join(f"{error.get('Key')} ({error.get('Code')})" for error in failed[:5])
            more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""  # noqa: PLR2004
            self._log.warning(
                "s3://%s: %d staged objects could not be removed: %s%s. They hold data and cost money until they are: "
                "check the right s3:DeleteObject, and a lifecycle rule",
                *(self.settings.bucket, len(failed), named, more),
            )
        return gone

    def sweep(self) -> list[int]:
        """Remove what killed runs left under this prefix, and nothing that a run does not name so; the bytes of each.

        For the one run that holds the warehouse: everything staged is then an orphan.
        """
        staged = self._list()
        return [staged[key] for key in self.remove(staged)]

    def purge(self, *, is_trial: bool = False) -> int:
        """Remove for good all that was ever staged here, also by Python models, and every older version of it.

        For the one run that holds the warehouse. With `is_trial` it is only counted.

        Raises:
            ConfigError: the bucket cannot be read, or the role may not know whether it keeps versions.
            LoadError: something could not be removed.
        """
        prefix, bucket = f"{self.settings.prefix}/", self.settings.bucket
        stored = self._call("list older versions", lambda: list_versions(self._client, bucket, prefix))
        names = {version: version.key.removeprefix(prefix) for version in stored}
        ours = [version for version, name in names.items() if _OURS.match(name) or _OF_MODELS.match(name)]
        if not is_trial:
            self._call("remove older versions", lambda: remove_versions(self._client, bucket, ours))
        return len(ours)

    def _list(self) -> dict[str, int]:
        """All staged objects, with their bytes."""
        prefix = f"{self.settings.prefix}/"
        pages = self._call(
            "list staged objects",
            lambda: list(
                self._client.get_paginator("list_objects_v2").paginate(Bucket=self.settings.bucket, Prefix=prefix)
            ),
        )
        found = {entry["Key"]: int(entry["Size"]) for page in pages for entry in page.get("Contents", [])}
        return {key: size for key, size in found.items() if _OURS.match(key.removeprefix(prefix))}

    def _find_region(self) -> str | None:
        """S3 tells the region of a bucket with every answer, even one that refuses (API: HeadBucket)."""
        try:
            answer = self._client.head_bucket(Bucket=self.settings.bucket)
        except ClientError as error:
            answer = error.response
        except (BotoCoreError, Boto3Error, OSError):
            return None
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region: str | None = answer.get("BucketRegion") or headers.get("x-amz-bucket-region")
        return region

    def _store_part(self, part: Part, folder: Folder) -> StoredPart:
        key = f"{self.settings.prefix}/{folder}/{part.sha256}.parquet"
        with part.path.open("rb") as file:
            self._put(key, file, part.sha256)
        return StoredPart(f"s3://{self.settings.bucket}/{key}", part.rows, part.size, part.sha256)

    def _verify_part(self, part: StoredPart) -> None:
        key = self.key_of(part)
        given = {"Bucket": self.settings.bucket, "Key": key, "ChecksumMode": "ENABLED"}
        found = self._call(f"find {key}", lambda: self._client.head_object(**given))
        if (found["ContentLength"], found.get("ChecksumSHA256")) != (part.size, _in_base64(part.sha256)):
            raise LoadError(f"{part.uri}: is not what was written. Nothing was loaded; run again.")

    def _copy(self, key: str, path: Path) -> None:
        body = self._client.get_object(Bucket=self.settings.bucket, Key=key)["Body"]
        with path.open("wb") as file:
            for chunk in body.iter_chunks(CHUNK_BYTES):
                file.write(chunk)

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
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=_in_base64(sha256),
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
    session = settings.session or boto3.Session()
    # the SDK repeats after 5xx, throttling and time-outs, with a backoff that doubles
    config = Config(retries={"mode": "standard", "total_max_attempts": 8}, connect_timeout=10, read_timeout=60)
    return session.client("s3", region_name=settings.region, config=config)


def _manifest(parts: Sequence[StoredPart]) -> bytes:
    """The manifest of a columnar COPY: each entry mandatory, with its length (AWS: "Using a manifest")."""
    sizes = {part.uri: part.size for part in parts}
    entries = [{"url": uri, "mandatory": True, "meta": {"content_length": size}} for uri, size in sizes.items()]
    return json.dumps({"entries": entries}).encode()


def _in_base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def _in_batches(keys: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
