"""The AWS calls that IAM needs: credentials and addresses, of Serverless and of a cluster, and keys of roles.

moto has no redshift-serverless, and its redshift gives passwords that no server checks. Keys of a role (AssumeRole) are
given here too, for they run out here: `Keys` knows until when, and a call that is signed with old ones is refused.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import parse_qs

from tests.warehouse.redshift_standin.accounts import ADMIN, IAM_USER, Accounts
from tests.warehouse.redshift_standin.faults import Faults
from tests.warehouse.redshift_standin.s3 import run_http

CREDENTIAL_SECONDS = 900
ROLE_SECONDS = 3600
XML = "http://redshift.amazonaws.com/doc/2012-12-01/"


class Keys:
    """Keys of roles that were given out, and how long they are valid; keys that never run out are not known here."""

    def __init__(self) -> None:
        self.seconds: float = ROLE_SECONDS
        self._issued: dict[str, float] = {}
        self._lock = threading.Lock()

    def issue(self) -> tuple[str, float]:
        """A new access key and when it runs out, in seconds of the epoch."""
        access_key, expires_at = f"ASIA{secrets.token_hex(8).upper()}", time.time() + self.seconds
        with self._lock:
            self._issued[access_key] = expires_at
        return access_key, expires_at

    def fault_of(self, headers: Mapping[str, str]) -> str | None:
        """What is wrong with the keys that a request is signed with: the code of AWS's error."""
        signed = re.search(r"Credential=([^/]+)/", headers.get("Authorization") or "")
        access_key, token = signed[1] if signed else "", headers.get("X-Amz-Security-Token")
        with self._lock:
            expires_at = self._issued.get(access_key)
        if (expires_at is None) != (token is None) or (token and token != f"token-of-{access_key}"):
            return "UnrecognizedClientException"
        return "ExpiredTokenException" if expires_at is not None and expires_at < time.time() else None


@dataclass
class Api:
    """What the calls tell, and `calls`, the names of those that were made."""

    accounts: Accounts
    host: str
    port: int
    workgroup: str
    cluster: str
    faults: Faults = field(default_factory=Faults)
    keys: Keys = field(default_factory=Keys)
    calls: list[str] = field(default_factory=list)

    def assume_role(self, request: dict[str, Any]) -> str:
        """Keys of a role, valid for `keys.seconds` (API: AssumeRole, of STS)."""
        access_key, expires_at = self.keys.issue()
        name = f"{request['RoleArn']}/{request['RoleSessionName']}"
        expires = datetime.fromtimestamp(expires_at, UTC).isoformat()
        return (
            f"<Credentials><AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>secret-of-{access_key}"
            f"</SecretAccessKey><SessionToken>token-of-{access_key}</SessionToken><Expiration>{expires}</Expiration>"
            f"</Credentials><AssumedRoleUser><Arn>{name}</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser>"
        )

    def get_credentials(self, _: dict[str, Any]) -> dict[str, Any]:
        """Serverless: a temporary password for the caller's own IAM identity."""
        issued = self.accounts.issue(IAM_USER, IAM_USER, CREDENTIAL_SECONDS)
        times = {"expiration": issued.expires_at, "nextRefreshTime": time.time() + CREDENTIAL_SECONDS}
        return {"dbUser": IAM_USER, "dbPassword": issued.password, **times}

    def get_workgroup(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "workgroup": {
                "workgroupName": request.get("workgroupName"),
                "endpoint": {"address": self.host, "port": self.port},
                "status": "AVAILABLE",
            }
        }

    def get_cluster_credentials(self, request: dict[str, Any]) -> str:
        """Provisioned: a temporary password for a user of the database, here the administrator."""
        user = f"IAM:{request['DbUser']}"
        issued = self.accounts.issue(user, ADMIN, CREDENTIAL_SECONDS)
        expires = datetime.fromtimestamp(issued.expires_at, UTC).isoformat()
        return f"<DbUser>{user}</DbUser><DbPassword>{issued.password}</DbPassword><Expiration>{expires}</Expiration>"

    def describe_clusters(self, request: dict[str, Any]) -> str:
        endpoint = f"<Endpoint><Address>{self.host}</Address><Port>{self.port}</Port></Endpoint>"
        name = request.get("ClusterIdentifier", self.cluster)
        return f"<Clusters><Cluster><ClusterIdentifier>{name}</ClusterIdentifier>{endpoint}</Cluster></Clusters>"


@contextmanager
def run_api(api: Api) -> Iterator[str]:
    """Serve the calls on the loopback interface; gives the address, for both services."""

    class Handler(_ApiHandler):
        plan: ClassVar = api

    with run_http(Handler) as url:
        yield url


class _ApiHandler(BaseHTTPRequestHandler):
    plan: ClassVar[Api]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name that the base class gives
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        target = self.headers.get("X-Amz-Target")
        if target:
            self._answer_json(target.rsplit(".", 1)[-1], json.loads(body or "{}"))
        else:
            request = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer_xml(request.get("Action", ""), request)

    def _answer_json(self, action: str, request: dict[str, Any]) -> None:
        if fault := self._fault(action):
            code, status = fault
            self._send(status, "application/x-amz-json-1.1", json.dumps({"__type": code, "message": "refused"}))
            return
        known: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "GetCredentials": self.plan.get_credentials,
            "GetWorkgroup": self.plan.get_workgroup,
        }
        name = request.get("workgroupName")
        if action not in known:
            self._send(400, "application/x-amz-json-1.1", json.dumps({"__type": "UnknownOperationException"}))
        elif name != self.plan.workgroup:
            error = {"__type": "ResourceNotFoundException", "message": f"Workgroup {name} not found"}
            self._send(400, "application/x-amz-json-1.1", json.dumps(error))
        else:
            self.plan.calls.append(action)
            self._send(200, "application/x-amz-json-1.1", json.dumps(known[action](request)))

    def _answer_xml(self, action: str, request: dict[str, Any]) -> None:
        if fault := self._fault(action):
            code, status = fault
            error = f"<Error><Code>{code}</Code><Message>refused</Message></Error>"
            self._send(status, "text/xml", f"<ErrorResponse>{error}</ErrorResponse>")
            return
        known: dict[str, Callable[[dict[str, Any]], str]] = {
            "AssumeRole": self.plan.assume_role,
            "GetClusterCredentials": self.plan.get_cluster_credentials,
            "DescribeClusters": self.plan.describe_clusters,
        }
        if action not in known:
            self._send(400, "text/xml", "<ErrorResponse><Error><Code>InvalidAction</Code></Error></ErrorResponse>")
            return
        self.plan.calls.append(action)
        result = f"<{action}Result>{known[action](request)}</{action}Result>"
        self._send(200, "text/xml", f'<{action}Response xmlns="{XML}">{result}</{action}Response>')

    def _fault(self, action: str) -> tuple[str, int] | None:
        """The error code and the status to answer with, if a test asked for it or the keys are not valid."""
        if fault := self.plan.faults.take_api(action):
            return fault.code, fault.status
        code = self.plan.keys.fault_of(self.headers)
        return (code, 403) if code else None

    def _send(self, status: int, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
