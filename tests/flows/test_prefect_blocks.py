"""Prefect's blocks hold what is secret; the environment only names them."""

from __future__ import annotations

import json

import boto3
import pytest
from prefect_aws import AwsCredentials, AwsSecret, S3Bucket

from flows import provision
from flows.errors import ConfigError
from flows.run.settings import load_settings
from flows.run.target import dbt_environment
from tests.warehouse.redshift import Redshift, open_redshift
from tests.warehouse.redshift_standin import RedshiftStandin


def test_blocks_of_prefect_give_keys_bucket_and_password(
    prefect_server: None, redshift: Redshift, standin: RedshiftStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = AwsCredentials(aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1")
    keys.save("retail-keys", overwrite=True)
    S3Bucket(bucket_name=standin.bucket, bucket_folder="from-block", credentials=keys).save("retail-s3", overwrite=True)
    AwsSecret(aws_credentials=keys, secret_name="retail/redshift").save("retail-secret", overwrite=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", standin.s3_endpoint)  # moto serves both
    secret = {"username": standin.user, "password": standin.password, "host": standin.host, "port": standin.port}
    client = boto3.client("secretsmanager", endpoint_url=standin.s3_endpoint, region_name="us-east-1")
    client.create_secret(Name="retail/redshift", SecretString=json.dumps(secret))
    for name in ("HOST", "PORT", "USER", "PASSWORD"):
        monkeypatch.delenv(f"RETAIL_REDSHIFT_{name}")
    for name in ("RETAIL_S3_BUCKET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("RETAIL_AWS_CREDENTIALS_BLOCK", "retail-keys")
    monkeypatch.setenv("RETAIL_S3_BUCKET_BLOCK", "retail-s3")
    monkeypatch.setenv("RETAIL_REDSHIFT_SECRET_BLOCK", "retail-secret")
    warehouse = open_redshift()
    assert warehouse._stage.settings.bucket == standin.bucket
    assert warehouse._stage.settings.prefix.startswith("from-block/retail-pipeline/")
    assert warehouse._stage.sweep() == []
    assert list(warehouse._query("select current_user")[0]) == [standin.user]
    warehouse.close()
    with dbt_environment(load_settings(target="redshift")) as environment:
        assert environment["DBT_ENV_SECRET_RETAIL_REDSHIFT_PASSWORD"] == standin.password


def test_block_that_does_not_exist_is_named(
    prefect_server: None, redshift: Redshift, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_S3_BUCKET_BLOCK", "nowhere")
    with pytest.raises(ConfigError, match=r"S3Bucket 'nowhere', named by RETAIL_S3_BUCKET_BLOCK"):
        open_redshift()


def test_blocks_are_saved_from_the_outputs_without_keys(prefect_server: None) -> None:
    named = provision.register({"S3Bucket": "retail-bucket-1", "RedshiftRegion": "eu-central-1"})
    assert named == {"RETAIL_AWS_CREDENTIALS_BLOCK": "retail-aws", "RETAIL_S3_BUCKET_BLOCK": "retail-bucket"}
    keys, bucket = AwsCredentials.load("retail-aws"), S3Bucket.load("retail-bucket")
    assert (keys.region_name, keys.aws_access_key_id, keys.aws_secret_access_key) == ("eu-central-1", None, None)
    assert (bucket.bucket_name, bucket.bucket_folder, bucket.credentials.region_name) == (
        "retail-bucket-1",
        "",
        "eu-central-1",
    )
    assert provision.register({"S3Bucket": "another", "RedshiftRegion": "eu-central-1"}) == named
    assert S3Bucket.load("retail-bucket").bucket_name == "another"
