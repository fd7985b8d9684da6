"""What Redshift Serverless charged while a run was at work, where its user may know."""

from __future__ import annotations

import pytest

from tests.warehouse.redshift import Redshift, open_redshift
from tests.warehouse.redshift_standin import Fault, RedshiftStandin
from tests.warehouse.redshift_standin.sql_error import SqlError

DENIED = Fault("error", error=SqlError("permission denied for relation sys_serverless_usage", "42501"))
MINUTES = (
    (-600, 900),
    (-120, 480),
    (-60, 480),
    (0, 16),
)  # seconds before now that a minute began, and what was charged


def charge(standin: RedshiftStandin) -> None:
    for seconds, charged in MINUTES:
        start, end = (f"getdate() + interval '{after} seconds'" for after in (seconds, seconds + 60))
        row = f"{start}, {end}, 0, 8, 0, 0, {charged}"
        standin.postgres.run_sql(f"insert into pg_catalog.sys_serverless_usage values ({row})", standin.database)


@pytest.mark.parametrize(("seconds", "charged"), [(30, 496), (90, 976), (900, 1876)])
def test_usage_is_that_of_the_minutes_of_the_run(
    redshift: Redshift, standin: RedshiftStandin, seconds: int, charged: int
) -> None:
    charge(standin)
    warehouse = open_redshift()
    assert warehouse.read_usage(seconds) == charged
    warehouse.close()


def test_usage_that_nobody_counts_or_that_may_not_be_seen_is_not_told(
    redshift: Redshift, standin: RedshiftStandin
) -> None:
    warehouse = open_redshift()
    assert warehouse.read_usage(900) is None
    standin.faults.add(DENIED.on("sys_serverless_usage", times=9))
    assert warehouse.read_usage(900) is None
    assert standin.faults.fired
    warehouse.close()
