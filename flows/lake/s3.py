"""A source under `s3://bucket/prefix`: which objects are raw files, and a copy of those that are new.

An object is known by its key, ETag and size: if the ledger has them, it is neither read nor copied. The ETag changes
with the content, whatever it is made from (AWS: "Checking object integrity"): a hash of the bytes, of the parts of a
multi-part upload, or of what KMS encrypted. Of a bucket with versions the newest version counts, as it is listed.

Names are paths below the prefix, of any depth. Keys are only text: no copy lies under a path that a key says, unless it
is one plain name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flows.errors import ConfigError, LoadError
from flows.lake.s3_copies import Copies, fetch_all
from flows.lake.sources import Delivery, ObjectVersion, SourceFile

SCHEME = "s3://"
CHANGED = {"PreconditionFailed", "NoSuchKey", "404", "412"}
AT_A_TIME = 8


@dataclass(frozen=True)
class S3Object:
    """An object as it was listed; `name` is its path below the prefix."""

    name: str
    version: ObjectVersion


class S3Source:
    """The objects under a prefix, and the folder of their copies; `session` has the keys of a Prefect block, if any."""

    def __init__(
        self, source: str, folder: Path, session: boto3.Session | None = None, region: str | None = None
    ) -> None:
        bucket, _, path = source.removeprefix(SCHEME).partition("/")  # a key may hold what ends the path of a URL
        if not bucket:
            raise ConfigError(f"{source}: no bucket is named. Expected s3://bucket/prefix.")
        self.source, self.bucket, self.copies = source, bucket, Copies(folder)
        prefix = path.strip("/")
        self.prefix = f"{prefix}/" if prefix else ""
        self._client = make_client(session, region)
        self._objects: dict[Path, S3Object] = {}

    def find(self, sort: Callable[[Iterable[str], Callable[[str], Path]], Delivery]) -> Delivery:
        """What lies under the prefix, nothing fetched; `sort` takes names and where each has its copy.

        Copies of objects that are gone are removed.

        Raises:
            ConfigError: the bucket cannot be read, or the folder holds what no run put there.
        """
        with _explained(self.source, self.copies.folder):
            objects = {found.name: found for found in self._list()}
            delivery = sort(sorted(objects), self.copies.path_of)
            self._objects = {self.copies.path_of(name): found for name, found in objects.items()}
            self.copies.tidy({file.path for file in delivery.files})
        versions = [self._objects[file.path].version for file in delivery.files]
        files = tuple(
            replace(file, object_sha256=_identify(version), origin=version)
            for file, version in zip(delivery.files, versions, strict=True)
        )
        return replace(delivery, files=files, fetch=self.fetch)

    def fetch(self, files: Sequence[SourceFile], tell: Callable[[str], object] = lambda _: None) -> None:
        """Copy these, several at once, unless a copy of the very same object is there; `tell` hears how far it is.

        Raises:
            ConfigError: an object cannot be read.
            LoadError: an object changed since it was listed, or a copy cannot be written.
        """
        wanted = [self._objects[file.path] for file in files if self._lacks(file.path)]
        with _explained(self.source, self.copies.folder):
            sizes = [found.version.size for found in wanted]
            fetch_all([partial(self._copy, found) for found in wanted], sizes, AT_A_TIME, tell)

    def _list(self) -> Iterator[S3Object]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        for entry in (entry for page in pages for entry in page.get("Contents", [])):
            name = entry["Key"].removeprefix(self.prefix)
            if name and not name.endswith("/"):  # a folder, as the console makes them
                yield S3Object(name, ObjectVersion(self.bucket, entry["Key"], entry["ETag"], entry["Size"]))

    def _lacks(self, path: Path) -> bool:
        return not self.copies.holds(path, _tag(self._objects[path].version))

    def _copy(self, found: S3Object) -> None:
        _copy(self._client, found.version, self.copies, self.copies.path_of(found.name))


def make_client(session: boto3.Session | None, region: str | None) -> Any:
    """A client of S3 that repeats what fails for a moment; without a session with the keys of AWS's own chain."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 8}, max_pool_connections=AT_A_TIME)
    return (session or boto3.Session()).client("s3", region_name=region, config=config)


def fetch_version(client: Any, version: ObjectVersion, folder: Path) -> Path:
    """Copy one version of an object into a folder that is the caller's alone.

    Raises:
        ConfigError: the object cannot be read.
        LoadError: it changed since it was listed, or the copy cannot be written.
    """
    copies, path = Copies(folder), folder / "object.csv"
    with _explained(f"{SCHEME}{version.bucket}/{version.key!r}", folder):
        _copy(client, version, copies, path)
    return path


def _copy(client: Any, version: ObjectVersion, copies: Copies, path: Path) -> None:
    def read(offset: int) -> Any:
        given = {"Bucket": version.bucket, "Key": version.key, "IfMatch": version.etag}
        return client.get_object(**given, **({"Range": f"bytes={offset}-"} if offset else {}))["Body"]

    try:
        copies.write(path, _tag(version), version.size, read)
    except ClientError as error:
        if error.response["Error"]["Code"] not in CHANGED:
            raise
        raise LoadError(
            f"{SCHEME}{version.bucket}/{version.key!r}: changed or vanished while the run was starting. Run again "
            "when the delivery is complete."
        ) from error


@contextmanager
def _explained(source: str, folder: Path) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise ConfigError(
            f"{source}: cannot be read ({error}). Check the address, the region and the rights."
        ) from error
    except OSError as error:
        raise LoadError(
            f"{error.filename or folder}: a copy from {source} cannot be written "
            f"({error.strerror or error}). Free space or rights, then run again."
        ) from error


def _identify(version: ObjectVersion) -> str:
    told = [version.bucket, version.key, version.etag, version.size]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _tag(version: ObjectVersion) -> str:
    return f"{version.etag} {version.size}"
