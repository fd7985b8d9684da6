"""What CloudFormation says when something goes wrong, by botocore's Stubber: moto lets every change succeed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.stub import Stubber

from flows.cloud.failures import describe_failures, find_cure, told_by_aws
from flows.cloud.stack import Change, Plan, Stack, State
from flows.errors import ConfigError, LoadError, RetailError

ID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/retail/1"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Told:
    """A stack whose client is stubbed, and the lines that it told."""

    def __init__(self) -> None:
        client = boto3.client(
            "cloudformation", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        self.lines: list[str] = []
        self.stubber = Stubber(client)
        self.stack = Stack(client, "retail", self.lines.append, poll_seconds=0)

    def answers(self, method: str, **answer: Any) -> None:
        self.stubber.add_response(method, answer)

    def is_at(self, status: str, *events: dict[str, Any]) -> None:
        """Asked once: the stack, then its events, the newest first."""
        self.answers(
            "describe_stacks",
            Stacks=[{"StackId": ID, "StackName": "retail", "CreationTime": NOW, "StackStatus": status}],
        )
        self.answers("describe_stack_events", StackEvents=list(reversed(events)))


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    with made.stubber:
        yield made
        made.stubber.assert_no_pending_responses()


def event(number: int, resource: str, status: str, reason: str = "") -> dict[str, Any]:
    return {
        "StackId": ID,
        "EventId": str(number),
        "StackName": "retail",
        "LogicalResourceId": resource,
        "ResourceType": f"AWS::Some::{resource}",
        "Timestamp": NOW,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def test_follow_tells_each_event_once_until_the_stack_rests(told: Told) -> None:
    first, second = event(1, "Bucket", "CREATE_IN_PROGRESS"), event(2, "Bucket", "CREATE_COMPLETE")
    told.is_at("CREATE_IN_PROGRESS", first)
    told.is_at("CREATE_IN_PROGRESS", first)
    told.is_at("CREATE_COMPLETE", first, second)
    assert told.stack.follow(ID).status == "CREATE_COMPLETE"
    assert [line.split()[1:3] for line in told.lines] == [
        ["CREATE_IN_PROGRESS", "Bucket"],
        ["CREATE_COMPLETE", "Bucket"],
    ]


def test_follow_of_a_change_that_is_undone_names_cause_and_cure_and_no_consequence(told: Told) -> None:
    cause = event(1, "Workgroup", "CREATE_FAILED", "The subnets must be in three Availability Zones")
    told.is_at("ROLLBACK_IN_PROGRESS", cause, event(2, "Worker", "CREATE_FAILED", "Resource creation cancelled"))
    told.is_at("ROLLBACK_COMPLETE", cause, event(3, "retail", "ROLLBACK_COMPLETE"))
    with pytest.raises(LoadError) as error:
        told.stack.follow(ID)
    said = str(error.value)
    assert "the stack retail is ROLLBACK_COMPLETE" in said
    assert "Workgroup (AWS::Some::Workgroup): The subnets must be" in said
    assert "--set SubnetIds=" in said
    assert "Worker (" not in said


def test_apply_tells_nothing_of_what_was_before(told: Told) -> None:
    old, new = event(1, "Bucket", "CREATE_FAILED", "long ago"), event(2, "Bucket", "UPDATE_COMPLETE")
    told.answers("describe_stack_events", StackEvents=[old])
    told.answers("execute_change_set")
    told.is_at("UPDATE_COMPLETE", old, new)
    assert told.stack.apply(Plan("arn:change", ID, [])).status == "UPDATE_COMPLETE"
    assert len(told.lines) == 1


def test_follow_gives_up_after_an_hour_and_says_where_to_look(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.cloud.stack.PATIENCE_SECONDS", -1)
    told.is_at("CREATE_IN_PROGRESS")
    with pytest.raises(LoadError, match=r"flows\.provision status"):
        told.stack.follow(ID)


@pytest.mark.parametrize(
    ("status", "kind", "cure"),
    [
        ("UPDATE_IN_PROGRESS", LoadError, "Wait until it rests"),
        ("DELETE_IN_PROGRESS", LoadError, "Wait until it rests"),
        ("UPDATE_ROLLBACK_FAILED", ConfigError, "Continue the rollback"),
        ("DELETE_FAILED", ConfigError, "down --delete-data"),
        ("ROLLBACK_FAILED", ConfigError, "down --delete-data"),
    ],
)
def test_stack_that_cannot_be_changed_is_refused_with_the_cure(
    told: Told, status: str, kind: type[RetailError], cure: str
) -> None:
    if kind is ConfigError:
        failed = event(1, "Namespace", "DELETE_FAILED", "a snapshot with that name already exists")
        told.answers("describe_stack_events", StackEvents=[failed])
    with pytest.raises(kind, match=cure) as error:
        told.stack.check_changeable(State(ID, status, {}, {}))
    assert ("Namespace (AWS::Some::Namespace)" in str(error.value)) == (kind is ConfigError)


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"]
)
def test_stack_that_rests_can_be_changed(told: Told, status: str) -> None:
    told.stack.check_changeable(State(ID, status, {}, {}))


def test_plan_that_cloudformation_refuses_says_why_and_leaves_no_stack(told: Told) -> None:
    told.answers("create_change_set", Id="arn:change", StackId=ID)
    told.answers("describe_change_set", Status="CREATE_IN_PROGRESS")
    told.answers("describe_change_set", Status="FAILED", StatusReason="Parameter WorkerCpu is not allowed")
    told.answers("delete_change_set")
    told.answers(
        "describe_stacks",
        Stacks=[{"StackId": ID, "StackName": "retail", "CreationTime": NOW, "StackStatus": "REVIEW_IN_PROGRESS"}],
    )
    told.answers("delete_stack")
    with pytest.raises(LoadError, match="WorkerCpu is not allowed"):
        told.stack.plan("{}", {}, None)


def test_plan_reads_every_page_of_changes(told: Told) -> None:
    change = {"Type": "Resource", "ResourceChange": {"Action": "Modify", "LogicalResourceId": "A", "ResourceType": "T"}}
    other = {
        "Type": "Resource",
        "ResourceChange": change["ResourceChange"] | {"LogicalResourceId": "B", "Replacement": "True"},
    }
    told.answers("create_change_set", Id="arn:change", StackId=ID)
    told.answers(
        "describe_change_set", Status="CREATE_COMPLETE", ChangeSetId="arn:change", Changes=[change], NextToken="n"
    )
    told.answers("describe_change_set", Status="CREATE_COMPLETE", ChangeSetId="arn:change", Changes=[other])
    plan = told.stack.plan("{}", {}, None)
    assert plan is not None
    assert [(each.resource, each.loses) for each in plan.changes] == [("A", False), ("B", True)]


@pytest.mark.parametrize(
    ("action", "kind", "replacement", "is_lost"),
    [
        ("Modify", "AWS::RedshiftServerless::Namespace", "True", True),
        ("Modify", "AWS::S3::Bucket", "Conditional", True),
        ("Remove", "AWS::S3::Bucket", "False", True),
        ("Modify", "AWS::RedshiftServerless::Namespace", "False", False),
        ("Add", "AWS::S3::Bucket", "False", False),
        ("Modify", "AWS::RedshiftServerless::Workgroup", "True", False),
    ],
)
def test_plan_that_would_give_up_data_is_refused(action: str, kind: str, replacement: str, *, is_lost: bool) -> None:
    plan = Plan("arn:change", ID, [Change(action, "It", kind, replacement)])
    if is_lost:
        with pytest.raises(ConfigError, match=r"the data of It would be given up.*--delete-data"):
            plan.check_data()
    else:
        plan.check_data()


def test_failures_without_a_cause_are_told_all_the_same_and_only_five() -> None:
    events = [event(number, f"R{number}", "DELETE_FAILED", "Resource deletion cancelled") for number in range(7)]
    assert [line.split()[1] for line in describe_failures(events)] == ["R0", "R1", "R2", "R3", "R4"]
    assert "AWS gives no reason" in describe_failures([event(1, "R", "CREATE_FAILED")])[0]


@pytest.mark.parametrize(
    ("reason", "cure"),
    [
        ("User: arn:… is not authorized to perform: iam:CreateRole", "right that AWS names"),
        ("ServiceQuotaExceededException: limit of workgroups exceeded", "Service Quotas"),
        ("ECS Deployment Circuit Breaker was triggered", "events of its service, then its log group"),
        ("Unable to assume the service linked role. Verify that it exists.", "Run again"),
        ("Resource of type Namespace with identifier retail already exists.", "--stack NAME"),
        ("something else", "Correct what AWS names"),
    ],
)
def test_each_reason_has_its_cure(reason: str, cure: str) -> None:
    assert cure in find_cure(reason)


def denied(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreateChangeSet")


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        (NoCredentialsError(), ConfigError, "aws sso login"),
        (NoRegionError(), ConfigError, "--region"),
        *(
            (error, ConfigError, "aws sso login")
            for error in (
                UnauthorizedSSOTokenError(),
                SSOTokenLoadError(profile_name="x", error_msg="no token"),
                TokenRetrievalError(provider="sso", error_msg="expired"),
                PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
                CredentialRetrievalError(provider="process", error_msg="x"),
            )
        ),
        *(
            (denied(code, "The security token is no good"), ConfigError, "security token is no good.*aws sso login")
            for code in ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException")
        ),
        (denied("AccessDenied", "User x is not authorized to perform: y"), ConfigError, "CreateChangeSet: User x"),
        (denied("Throttling", "Rate exceeded"), LoadError, "Rate exceeded"),
        (EndpointConnectionError(endpoint_url="https://cloudformation"), LoadError, "cannot be reached"),
    ],
)
def test_what_the_sdk_raises_is_told_with_the_cure(raised: Exception, kind: type[RetailError], said: str) -> None:
    with pytest.raises(kind, match=said), told_by_aws():
        raise raised
