"""SECURITY.md says of rights what the template and the code say, and leads to what is there."""

from __future__ import annotations

import re

import pytest

from flows.cloud.template import read_template
from tests.cloud.test_template import rights, statements
from tests.conftest import PROJECT

TEXT = (PROJECT / "SECURITY.md").read_text(encoding="utf-8")
ROLES = {"COPY role": "CopyRole", "Runtime role": "RuntimeRole", "Start role": "StartRole"}
IN_WORDS = {
    "the workgroup": "Workgroup.Workgroup.WorkgroupArn",
    "the worker's log": "WorkerLog.Arn",
    "the image repository": "ImageRepository.Arn",
    "everything, for AWS knows no narrower resource": "*",
    "the API key's secret, where one is named": "PrefectApiKeySecretArn",
}
# What IAM calls by another name than the API (AWS: Service Authorization Reference)
OF_IAM = {"ListObjectVersions": "ListBucketVersions", "DeleteObjects": "DeleteObject DeleteObjectVersion"}
# What AWS's own handlers of the template's types ask of other services with the caller's rights, as they declare
OF_HANDLERS = {
    *(f"secretsmanager:{verb}Secret" for verb in ("Create", "Rotate", "Describe", "Delete")),
    *("secretsmanager:TagResource", "secretsmanager:GetSecretValue", "iam:CreateServiceLinkedRole", "iam:PassRole"),
}
SERVICES = {"stack": "cloudformation", "bucket": "s3", "warehouse": "redshift-serverless", "logs": "logs"}


def table_after(heading: str) -> list[tuple[list[str], str]]:
    """The rows of the table below a bold word: the rights, and the second column."""
    table = TEXT.split(f"**{heading}**", 1)[1].split("\n\n")[1]
    rows = [line.strip("|").strip().split(" | ") for line in table.splitlines()[2:]]
    return [(re.findall(r"`([a-z0-9-]+:[A-Za-z]+)`", row[0]), row[1]) for row in rows]


def resource_of(words: str) -> str:
    """A resource as the template names it; folders of the bucket have the defaults of the parameters."""
    if words in IN_WORDS:
        return IN_WORDS[words]
    place = words.split("`")[1]
    if place == "bucket":
        return "Bucket.Arn"
    parameters = read_template()["Parameters"]
    folder, _, rest = place.removeprefix("bucket/").partition("/")
    (parameter,) = [name for name in parameters if parameters[name].get("Default") == folder]
    return f"${{Bucket.Arn}}/${{{parameter}}}/{rest}"


def called(module: str) -> set[str]:
    """Every operation of AWS that a module of flows.cloud calls, as IAM names it."""
    text = (PROJECT / "flows" / "cloud" / f"{module}.py").read_text(encoding="utf-8")
    text += (PROJECT / "flows" / "provision.py").read_text(encoding="utf-8")
    verbs = "create|delete|describe|execute|get|list|put|update"
    names = set(re.findall(rf"\b(?:client|serverless|data)\.((?:{verbs})_\w+)\(", text))
    names |= set(re.findall(r"get_paginator\(\"(\w+)\"\)", text))
    camel = {name.title().replace("_", "") for name in names - {"get_paginator"}}
    return {each for name in camel for each in OF_IAM.get(name, name).split()}


@pytest.mark.parametrize("heading", ROLES)
def test_rights_of_each_role_are_those_of_the_template(heading: str) -> None:
    said = {(right, resource_of(on)) for found, on in table_after(heading) for right in found}
    assert said == rights(ROLES[heading])


def test_condition_of_the_copy_role_is_told() -> None:
    (listing,) = [each for each in statements("CopyRole") if each["Action"] == "s3:ListBucket"]
    assert listing["Condition"]["StringLike"] == {"s3:prefix": "${StagePrefix}/*"}
    assert (["s3:ListBucket"], "`bucket`, below `retail-pipeline/`") in table_after("COPY role")


def test_deployer_may_what_the_code_calls_and_what_the_template_makes() -> None:
    rows = table_after("Deployer")
    all_said = {right for found, _ in rows for right in found}
    assert all_said > OF_HANDLERS - {"iam:PassRole"}
    said = all_said - OF_HANDLERS
    needed = {f"{service}:{name}" for module, service in SERVICES.items() for name in called(module)}
    data = {"DescribeStatement", "ExecuteStatement"}  # of another service in the same module
    needed -= {f"redshift-serverless:{name}" for name in data}
    assert said == needed | {f"redshift-data:{name}" for name in data}
    line = next(line for line in TEXT.splitlines() if line.startswith("| to create, change and delete"))
    made = {kind["Type"].split("::")[1].lower() for kind in read_template()["Resources"].values()}
    assert {name.replace("-", "") for name in re.findall(r"`([a-z0-9-]+)`", line)} == made


def test_everything_that_is_named_is_there() -> None:
    named = set(re.findall(r"\]\(([^)#]+)", TEXT)) | set(re.findall(r"`(tests/[\w/.]+)`", TEXT))
    assert len(named) > 12
    for path in named:
        assert (PROJECT / path).exists(), path


def test_settings_that_are_named_are_settings() -> None:
    from flows.run.settings import Settings

    for name in re.findall(r"\bRETAIL_[A-Z_]+", TEXT):
        assert name.removeprefix("RETAIL_").lower() in Settings.model_fields, name
