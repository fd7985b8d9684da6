"""A source under `s3://bucket/prefix`: its raw files are copied into the work folder, then treated like any others.

Credentials are those of the AWS SDK's own chain: environment, profile or role; they are never a parameter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from flows.errors import ConfigError
from flows.lake.sources import is_raw_file

SCHEME = "s3://"


def fetch_s3(source: str, folder: Path) -> Path:
    """Make `folder` hold exactly the raw files that lie directly under `source`; return it.

    An object that was copied by an earlier run and has the same ETag and size since is not copied again.

    Raises:
        ConfigError: the bucket cannot be read, or the address has no bucket.
    """
    parts = urlsplit(source)
    if not parts.netloc:
        raise ConfigError(f"{source}: no bucket is named. Expected s3://bucket/prefix.")
    prefix = parts.path.strip("/")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        client = boto3.client("s3")
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=parts.netloc, Prefix=f"{prefix}/" if prefix else "", Delimiter="/"
        )
        objects = {Path(entry["Key"]).name: entry for page in pages for entry in page.get("Contents", [])}
        wanted = {name: entry for name, entry in objects.items() if is_raw_file(name)}
        _remove_others(folder, set(wanted))
        for name, entry in wanted.items():
            _copy(client, parts.netloc, entry, folder / name)
    except (BotoCoreError, ClientError) as error:
        raise ConfigError(
            f"{source}: cannot be read ({error}). Check the address, the region and the rights."
        ) from error
    return folder


def _copy(client: Any, bucket: str, entry: dict[str, object], path: Path) -> None:
    tag = path.with_name(f".{path.name}.etag")
    identity = f"{entry['ETag']} {entry['Size']}"
    if path.exists() and tag.exists() and tag.read_text(encoding="utf-8") == identity:
        return
    tag.unlink(missing_ok=True)
    client.download_file(bucket, str(entry["Key"]), str(path))
    tag.write_text(identity, encoding="utf-8")


def _remove_others(folder: Path, names: set[str]) -> None:
    for path in folder.iterdir():
        if path.name.removeprefix(".").removesuffix(".etag") not in names:
            path.unlink()
