"""Servers that tests share end when the last test that shares them has, not with the session.

A plugin of its own: the hooks of a conftest.py in a folder are not called for fixtures of the session, whose node is
the root.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

SERVERS = {"prefect_server": ("server", "shipped", "ui"), "api": ("ui",)}  # fixtures, and the scopes they are for
RUNNING: dict[str, Callable[[], None]] = {}


def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest) -> None:
    """Note how a server that was asked for is ended."""
    if fixturedef.argname in SERVERS:
        RUNNING[fixturedef.argname] = partial(fixturedef.finish, request)  # type: ignore[arg-type]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """End the servers that the next test's scope is not for: each takes a twentieth of a core while it waits."""
    from tests.conftest import find_scope

    following = find_scope(nextitem.nodeid) if nextitem else ""
    for name in [name for name in RUNNING if following not in SERVERS[name]]:
        RUNNING.pop(name)()
