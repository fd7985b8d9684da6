"""What the Prefect blocks say that the settings name: AWS keys, the bucket, and a secret with user and password."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from prefect.blocks.core import Block

from flows.errors import ConfigError
from flows.run.credentials import open_session
from flows.run.settings import Settings


@dataclass(frozen=True)
class Blocks:
    """What the Prefect blocks say, as far as blocks are named."""

    session: boto3.Session | None = field(default=None, repr=False)
    region: str | None = None
    bucket: str | None = None
    folder: str = ""
    secret: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_blocks(settings: Settings) -> Blocks:
    """Load the Prefect blocks that the settings name.

    Raises:
        ConfigError: a block does not exist or cannot be read.
    """
    if not (settings.aws_credentials_block or settings.s3_bucket_block or settings.redshift_secret_block):
        return Blocks()
    from prefect_aws import AwsCredentials, AwsSecret, S3Bucket

    credentials = bucket = None
    secret: Mapping[str, Any] = {}
    if settings.aws_credentials_block:
        credentials = _load(AwsCredentials, settings.aws_credentials_block, "RETAIL_AWS_CREDENTIALS_BLOCK")
    if settings.s3_bucket_block:
        bucket = _load(S3Bucket, settings.s3_bucket_block, "RETAIL_S3_BUCKET_BLOCK")
        credentials = credentials or (bucket.credentials if isinstance(bucket.credentials, AwsCredentials) else None)
    if settings.redshift_secret_block:
        secret = _read_secret(_load(AwsSecret, settings.redshift_secret_block, "RETAIL_REDSHIFT_SECRET_BLOCK"))
    return Blocks(
        session=open_session(credentials) if credentials else None,
        region=credentials.region_name if credentials else None,
        bucket=bucket.bucket_name if bucket else None,
        folder=bucket.bucket_folder.strip("/") if bucket else "",
        secret=secret,
    )


def save_blocks(bucket: str, region: str) -> dict[str, str]:
    """Make the blocks of a bucket, or make them anew, on Prefect's server; the variables that name them.

    They hold no keys: whoever runs finds those of its own role by the AWS SDK's chain.

    Raises:
        ConfigError: the server does not take them.
    """
    from prefect_aws import AwsCredentials, S3Bucket

    credentials = AwsCredentials(region_name=region)
    try:
        credentials.save("retail-aws", overwrite=True)
        S3Bucket(bucket_name=bucket, credentials=credentials).save("retail-bucket", overwrite=True)
    except Exception as error:
        raise ConfigError(
            f"the Prefect blocks retail-aws and retail-bucket cannot be saved ({error}). Check PREFECT_API_URL."
        ) from error
    return {"RETAIL_AWS_CREDENTIALS_BLOCK": "retail-aws", "RETAIL_S3_BUCKET_BLOCK": "retail-bucket"}


def _load(kind: type[Block], name: str, variable: str) -> Any:
    try:
        return kind.load(name)
    except Exception as error:
        raise ConfigError(
            f"the Prefect block {kind.__name__} {name!r}, named by {variable}, cannot be loaded ({error}). "
            "Make it in the Prefect UI or correct the name."
        ) from error


def _read_secret(block: Any) -> Mapping[str, Any]:
    where = f"the secret {block.secret_name!r}"
    try:
        found = json.loads(block.read_secret())
    except (BotoCoreError, ClientError) as error:
        raise ConfigError(f"{where} cannot be read ({error}). Check its name and the rights.") from error
    except ValueError:
        raise ConfigError(f"{where} is not JSON; expected an object with username and password.") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{where} is not a JSON object; expected username and password.")
    return found
