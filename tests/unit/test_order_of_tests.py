"""Processes that share the tests begin with what takes longest, and what shares a server stays together."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.conftest import (
    LONGEST_FIRST,
    PROJECT,
    SHARES_THE_SHIPPED_RUN,
    SHARES_THE_UI,
    find_scope,
    pytest_collection_modifyitems,
)


def make_items(*nodeids: str) -> list[Any]:
    return [SimpleNamespace(nodeid=nodeid) for nodeid in nodeids]


def test_what_takes_long_comes_first_and_the_rest_keeps_its_order() -> None:
    items = make_items(
        "tests/unit/test_terms.py::test_b",
        "tests/flows/test_deployments.py::test_a",
        "tests/flows/test_hold.py::test_b",
        "tests/unit/test_terms.py::test_a",
        "tests/flows/test_pipeline.py::test_a",
        "tests/flows/test_hold.py::test_a",
    )
    pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == [
        "tests/flows/test_hold.py::test_b",
        "tests/flows/test_hold.py::test_a",
        "tests/flows/test_pipeline.py::test_a",
        "tests/flows/test_deployments.py::test_a",
        "tests/unit/test_terms.py::test_b",
        "tests/unit/test_terms.py::test_a",
    ]


def test_everything_that_is_told_to_come_first_is_there() -> None:
    files = {str(path.relative_to(PROJECT)) for path in (PROJECT / "tests").rglob("test_*.py")}
    assert set(LONGEST_FIRST) <= {find_scope(file) for file in files}
    assert len(set(LONGEST_FIRST)) == len(LONGEST_FIRST)


def test_files_that_are_told_to_share_a_run_or_a_server_are_there() -> None:
    assert all((PROJECT / name).exists() or list(PROJECT.glob(f"{name}*")) for name in SHARES_THE_SHIPPED_RUN)
    assert all((PROJECT / name).is_file() for name in SHARES_THE_UI)
