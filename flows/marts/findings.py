"""What the data show that is worth a look: counts and amounts of the tests that only warn, and where to look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from flows.errors import LoadError
from flows.marts.results import GOOD, NodeResult
from flows.warehouse.builds import Build
from reports.doubts import Finding
from reports.quality import Quality, TableRows

AMOUNT = "amount_usd"  # a warning test whose query has this column tells how much money its rows are about
UNEXPLAINED = "test.assert_unexplained_"


def count_findings(results: Iterable[NodeResult]) -> dict[str, int]:
    """Finding → how many rows its test, which only warns, found."""
    return {result.finding: result.failures for result in results if result.status == "warn"}


def count_tests(results: Iterable[NodeResult]) -> dict[str, int]:
    """How many tests of data and of logic passed, and how many of those that only warn found something."""
    tests = [result for result in results if result.node.split(".")[0] in ("test", "unit_test")]
    warned = sum(result.status == "warn" for result in tests)
    return {"passed": sum(result.status in GOOD for result in tests) - warned, "warned": warned}


def measure_amounts(results: Iterable[NodeResult], engine: Engine) -> dict[str, str]:
    """Finding → dollars as text, of the tests that only warn and tell an amount; their queries are run once more."""
    told = [result for result in results if result.status == "warn" and AMOUNT in result.sql]
    if not told:
        return {}
    with engine.connect() as connection:
        return {
            result.finding: str(
                connection.exec_driver_sql(f"select sum({AMOUNT}) from ({result.sql}) as findings").scalar()  # noqa: S608
            )
            for result in told
        }


def name_deliveries(failed: Sequence[NodeResult], engine: Engine, prefix: str) -> str:
    """After a failed test of unexplained sales or tax: the files with most such orders, as lines of the message."""
    if not any(result.name.startswith(UNEXPLAINED) and result.status != "skipped" for result in failed):
        return ""
    try:
        with engine.connect() as connection:
            rows = connection.exec_driver_sql(
                f'select file_name, count(*) from "{prefix}intermediate".int_unexplained_orders '  # noqa: S608
                "group by file_name order by 2 desc, 1 limit 5"
            ).fetchall()
    except (DBAPIError, LoadError):
        return ""  # what dbt says of the test must be read, whatever else is broken
    lines = [f"- {name}: {count:,} orders" for name, count in rows]
    return "\n".join(["", "Look at these deliveries first, or deliver what explains them:", *lines]) if lines else ""


def quality_of(build: Build) -> Quality:
    """What a build found in its data, for the page; one made before these were recorded knows less."""
    amounts, tests = build.findings.get("amounts_usd", {}), build.findings.get("tests", {})
    tables: Mapping[str, dict[str, Any]] = build.findings.get("tables", {})
    return Quality(
        tables=tuple(
            TableRows(name, **rows | {"last_loaded_at": datetime.fromisoformat(rows["last_loaded_at"])})
            for name, rows in tables.items()
        ),
        tests_passed=tests.get("passed"),
        tests_warned=tests.get("warned"),
        findings=tuple(
            Finding(name, count, Decimal(amounts[name]) if name in amounts else None)
            for name, count in build.findings["counts"].items()
        ),
    )
