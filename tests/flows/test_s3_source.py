"""A source in S3, as far as moto's server stands in for it: real boto3, real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from prefect_aws import AwsCredentials, S3Bucket

from flows.errors import ConfigError
from flows.forget import forget
from flows.ingest import ingest, reach_source
from flows.lake.contracts import CONTRACTS
from flows.lake.s3 import S3Source
from flows.lake.sources import sort_names
from flows.run.forget_command import Command, hand_over
from flows.run.settings import load_settings
from tests.tiny_shop import FILES


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket `shop` with the tiny shop under `drops/`, reached through the environment."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    bucket = boto3.resource("s3").create_bucket(Bucket="shop")
    for name, text in FILES.items():
        bucket.put_object(Key=f"drops/{name}", Body=text.encode())
    bucket.put_object(Key="drops/readme.txt", Body=b"not raw data")
    yield bucket
    server.stop()


@pytest.mark.usefixtures("prefect_server")
def test_ingest_from_s3_loads_the_files_and_skips_unchanged_ones(bucket: Any, tmp_path: Path) -> None:
    first = ingest(source="s3://shop/drops", work_dir=str(tmp_path))
    assert first["ignored"] == ["readme.txt"]
    assert {file["file"]: file["status"] for file in first["files"]} == dict.fromkeys(FILES, "loaded")
    bucket.put_object(
        Key="drops/raw_stores.csv", Body=(FILES["raw_stores.csv"] + "s4,New,2022-01-01T00:00:00,0\n").encode()
    )
    second = ingest(source="s3://shop/drops/", work_dir=str(tmp_path))
    changed = [file["file"] for file in second["files"] if file["status"] != "unchanged"]
    assert changed == ["raw_stores.csv"]


@pytest.mark.usefixtures("prefect_server")
def test_ingest_from_s3_leaves_no_copy_that_may_name_whoever_is_forgotten(bucket: Any, tmp_path: Path) -> None:
    ingest(source="s3://shop/drops", work_dir=str(tmp_path))
    assert {path.name for path in (tmp_path / "incoming").glob("raw_*")} == FILES.keys()
    hand_over(Command(["c2"], {}))
    said = forget(source="s3://shop/drops", work_dir=str(tmp_path))["forgotten"]
    hand_over(Command([], {}))
    assert said["still_in_source"] == ["raw_customers.csv", "raw_orders.csv"]
    kept = {"raw_items.csv", "raw_products.csv", "raw_stores.csv", "raw_supplies.csv"}
    for _ in range(2):
        assert {path.name for path in (tmp_path / "incoming").glob("raw_*")} == kept
        again = ingest(source="s3://shop/drops", work_dir=str(tmp_path))
        assert {file["status"] for file in again["files"]} == {"unchanged"}


@pytest.mark.parametrize("source", ["s3://no-such-bucket/x", "s3:///x", "s3://shop/nothing-there"])
def test_source_in_s3_that_cannot_be_read_says_so(bucket: Any, tmp_path: Path, source: str) -> None:
    with pytest.raises(ConfigError, match=source):
        S3Source(source, tmp_path / "in").find(partial(sort_names, tables=CONTRACTS, place=source))


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("block", ["aws_credentials_block", "s3_bucket_block"])
def test_source_in_s3_is_read_with_the_keys_of_the_block(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: str
) -> None:
    keys = AwsCredentials(aws_access_key_id="of-the-block", aws_secret_access_key="test", region_name="us-east-1")
    keys.save("source-keys", overwrite=True)
    S3Bucket(bucket_name="elsewhere", credentials=keys).save("source-bucket", overwrite=True)
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "DEFAULT_REGION"):
        monkeypatch.delenv(f"AWS_{name}")
    name = {"aws_credentials_block": "source-keys", "s3_bucket_block": "source-bucket"}[block]
    settings = load_settings(source="s3://shop/drops", work_dir=str(tmp_path), **{block: name})
    delivery = reach_source(settings)  # without the block there are no keys at all
    delivery.fetch(delivery.files)
    assert {file.path.name for file in delivery.files if file.path.is_file()} == set(FILES)
