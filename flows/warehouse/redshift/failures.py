"""What an error of Redshift, its driver or AWS means: a fault of the settings, something that passes, or neither."""

from __future__ import annotations

import re
import struct
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError
from botocore.exceptions import ConnectionError as AwsConnectionError
from redshift_connector.error import DatabaseError, InterfaceError, OperationalError

LOST = (InterfaceError, OperationalError, OSError, struct.error)  # what the driver raises when a connection is gone
UNREACHED = (AwsConnectionError, HTTPClientError)  # what botocore raises when AWS does not answer
# SQLSTATE classes: connection, resources, operator intervention, and the conflicts of concurrent transactions
TRANSIENT_STATES = ("08", "53", "57P", "40001", "40P01")
# Redshift's words for conflicts that another try may not meet (AWS: "Troubleshooting serializable isolation errors";
# dbt-labs/dbt-adapters #626, which dbt-redshift tries again too)
TRANSIENT_WORDS = re.compile(
    r"\A1023\b|serializable isolation violation|could not open relation with oid|conflict with concurrent transaction",
    re.IGNORECASE,
)
CANCELED = "57014"
# A workgroup that wakes may answer its first statements so (aws/amazon-redshift-python-driver #150).
# A statement that somebody had cancelled says more: it must not be tried again.
WAKING_WORDS = re.compile(r"\AQuery cancell?ed\.?\Z", re.IGNORECASE)
# Errors of the AWS API that pass (AWS SDKs and Tools Reference Guide: "Retry behavior")
PASSING_CODES = re.compile(
    r"Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|RequestTimeout|PriorRequestNotComplete|"
    r"\AInternal(Error|Failure|ServerError|ServerException)\Z|ServiceUnavailable"
)
TOO_MANY_REQUESTS, SERVER_ERROR = 429, 500  # of HTTP


def is_transient(error: BaseException) -> bool:
    """Whether the same again may succeed: a lost connection, a conflict of transactions, a workgroup that wakes."""
    if isinstance(error, (ClientError, BotoCoreError)):
        return is_passing(error)
    if isinstance(error, LOST):
        return True
    if not isinstance(error, DatabaseError):
        return False
    state, said = state_of(error), describe_error(error)
    if state == CANCELED:
        return WAKING_WORDS.search(said) is not None
    return state.startswith(TRANSIENT_STATES) or TRANSIENT_WORDS.search(said) is not None


def is_passing(error: ClientError | BotoCoreError) -> bool:
    """Whether AWS only throttles, fails inside, or is not reached: no setting is wrong."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = str(error.response.get("Error", {}).get("Code", ""))
        return status == TOO_MANY_REQUESTS or status >= SERVER_ERROR or PASSING_CODES.search(code) is not None
    return isinstance(error, UNREACHED)


def describe_error(error: BaseException) -> str:
    """Redshift's own words, message and detail; without the driver's wrapping."""
    fields = _fields(error)
    if not fields:
        return f"{type(error).__name__}: {' '.join(map(str, error.args))}" if error.args else type(error).__name__
    return " ".join(" ".join(str(fields.get(key, "")) for key in ("M", "D", "H")).split())


def state_of(error: BaseException) -> str:
    """The SQLSTATE of an error of the server, else an empty text."""
    return str(_fields(error).get("C", ""))


def fault_of_settings(error: Exception, where: str) -> str | None:
    """Which setting is wrong, if it is one; `where` is the address and the database."""
    causes = _causes(error)
    if any(type(cause).__name__ == "SSLCertVerificationError" for cause in causes):
        return (
            f"{where}: the server's certificate cannot be verified ({describe_error(error)}). Name the host as the "
            "certificate does, or set RETAIL_REDSHIFT_SSLMODE=verify-ca behind a tunnel; SSL_CERT_FILE may name an "
            "authority of your own."
        )
    refused = [cause for cause in causes if isinstance(cause, (ClientError, NoCredentialsError))]
    if refused and not any(is_passing(cause) for cause in refused):
        return (
            f"{where}: AWS gives no database credentials ({describe_error(error)}). Check the keys and the IAM rights."
        )
    if state_of(error).startswith("28"):
        return f"{where}: {describe_error(error)}. Check RETAIL_REDSHIFT_USER and RETAIL_REDSHIFT_PASSWORD."
    if state_of(error).startswith("3D"):
        return f"{where}: {describe_error(error)}. Check RETAIL_REDSHIFT_DATABASE."
    return None


def _fields(error: BaseException) -> dict[str, Any]:
    return error.args[0] if error.args and isinstance(error.args[0], dict) else {}


def _causes(error: BaseException | None) -> list[BaseException]:
    """The error, what it wraps and what it came from."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found += [error, *(each for each in error.args if isinstance(each, BaseException))]
        error = error.__cause__ or error.__context__
    return found
