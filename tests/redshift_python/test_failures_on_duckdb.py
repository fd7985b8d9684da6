"""A Python model that fails on DuckDB, by dbt-duckdb and our own word before it writes: which, why, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from tests.redshift_python.project import write_project
from tests.redshift_python.runs import Outcome, on_duckdb
from tests.redshift_python.test_failures import BAD

DOUBLE = """
    import {library} as library


    def model(dbt, session):
        return {made}
"""
MODELS = {
    **{f"{name}.py": BAD[f"{name}.py"] for name in ("raises", "bad_sql", "nothing", "two", "twice", "wide", "late")},
    "by_pandas.py": DOUBLE.format(library="pandas", made='library.DataFrame([[1, 2]], columns=["a", "a"])'),
    "by_arrow.py": DOUBLE.format(library="pyarrow", made='library.table([[1], [2]], names=["a", "a"])'),
    "lazy.py": DOUBLE.format(library="polars", made='library.DataFrame({"a": [1], "A": [2]}).lazy()'),
    "by_relation.py": """
        def model(dbt, session):
            return session.sql("select 1 as a")
    """,
}
TWICE = r"models/{}\.py: the model returned 2 columns with the name 'a'; rename one"
SAID = {
    "raises": r"model raises \(models/raises\.py\).* line 2, in count.*ZeroDivisionError",
    "bad_sql": r"model bad_sql \(models/bad_sql\.py\).* line 2, in model.*nowhere does not exist",
    "nothing": r"models/nothing\.py: the model returned nothing; a model is one table: return one frame",
    "two": r"models/two\.py: the model returned a tuple of 2 values; a model is one table: return one frame",
    "twice": r"models/twice\.py: the model returned 2 columns with the name 'amount'; rename one",
    "late": r"model late \(models/late\.py\).*half of it",
    **{name: TWICE.format(name) for name in ("by_pandas", "by_arrow", "lazy")},
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Outcome], Path]:
    folder = tmp_path_factory.mktemp("bad_on_duckdb")
    path = folder / "warehouse.duckdb"
    with on_duckdb(write_project(folder / "small", MODELS), path) as dbt:
        return dbt.run("run"), path


@pytest.mark.parametrize("model", SAID)
def test_failure_names_model_and_cure(outcomes: tuple[dict[str, Outcome], Path], model: str) -> None:
    outcome = outcomes[0][model]
    assert outcome.status == "error"
    assert re.search(SAID[model], outcome.message, re.DOTALL), outcome.message


def test_only_what_is_a_table_is_left(outcomes: tuple[dict[str, Outcome], Path]) -> None:
    assert {name for name, each in outcomes[0].items() if each.status == "success"} == {"wide", "by_relation"}
    with duckdb.connect(str(outcomes[1]), read_only=True) as connection:
        tables = connection.sql("select table_name, column_count from duckdb_tables() order by 1").fetchall()
    assert tables == [("by_relation", 1), ("wide", 10_000)]
