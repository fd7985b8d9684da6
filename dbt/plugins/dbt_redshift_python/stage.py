"""A folder in S3 for one run of one model: made of nothing, and gone when the model has ended, however it ended.

Keys are `<prefix>/<process>/<model>-<random>/…`. A process is named by its kernel's boot, its PID namespace, its number
and when it began, so that another one on the same machine can tell that it is dead. What a killed process left is
removed by the next that comes: at once if it is of the same machine, else when it is older than `orphan_minutes`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.exceptions import DbtRuntimeError

from dbt_redshift_python.settings import PythonSettings

LOG = AdapterLogger("Redshift")
_OURS = re.compile(r"\A([0-9a-f]{12})-(\d+)-(\d+)/[^/]+-[0-9a-f]{8}/")


class Stage:
    """The folder of one run of one model; `remove` empties it."""

    def __init__(self, settings: PythonSettings, model: str) -> None:
        settings.check_stage()
        self.settings = settings
        safe = re.sub(r"[^A-Za-z0-9_]", "_", model)[:64]
        self.folder = f"{settings.prefix}/{name_process()}/{safe}-{uuid.uuid4().hex[:8]}"
        config = Config(retries={"mode": "standard", "total_max_attempts": 8}, connect_timeout=10, read_timeout=60)
        self._client = boto3.Session().client("s3", region_name=settings.region, config=config)

    def url(self, name: str) -> str:
        return f"s3://{self.settings.bucket}/{self.folder}/{name}"

    def put(self, name: str, body: bytes) -> dict[str, Any]:
        """Upload an object, which S3 compares with its SHA-256; its entry in a manifest."""
        encryption: dict[str, Any] = {}
        if self.settings.kms_key_id:
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.settings.kms_key_id}
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        key = f"{self.folder}/{name}"
        self._call(
            "upload",
            lambda: self._client.put_object(
                Bucket=self.settings.bucket, Key=key, Body=body, ChecksumSHA256=checksum, **encryption
            ),
        )
        return {"url": self.url(name), "mandatory": True, "meta": {"content_length": len(body)}}

    def put_manifest(self, name: str, entries: list[dict[str, Any]]) -> str:
        """Upload the manifest of one COPY; its URL (AWS: "Using a manifest to specify data files")."""
        self.put(name, json.dumps({"entries": entries}).encode())
        return self.url(name)

    def list_names(self, folder: str) -> list[str]:
        """The names of the objects below a name of this stage, in order."""
        found = self._list(f"{self.folder}/{folder}/")
        return sorted(entry["Key"].removeprefix(f"{self.folder}/") for entry in found)

    def read(self, name: str) -> bytes:
        def get() -> bytes:
            answer = self._client.get_object(Bucket=self.settings.bucket, Key=f"{self.folder}/{name}")
            content: bytes = answer["Body"].read()
            return content

        content: bytes = self._call("read", get)
        return content

    def remove(self) -> None:
        """Remove everything of this stage; what S3 does not remove is told, and does not hide how the model ended."""
        try:
            self._delete([entry["Key"] for entry in self._list(f"{self.folder}/")])
        except DbtRuntimeError as error:
            LOG.warning(f"{error.msg} Objects below {self.url('')} hold data and cost money until they are removed.")

    def sweep(self) -> int:
        """Remove what killed processes left below the prefix, and nothing that is not named so; return how many."""
        prefix, now = f"{self.settings.prefix}/", datetime.now(UTC)
        oldest = now - timedelta(minutes=self.settings.orphan_minutes)
        orphans = [
            entry["Key"]
            for entry in self._list(prefix)
            if is_orphan(entry["Key"].removeprefix(prefix), entry["LastModified"], oldest)
        ]
        self._delete(orphans)
        return len(orphans)

    def _list(self, prefix: str) -> list[dict[str, Any]]:
        def pages() -> list[dict[str, Any]]:
            paginator = self._client.get_paginator("list_objects_v2")
            found = paginator.paginate(Bucket=self.settings.bucket, Prefix=prefix)
            return [entry for page in found for entry in page.get("Contents", [])]

        entries: list[dict[str, Any]] = self._call("list", pages)
        return entries

    def _delete(self, keys: list[str]) -> None:
        """Failures, such as a missing right for a key, are in the body of the answer (API: DeleteObjects)."""
        failed: list[dict[str, Any]] = []
        for start in range(0, len(keys), 1000):
            named = {"Objects": [{"Key": key} for key in keys[start : start + 1000]], "Quiet": True}
            answer = self._call(
                "remove", lambda named=named: self._client.delete_objects(Bucket=self.settings.bucket, Delete=named)
            )
            failed += answer.get("Errors", [])
        if failed:
            LOG.warning(
                f"s3://{self.settings.bucket}: {len(failed)} objects of Python models could not be removed, such as "
                f"{failed[0].get('Key')} ({failed[0].get('Code')}). Check the right s3:DeleteObject."
            )

    def _call(self, what: str, action: Any) -> Any:
        try:
            return action()
        except (BotoCoreError, ClientError, Boto3Error, OSError) as error:
            raise DbtRuntimeError(
                f"cannot {what} objects below s3://{self.settings.bucket}/{self.settings.prefix} ({error}). Check the "
                "bucket, its region and the rights that the README of dbt_redshift_python lists."
            ) from error


def is_orphan(name: str, modified: datetime, oldest: datetime) -> bool:
    """Whether an object, named without the prefix, is of a process that is known or held to be dead."""
    found = _OURS.match(name)
    if not found:
        return False
    machine, number, began = found.groups()
    if machine == _name_machine():
        return _read_beginning(int(number)) != int(began)
    return bool(modified < oldest)


def name_process() -> str:
    """A name that no other process has, of which the next one can tell whether it lives."""
    return f"{_name_machine()}-{os.getpid()}-{_read_beginning(os.getpid())}"


def _name_machine() -> str:
    """The kernel since its boot, and the PID namespace; without these, a process is a machine of its own."""
    told = [str(uuid.getnode()), str(os.getpid())]
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        told = [boot, str(Path("/proc/self/ns/pid").readlink())]
    return hashlib.sha256("".join(told).encode()).hexdigest()[:12]


def _read_beginning(number: int) -> int:
    """When a process began, in ticks since the boot (proc(5): the 22nd field of stat); 0 if there is none."""
    with suppress(OSError, ValueError, IndexError):
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
        return int(stat.rpartition(")")[2].split()[19])
    return 0
