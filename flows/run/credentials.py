"""AWS keys that outlive an hour: a Prefect block in, a session that refreshes out; lent to dbt by an address.

Keys of a role are valid for an hour or so. The session asks for new ones before they run out, wherever it is used: S3,
each connection of our driver, and dbt, which opens a connection a node. dbt-redshift takes keys from AWS's own chain
only. Of that chain, the provider for containers asks an address for keys, and again before they run out (AWS SDKs and
Tools Reference Guide: "Container credential provider"); so keys are never in an environment or a file, and never old.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

import boto3
import botocore.session
from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials

if TYPE_CHECKING:
    from prefect_aws import AwsCredentials

LENT_SECONDS = 60  # how long what was lent is used at most; the session itself refreshes as it must
# What comes before the address in boto3's chain, or would mix with it ("Credentials" in boto3's guide)
FOREIGN = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)


def open_session(credentials: AwsCredentials) -> boto3.Session:
    """A session with the block's own keys or profile, or with those of its role, which are refreshed."""
    if not credentials.assume_role_arn:
        return credentials.get_boto3_session()
    base = credentials.model_copy(update={"assume_role_arn": None}).get_boto3_session()
    given = {
        "RoleSessionName": f"retail-pipeline-{uuid4().hex[:8]}"
    } | credentials.assume_role_kwargs.get_params_override()

    def assume() -> dict[str, str]:
        found = base.client("sts").assume_role(RoleArn=credentials.assume_role_arn, **given)["Credentials"]
        return {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "token": found["SessionToken"],
            "expiry_time": found["Expiration"].isoformat(),
        }

    session = botocore.session.get_session()
    session.register_component("credential_provider", CredentialResolver([_Assumed(assume)]))
    return boto3.Session(botocore_session=session, region_name=credentials.region_name)


@contextmanager
def lend_credentials(session: boto3.Session) -> Iterator[dict[str, str | None]]:
    """Variables by which the AWS SDK of this or another process of this machine finds the session's keys meanwhile.

    What is None must not be in its environment. Who asks must know the secret that is among the variables.
    """
    secret = secrets.token_urlsafe(24)

    class Handler(_Lender):
        source: ClassVar = session
        password: ClassVar = secret

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="aws-credentials", daemon=True)
    thread.start()
    try:
        yield dict.fromkeys(FOREIGN) | {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{server.server_port}/",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": secret,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_CONFIG_FILE": os.devnull,
        }
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Assumed(CredentialProvider):  # type: ignore[misc]  # botocore has no types
    """The only provider of a session: keys of a role, asked for when they are needed first."""

    METHOD = "assume-role"

    def __init__(self, assume: Callable[[], dict[str, str]]) -> None:
        super().__init__()
        self._assume = assume

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(refresh_using=self._assume, method=self.METHOD)


class _Lender(BaseHTTPRequestHandler):
    source: ClassVar[boto3.Session]
    password: ClassVar[str]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name that the base class gives
        """Say nothing."""

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), self.password.encode()):
            self._answer(403, {"message": "this address lends keys to one process only"})
            return
        try:
            found = self.source.get_credentials()
            keys = found.get_frozen_credentials() if found else None
        except Exception as error:  # the SDK at the other end tries again, and says what it was told
            self._answer(500, {"message": f"{type(error).__name__}: {error}"})
            return
        if keys is None:
            self._answer(404, {"message": "the AWS credentials block gives no keys"})
            return
        until = datetime.now(UTC) + timedelta(seconds=LENT_SECONDS)
        lent = {"AccessKeyId": keys.access_key, "SecretAccessKey": keys.secret_key, "Token": keys.token}
        self._answer(200, lent | {"Expiration": until.isoformat()})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
