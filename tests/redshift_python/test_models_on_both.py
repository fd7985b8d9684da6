"""A Python model gives the same on DuckDB and on Redshift, where it is read over the connection or by UNLOAD."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.redshift_python.project import MODELS, write_project
from tests.redshift_python.runs import Outcome, list_keys, on_duckdb, on_standin, prepare_schema
from tests.warehouse.redshift_standin import RedshiftStandin

BUILT = sorted(name.split(".")[0] for name in MODELS if name.endswith((".py", ".sql")))
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Both:
    """Two builds on each: the second reads by UNLOAD on Redshift, and adds to the incremental model."""

    standin: RedshiftStandin
    outcomes: dict[str, dict[str, Outcome]]
    tables: dict[str, dict[str, Rows]]
    statements: list[str]


@pytest.fixture(scope="module")
def both(shared_standin: RedshiftStandin, tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("both")
    project, path = write_project(folder / "small"), folder / "warehouse.duckdb"
    outcomes: dict[str, dict[str, Outcome]] = {}
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema data_mart; create table data_mart.plain as select 1::bigint as a, 'x' as b")
    with on_duckdb(project, path) as dbt:
        outcomes["duckdb"], outcomes["duckdb again"] = dbt.run("build"), dbt.run("build")
    prepare_schema(shared_standin)
    redshift = on_standin(project, shared_standin)
    outcomes["redshift"] = redshift.run("build")
    tables = {"redshift by the driver": read_standin(shared_standin)}
    shared_standin.log.clear()
    outcomes["redshift again"] = redshift.run("build", REDSHIFT_PYTHON_DRIVER_MB="0")
    tables |= {"redshift by UNLOAD": read_standin(shared_standin), "duckdb": read_duckdb(path)}
    return Both(shared_standin, outcomes, tables, list(shared_standin.log))


def read_standin(standin: RedshiftStandin) -> dict[str, Rows]:
    return {name: sort_rows(standin.run(f"select * from data_mart.{name}")) for name in BUILT}


def read_duckdb(path: Path) -> dict[str, Rows]:
    with duckdb.connect(str(path)) as connection:
        connection.execute("set timezone = 'UTC'")
        return {name: sort_rows(connection.sql(f"select * from data_mart.{name}").fetchall()) for name in BUILT}


def sort_rows(rows: Rows) -> Rows:
    """In an order that both have; a number of 32 bits is shown with other digits by each driver."""
    rounded = [tuple(single(value) if isinstance(value, float) else value for value in row) for row in rows]
    return sorted(rounded, key=repr)


def single(value: float) -> float:
    return value if abs(value) > 1e38 else float(struct.unpack("f", struct.pack("f", value))[0])


@pytest.mark.parametrize("build", ["duckdb", "duckdb again", "redshift", "redshift again"])
def test_build_succeeds_whole(both: Both, build: str) -> None:
    bad = {name: outcome for name, outcome in both.outcomes[build].items() if outcome.status not in {"success", "pass"}}
    assert bad == {}
    assert set(BUILT) <= set(both.outcomes[build])


@pytest.mark.parametrize("model", [name for name in BUILT if name not in {"asked", "declared"}])
def test_tables_are_equal_on_both(both: Both, model: str) -> None:
    assert both.tables["redshift by UNLOAD"][model] == both.tables["duckdb"][model]
    if model != "grown":
        assert both.tables["redshift by the driver"][model] == both.tables["duckdb"][model]


def test_every_type_travels_as_it_is(both: Both) -> None:
    for source in both.tables:
        assert both.tables[source]["mirror"] == both.tables[source]["things"], source
    assert len(both.tables["duckdb"]["mirror"]) == 4


def test_table_has_the_types_of_what_was_read(both: Both) -> None:
    assert read_types(both.standin, "mirror") == read_types(both.standin, "things") | {
        "name": "character varying(65535)"
    }


def test_model_is_told_what_dbt_duckdb_tells(both: Both) -> None:
    expected = {
        "last": "4",
        "this": "asked",
        "schema": "data_mart",
        "meta": 'it\'s "this"',
        "is_incremental": "False",
        "columns": "a,b",
        "source": "[(1, 'x')]",
    }
    for source in both.tables:
        assert dict(both.tables[source]["asked"]) == expected, source


def test_incremental_model_adds_to_what_it_finds(both: Both) -> None:
    assert [row[0] for row in both.tables["redshift by the driver"]["grown"]] == [1, 2, 3, 4]
    assert [row[0] for row in both.tables["redshift by UNLOAD"]["grown"]] == list(range(1, 9))


def test_declared_types_and_places_apply(both: Both) -> None:
    assert read_types(both.standin, "declared") == {
        "cents": "numeric(18,2)",
        "whole": "bigint",
        "short": "character varying(2)",
        "nothing": "date",
    }
    created = [sql for sql in both.statements if sql.startswith("create table") and "declared__" in sql]
    assert len(created) == 1
    assert " ".join(created[0].split()).endswith(") diststyle key distkey (whole) compound sortkey(short)")


def test_rows_that_were_written_are_counted(both: Both) -> None:
    assert both.outcomes["redshift"]["mirror"].rows == 4
    assert both.outcomes["redshift"]["none"].rows == 0
    assert both.tables["redshift by UNLOAD"]["none"] == []


def test_unload_is_asked_for_what_the_model_asks_for(both: Both) -> None:
    unloaded = [sql for sql in both.statements if sql.startswith("unload")]
    assert len(unloaded) > 5
    asked = [sql for sql in unloaded if "where id < 3" in sql]
    assert len(asked) == 1
    assert "select id, name, price from" in asked[0]
    assert not [column for column in ("weight", "known_at", "day") if column in asked[0]]
    for sql in unloaded:
        assert re.search(r"iam_role 'arn:[^']+' format as parquet maxfilesize 64 mb\Z", sql)


def test_nothing_is_left_in_s3(both: Both) -> None:
    assert list_keys(both.standin) == []
    keys = [sql for sql in both.statements if "testing" in sql]
    assert keys == [], "keys of AWS are in no statement"


def read_types(standin: RedshiftStandin, table: str) -> dict[str, str]:
    return dict(
        standin.run(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute "
            "join pg_class on pg_class.oid = attrelid where relname = %s and attnum > 0",
            table,
        )
    )
