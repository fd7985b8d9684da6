"""What is changed in dbt's Redshift adapter, so that it runs Python models: three names of one class.

dbt asks an adapter for its ways to run Python, for the one that is meant if a model names none, and for an answer to
show (dbt-adapters, `BaseAdapter.submit_python_job`). `RedshiftAdapter` inherits three that only raise. They are given
here; nothing that SQL models use is touched.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from dbt.adapters.contracts.connection import AdapterResponse
from dbt.adapters.redshift.impl import RedshiftAdapter
from dbt_common.exceptions import DbtRuntimeError
from dbt_common.exceptions import NotImplementedError as NotImplementedInDbt

METHOD = "polars"
SWITCH = "REDSHIFT_PYTHON_OFF"


def enable() -> None:
    """Give the adapter what it lacks, or take it back where the switch says so.

    Raises:
        DbtRuntimeError: the adapter runs Python models by itself by now, or dbt asks for them in another way.
    """
    if is_off():
        disable()
        return
    _check_adapter()
    for name, attribute in GIVEN.items():
        if not is_ours(name):
            _before[name] = vars(RedshiftAdapter)[name]
            setattr(RedshiftAdapter, name, attribute)


def disable() -> None:
    """Leave the adapter as dbt-redshift made it."""
    for name in list(_before):
        setattr(RedshiftAdapter, name, _before.pop(name))


def is_off() -> bool:
    """Whether the environment switches Python models on Redshift off."""
    return os.environ.get(SWITCH, "").lower() in {"1", "true", "yes", "on"}


def is_ours(name: str) -> bool:
    """Whether this attribute of the adapter was given here."""
    return vars(RedshiftAdapter).get(name) is GIVEN[name]


def _check_adapter() -> None:
    gone = [name for name in GIVEN if name not in vars(RedshiftAdapter)]
    own = [name for name in GIVEN if name not in gone and not is_ours(name) and not _only_raises(name)]
    if gone or own:
        what = "has its own" if own else "has no"
        raise DbtRuntimeError(
            f"dbt_redshift_python does not fit this version of dbt-redshift, which {what} {', '.join(own or gone)}. "
            f"Set {SWITCH}=1 to run without it, or install the versions that its README names."
        )


def _only_raises(name: str) -> bool:
    """Whether the adapter has no more of this than the word that it is not implemented."""
    bare = object.__new__(RedshiftAdapter)
    try:
        found = getattr(bare, name)
        if callable(found):
            found(None)
    except NotImplementedInDbt:
        return True
    return False


def _list_helpers(adapter: Any) -> dict[str, Any]:
    from dbt_redshift_python.job import PolarsJob

    return {METHOD: partial(PolarsJob, adapter=adapter)}


def _name_method(adapter: Any) -> str:  # noqa: ARG001  a property of the adapter
    return METHOD


def _answer(adapter: Any, result: AdapterResponse) -> AdapterResponse:  # noqa: ARG001  a method of the adapter
    return result


GIVEN: dict[str, Any] = {
    "python_submission_helpers": property(_list_helpers),
    "default_python_submission_method": property(_name_method),
    "generate_python_submission_response": _answer,
}
_before: dict[str, Any] = {}  # what dbt-redshift had in their places
