"""Tests of what ends the tests' servers: they are known, and go when no later test shares them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests import ended_servers


@pytest.mark.usefixtures("prefect_server")
def test_server_that_tests_share_is_known_while_it_runs() -> None:
    assert "prefect_server" in ended_servers.RUNNING


@pytest.mark.parametrize(
    ("following", "expected"),
    [
        ("tests/flows/test_hold.py::test_it", ["api"]),
        ("tests/browser/test_print.py::test_it[fr]", ["api"]),
        ("tests/flows/test_deployments.py::test_it", []),
        ("tests/flows/test_recipes.py::test_it", ["prefect_server", "api"]),
        ("tests/unit/test_plan.py::test_it", ["prefect_server", "api"]),
        (None, ["prefect_server", "api"]),
    ],
    ids=["server", "shipped", "ui", "its own", "none", "the end"],
)
def test_servers_end_before_a_test_that_they_are_not_for(
    following: str | None, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    running = {name: lambda name=name: ended.append(name) for name in ("prefect_server", "api")}
    monkeypatch.setattr(ended_servers, "RUNNING", running)
    item: Any = SimpleNamespace(nodeid=following) if following else None
    ended_servers.pytest_runtest_teardown(item)
    assert ended == expected
    assert list(running) == [name for name in ("prefect_server", "api") if name not in expected]
