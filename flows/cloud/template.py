"""infra/redshift_serverless.yaml and its parameters: what was given in, what CloudFormation is told out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

from flows.errors import ConfigError

TEMPLATE = Path(__file__).resolve().parents[2] / "infra" / "redshift_serverless.yaml"
CURES = {
    "VpcId": "aws ec2 describe-vpcs lists yours",
    "SubnetIds": "three private ones with commas between; aws ec2 describe-subnets lists yours",
}

FOLDERS = ("StagePrefix", "SourcePrefix", "StatePrefix")
# API: UpdateNamespace has no dbName, and another admin needs a password with it, which Redshift makes and keeps
KEPT = ("DatabaseName", "AdminUsername")
# API: UpdateWorkgroup, "you can't update multiple parameters in one request"; CloudFormation asks once for all of them
ONE_AT_A_TIME = ("BaseCapacityRpu", "MaxCapacityRpu", "MaxQuerySeconds", "SubnetIds")


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short functions (`!Ref`), of which only the arguments are read."""


def _argument(loader: yaml.SafeLoader, _name: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _argument)


@cache
def read_template() -> dict[str, Any]:
    """The template as data."""
    found: dict[str, Any] = yaml.load(TEMPLATE.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    return found


def parse_parameters(pairs: Sequence[str]) -> dict[str, str]:
    """What `--set NAME=VALUE` says.

    Raises:
        ConfigError: no such parameter, or no `=`.
    """
    known, given = read_template()["Parameters"], {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise ConfigError(f"--set {pair}: expected NAME=VALUE, such as --set BaseCapacityRpu=16.")
        if name not in known:
            raise ConfigError(f"--set {pair}: there is no parameter {name!r}; there are {', '.join(known)}.")
        given[name] = value.strip()
    return given


def complete_parameters(
    given: Mapping[str, str], before: Mapping[str, str], *, is_made: bool = False
) -> dict[str, str]:
    """Every parameter: as given, else as the stack has it, else by the template's default.

    `is_made`: namespace and workgroup are there, with the parameters of before.

    Raises:
        ConfigError: one that has no default is missing, the workgroup would be greater than its maximum, two folders of
            the bucket would be one, or AWS does not change what is there so.
    """
    declared = read_template()["Parameters"]
    defaults = {name: str(each["Default"]) for name, each in declared.items() if "Default" in each}
    found = defaults | {name: value for name, value in before.items() if name in declared} | dict(given)
    missing = [name for name in declared if not found.get(name) and name not in defaults]
    if missing:
        named = [f"  - --set {name}=…: {declared[name]['Description']} ({CURES[name]})" for name in missing]
        raise ConfigError("\n".join(["these parameters are needed the first time:", *named]))
    base, most = (_whole(found, name) for name in ("BaseCapacityRpu", "MaxCapacityRpu"))
    if base > most:
        raise ConfigError(
            f"BaseCapacityRpu is {base}, more than MaxCapacityRpu, {most}. Lower the one or raise the other by --set."
        )
    _check_folders(found)
    if is_made:
        _check_changes({name: value for name, value in before.items() if found.get(name) != value}, found)
    return found


def _check_folders(found: Mapping[str, str]) -> None:
    for one, other in combinations(FOLDERS, 2):
        if found[one] == found[other]:
            raise ConfigError(
                f"{one} and {other} are both {found[one]}. What lies below StagePrefix expires, and what is remembered "
                "is no delivery: give each a folder of its own."
            )


def _check_changes(changed: Mapping[str, str], found: Mapping[str, str]) -> None:
    """`changed` are the parameters as they were."""
    for name in KEPT:
        if name in changed:
            raise ConfigError(
                f"{name} stays {changed[name]!r}: AWS gives it to a namespace when that is made, and never another. "
                "Leave it, or make a stack of its own: --stack NAME."
            )
    together = [name for name in ONE_AT_A_TIME if name in changed]
    if len(together) > 1:
        is_growing = "MaxCapacityRpu" in together and _whole(found, "MaxCapacityRpu") > int(changed["MaxCapacityRpu"])
        first = "MaxCapacityRpu" if is_growing else together[0]
        raise ConfigError(
            f"{' and '.join(sorted(together))}: AWS changes one setting of a workgroup at a time: first up --set "
            f"{first}={found[first]}, then the next."
        )


def _whole(parameters: Mapping[str, str], name: str) -> int:
    try:
        return int(parameters[name])
    except ValueError:
        raise ConfigError(f"--set {name}={parameters[name]}: expected a whole number.") from None
