"""`python -m flows.provision` on moto's CloudFormation and S3; what moto has not, botocore's Stubber answers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.stub import Stubber
from moto import mock_aws
from moto.cloudformation.models import cloudformation_backends

from flows import provision
from flows.cloud.stack import Change, Stack
from flows.provision import Clients, main
from tests.cloud.moto_redshift_serverless import taught
from tests.conftest import PROJECT

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS..S3..BucketPolicy:UserWarning")

REGION = "eu-central-1"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:admin"
GIVEN = ("VpcId=vpc-1", "SubnetIds=subnet-1,subnet-2,subnet-3", "WorkerImage=r:1", "PrefectApiUrl=https://prefect")
NETWORK = [word for given in GIVEN for word in ("--set", given)]
RESIZE = ["up", "--yes", "--set", "BaseCapacityRpu=16"]


@dataclass(frozen=True)
class Account:
    """An account of moto, and what the Stubbers still expect to be asked."""

    clients: Clients
    serverless: Stubber
    data: Stubber

    def run(self, *arguments: str) -> int:
        return main([*arguments], self.clients)

    def first(self, *arguments: str) -> int:
        """`up` with network and worker, as a new account needs it."""
        self.expect_no_limit()
        self.expect_admission()
        return self.run("up", "--yes", *NETWORK, *arguments)

    def expect_no_limit(self) -> None:
        self.serverless.add_response("list_usage_limits", {})
        self.serverless.add_response("create_usage_limit", {"usageLimit": {}})

    def expect_limit(self, amount: int = 250, action: str = "deactivate") -> None:
        limit = {"usageLimitId": "l-1", "amount": amount, "breachAction": action, "period": "monthly"}
        self.serverless.add_response("list_usage_limits", {"usageLimits": [limit]})

    def expect_admission(self, error: str | None = None) -> None:
        self.serverless.add_response("get_namespace", {"namespace": {"adminPasswordSecretArn": SECRET}})
        for failed in (error, None):
            self.data.add_response("execute_statement", {"Id": "s-1"})
            answer = (
                {"Id": "s-1", "Status": "FAILED", "Error": failed} if failed else {"Id": "s-1", "Status": "FINISHED"}
            )
            self.data.add_response("describe_statement", answer)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setattr(provision, "register", lambda _outputs: {})
    with mock_aws(), taught():
        clients = provision.open_clients(REGION)
        with Stubber(clients.serverless) as serverless, Stubber(clients.data) as data:
            yield Account(clients, serverless, data)
            serverless.assert_no_pending_responses()
            data.assert_no_pending_responses()


def stacks(account: Account) -> list[str]:
    return [each["StackStatus"] for each in account.clients.cloudformation.describe_stacks()["Stacks"]]


def bucket_of(account: Account) -> str:
    (stack,) = account.clients.cloudformation.describe_stacks(StackName="retail")["Stacks"]
    return next(each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == "S3Bucket")


def test_up_shows_changes_costs_and_progress_and_gives_the_settings(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account.first() == 0
    told = capsys.readouterr().out
    assert "Add     Workgroup (AWS::RedshiftServerless::Workgroup)" in told
    assert told.index("Add     Bucket") < told.index("Each month at least $44.55") < told.index("CREATE_COMPLETE")
    assert f"export RETAIL_S3_BUCKET={bucket_of(account)}" in told
    assert f"export RETAIL_SOURCE=s3://{bucket_of(account)}/incoming" in told
    assert "export RETAIL_REDSHIFT_WORKGROUP=retail" in told
    assert "export RETAIL_REDSHIFT_COPY_ROLE=arn:aws:iam::123456789012:role/" in told
    assert "secret" not in told.replace("admin secret, which", "").lower()
    assert stacks(account) == ["CREATE_COMPLETE"]


def test_up_a_second_time_changes_nothing_and_says_so(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    account.first()
    capsys.readouterr()
    account.expect_limit()
    account.expect_admission('ERROR: user "IAMR:x" already exists')
    assert account.run("up") == 0  # nobody is asked either
    told = capsys.readouterr().out
    assert "is as the template says; nothing is changed" in told
    assert "Usage limit" not in told
    assert "export RETAIL_REDSHIFT_WORKGROUP=retail" in told


def test_up_keeps_what_was_set_before_and_changes_what_is_set_now(account: Account) -> None:
    account.first("--set", "MaxCapacityRpu=64")
    account.expect_limit(amount=100)
    account.serverless.add_response(
        "update_usage_limit", {"usageLimit": {}}, {"usageLimitId": "l-1", "amount": 250, "breachAction": "deactivate"}
    )
    account.expect_admission()
    assert account.run(*RESIZE) == 0
    (stack,) = account.clients.cloudformation.describe_stacks(StackName="retail")["Stacks"]
    found = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    assert (found["BaseCapacityRpu"], found["MaxCapacityRpu"]) == ("16", "64")
    assert stack["StackStatus"] == "UPDATE_COMPLETE"


@pytest.mark.parametrize(
    ("answer", "said"),
    [(lambda _: "n", "you did not agree"), (lambda _: "", "you did not agree"), (None, "Agree beforehand: --yes")],
    ids=["no", "return", "nobody"],
)
def test_up_that_nobody_agrees_to_leaves_nothing(
    account: Account,
    answer: Callable[[str], str] | None,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def nobody(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", answer or nobody)
    assert account.run("up", *NETWORK) == 2
    assert said in capsys.readouterr().err
    assert stacks(account) == []
    assert account.clients.s3.list_buckets()["Buckets"] == []


def test_up_that_is_agreed_to_is_done(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "y")
    account.expect_no_limit()
    account.expect_admission()
    assert account.run("up", *NETWORK) == 0
    assert asked == ["Do this? [y/N] "]


def test_up_admits_the_runtime_role_by_the_admin_secret_that_it_does_not_read(account: Account) -> None:
    account.serverless.add_response("list_usage_limits", {})
    account.serverless.add_response("create_usage_limit", {"usageLimit": {}})
    account.serverless.add_response(
        "get_namespace", {"namespace": {"adminPasswordSecretArn": SECRET}}, {"namespaceName": "retail"}
    )
    seen: list[dict[str, Any]] = []
    account.clients.data.meta.events.register(
        "provide-client-params.redshift-data.ExecuteStatement", lambda params, **_: seen.append(dict(params))
    )
    for _ in range(2):
        account.data.add_response("execute_statement", {"Id": "s-1"})
        account.data.add_response("describe_statement", {"Id": "s-1", "Status": "FINISHED"})
    assert account.run("up", "--yes", *NETWORK) == 0
    (stack,) = account.clients.cloudformation.describe_stacks(StackName="retail")["Stacks"]
    role = next(each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == "RuntimeRoleName")
    where = {"WorkgroupName": "retail", "Database": "dev", "SecretArn": SECRET}
    assert seen == [
        where | {"Sql": f'create user "IAMR:{role}" password disable'},
        where | {"Sql": f'grant create on database "dev" to "IAMR:{role}"'},
    ]


def test_up_whose_role_redshift_refuses_names_the_statement(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.expect_no_limit()
    account.serverless.add_response("get_namespace", {"namespace": {"adminPasswordSecretArn": SECRET}})
    account.data.add_response("execute_statement", {"Id": "s-1"})
    account.data.add_response(
        "describe_statement", {"Id": "s-1", "Status": "FAILED", "Error": "ERROR: permission denied"}
    )
    assert account.run("up", "--yes", *NETWORK) == 1
    told = capsys.readouterr().err
    assert "Redshift refuses create user" in told
    assert "permission denied" in told
    assert SECRET not in told


def test_up_that_would_give_up_data_is_refused_without_the_flag(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account.first()
    lost = Change("Modify", "Namespace", "AWS::RedshiftServerless::Namespace", "True")
    monkeypatch.setattr(Stack, "_read_changes", lambda *_: [lost])
    assert account.run(*RESIZE) == 2
    told = capsys.readouterr()
    assert "Modify  Namespace (AWS::RedshiftServerless::Namespace)  its data are given up" in told.out
    assert "the data of Namespace would be given up; nothing was changed" in told.err
    assert stacks(account) == ["CREATE_COMPLETE"]
    account.expect_limit()
    account.expect_admission()
    assert account.run(*RESIZE, "--delete-data") == 0
    assert stacks(account) == ["UPDATE_COMPLETE"]


def test_up_after_a_first_try_that_was_undone_begins_anew(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    account.first()
    (undone,) = cloudformation_backends["123456789012"][REGION].stacks.values()
    undone.status = "ROLLBACK_COMPLETE"
    assert account.first() == 0
    assert (
        "The stack retail failed when it was made; what is left of it, its name, is removed." in capsys.readouterr().out
    )
    assert stacks(account) == ["CREATE_COMPLETE"]


def test_status_of_a_stack_that_is_not_well_names_what_failed(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.first()
    (stack,) = cloudformation_backends["123456789012"][REGION].stacks.values()
    stack.status = "UPDATE_ROLLBACK_FAILED"
    stack._add_stack_event("UPDATE_FAILED", resource_status_reason="Quota for workgroups exceeded")
    account.expect_limit()
    assert account.run("status") == 1
    told = capsys.readouterr().out
    assert "Quota for workgroups exceeded" in told
    assert "Service Quotas" in told


def test_down_refuses_to_delete_data_without_the_flag(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    account.first()
    assert account.run("down", "--yes") == 2
    told = capsys.readouterr().err
    assert "down --delete-data" in told
    assert "WorkerCount=0" in told
    assert stacks(account) == ["CREATE_COMPLETE"]


def test_down_with_the_flag_removes_stack_and_bucket_and_names_the_snapshot(
    account: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    account.first()
    s3, bucket = account.clients.s3, bucket_of(account)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for text in (b"a", b"b"):
        s3.put_object(Bucket=bucket, Key="incoming/raw_orders.csv", Body=text)
    s3.delete_object(Bucket=bucket, Key="incoming/raw_orders.csv")
    # moto removes a bucket whatever its DeletionPolicy says
    monkeypatch.setattr("moto.s3.models.FakeBucket.delete_from_cloudformation_json", lambda *_a, **_k: None)
    assert account.run("down", "--yes", "--delete-data") == 0
    told = capsys.readouterr().out
    assert f"3 objects and the bucket {bucket} are removed" in told
    assert "is the snapshot retail-final-" in told
    assert "for 35 days" in told
    assert s3.list_buckets()["Buckets"] == []
    assert account.run("status") == 1


def logs(account: Account) -> dict[str, int | None]:
    """Those that Redshift writes, and after how many days they end."""
    found = account.clients.logs.describe_log_groups(logGroupNamePrefix="/aws/redshift/")["logGroups"]
    return {each["logGroupName"]: each.get("retentionInDays") for each in found}


def test_logs_of_redshift_end_and_go_with_the_stack(account: Account) -> None:
    """Also those that Redshift made first, or whose time somebody chose, and none of another stack."""
    account.clients.logs.create_log_group(logGroupName="/aws/redshift/retail/userlog")
    account.clients.logs.create_log_group(logGroupName="/aws/redshift/retail/connectionlog")
    account.clients.logs.put_retention_policy(logGroupName="/aws/redshift/retail/connectionlog", retentionInDays=365)
    account.clients.logs.create_log_group(logGroupName="/aws/redshift/retail/userlog2")
    account.first()
    named = {f"/aws/redshift/retail/{kind}": 30 for kind in ("userlog", "useractivitylog")}
    other = {"/aws/redshift/retail/userlog2": None}
    assert logs(account) == named | {"/aws/redshift/retail/connectionlog": 365} | other
    account.clients.logs.delete_log_group(logGroupName="/aws/redshift/retail/userlog")
    assert account.run("down", "--yes", "--delete-data") == 0
    assert logs(account) == other


def test_down_asks_and_is_not_done_without_a_yes(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.first()
    monkeypatch.setattr("builtins.input", lambda _: "no")
    assert account.run("down", "--delete-data") == 2
    assert stacks(account) == ["CREATE_COMPLETE"]


def test_down_of_nothing_says_so(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    assert account.run("down", "--delete-data") == 0
    told = capsys.readouterr().out
    assert "There is no stack retail; nothing is removed" in told
    assert "begins with retail-bucket-" in told


def test_status_says_how_the_stack_is_and_what_to_export(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    assert account.run("status") == 1
    assert "python -m flows.provision up" in capsys.readouterr().out
    account.first()
    capsys.readouterr()
    account.expect_limit(amount=99)
    assert account.run("status") == 0
    told = capsys.readouterr().out
    assert "The stack retail is CREATE_COMPLETE." in told
    assert "99 RPU-hours a month, then deactivate" in told
    assert "export RETAIL_REDSHIFT_DATABASE=dev" in told


def test_two_stacks_stand_side_by_side(account: Account) -> None:
    account.first()
    account.first("--stack", "retail-dev")
    assert sorted(stacks(account)) == ["CREATE_COMPLETE", "CREATE_COMPLETE"]


@pytest.mark.parametrize("name", ["Retail", "re", "retail--dev", "-retail", "r" * 25, "retail_dev"])
def test_names_of_stacks_that_redshift_would_refuse_are_refused_at_once(name: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["up", f"--stack={name}"])


def test_help_is_quick_for_it_imports_neither_aws_nor_prefect() -> None:
    asked = "import sys, json; from flows.provision import build_parser; build_parser().format_help(); "
    asked += "print(json.dumps([name for name in ('boto3', 'prefect', 'polars', 'pydantic') if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", asked], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
