"""moto's CloudFormation, taught the types of Redshift Serverless, and lists and outputs as AWS tells them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.cloudformation.parsing import get_model_map, get_name_type_map
from moto.core.common_models import CloudFormationModel

KINDS = {"AWS::RedshiftServerless::Namespace": "NamespaceName", "AWS::RedshiftServerless::Workgroup": "WorkgroupName"}


class Named(CloudFormationModel):
    """A resource that has nothing but the name it was given."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @classmethod
    def create_from_cloudformation_json(
        cls, _resource_name: str, cloudformation_json: dict[str, Any], *_: Any, **__: Any
    ) -> Named:
        properties = cloudformation_json["Properties"]
        return cls(properties.get("WorkgroupName") or properties["NamespaceName"])

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: Named, *_: Any, **__: Any) -> Named:
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, *_: Any, **__: Any) -> None:
        """Nothing is there."""

    @classmethod
    def has_cfn_attr(cls, _attr: str) -> bool:
        return True

    def get_cfn_attribute(self, attribute: str) -> str:
        return f"arn:aws:redshift-serverless:eu-central-1:123456789012:{attribute}/{self.physical_resource_id}"

    def is_created(self) -> bool:
        return True


@contextmanager
def taught() -> Iterator[None]:
    """For as long as this lasts."""
    listed = Stack.parameter_list.fget

    def with_commas(self: Stack) -> list[dict[str, Any]]:
        given = [(each["ParameterKey"], each["ParameterValue"]) for each in listed(self)]
        return [
            {"ParameterKey": key, "ParameterValue": ",".join(value) if isinstance(value, list) else value}
            for key, value in given
        ]

    execute = CloudFormationBackend.execute_change_set

    def execute_and_tell(self: CloudFormationBackend, change_set_name: str, stack_name: str | None = None) -> None:
        execute(self, change_set_name, stack_name)
        stack = self.stacks[self.change_sets[change_set_name].stack_id]
        stack._parse_template()
        stack.output_map = stack._create_output_map()

    with (
        patch.dict(get_model_map(), dict.fromkeys(KINDS, Named)),
        patch.dict(get_name_type_map(), KINDS),
        patch.object(Stack, "parameter_list", property(with_commas)),
        patch.object(CloudFormationBackend, "execute_change_set", execute_and_tell),
    ):
        yield
