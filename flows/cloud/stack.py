"""A CloudFormation stack: looked at, changed by change sets only, followed until it rests, deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from flows.cloud.failures import describe_failures
from flows.errors import ConfigError, LoadError

POLL_SECONDS = 3.0
PATIENCE_SECONDS = 3600.0
DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")
EMPTY = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE")  # nothing was made, or all of it was undone
UNCHANGEABLE = ("ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED")
DATA = ("AWS::RedshiftServerless::Namespace", "AWS::S3::Bucket")
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class State:
    """What CloudFormation says of a stack."""

    stack_id: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it exists but its name."""
        return self.status in EMPTY


@dataclass(frozen=True)
class Change:
    """What an update would do to one resource."""

    action: str
    resource: str
    kind: str
    replacement: str

    @property
    def loses(self) -> bool:
        """Whether the resource that is there now is given up."""
        return self.action == "Remove" or self.replacement in {"True", "Conditional"}

    @property
    def loses_data(self) -> bool:
        """Whether the warehouse or the bucket would be given up."""
        return self.loses and self.kind in DATA


@dataclass(frozen=True)
class Plan:
    """A change set that is not applied. Without changes of resources it changes the stack's outputs alone."""

    change_set: str
    stack_id: str
    changes: Sequence[Change]

    def check_data(self) -> None:
        """Refuse to give up data.

        Raises:
            ConfigError: names what holds them.
        """
        lost = [change.resource for change in self.changes if change.loses_data]
        if lost:
            raise ConfigError(
                f"the data of {', '.join(lost)} would be given up; nothing was changed. If you mean that: "
                "up --delete-data."
            )


@dataclass
class Stack:
    """One stack by its name; `tell` is given each line of progress."""

    client: Any
    name: str
    tell: Callable[[str], object] = print
    poll_seconds: float = POLL_SECONDS
    _seen: set[str] = field(default_factory=set)

    def look(self, name: str | None = None) -> State | None:
        """The stack as it is; None if there is none."""
        try:
            found = self.client.describe_stacks(StackName=name or self.name)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(error):
                return None
            raise
        parameters = {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters") or ()}
        outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs") or ()}
        return State(found["StackId"], found["StackStatus"], parameters, outputs)

    def check_changeable(self, state: State | None) -> None:
        """Refuse a stack that cannot be changed now.

        Raises:
            ConfigError: it must be mended first, by what the message says.
            LoadError: it is being changed by somebody else.
        """
        if state is None or state.is_empty:
            return
        if state.status in UNCHANGEABLE:
            cure = (
                "Continue the rollback on CloudFormation's page, then run again."
                if state.status == "UPDATE_ROLLBACK_FAILED"
                else "Remove what is left of it: python -m flows.provision down --delete-data."
            )
            why = describe_failures(self.read_events(state.stack_id))
            raise ConfigError("\n".join([f"the stack {self.name} is {state.status}. {cure}", *why]))
        self.check_idle(state)

    def check_idle(self, state: State) -> None:
        """Refuse a stack that is being changed.

        Raises:
            LoadError: by somebody else, or by a run of before.
        """
        if state.status.endswith("_IN_PROGRESS") and not state.is_empty:
            raise LoadError(
                f"the stack {self.name} is being changed ({state.status}). Wait until it rests, then run again."
            )

    def plan(self, template: str, parameters: Mapping[str, str], state: State | None) -> Plan | None:
        """A change set, not yet applied; None if the stack is as it should be.

        Raises:
            LoadError: CloudFormation cannot make it.
        """
        answer = self.client.create_change_set(
            StackName=self.name,
            ChangeSetName=f"provision-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}",
            ChangeSetType="CREATE" if state is None or state.is_empty else "UPDATE",
            TemplateBody=template,
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Tags=[{"Key": "project", "Value": "retail-pipeline"}],
        )
        change_set = answer["Id"]
        found = self._wait_for_plan(change_set)
        reason = found.get("StatusReason") or ""
        if found["Status"] == "FAILED":
            self.forget_plan(Plan(change_set, answer["StackId"], []))
            if any(each in reason for each in NO_CHANGES):
                return None
            raise LoadError(f"the stack {self.name} cannot be changed so: {reason or 'CloudFormation gives no reason'}")
        return Plan(change_set, answer["StackId"], self._read_changes(found))

    def apply(self, plan: Plan) -> State:
        """Execute the change set and follow it to its end.

        Raises:
            LoadError: names each resource that failed, why, and the cure; CloudFormation has undone the rest.
        """
        self._note_events(plan.stack_id)
        self.client.execute_change_set(ChangeSetName=plan.change_set)
        return self.follow(plan.stack_id)

    def delete(self, stack_id: str) -> State:
        """Delete the stack and follow that to its end.

        Raises:
            LoadError: names what could not be deleted, why, and the cure.
        """
        self._note_events(stack_id)
        self.client.delete_stack(StackName=stack_id)
        return self.follow(stack_id)

    def forget_plan(self, plan: Plan) -> None:
        """Remove a change set that is not applied, and the empty stack that came with the first one."""
        self.client.delete_change_set(ChangeSetName=plan.change_set)
        state = self.look(plan.stack_id)
        if state is not None and state.status == "REVIEW_IN_PROGRESS":
            self.client.delete_stack(StackName=plan.stack_id)

    def follow(self, stack_id: str) -> State:
        """Tell each event until the stack rests; the first status may still be that of before.

        Raises:
            LoadError: it rests where nobody wanted it, or does not rest.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        happened: list[Mapping[str, Any]] = []
        while True:
            state = self.look(stack_id)
            happened += self._tell_new_events(stack_id)
            if state is None or not state.status.endswith("_IN_PROGRESS"):
                break
            if time.monotonic() > end:
                raise LoadError(
                    f"the stack {self.name} still is {state.status} after {PATIENCE_SECONDS / 60:.0f} min. It goes on; "
                    "python -m flows.provision status shows where it is."
                )
            time.sleep(self.poll_seconds)
        if state is not None and state.status not in DONE:
            raise LoadError("\n".join([f"the stack {self.name} is {state.status}:", *describe_failures(happened)]))
        return state or State(stack_id, "DELETE_COMPLETE", {}, {})

    def read_events(self, stack_id: str) -> list[Mapping[str, Any]]:
        """All events of the stack, oldest first."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        return [event for page in pages for event in page["StackEvents"]][::-1]

    def _note_events(self, stack_id: str) -> None:
        self._seen = {event["EventId"] for event in self.read_events(stack_id)}

    def _tell_new_events(self, stack_id: str) -> Sequence[Mapping[str, Any]]:
        new = [event for event in self.read_events(stack_id) if event["EventId"] not in self._seen]
        for event in new:
            self._seen.add(event["EventId"])
            time_ = f"{event['Timestamp']:%H:%M:%S}"
            self.tell(
                f"  {time_}  {event['ResourceStatus']:<28} {event['LogicalResourceId']} ({event['ResourceType']})"
            )
        return new

    def _wait_for_plan(self, change_set: str) -> dict[str, Any]:
        while True:
            found: dict[str, Any] = self.client.describe_change_set(ChangeSetName=change_set)
            if found["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
                return found
            time.sleep(self.poll_seconds)

    def _read_changes(self, found: Mapping[str, Any]) -> list[Change]:
        changes = list(found["Changes"])
        while token := found.get("NextToken"):
            found = self.client.describe_change_set(ChangeSetName=found["ChangeSetId"], NextToken=token)
            changes += found["Changes"]
        each = (change["ResourceChange"] for change in changes if "ResourceChange" in change)
        return [
            Change(one["Action"], one["LogicalResourceId"], one["ResourceType"], str(one.get("Replacement", "False")))
            for one in each
        ]
