"""What the tests of Redshift share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flows.lake.contracts import CONTRACTS
from flows.warehouse.redshift.warehouse import RedshiftWarehouse
from tests.warehouse.redshift import Redshift, open_redshift


@pytest.fixture
def warehouse(redshift: Redshift) -> Iterator[RedshiftWarehouse]:
    """Held by run-1, its tables made."""
    warehouse = open_redshift()
    with warehouse.hold("run-1"):
        warehouse.prepare(CONTRACTS.values())
        yield warehouse
    warehouse.close()
