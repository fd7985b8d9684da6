"""Fixtures for pytest, which `tests/conftest.py` names as a plugin: one stand-in serves the whole session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.warehouse.redshift_standin import RedshiftStandin, start_standin


@pytest.fixture(scope="session")
def shared_standin() -> Iterator[RedshiftStandin]:
    """The stand-in of the session, with whatever other tests left in it."""
    with start_standin() as standin:
        yield standin
        assert standin.server.errors == []


@pytest.fixture
def standin(shared_standin: RedshiftStandin) -> RedshiftStandin:
    """The stand-in of the session, as new."""
    shared_standin.reset()
    return shared_standin
