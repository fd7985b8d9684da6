"""What AWS says when something did not happen, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    LoginError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from flows.errors import ConfigError, LoadError

# The first that fits; texts of CloudFormation ("Troubleshooting CloudFormation") and of the services behind it
CURES = (
    (
        r"service.linked role",
        "ECS makes this role when it is first used, and may look before it is there. Run again; if it stays so: "
        "aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com.",
    ),
    (r"not authorized|access ?denied|UnauthorizedOperation", "Give whoever runs this the right that AWS names."),
    (r"quota|limit.*exceeded|LimitExceeded|insufficient", "Ask for more under Service Quotas in AWS's console."),
    (
        r"circuit breaker",
        "The worker did not stay up: see the events of its service, then its log group, WorkerImage and PrefectApiUrl.",
    ),
    (r"subnet|availability zone", "Name private subnets in three zones: --set SubnetIds=subnet-a,subnet-b,subnet-c."),
    (r"already exists|AlreadyExists|conflict", "Remove what has that name, or choose another one: --stack NAME."),
    (r"not empty|NotEmpty", "Empty it, then run again."),
    (r"timed? ?out|did not stabilize", "Run again; if it stays so, see the service's own page in AWS's console."),
)
# What fails only because something else did
CONSEQUENCE = re.compile(r"cancelled|The following resource\(s\) failed|Initiated", re.IGNORECASE)
AT_MOST = 5
NOT_SIGNED_IN = (
    *(NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, TokenRetrievalError, SSOError, LoginError),
)
UNKNOWN_TO_AWS = {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}
SIGN_IN = "Sign in (aws sso login, AWS_PROFILE or the variables of the AWS SDK)."


def find_cure(reason: str) -> str:
    """What to do about that reason."""
    fitting = (cure for pattern, cure in CURES if re.search(pattern, reason, re.IGNORECASE))
    return next(fitting, "Correct what AWS names, then run again.")


def describe_failures(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """Resource, reason and cure of each failure that is no consequence of another, of events that are oldest first."""
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    causes = [event for event in failed if not CONSEQUENCE.search(event.get("ResourceStatusReason", ""))]
    lines = []
    for event in (causes or failed)[:AT_MOST]:
        reason = event.get("ResourceStatusReason") or "AWS gives no reason"
        where = f"{event['LogicalResourceId']} ({event['ResourceType']})"
        lines.append(f"  - {where}: {reason.strip()[:500]}\n    {find_cure(reason)}")
    return lines


@contextmanager
def told_by_aws() -> Iterator[None]:
    """Turn what the SDK raises into an error that names the cure.

    Raises:
        ConfigError: there are no credentials or no region, or rights are missing.
        LoadError: AWS refused or did not answer.
    """
    try:
        yield
    except NOT_SIGNED_IN as error:
        raise ConfigError(f"AWS finds no credentials: {str(error).rstrip('.')}. {SIGN_IN}") from error
    except NoRegionError as error:
        raise ConfigError("AWS needs a region: --region eu-central-1, or AWS_REGION.") from error
    except ProfileNotFound as error:
        raise ConfigError(f"{error}. Correct AWS_PROFILE.") from error
    except ClientError as error:
        said = f"AWS refuses {error.operation_name}: {error.response['Error'].get('Message', error)}"
        if error.response["Error"].get("Code") in UNKNOWN_TO_AWS:
            raise ConfigError(f"{said.rstrip('.')}. {SIGN_IN}") from error
        kind = ConfigError if "not authorized" in said or "Denied" in said else LoadError
        raise kind(f"{said}. {find_cure(said)}") from error
    except BotoCoreError as error:
        raise LoadError(f"AWS cannot be reached: {error}. Look at network and region, then run again.") from error
