"""The bucket beside Redshift: data that cannot be removed is named, and its region is that of the warehouse."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from flows.errors import ConfigError
from flows.lake.contracts import CONTRACTS
from flows.warehouse.redshift.access import region_of_host
from tests.warehouse.redshift import Redshift, convert, open_redshift
from tests.warehouse.redshift_standin import RedshiftStandin, S3Fault

ORPHANS = [f"parts/{digit * 64}.parquet" for digit in "0123456789"]


@pytest.fixture
def faulty(redshift: Redshift, standin: RedshiftStandin, monkeypatch: pytest.MonkeyPatch) -> RedshiftStandin:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", standin.faulty_s3_endpoint)
    return standin


def keys(standin: RedshiftStandin) -> list[str]:
    return [item["Key"] for item in standin.s3.list_objects_v2(Bucket=standin.bucket).get("Contents", [])]


def test_orphans_that_cannot_be_removed_are_named_and_not_counted(
    faulty: RedshiftStandin, caplog: pytest.LogCaptureFixture
) -> None:
    """API DeleteObjects: the answer is 200, the errors are in its body, one a key."""
    caplog.set_level(logging.INFO)
    warehouse = open_redshift()
    prefix = warehouse._stage.settings.prefix
    for orphan in ORPHANS:
        faulty.s3.put_object(Bucket=faulty.bucket, Key=f"{prefix}/{orphan}", Body=b"x")
    faulty.faults.add(S3Fault("keep", key="/parts/[0-6]", times=7))
    with warehouse.hold("run-1"):
        warehouse.prepare(CONTRACTS.values())
    warehouse.close()
    assert len(keys(faulty)) == 7
    assert "3 staged objects that killed runs left are removed" in caplog.text
    assert f"7 staged objects could not be removed: {prefix}/{ORPHANS[0]} (AccessDenied)" in caplog.text
    assert "and 2 more" in caplog.text
    assert "s3:DeleteObject" in caplog.text


def test_parts_of_a_load_that_cannot_be_removed_are_named_and_the_load_stands(
    redshift: Redshift, faulty: RedshiftStandin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    warehouse = open_redshift()
    faulty.faults.add(S3Fault("keep", key="/parts/"))
    with warehouse.hold("run-1"):
        warehouse.prepare(CONTRACTS.values())
        warehouse.load_files(CONTRACTS["raw_customers"], [convert(tmp_path, "id,name\na,Ada\n")], "run-1")
    warehouse.close()
    (left,) = keys(faulty)
    assert f"1 staged objects could not be removed: {left} (AccessDenied)" in caplog.text
    assert redshift.run('select id from "raw".raw_customers') == [("a",)]


def test_outage_while_parts_are_removed_is_told_and_the_load_stands(
    redshift: Redshift,
    faulty: RedshiftStandin,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    warehouse = open_redshift()
    with warehouse.hold("run-1"):
        warehouse.prepare(CONTRACTS.values())
        faulty.faults.add(S3Fault("error", method="POST", status=403, code="AccessDenied", times=9))
        warehouse.load_files(CONTRACTS["raw_customers"], [convert(tmp_path, "id,name\na,Ada\n")], "run-1")
    warehouse.close()
    assert "cannot remove staged objects" in caplog.text
    assert redshift.run('select id from "raw".raw_customers') == [("a",)]


def test_bucket_in_another_region_is_refused_before_anything_is_uploaded(
    redshift: Redshift, standin: RedshiftStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """copy-usage_notes-copy-from-columnar: "must be in the same AWS Region as the Amazon Redshift database"."""
    bucket = "retail-lake-in-ireland"
    standin.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    try:
        monkeypatch.setenv("RETAIL_S3_BUCKET", bucket)
        warehouse = open_redshift()
        with warehouse.hold("run-1"), pytest.raises(ConfigError) as error:
            warehouse.prepare(CONTRACTS.values())
        warehouse.close()
    finally:
        standin.s3.delete_bucket(Bucket=bucket)
    assert "the bucket retail-lake-in-ireland lies in eu-west-1, the warehouse in us-east-1" in str(error.value)
    assert "Name a bucket in us-east-1 by RETAIL_S3_BUCKET" in str(error.value)


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("analytics.123456789012.eu-central-1.redshift-serverless.amazonaws.com", "eu-central-1"),
        ("retail.abc123xyz789.us-gov-west-1.redshift.amazonaws.com", "us-gov-west-1"),
        ("retail.abc123xyz789.cn-north-1.redshift.amazonaws.com.cn", "cn-north-1"),
        ("localhost", None),
        ("warehouse.eu-west-1.example.com", None),
    ],
)
def test_region_of_host_is_what_the_address_says(host: str, region: str | None) -> None:
    assert region_of_host(host) == region
