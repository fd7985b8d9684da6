"""RETAIL_STATE: what a run remembers beside its warehouse, kept in S3 for workers whose disk does not last.

    <prefix>/objects/<sha256>    contents, each under its hash: what is there already is not sent again
    <prefix>/state.json          the list of what there is; it is written last, in one step

A run that holds the warehouse brings its work folder up to that list, and writes a new one before it lets go. One that
was refused the warehouse adds its own summary alone. Should the list have changed meanwhile, what this run changed is
applied to the new one; S3 refuses a list that is not made from the newest (AWS: "Conditional writes"). A run that is
killed leaves the last list, at worst with objects that nothing names; they go after a day.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flows.errors import LoadError
from flows.lake.hashing import hash_file
from flows.lake.s3_copies import fetch_all
from flows.lake.s3_versions import list_versions, remove_versions
from flows.run.state_manifest import TOPS, Entry, merge, read_manifest, scan, write_manifest
from flows.warehouse.lock import check_inside

AT_A_TIME = 8
TRIES = 10
ORPHAN_AGE = timedelta(days=1)
NOT_THERE = {"NoSuchKey", "404"}
_OURS = re.compile(r"\A(state\.json|objects/[0-9a-f]{64})\Z")
CONFLICT = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


class State:
    """The remembered part of one work folder, and where it is kept."""

    def __init__(
        self, address: str, work_dir: Path, session: boto3.Session | None = None, region: str | None = None
    ) -> None:
        parts = urlsplit(address)
        self.address, self.work_dir, self.bucket = address, work_dir, parts.netloc
        prefix = parts.path.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        config = Config(retries={"mode": "standard", "total_max_attempts": 8}, max_pool_connections=AT_A_TIME)
        self._client = (session or boto3.Session()).client("s3", region_name=region, config=config)
        self._base: dict[str, Entry] | None = None
        self._read_at = self._restored_at = datetime.now(UTC)

    def restore(self) -> int:
        """Let the work folder hold what the list says; what lies there beside stays. How many files were brought.

        Raises:
            ConfigError: the list is none, or a folder of the work folder leads elsewhere.
            LoadError: S3 cannot be read, or content is missing there.
        """
        with self._explained("read"):
            manifest, _ = self._read()
            read_at = self._read_at
            check_inside(self.work_dir, *TOPS)
            there = scan(self.work_dir)
            lacking = {path: entry for path, entry in manifest.items() if there.get(path) != entry}
            files = {path: entry for path, entry in lacking.items() if not entry.link}
            actions = [partial(self._bring, self.work_dir / path, entry) for path, entry in files.items()]
            fetch_all(actions, [entry.size for entry in files.values()], AT_A_TIME, lambda _: None)
            for path, entry in lacking.items():
                if entry.link:
                    _make_link(self.work_dir / path, entry.link)
        self._base, self._restored_at = manifest, read_at
        return len(files)

    def publish(self, only: Path | None = None) -> int:
        """Write the list of what the work folder holds now, contents first; how many contents were sent.

        `only` is the one file that counts, for a run that never held the warehouse.

        Raises:
            LoadError: S3 cannot be written; the list is as it was.
        """
        with self._explained("written"):
            mine = scan(self.work_dir)
            if self._base is None:
                mine = {path: entry for path, entry in mine.items() if only and self.work_dir / path == only}
            return self._write(mine)

    def purge(self, *, is_trial: bool = False) -> int:
        """Remove for good what the list does not name: contents that it named before, and all older versions.

        For a run that holds the warehouse and has published. Contents that came since it restored stay: they are of a
        run that was refused the warehouse and is about to name them. With `is_trial` they are only counted.

        Raises:
            ConfigError: the role may not know whether the bucket keeps versions.
            LoadError: something could not be removed.
        """
        with self._explained("cleared"):
            stored = list_versions(self._client, self.bucket, self._prefix)
            stored = [version for version in stored if _OURS.match(version.key.removeprefix(self._prefix))]
            manifest, _ = self._read()
            named = {f"{self._prefix}state.json", *map(self._key, manifest.values())}
            spare = [
                version
                for version in stored
                if not version.is_latest or (version.key not in named and version.modified <= self._restored_at)
            ]
            if not is_trial:
                remove_versions(self._client, self.bucket, spare)
            return len(spare)

    def _write(self, mine: dict[str, Entry]) -> int:
        base, sent = self._base or {}, 0
        for _ in range(TRIES):
            theirs, etag = self._read()
            wanted = merge(base, mine, theirs)
            if wanted == theirs and etag:
                break
            sent += self._send(mine, {entry.sha256 for entry in theirs.values()})
            if self._put_manifest(wanted, etag):
                self._remove_orphans({entry.sha256 for entry in wanted.values()})
                break
        else:
            raise LoadError(f"{self.address}: other runs change it all the time. Run again.")
        if self._base is not None:
            self._base = mine
        return sent

    def _read(self) -> tuple[dict[str, Entry], str]:
        """The list and its ETag; an empty one, and no ETag, where there is none yet."""
        key = f"{self._prefix}state.json"
        try:
            answer = self._client.get_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            self._read_at = _date_of(error.response)
            if error.response["Error"]["Code"] in NOT_THERE:
                return {}, ""
            raise
        self._read_at = _date_of(answer)
        return read_manifest(answer["Body"].read(), f"s3://{self.bucket}/{key}"), answer["ETag"]

    def _send(self, mine: dict[str, Entry], known: set[str]) -> int:
        new = {entry.sha256: (path, entry) for path, entry in mine.items() if not entry.link}
        lacking = [(self.work_dir / path, entry) for sha256, (path, entry) in new.items() if sha256 not in known]
        actions = [partial(self._put, path, entry) for path, entry in lacking]
        fetch_all(actions, [entry.size for _, entry in lacking], AT_A_TIME, lambda _: None)
        return len(lacking)

    def _put(self, path: Path, entry: Entry) -> None:
        checksum = base64.b64encode(bytes.fromhex(entry.sha256)).decode()  # S3 refuses other bytes
        with path.open("rb") as file:
            self._client.put_object(Bucket=self.bucket, Key=self._key(entry), Body=file, ChecksumSHA256=checksum)

    def _put_manifest(self, manifest: dict[str, Entry], etag: str) -> bool:
        """Whether the list was written: not if another run wrote one since it was read."""
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        body = write_manifest(manifest)
        try:
            self._client.put_object(
                Bucket=self.bucket,
                Key=f"{self._prefix}state.json",
                Body=body,
                ContentType="application/json",
                **condition,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in CONFLICT:
                return False
            raise
        return True

    def _bring(self, path: Path, entry: Entry) -> None:
        _make_folders(path.parent, self.work_dir)
        beside = path.with_name(f".{path.name}.part")
        beside.unlink(missing_ok=True)
        try:
            with beside.open("xb") as file:
                for chunk in self._client.get_object(Bucket=self.bucket, Key=self._key(entry))["Body"].iter_chunks():
                    file.write(chunk)
            if hash_file(beside) != entry.sha256:
                raise LoadError(f"s3://{self.bucket}/{self._key(entry)}: holds other bytes than its name says.")
            os.utime(beside, (entry.modified, entry.modified))
            beside.replace(path)
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)

    def _key(self, entry: Entry) -> str:
        return f"{self._prefix}objects/{entry.sha256}"

    def _remove_orphans(self, named: set[str]) -> None:
        """Remove contents that no list names, but none of a run that is about to name it."""
        folder, before = f"{self._prefix}objects/", datetime.now(UTC) - ORPHAN_AGE
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=folder)
        found = [entry for page in pages for entry in page.get("Contents", [])]
        old = [e["Key"] for e in found if e["Key"].removeprefix(folder) not in named and e["LastModified"] < before]
        for keys in _batches(old):
            self._client.delete_objects(
                Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
            )

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError, Boto3Error, OSError) as error:
            missing: Any = isinstance(error, ClientError) and error.response["Error"]["Code"] in NOT_THERE
            cure = "Restore that object" if missing else "Check the address, the region, the rights and the free space"
            raise LoadError(
                f"RETAIL_STATE {self.address}: cannot be {what} ({error}). {cure}, then run again."
            ) from error


def _date_of(answer: Any) -> datetime:
    """When S3 answered, by its own clock, as it says of objects when they came; the end of that second."""
    told = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return (parsedate_to_datetime(told) if told else datetime.now(UTC)).replace(microsecond=999_999)


def _batches(keys: Sequence[str], size: int = 1000) -> Iterator[Sequence[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))


def _make_folders(folder: Path, work_dir: Path) -> None:
    """Make it, and put a folder where a link was: nothing is written through one."""
    for each in reversed([folder, *folder.parents]):
        if each.is_relative_to(work_dir) and work_dir not in {each, each.parent} and each.is_symlink():
            each.unlink()
    folder.mkdir(parents=True, exist_ok=True)


def _make_link(place: Path, target: str) -> None:
    """Let a link lead there, in one step; a folder in its place is a report's own, which keeps it."""
    if place.is_dir() and not place.is_symlink():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.link")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target, target_is_directory=True)
    beside.replace(place)
