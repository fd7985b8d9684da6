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
from reports.quality import Age, Quality, TableRows, TestCount

AMOUNT = "amount_usd"  # a warning test whose query has this column tells how much money its rows are about
NAMED_KINDS = {
    "keys": ("unique_", "not_null_"),
    "values": ("accepted_values_", "periods_without_gaps_"),
    "figures": ("assert_",),
    "findings": ("warn_",),
}
EXAMPLES = "examples"
UNEXPLAINED = "test.assert_unexplained_"
LOOK_FIRST = "Look at these deliveries first, or deliver what explains them:"
ALLOW_MORE = (
    "If these amounts are right, as with services that no item stands for, raise max_unexplained_ratio in "
    "dbt/dbt_project.yml (docs/history.md)."
)


def count_findings(results: Iterable[NodeResult]) -> dict[str, int]:
    """Finding → how many rows its test, which only warns, found."""
    return {result.finding: result.failures for result in results if result.status == "warn"}


def count_tests(results: Iterable[NodeResult], proven_examples: Mapping[str, int] | None = None) -> dict[str, Any]:
    """How many tests of data and of logic passed, how many that only warn found something; in all and by kind.

    `proven_examples` are those that an earlier build of the same project proved, and that did not run again.
    """
    tests: dict[str, list[NodeResult]] = {}
    for result in results:
        if result.node.split(".")[0] in ("test", "unit_test"):
            tests.setdefault(kind_of(result), []).append(result)
    by_kind = {kind: _count_outcomes(each) for kind, each in tests.items()}
    if proven_examples is not None:
        by_kind[EXAMPLES] = dict(proven_examples)
    total = {outcome: sum(counted[outcome] for counted in by_kind.values()) for outcome in ("passed", "warned")}
    return total | {"by_kind": dict(sorted(by_kind.items()))}


def find_examples(build: Build) -> dict[str, int] | None:
    """How many examples (dbt's unit tests) that build proved, or None if it does not say."""
    counted = build.findings.get("tests", {}).get("by_kind", {}).get(EXAMPLES)
    return counted if isinstance(counted, dict) else None


def kind_of(test: NodeResult) -> str:
    """What a test looks at, by dbt's own kind of node and the names of this project; a key of `TEST_KINDS`."""
    kind, name = test.name.split(".", 1)
    if kind == "unit_test":
        return EXAMPLES
    return next((kind for kind, starts in NAMED_KINDS.items() if name.startswith(starts)), "others")


def _count_outcomes(tests: Iterable[NodeResult]) -> dict[str, int]:
    outcomes = ["warned" if test.status == "warn" else "passed" for test in tests if test.status in GOOD]
    return {outcome: outcomes.count(outcome) for outcome in ("passed", "warned")}


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
    return "\n".join(["", LOOK_FIRST, *lines, ALLOW_MORE]) if lines else ""


def quality_of(build: Build) -> Quality:
    """What a build found in its data, for the page; one made before these were recorded knows less."""
    amounts, tests = build.findings.get("amounts_usd", {}), build.findings.get("tests", {})
    ages = {each["source"].split(".")[-1]: each for each in build.findings.get("freshness", ())}
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
        tests=tuple(TestCount(kind, **counted) for kind, counted in tests.get("by_kind", {}).items()),
        ages=tuple(Age(source, each["status"], each["age_hours"]) for source, each in ages.items()),
    )
