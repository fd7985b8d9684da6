"""The environment that dbt runs in: variables named DBT_… reach it from us alone.

dbt takes any option from such a variable. DBT_EXCLUDE_RESOURCE_TYPES=test in somebody's shell would build marts that
nobody tested, DBT_EMPTY=1 empty ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


def process_environment(variables: Mapping[str, str | None]) -> dict[str, str]:
    """The environment of a process that runs dbt: this one's, without foreign DBT_…, with `variables`.

    A variable that is None is left out, whatever this process has.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    return {name: value for name, value in (ours | dict(variables)).items() if value is not None}


@contextmanager
def hold_environment(variables: Mapping[str, str | None]) -> Iterator[None]:
    """Make the environment of this process such a one for a while, and then what it was."""
    before, during = dict(os.environ), process_environment(variables)
    _change_to(during, before)
    try:
        yield
    finally:
        _change_to(before, during)


def _change_to(wanted: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Touch only what differs between the two: other threads set variables of their own meanwhile."""
    for name in wanted.keys() | known.keys():
        if name not in wanted:
            os.environ.pop(name, None)
        elif known.get(name) != wanted[name]:
            os.environ[name] = wanted[name]
