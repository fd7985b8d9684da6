"""The folder of copies from S3: what killed runs left goes, what no run put there stays. The bucket is moto's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from flows.errors import ConfigError
from flows.lake.s3 import fetch_s3


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        bucket = boto3.resource("s3").create_bucket(Bucket="shop")
        bucket.put_object(Key="drops/raw_a.csv", Body=b"new")
        bucket.put_object(Key="drops/raw_b/../../raw_x.csv", Body=b"not directly under the prefix")
        yield bucket


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_fetch_s3_after_a_kill_copies_again_and_leaves_no_leftovers(bucket: Any, tmp_path: Path) -> None:
    folder = tmp_path / "incoming"
    folder.mkdir()
    (folder / ".raw_a.csv.etag").touch()  # the run was killed while it copied raw_a.csv and raw_gone.csv
    (folder / "raw_a.csv").write_text("old")
    for name in (".raw_a.csv.part", ".raw_gone.csv.etag", ".raw_gone.csv.part"):
        (folder / name).touch()
    fetch_s3("s3://shop/drops", folder)
    assert names(folder) == [".raw_a.csv.etag", "raw_a.csv"]
    assert (folder / "raw_a.csv").read_text() == "new"


def test_fetch_s3_into_a_folder_with_files_of_others_refuses_and_keeps_them(bucket: Any, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match=r"thesis\.txt: 1 such in this folder"):
        fetch_s3("s3://shop/drops", tmp_path)
    assert names(tmp_path) == ["thesis.txt"]


def test_fetch_s3_into_a_link_is_refused(bucket: Any, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "incoming").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="is a link"):
        fetch_s3("s3://shop/drops", tmp_path / "incoming")
    assert names(tmp_path / "elsewhere") == []


def test_fetch_s3_copy_is_not_written_through_a_link(bucket: Any, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    folder = tmp_path / "incoming"
    folder.mkdir()
    for name in (".raw_a.csv.etag", ".raw_a.csv.part"):
        (folder / name).symlink_to(tmp_path / "precious")
    fetch_s3("s3://shop/drops", folder)
    assert (tmp_path / "precious").read_text() == "precious"
    assert (folder / "raw_a.csv").read_text() == "new"
