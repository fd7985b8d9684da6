"""infra/redshift_serverless.yaml: valid by AWS's own schemas, private, bounded, with the least rights."""

from __future__ import annotations

import re
from typing import Any

import pytest

from flows.cloud.template import TEMPLATE, complete_parameters, parse_parameters, read_template
from flows.errors import ConfigError
from flows.provision import _setting
from flows.run.interruption import GRACE_SECONDS
from flows.run.settings import Settings

NETWORK = {"VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2,subnet-3"}


def resource(name: str) -> dict[str, Any]:
    found: dict[str, Any] = read_template()["Resources"][name]["Properties"]
    return found


def statements(role: str) -> list[dict[str, Any]]:
    """All that the role may do, also what it may under a condition of the template (`!If`) alone."""
    found = [each for policy in resource(role)["Policies"] for each in policy["PolicyDocument"]["Statement"]]
    return [each[1] if isinstance(each, list) else each for each in found]


def rights(role: str) -> set[tuple[str, str]]:
    """Each action with the resource that it is allowed on."""
    return {
        (action, each["Resource"])
        for each in statements(role)
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }


def test_template_is_valid_in_every_region_by_the_schemas_of_aws() -> None:
    from cfnlint.api import lint_file

    assert [str(match) for match in lint_file(TEMPLATE)] == []
    assert len(TEMPLATE.read_bytes()) < 51_200  # what a call of CloudFormation may hold


def test_workgroup_is_private_bounded_and_speaks_tls_alone() -> None:
    workgroup = resource("Workgroup")
    assert workgroup["PubliclyAccessible"] is False
    assert (workgroup["BaseCapacity"], workgroup["MaxCapacity"]) == ("BaseCapacityRpu", "MaxCapacityRpu")
    told = {each["ParameterKey"]: each["ParameterValue"] for each in workgroup["ConfigParameters"]}
    assert told == {"require_ssl": "true", "max_query_execution_time": "MaxQuerySeconds"}
    ingress = resource("WarehouseSecurityGroup")["SecurityGroupIngress"]
    assert [each["SourceSecurityGroupId"] for each in ingress] == ["WorkerSecurityGroup.GroupId"]
    assert not any("CidrIp" in each for each in ingress)
    assert read_template()["Parameters"]["UsageLimitAction"]["Default"] == "deactivate"


def test_admin_password_is_made_and_kept_by_redshift_and_known_to_no_role() -> None:
    namespace = resource("Namespace")
    assert namespace["ManageAdminPassword"] is True
    assert "AdminUserPassword" not in namespace
    assert not any("secret" in str(each).lower() for each in statements("RuntimeRole") + statements("CopyRole"))


def test_deleting_the_stack_leaves_a_snapshot_and_keeps_the_bucket() -> None:
    resources, namespace = read_template()["Resources"], resource("Namespace")
    assert namespace["FinalSnapshotName"][0] == "${Name}-final-${Id}"
    assert namespace["FinalSnapshotRetentionPeriod"] == "FinalSnapshotDays"
    assert resources["Bucket"]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert {resources[each]["UpdateReplacePolicy"] for each in ("Bucket", "Namespace")} == {"Retain"}


def test_bucket_is_encrypted_closed_and_cleared_of_parts_alone() -> None:
    bucket = resource("Bucket")
    rules = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert [each["ServerSideEncryptionByDefault"] for each in rules] == [{"SSEAlgorithm": "AES256"}]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    expiring = [each for each in bucket["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in each]
    assert [each["Prefix"] for each in expiring] == ["${StagePrefix}/"]
    (denied,) = resource("BucketPolicy")["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Action"], denied["Principal"]) == ("Deny", "s3:*", "*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert denied["Resource"] == ["Bucket.Arn", "${Bucket.Arn}/*"]


def test_roles_have_the_rights_that_docs_redshift_names_and_no_star() -> None:
    for role in ("CopyRole", "RuntimeRole", "StartRole"):
        for each in statements(role):
            actions = [each["Action"]] if isinstance(each["Action"], str) else each["Action"]
            assert not any("*" in action for action in actions)
            if actions != ["ecr:GetAuthorizationToken"]:  # AWS knows no narrower resource for it
                assert each["Resource"] != "*"
    granted = rights("RuntimeRole")
    stage, state, source, workgroup = (
        "${Bucket.Arn}/${StagePrefix}/*",
        "${Bucket.Arn}/${StatePrefix}/*",
        "${Bucket.Arn}/${SourcePrefix}/*",
        "Workgroup.Workgroup.WorkgroupArn",
    )
    assert granted == {
        ("s3:ListBucket", "Bucket.Arn"),
        ("s3:ListBucketVersions", "Bucket.Arn"),
        ("s3:GetObject", state),
        ("s3:PutObject", state),
        ("s3:DeleteObject", state),
        ("s3:GetObject", stage),
        ("s3:PutObject", stage),
        ("s3:DeleteObject", stage),
        ("s3:GetObject", source),
        ("redshift-serverless:GetCredentials", workgroup),
        ("redshift-serverless:GetWorkgroup", workgroup),
    }


def test_copy_role_is_for_redshift_alone_and_for_parts_alone() -> None:
    assert rights("CopyRole") == {
        ("s3:ListBucket", "Bucket.Arn"),
        ("s3:GetObject", "${Bucket.Arn}/${StagePrefix}/*"),
        ("s3:PutObject", "${Bucket.Arn}/${StagePrefix}/*/python-models/*"),
    }
    (listing,) = [each for each in statements("CopyRole") if each["Action"] == "s3:ListBucket"]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "${StagePrefix}/*"}}
    trusted = {role: resource(role)["AssumeRolePolicyDocument"]["Statement"] for role in ("CopyRole", "RuntimeRole")}
    assert {each["Action"] for found in trusted.values() for each in found} == {"sts:AssumeRole"}
    (redshift,), (ecs,) = trusted["CopyRole"], trusted["RuntimeRole"]
    assert redshift["Principal"] == {"Service": ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]}
    assert ecs["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert ecs["Condition"] == {"StringEquals": {"aws:SourceAccount": "AWS::AccountId"}}


def test_outputs_and_worker_name_the_settings_as_the_flows_read_them() -> None:
    needed = {"target", "source", "s3_bucket", "s3_prefix", "state", "redshift_method", "redshift_workgroup"}
    needed |= {"redshift_database", "redshift_region", "redshift_copy_role"}
    outputs = read_template()["Outputs"]
    assert {_setting(name) for name in outputs} & Settings.model_fields.keys() == needed
    (container,) = resource("WorkerTask")["ContainerDefinitions"]
    given = {each["Name"]: each["Value"] for each in container["Environment"]}
    assert {name.removeprefix("RETAIL_").lower() for name in given if name.startswith("RETAIL_")} == needed
    for name in outputs:
        if _setting(name) in needed:
            assert given[f"RETAIL_{_setting(name).upper()}"] == outputs[name]["Value"]


def test_secrets_are_no_parameters_and_reach_the_worker_as_secrets_alone() -> None:
    assert not [name for name in read_template()["Parameters"] if re.search("password|key$|token", name, re.IGNORECASE)]
    (container,) = resource("WorkerTask")["ContainerDefinitions"]
    assert "PREFECT_API_KEY" not in {each["Name"] for each in container["Environment"]}
    assert container["Secrets"][1] == [{"Name": "PREFECT_API_KEY", "ValueFrom": "PrefectApiKeySecretArn"}]
    assert resource("Worker")["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"


def test_worker_is_asked_how_it_is_and_given_time_to_end_its_run() -> None:
    (container,) = resource("WorkerTask")["ContainerDefinitions"]
    assert container["HealthCheck"]["Command"] == ["CMD", "infra/entry", "health"]
    assert container["StopTimeout"] > GRACE_SECONDS
    rollout = resource("Worker")["DeploymentConfiguration"]
    assert (rollout["MinimumHealthyPercent"], rollout["MaximumPercent"]) == (0, 100)  # never two writers


def test_parameters_come_from_the_command_line_then_the_stack_then_the_template() -> None:
    before = {"MaxCapacityRpu": "64", "BaseCapacityRpu": "16", "Gone": "1"} | NETWORK
    found = complete_parameters({"BaseCapacityRpu": "24"}, before)
    assert (found["BaseCapacityRpu"], found["MaxCapacityRpu"], found["UsageLimitRpuHours"]) == ("24", "64", "250")
    assert "Gone" not in found


def made(**parameters: str) -> dict[str, str]:
    """The parameters of a stack that is there."""
    return complete_parameters(parameters, NETWORK)


@pytest.mark.parametrize("name", ["DatabaseName", "AdminUsername"])
def test_parameters_that_a_namespace_keeps_for_ever_are_not_changed(name: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){name} .*'dev2'.*--stack NAME"):
        complete_parameters({name: "dev3"}, made(**{name: "dev2"}), is_made=True)
    assert complete_parameters({name: "dev3"}, made(**{name: "dev2"}))[name] == "dev3"
    assert complete_parameters({name: "dev2"}, made(**{name: "dev2"}), is_made=True)[name] == "dev2"


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ({"BaseCapacityRpu": "64", "MaxCapacityRpu": "128"}, "MaxCapacityRpu"),
        ({"BaseCapacityRpu": "4", "MaxCapacityRpu": "8"}, "BaseCapacityRpu"),
        ({"MaxCapacityRpu": "64", "MaxQuerySeconds": "60"}, "MaxCapacityRpu"),
        ({"SubnetIds": "subnet-4,subnet-5,subnet-6", "MaxQuerySeconds": "60"}, "MaxQuerySeconds"),
    ],
)
def test_settings_of_a_workgroup_are_changed_one_at_a_time(given: dict[str, str], first: str) -> None:
    with pytest.raises(ConfigError, match=rf"{' and '.join(sorted(given))}.* one .*: first up --set {first}="):
        complete_parameters(given, made(), is_made=True)
    assert complete_parameters(given, made()) == made() | given, "a first time, or after one that was undone"
    for name, value in given.items():
        if name != "BaseCapacityRpu" or value == "4":
            assert complete_parameters({name: value, "WorkerCount": "0"}, made(), is_made=True)[name] == value


@pytest.mark.parametrize("name", ["SourcePrefix", "StatePrefix", "StagePrefix"])
def test_folders_of_the_bucket_are_three(name: str) -> None:
    """What lies in the folder of the parts expires."""
    defaults = made()
    for other in {"SourcePrefix", "StatePrefix", "StagePrefix"} - {name}:
        with pytest.raises(ConfigError, match=f"{name}.*{other}|{other}.*{name}"):
            complete_parameters({name: defaults[other]}, NETWORK)
    asserted = [each["Assert"] for rule in read_template()["Rules"].values() for each in rule["Assertions"]]
    unequal = [sorted(each[0]) for each in asserted if isinstance(each, list) and len(each[0]) == 2]
    assert [each for each in unequal if name in each and "Prefix" in "".join(set(each) - {name})]
    assert sum(name in each for each in unequal) == 2


def test_nothing_of_a_worker_is_made_without_one() -> None:
    """A first cluster in an account makes a role that it cannot be sure to find at once."""
    resources = read_template()["Resources"]
    of_ecs = {name for name, each in resources.items() if each["Type"].startswith("AWS::ECS::")}
    assert len(of_ecs) == 3
    assert {resources[name].get("Condition") for name in of_ecs} == {"HasWorker"}


def test_parameters_without_a_default_are_all_asked_for_with_the_way_to_find_them() -> None:
    with pytest.raises(ConfigError, match=r"(?s)--set VpcId=….*describe-vpcs.*--set SubnetIds=….*three"):
        complete_parameters({}, {})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"BaseCapacityRpu": "64"}, "BaseCapacityRpu is 64, more than MaxCapacityRpu, 32"),
        ({"BaseCapacityRpu": "many"}, "BaseCapacityRpu=many: expected a whole number"),
    ],
)
def test_parameters_that_cannot_be_are_named(given: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        complete_parameters(given, NETWORK)


@pytest.mark.parametrize(("pair", "said"), [("Wat=1", "no parameter 'Wat'; there are Name,"), ("VpcId", "NAME=VALUE")])
def test_pairs_that_say_nothing_are_refused(pair: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_parameters([pair])
    assert parse_parameters(["PrefectApiUrl=https://a/b?c=d"]) == {"PrefectApiUrl": "https://a/b?c=d"}
