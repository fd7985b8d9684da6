"""How Redshift is reached: settings in, the arguments of its driver out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import boto3


@dataclass(frozen=True)
class Access:
    """Everything that is needed to connect; secrets are kept out of its text.

    `session` gives the keys of a Prefect block, fresh ones whenever it is asked; without one the driver takes those of
    AWS's own chain (environment, profile, role). A statement may run for `statement_seconds`; 0: for ever.
    """

    host: str
    port: int
    database: str
    method: Literal["database", "iam"]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    region: str | None = None
    workgroup: str | None = None
    cluster_id: str | None = None
    sslmode: str = "verify-full"
    session: boto3.Session | None = field(default=None, repr=False)
    connect_seconds: float = 180
    statement_seconds: int = 0

    def driver_arguments(self) -> dict[str, Any]:
        """The arguments of `redshift_connector.connect`, for one connection: keys of a role are valid for a while."""
        arguments: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "database": self.database,
            "region": self.region,
            "ssl": self.sslmode != "disable",
            "sslmode": self.sslmode,
            "application_name": "retail-pipeline",
            "tcp_keepalive": True,
        }
        if self.method == "database":
            return arguments | {"user": self.user, "password": self.password}
        arguments |= {"iam": True} | self._keys()
        if self.workgroup:
            return arguments | {"is_serverless": True, "serverless_work_group": self.workgroup}
        if self.user:
            return arguments | {"cluster_identifier": self.cluster_id, "db_user": self.user}
        return arguments | {"cluster_identifier": self.cluster_id, "group_federation": True}

    def _keys(self) -> dict[str, Any]:
        credentials = self.session.get_credentials() if self.session else None
        if credentials is None:
            return {}
        keys = credentials.get_frozen_credentials()
        return {
            "access_key_id": keys.access_key,
            "secret_access_key": keys.secret_key,
            "session_token": keys.token,
        }


def region_of_host(host: str) -> str | None:
    """The region that the address of a warehouse names; None behind a tunnel or a name of one's own.

    `<workgroup>.<account>.<region>.redshift-serverless.amazonaws.com`, `<cluster>.<id>.<region>.redshift.amazonaws.com`
    (AWS: "Connecting to Amazon Redshift Serverless", "Finding your cluster connection string").
    """
    found = re.search(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.redshift(?:-serverless)?\.amazonaws\.com(?:\.cn)?\Z", host)
    return found[1] if found else None
