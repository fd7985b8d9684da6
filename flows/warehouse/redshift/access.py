"""How Redshift is reached: settings in, open connections out.

A connection is asked for with patience: a Serverless workgroup that sleeps takes a while to wake. What failed is told
apart here: a fault of the settings (final), an outage (worth another try), and an error of the data (final).
"""

from __future__ import annotations

import logging
import re
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import redshift_connector
from botocore.exceptions import ClientError, NoCredentialsError
from redshift_connector.core import Connection
from redshift_connector.error import DatabaseError, InterfaceError, OperationalError

from flows.errors import ConfigError, LoadError

T = TypeVar("T")
LOST = (InterfaceError, OperationalError, OSError, struct.error)  # what the driver raises when a connection is gone
# SQLSTATE classes: connection, resources, operator intervention, and the conflicts of concurrent transactions
TRANSIENT_STATES = ("08", "53", "57P", "40001", "40P01")
# Redshift's words for conflicts that another try may not meet (AWS: "How to fix serializable isolation errors")
TRANSIENT_WORDS = re.compile(
    r"\A1023\b|serializable isolation violation|could not open relation with oid", re.IGNORECASE
)


@dataclass(frozen=True)
class AwsKeys:
    """Keys of a Prefect block; without them AWS's own chain is used (environment, profile, role)."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Access:
    """Everything that is needed to connect; secrets are kept out of its text."""

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
    keys: AwsKeys | None = field(default=None, repr=False)
    connect_seconds: float = 180

    def driver_arguments(self) -> dict[str, Any]:
        """The arguments of `redshift_connector.connect`."""
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
        arguments |= {"iam": True}
        if self.keys:
            arguments |= {
                "access_key_id": self.keys.access_key_id,
                "secret_access_key": self.keys.secret_access_key,
                "session_token": self.keys.session_token,
            }
        if self.workgroup:
            return arguments | {"is_serverless": True, "serverless_work_group": self.workgroup}
        if self.user:
            return arguments | {"cluster_identifier": self.cluster_id, "db_user": self.user}
        return arguments | {"cluster_identifier": self.cluster_id, "group_federation": True}


@dataclass
class Connections:
    """Open connections, lent one to a thread; one that failed is closed, never lent again."""

    access: Access
    _idle: list[Connection] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """A connection with no transaction open."""
        with self._guard:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = connect(self.access)
        try:
            yield connection
            connection.rollback()
        except BaseException:
            with suppress(Exception):
                connection.close()
            raise
        with self._guard:
            self._idle.append(connection)

    def close(self) -> None:
        """Close what is not lent."""
        with self._guard:
            idle, self._idle = self._idle, []
        for connection in idle:
            with suppress(Exception):
                connection.close()


def connect(access: Access) -> Connection:
    """Open a connection, again and again for up to `connect_seconds` while the warehouse does not answer.

    Raises:
        ConfigError: the certificate, the user, the database or the AWS rights are wrong.
        LoadError: it did not answer in time.
    """
    start, pause = time.monotonic(), 0.5
    while True:
        try:
            return redshift_connector.connect(**access.driver_arguments())
        except Exception as error:
            fault = _fault_of_settings(error, access)
            if fault:
                raise ConfigError(fault) from error
            if not is_transient(error):
                raise
            if time.monotonic() - start + pause > access.connect_seconds:
                raise LoadError(
                    f"{access.host}:{access.port}: Redshift did not answer for {access.connect_seconds:.0f} s "
                    f"({describe_error(error)}). Is the address right, the workgroup available, and the way there open "
                    "(security group, VPC)?"
                ) from error
            time.sleep(pause)
            pause = min(pause * 2, 15)


def with_retries(action: Callable[[], T], log: logging.Logger, *, attempts: int, pause: float) -> T:
    """Run `action`, again after an outage, with pauses that double; errors of the data are raised at once."""
    for attempt in range(1, attempts):
        try:
            return action()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("%s; attempt %d of %d follows", describe_error(error), attempt + 1, attempts)
            time.sleep(pause * 2 ** (attempt - 1))
    return action()


def is_transient(error: BaseException) -> bool:
    """Whether the same again may succeed: a lost connection, a conflict of transactions, a workgroup that wakes."""
    if isinstance(error, LOST):
        return True
    if not isinstance(error, DatabaseError):
        return False
    return state_of(error).startswith(TRANSIENT_STATES) or TRANSIENT_WORDS.search(describe_error(error)) is not None


def describe_error(error: BaseException) -> str:
    """Redshift's own words, message and detail; without the driver's wrapping."""
    fields = _fields(error)
    if not fields:
        return f"{type(error).__name__}: {' '.join(map(str, error.args))}" if error.args else type(error).__name__
    return " ".join(" ".join(str(fields.get(key, "")) for key in ("M", "D", "H")).split())


def _fields(error: BaseException) -> dict[str, Any]:
    return error.args[0] if error.args and isinstance(error.args[0], dict) else {}


def state_of(error: BaseException) -> str:
    """The SQLSTATE of an error of the server, else an empty text."""
    return str(_fields(error).get("C", ""))


def _fault_of_settings(error: Exception, access: Access) -> str | None:
    """Which setting is wrong, if it is one."""
    causes = _causes(error)
    where = f"{access.host}:{access.port}, database {access.database}"
    if any(type(cause).__name__ == "SSLCertVerificationError" for cause in causes):
        return (
            f"{where}: the server's certificate cannot be verified ({describe_error(error)}). Name the host as the "
            "certificate does, or set RETAIL_REDSHIFT_SSLMODE=verify-ca behind a tunnel; SSL_CERT_FILE may name an "
            "authority of your own."
        )
    if any(isinstance(cause, (ClientError, NoCredentialsError)) for cause in causes):
        return (
            f"{where}: AWS gives no database credentials ({describe_error(error)}). Check the keys and the IAM rights."
        )
    if state_of(error).startswith("28"):
        return f"{where}: {describe_error(error)}. Check RETAIL_REDSHIFT_USER and RETAIL_REDSHIFT_PASSWORD."
    if state_of(error).startswith("3D"):
        return f"{where}: {describe_error(error)}. Check RETAIL_REDSHIFT_DATABASE."
    return None


def _causes(error: BaseException | None) -> list[BaseException]:
    """The error, what it wraps and what it came from."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found += [error, *(each for each in error.args if isinstance(each, BaseException))]
        error = error.__cause__ or error.__context__
    return found
