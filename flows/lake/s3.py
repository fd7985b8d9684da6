"""A source under `s3://bucket/prefix`: its raw files are copied into the work folder, then treated like any others.

Credentials are those of the AWS SDK's own chain: environment, profile or role; they are never a parameter.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from s3transfer.exceptions import RetriesExceededError  # type: ignore[import-untyped]

from flows.errors import ConfigError, LoadError
from flows.lake.sources import is_raw_file, looks_like_data, printable

SCHEME = "s3://"


def fetch_s3(
    source: str,
    folder: Path,
    is_wanted: Callable[[str], bool] = is_raw_file,
    *,
    tell_ignored: Callable[[str], object] = lambda _: None,
) -> Path:
    """Make `folder` hold exactly the wanted files, by their names, that lie directly under `source`; return it.

    An object that was copied by an earlier run and has the same ETag and size since is not copied again. Beside each
    copy lies `.<name>.etag`: from before the copy is begun, so that whatever has none was not put there by a run.

    `tell_ignored` takes the name of each other object that looks like data.

    Raises:
        ConfigError: the bucket cannot be read, the address has no bucket, or the folder holds what no run put there.
        LoadError: a copy cannot be written.
    """
    bucket, _, path = source.removeprefix(SCHEME).partition("/")  # a key may hold what ends the path of a URL
    if not bucket:
        raise ConfigError(f"{source}: no bucket is named. Expected s3://bucket/prefix.")
    prefix = f"{path.strip('/')}/" if path.strip("/") else ""
    try:
        _make_folder(folder)
        client = boto3.client("s3")
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
        objects = {entry["Key"].removeprefix(prefix): entry for page in pages for entry in page.get("Contents", [])}
        objects.pop("", None)  # what marks the folder itself
        wanted = {name: entry for name, entry in objects.items() if is_wanted(name)}
        for name in sorted(objects.keys() - wanted.keys()):
            if looks_like_data(name):
                tell_ignored(printable(name))
        _remove_others(folder, set(wanted))
        for name, entry in wanted.items():
            _copy(client, bucket, entry, folder / name)
    except (BotoCoreError, ClientError, Boto3Error, RetriesExceededError) as error:
        raise ConfigError(
            f"{source}: cannot be read ({error}). Check the address, the region and the rights."
        ) from error
    except OSError as error:
        raise LoadError(
            f"{error.filename or folder}: a copy from {source} cannot be written ({error.strerror or error}). "
            "Free space or rights, or give an object with a very long name a shorter one; then run again."
        ) from error
    return folder


def _make_folder(folder: Path) -> None:
    if folder.is_symlink():
        raise ConfigError(f"{folder}: is a link, so copies would lie elsewhere. Remove it, then run again.")
    folder.mkdir(parents=True, exist_ok=True)


def _copy(client: Any, bucket: str, entry: dict[str, Any], path: Path) -> None:
    tag, beside = _tag_of(path), path.with_name(f".{path.name}.part")
    identity = f"{entry['ETag']} {entry['Size']}"
    if path.exists() and tag.exists() and tag.read_text(encoding="utf-8") == identity:
        return
    for leftover in (tag, beside):
        leftover.unlink(missing_ok=True)  # not written through, should it be a link
    tag.touch()
    try:
        with beside.open("xb") as file:
            client.download_fileobj(bucket, entry["Key"], file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    tag.write_text(identity, encoding="utf-8")


def _remove_others(folder: Path, names: set[str]) -> None:
    """Remove copies of objects that are gone and what killed runs left; refuse to touch what no run put there."""
    for tag in sorted(folder.glob(".*.etag")):
        name = tag.name.removeprefix(".").removesuffix(".etag")
        (folder / f".{name}.part").unlink(missing_ok=True)
        if name not in names:
            (folder / name).unlink(missing_ok=True)
            tag.unlink()
    strange = [path for path in sorted(folder.iterdir()) if path.name[0] != "." and not _tag_of(path).is_file()]
    if strange:
        raise ConfigError(
            f"{printable(str(strange[0]))}: {len(strange)} such in this folder, which is for copies from S3 only, "
            "were not put there by a run. Move them away, then run again."
        )


def _tag_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.etag")
