"""An incremental Python model that returns other columns than its table has: `on_schema_change` as dbt documents it.

dbt: "Configure incremental models", "What if the columns of my incremental model change?" ("on_schema_change" there).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from tests.redshift_python.project import write_project
from tests.redshift_python.runs import Dbt, Outcome, list_keys, on_duckdb, on_standin, prepare_schema
from tests.warehouse.redshift_standin import RedshiftStandin

WAYS = ("ignore", "fail", "append_new_columns", "sync_all_columns")
CHANGES = ("same", "more", "fewer", "typed", "renamed", "nothing")
MODEL = """
    import polars as pl


    def model(dbt, session):
        dbt.config(materialized="incremental", incremental_strategy="append", on_schema_change="{way}")
        if not dbt.is_incremental:
            return pl.DataFrame({{"id": [1], "name": ["a"], "amount": [7]}})
        return pl.DataFrame({{
            "same": {{"id": [2], "name": ["b"], "amount": [8]}},
            "more": {{"id": [2], "name": ["b"], "amount": [8], "extra": [0.5]}},
            "fewer": {{"id": [2], "name": ["b"]}},
            "typed": {{"id": [2], "name": ["b"], "amount": [8.5]}},
            "renamed": {{"id": [2], "title": ["b"], "amount": [8]}},
            "nothing": {{"id": [2], "name": ["b"], "amount": [None]}},
        }}["{change}"])
"""
MODELS = {f"{way}_{change}.py": MODEL.format(way=way, change=change) for way in WAYS for change in CHANGES}
Rows = list[tuple[Any, ...]]
OLD, BOTH = [(1, "a", 7)], [(1, "a", 7), (2, "b", 8)]
# the rows after the second run, columns in the order of the table; None where the run is to fail
EXPECTED: dict[tuple[str, str], tuple[list[str], Rows] | None] = {
    **{(way, "same"): (["id", "name", "amount"], BOTH) for way in WAYS},
    ("ignore", "more"): (["id", "name", "amount"], BOTH),
    ("ignore", "fewer"): None,
    ("ignore", "typed"): None,
    ("append_new_columns", "typed"): None,
    ("ignore", "nothing"): (["id", "name", "amount"], [(1, "a", 7), (2, "b", None)]),
    ("ignore", "renamed"): None,
    **{("fail", change): None for change in ("more", "fewer", "typed", "renamed")},
    ("append_new_columns", "more"): (["id", "name", "amount", "extra"], [(1, "a", 7, None), (2, "b", 8, 0.5)]),
    ("append_new_columns", "fewer"): (["id", "name", "amount"], [(1, "a", 7), (2, "b", None)]),
    ("append_new_columns", "renamed"): (
        ["id", "name", "amount", "title"],
        [(1, "a", 7, None), (2, None, 8, "b")],
    ),
    ("sync_all_columns", "more"): (["id", "name", "amount", "extra"], [(1, "a", 7, None), (2, "b", 8, 0.5)]),
    ("sync_all_columns", "fewer"): (["id", "name"], [(1, "a"), (2, "b")]),
    ("sync_all_columns", "renamed"): (["id", "amount", "title"], [(1, 7, None), (2, 8, "b")]),
    ("sync_all_columns", "typed"): (["id", "name", "amount"], [(1, "a", 7.0), (2, "b", 8.5)]),
}
# what an error says beside the name of the model
CURE = "sync_all_columns, or build anew with --full-refresh"
MISSING = f"the model did not return the column {{}}, which its table has.*{CURE}"
TYPED = f"the model returned the column amount as double.*, which its table has as bigint; .*{CURE}"
SAID = {
    ("ignore", "fewer"): MISSING.format("amount"),
    ("ignore", "renamed"): MISSING.format("name"),
    ("ignore", "typed"): TYPED,
    ("append_new_columns", "typed"): TYPED,
    **{("fail", change): r"(?s)out of sync!.*full_refresh" for change in CHANGES},
}


@dataclass(frozen=True)
class Ran:
    """What two runs came to, and how to read a table of theirs."""

    outcomes: dict[str, Outcome]
    read: Callable[[str], tuple[list[str], Rows]]


@pytest.fixture(scope="module", params=["duckdb", "redshift"])
def ran(
    request: pytest.FixtureRequest, shared_standin: RedshiftStandin, tmp_path_factory: pytest.TempPathFactory
) -> Ran:
    folder = tmp_path_factory.mktemp(f"changes_{request.param}")
    project = write_project(folder / "small", MODELS)
    if request.param == "duckdb":
        path = folder / "warehouse.duckdb"
        with on_duckdb(project, path) as dbt:
            outcomes = run_twice(dbt)

        def read_duckdb(name: str) -> tuple[list[str], Rows]:
            with duckdb.connect(str(path), read_only=True) as connection:
                found = connection.sql(f"select * from data_mart.{name} order by id")
                return found.columns, found.fetchall()

        return Ran(outcomes, read_duckdb)
    prepare_schema(shared_standin)
    outcomes = run_twice(on_standin(project, shared_standin))
    assert list_keys(shared_standin) == []

    def read_standin(name: str) -> tuple[list[str], Rows]:
        columns = shared_standin.run(
            "select attname from pg_attribute join pg_class on pg_class.oid = attrelid "
            "where relname = %s and attnum > 0 and not attisdropped order by attnum",
            name,
        )
        return [column for (column,) in columns], shared_standin.run(f"select * from data_mart.{name} order by id")

    return Ran(outcomes, read_standin)


def run_twice(dbt: Dbt) -> dict[str, Outcome]:
    first = dbt.run("run")
    assert {outcome.status for outcome in first.values()} == {"success"}, first
    return dbt.run("run")


@pytest.mark.parametrize(("way", "change"), [case for case, expected in EXPECTED.items() if expected])
def test_changed_columns_are_taken_as_dbt_documents_it(ran: Ran, way: str, change: str) -> None:
    outcome = ran.outcomes[f"{way}_{change}"]
    assert outcome.status == "success", outcome.message
    assert ran.read(f"{way}_{change}") == EXPECTED[way, change]


@pytest.mark.parametrize(("way", "change"), [case for case, expected in EXPECTED.items() if not expected])
def test_changed_columns_that_are_refused_leave_the_table_as_it_was(ran: Ran, way: str, change: str) -> None:
    outcome = ran.outcomes[f"{way}_{change}"]
    assert outcome.status == "error"
    assert f"models/{way}_{change}.py" in outcome.message
    assert re.search(SAID[way, change], outcome.message), outcome.message
    assert ran.read(f"{way}_{change}") == (["id", "name", "amount"], OLD)
