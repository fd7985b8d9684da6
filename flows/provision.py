"""Where the pipeline lives in AWS: `up` makes or changes it, `status` says how it is, `down` removes it.

infra/redshift_serverless.yaml is what is wanted; CloudFormation says by a change set what would be done, and only what
was shown is done. docs/provisioning.md says what of this has been run, and where.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.errors import ConfigError, LoadError, RetailError

if TYPE_CHECKING:
    from flows.cloud.stack import Plan, Stack, State

SURE = ("y", "yes")


@dataclass(frozen=True)
class Clients:
    """AWS's services, each reached by a client of the SDK."""

    cloudformation: Any
    serverless: Any
    data: Any
    s3: Any
    logs: Any


def main(arguments: Sequence[str] | None = None, clients: Clients | None = None) -> int:
    """Do what the command line says; return the exit code."""
    options = build_parser().parse_args(arguments)
    from flows.cloud.failures import told_by_aws

    commands = {"up": up, "status": status, "down": down}
    try:
        with told_by_aws():
            return commands[options.command](options, clients or open_clients(options.region))
    except RetailError as error:
        print(f"\nprovision failed: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nStopped. What AWS has begun goes on: python -m flows.provision status shows it.", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.provision",
        description=(__doc__ or "").partition("\n\n")[0],
        epilog="Credentials are those of the AWS SDK. Exit codes: 0 done, or nothing to do; 1 AWS could not; 2 wrong "
        "usage, refused by you, or data would be lost; 130 stopped by Ctrl-C.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="up|status|down")
    up_parser = commands.add_parser("up", help="show what would change and what it costs, then do it")
    up_parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of infra/redshift_serverless.yaml; the others stay as they are",
    )
    status_parser = commands.add_parser("status", help="how the stack is, and the settings that it gives")
    down_parser = commands.add_parser("down", help="remove everything; refused without --delete-data")
    for each in (up_parser, status_parser, down_parser):
        each.add_argument("--stack", default="retail", type=_stack_name, help="its name (default: retail)")
        each.add_argument("--region", help="AWS region (default: that of the AWS SDK)")
    for each in (up_parser, down_parser):
        each.add_argument("--yes", action="store_true", help="do not ask")
        each.add_argument("--delete-data", action="store_true", help="warehouse or bucket may be given up")
    return parser


def open_clients(region: str | None) -> Clients:
    """Clients with the credentials that the AWS SDK finds."""
    import boto3

    session = boto3.Session(region_name=region)
    names = ("cloudformation", "redshift-serverless", "redshift-data", "s3", "logs")
    return Clients(*(session.client(name) for name in names))


def up(options: argparse.Namespace, clients: Clients) -> int:
    """Make the stack what template and parameters say, then what no template can; twice is like once."""
    from flows.cloud.costs import describe_costs
    from flows.cloud.template import TEMPLATE, complete_parameters, parse_parameters

    stack = _stack(options, clients)
    state = stack.look()
    stack.check_changeable(state)
    if state is not None and state.status == "ROLLBACK_COMPLETE":
        print(f"The stack {stack.name} failed when it was made; what is left of it, its name, is removed.")
        stack.delete(state.stack_id)
        state = None
    given = parse_parameters(options.set) | {"Name": options.stack}
    is_made = state is not None and not state.is_empty
    parameters = complete_parameters(given, state.parameters if state else {}, is_made=is_made)
    plan = stack.plan(TEMPLATE.read_text(encoding="utf-8"), parameters, state)
    if plan is None and state is not None:
        print(f"The stack {stack.name} is as the template says; nothing is changed.")
    elif plan is not None:
        print(f"{describe_plan(plan)}\n\n{describe_costs(parameters)}\n")
        _agree(stack, plan, options)
        state = stack.apply(plan)
    finish(state, clients)
    return 0


def finish(state: State | None, clients: Clients) -> None:
    """Usage limit, rights in the database, how long logs keep and Prefect's blocks, then what to export."""
    from flows.cloud.logs import DAYS, bound_logs
    from flows.cloud.warehouse import admit_runtime, set_limit

    if state is None:
        raise LoadError("CloudFormation knows no such stack any more. Run again.")
    outputs = state.outputs
    if set_limit(clients.serverless, outputs):
        print(f"Usage limit: {outputs['UsageLimitRpuHours']} RPU-hours a month, then {outputs['UsageLimitAction']}.")
    admit_runtime(clients.serverless, clients.data, outputs)
    if bound_logs(clients.logs, outputs["NamespaceName"]):
        print(f"Redshift's logs in CloudWatch keep for {DAYS} days.")
    print(f"\n{describe_outputs(outputs, register(outputs))}")


def register(outputs: Mapping[str, str]) -> dict[str, str]:
    """The Prefect blocks of the stack, saved on the server that Prefect is told of; the variables that name them."""
    from prefect.settings import get_current_settings

    from flows.run.blocks import save_blocks

    if not get_current_settings().api.url:
        print("No Prefect server is named, so no blocks were saved. Set PREFECT_API_URL and run up again to have them.")
        return {}
    return save_blocks(outputs["S3Bucket"], outputs["RedshiftRegion"])


def status(options: argparse.Namespace, clients: Clients) -> int:
    """Say how the stack is; 1 where it is not, or not well."""
    from flows.cloud.failures import describe_failures
    from flows.cloud.stack import DONE
    from flows.cloud.warehouse import find_limit

    stack = _stack(options, clients)
    state = stack.look()
    if state is None or state.status == "REVIEW_IN_PROGRESS":
        print(f"There is no stack {stack.name}. Make it: python -m flows.provision up")
        return 1
    print(f"The stack {stack.name} is {state.status}.")
    print("\n".join(describe_failures(stack.read_events(state.stack_id))))
    if arn := state.outputs.get("WorkgroupArn"):
        limit = find_limit(clients.serverless, arn)
        told = (
            f"{limit['amount']} RPU-hours a month, then {limit['breachAction']}" if limit else "none; run up to set it"
        )
        print(f"Usage limit: {told}.\n\n{describe_outputs(state.outputs, {})}")
    return 0 if state.status in DONE else 1


def down(options: argparse.Namespace, clients: Clients) -> int:
    """Remove the stack, its bucket and all in it; the warehouse leaves a snapshot."""
    from flows.cloud.bucket import remove_bucket
    from flows.cloud.logs import remove_logs

    stack = _stack(options, clients)
    state = stack.look()
    if state is None:
        print(
            f"There is no stack {stack.name}; nothing is removed. If an earlier down was broken off, its bucket may be "
            f"left: aws s3 ls shows one that begins with {stack.name}-bucket-, and aws s3 rb s3://… --force removes it."
        )
        return 0
    bucket, snapshot = state.outputs.get("S3Bucket"), state.outputs.get("FinalSnapshotName")
    days = state.parameters.get("FinalSnapshotDays")
    if not options.delete_data and not state.is_empty:
        raise ConfigError(
            f"down would delete the warehouse {options.stack} and the bucket {bucket or ''} with all in them. "
            "If you mean that: down --delete-data. To stop only what costs money by the hour: up --set WorkerCount=0; "
            "a workgroup at rest costs nothing."
        )
    _ask(f"Delete the stack {stack.name}, its warehouse, and its bucket {bucket or ''} with everything in it?", options)
    stack.check_idle(state)
    stack.delete(state.stack_id)
    if bucket:
        print(f"{remove_bucket(clients.s3, bucket):,} objects and the bucket {bucket} are removed.")
    if snapshot:
        print(f"The warehouse as it was is the snapshot {snapshot}, for {days} days.")
    if namespace := state.outputs.get("NamespaceName"):
        remove_logs(clients.logs, namespace)
        print("Redshift's logs in CloudWatch are removed.")
    return 0


def describe_plan(plan: Plan) -> str:
    """What would be done, a line a resource."""
    lines = ["CloudFormation would do this:"]
    for change in plan.changes:
        note = "  its data are given up" if change.loses_data else "  replaced" if change.loses else ""
        lines.append(f"  {change.action:<7} {change.resource} ({change.kind}){note}")
    return "\n".join(lines if plan.changes else [*lines, "  change outputs only"])


def describe_outputs(outputs: Mapping[str, str], blocks: Mapping[str, str]) -> str:
    """The settings that the stack gives, as a shell takes them; none of them is secret."""
    from flows.run.settings import Settings

    found = {_setting(name): value for name, value in outputs.items()}
    lines = [f"export RETAIL_{name.upper()}={value}" for name, value in found.items() if name in Settings.model_fields]
    lines += [f"export {name}={value}" for name, value in blocks.items()]
    image = outputs.get("ImageRepositoryUri")
    return "\n".join([*lines, f"# The image of the Dockerfile goes to {image}" if image else ""]).rstrip()


def _setting(output: str) -> str:
    """An output's name as the setting that it is: S3Bucket is s3_bucket."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", output).lower()


def _stack(options: argparse.Namespace, clients: Clients) -> Stack:
    from flows.cloud.stack import Stack

    return Stack(clients.cloudformation, options.stack)


def _agree(stack: Stack, plan: Plan, options: argparse.Namespace) -> None:
    """Have what was shown agreed to; otherwise nothing is left of it."""
    try:
        if not options.delete_data:
            plan.check_data()
        _ask("Do this?", options)
    except BaseException:
        stack.forget_plan(plan)
        raise


def _ask(question: str, options: argparse.Namespace) -> None:
    if options.yes:
        return
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        raise ConfigError("nobody is there to be asked; nothing was changed. Agree beforehand: --yes.") from None
    if answer.strip().lower() not in SURE:
        raise ConfigError("nothing was changed, for you did not agree.")


def _stack_name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", text) or not 3 <= len(text) <= 24:  # noqa: PLR2004 - as Name
        raise argparse.ArgumentTypeError(f"{text!r} is no name of 3 to 24 small letters, digits and single hyphens")
    return text


if __name__ == "__main__":
    sys.exit(main())
