"""A Python model that fails on Redshift: dbt says which, where and what to do, and nothing is left of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.redshift_python.project import write_project
from tests.redshift_python.runs import Dbt, Outcome, list_keys, on_standin, prepare_schema
from tests.warehouse.redshift_standin import RedshiftStandin
from tests.warehouse.redshift_standin.faults import Fault, S3Fault
from tests.warehouse.redshift_standin.sql_error import SqlError

BAD = {
    "raises.py": """
        def count(frame):
            return 1 // 0


        def model(dbt, session):
            return count(session.sql("select 1 as one").pl())
    """,
    "bad_sql.py": """
        def model(dbt, session):
            return session.sql("select nothing from nowhere").pl()
    """,
    "two_queries.py": """
        def model(dbt, session):
            return session.sql("select 1 as a; drop table kept").pl()
    """,
    "nothing.py": """
        def model(dbt, session):
            found = print(dbt.this)
            return found
    """,
    "two.py": """
        def model(dbt, session):
            both = [session.sql("select 1 as one").pl()] * 2
            return tuple(both)
    """,
    "twice.py": """
        import polars as pl


        def model(dbt, session):
            return pl.DataFrame({"Amount": [1], "amount": [2]})
    """,
    "wide.py": """
        import polars as pl


        def model(dbt, session):
            return pl.DataFrame({f"c{n}": [n] for n in range(10_000)})
    """,
    "nested.py": """
        import polars as pl


        def model(dbt, session):
            return pl.DataFrame({"id": [1], "parts": [[1, 2]]})
    """,
    "unfit.py": """
        import polars as pl


        def model(dbt, session):
            return pl.DataFrame({"short": ["fits", "żółw"]})
    """,
    "too_much.py": """
        def model(dbt, session):
            small = session.sql("select 1 as one").pl()
            return session.sql("select id, name from data_mart.many").pl()
    """,
    "late.py": """
        import pyarrow


        def batches():
            yield pyarrow.record_batch({"n": [1]})
            raise ValueError("half of it")


        def model(dbt, session):
            return pyarrow.RecordBatchReader.from_batches(pyarrow.schema({"n": pyarrow.int64()}), batches())
    """,
    "other_method.py": """
        def model(dbt, session):
            return session.execute("select 1")
    """,
    "schema.yml": """
        models:
          - name: unfit
            columns: [{name: short, data_type: varchar(5)}]
          - name: too_much
            config: {meta: {memory_mb: 0.05}}
    """,
}
SAID = {
    "raises": r"models/raises\.py, line 2: the model failed with ZeroDivisionError",
    "bad_sql": r'models/bad_sql\.py, line 2: .*relation "nowhere" does not exist',
    "two_queries": r"line 2: a query is one statement; 2 were given",
    "nothing": r"models/nothing\.py: the model returned nothing; return a frame",
    "two": r"the model returned a tuple of 2 values; .* return one frame",
    "twice": r"the model returned 2 columns with the name 'amount'; rename one",
    "wide": r"returned 10,000 columns; a table of Redshift has 1 to 1,600",
    "nested": r"models/nested\.py: column 'parts': no type of Redshift holds values of List\(Int64\)\. Cast it",
    "unfit": r"column 'short', String in the model, varchar\(5\) in the table: 1 values are longer, up to 7 bytes",
    "too_much": r"line 3: 2000 rows of 2 columns take about 0\.1 MB in memory, and 0\.0 MB .*; 0\.1 MB are allowed",
    "late": r"models/late\.py, line 6: the model failed with ValueError: half of it",
    "other_method": r"line 2: .*a session on Redshift has no 'execute'; it has sql, query and table",
}
# one that reads by UNLOAD and writes by COPY, over a table that was built before
WORKING = {
    "copied.py": """
        def model(dbt, session):
            return session.sql("select id, name from data_mart.many").pl()
    """,
    "batched.py": """
        def model(dbt, session):
            return session.sql("select id, name from data_mart.many").to_arrow_reader(300)
    """,
    "changing.py": """
        import polars as pl


        def model(dbt, session):
            dbt.config(materialized="incremental", incremental_strategy="delete+insert", unique_key="id")
            if dbt.config.meta_get("gone"):
                return pl.DataFrame({"id": [1], "other": ["b"]})
            return pl.DataFrame({"id": [1, 2], "name": ["a", "a" * 300], "other": ["a", "a"]})
    """,
    "schema.yml": """
        models:
          - name: changing
            description: It's described.
            config:
              meta: {gone: "{{ env_var('GONE', '') }}"}
              grants: {select: [reader]}
              persist_docs: {relation: true, columns: true}
            columns: [{name: id, description: The id.}]
          - name: batched
            config: {meta: {memory_mb: 0.01}}
    """,
}


@dataclass(frozen=True)
class Place:
    standin: RedshiftStandin
    dbt: Dbt

    def count(self) -> int:
        return int(self.standin.run("select count(*) from data_mart.copied")[0][0])

    def tables(self) -> set[str]:
        found = self.standin.run("select tablename from pg_tables where schemaname = 'data_mart'")
        return {name for (name,) in found}


@pytest.fixture(scope="module")
def bad(shared_standin: RedshiftStandin, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, dict[str, Outcome]]:
    place = make_place(shared_standin, tmp_path_factory.mktemp("bad") / "small", BAD)
    return place, place.dbt.run("build")


@pytest.fixture(scope="module")
def built(shared_standin: RedshiftStandin, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """After the tests with `bad`, whose tables it forgets; the incremental model has been added to once."""
    place = make_place(shared_standin, tmp_path_factory.mktemp("working") / "small", WORKING)
    place.dbt.run("run", "--select", "changing")
    outcomes = place.dbt.run("build")
    assert {outcome.status for outcome in outcomes.values()} == {"success"}, outcomes
    return place


@pytest.fixture
def working(built: Place) -> Iterator[Place]:
    """The place as it was built, without the faults of other tests."""
    built.standin.faults.clear()
    yield built
    built.standin.faults.clear()


def make_place(standin: RedshiftStandin, folder: Path, models: dict[str, str]) -> Place:
    prepare_schema(standin)
    standin.run(
        "create table data_mart.many as select a.n * 1000 + b.n as id, cast('name of ' || b.n as varchar(40)) as name "
        "from (select cast(0 as bigint) as n union all select 1) as a cross join "
        "(select cast(row_number() over (order by 1) as bigint) as n from pg_class as x cross join pg_class as y "
        "limit 1000) as b"
    )
    return Place(standin, on_standin(write_project(folder, models), standin))


@pytest.mark.parametrize("model", SAID)
def test_failure_names_model_line_and_cure(bad: tuple[Place, dict[str, Outcome]], model: str) -> None:
    outcome = bad[1][model]
    assert outcome.status == "error"
    assert re.search(SAID[model], outcome.message, re.DOTALL), outcome.message


def test_failures_leave_neither_tables_nor_objects(bad: tuple[Place, dict[str, Outcome]]) -> None:
    place, outcomes = bad
    assert set(outcomes) == set(SAID), "each failed by itself, and none kept another from running"
    assert place.tables() == {"plain", "many"}
    assert list_keys(place.standin) == []


FAULTS = {
    "UNLOAD is refused": Fault(
        "error", statement="^unload", error=SqlError("S3ServiceException:Access Denied", "XX000")
    ),
    "the connection is lost after UNLOAD": Fault("drop", "after", statement="^unload"),
    "COPY is refused": Fault("error", statement="^copy", error=SqlError("Spectrum Scan Error", "XX000")),
    "the connection is lost in COPY": Fault("drop", "during", statement="^copy"),
    "the connection is lost at the INSERT": Fault("drop", "before", statement="^insert into .*copied"),
    "the connection is lost in the swap": Fault("drop", "before", statement="^alter table .*rename to .?copied"),
    "the commit fails": Fault("error", statement="^commit", error=SqlError("1023", "XX000")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_built_stands_when_the_warehouse_fails(working: Place, fault: str) -> None:
    before = working.count()
    skip = 0
    if fault == "the commit fails":
        skip = count_commits_before_the_swap(working)
    working.standin.faults.add(FAULTS[fault].on(FAULTS[fault].statement, skip=skip))
    outcomes = working.dbt.run("run", "--select", "copied", REDSHIFT_PYTHON_DRIVER_MB="0")
    assert outcomes["copied"].status == "error", outcomes
    assert working.count() == before
    assert not [name for name in working.tables() if name.startswith("copied__")]
    assert list_keys(working.standin) == []


def count_commits_before_the_swap(place: Place) -> int:
    """How many commits a run makes until the one that makes the new table be seen."""
    place.standin.log.clear()
    place.dbt.run("run", "--select", "copied", REDSHIFT_PYTHON_DRIVER_MB="0")
    log = [sql.lower() for sql in place.standin.log]
    swap = next(number for number, sql in enumerate(log) if 'rename to "copied"' in sql)
    return sum(sql.startswith("commit") for sql in log[:swap])


@pytest.mark.parametrize(
    "fault",
    [
        S3Fault("error", method="PUT", key=r"out/00000\.parquet$", status=403, code="AccessDenied", times=99),
        S3Fault("error", method="PUT", key=r"manifest\.json$", status=403, code="AccessDenied", times=99),
        S3Fault("error", method="GET", key=r"in-1/", status=403, code="AccessDenied", times=99),
    ],
    ids=["no part can be uploaded", "no manifest can be uploaded", "no file can be read"],
)
def test_what_was_built_stands_when_s3_fails(working: Place, fault: S3Fault) -> None:
    before = working.count()
    working.standin.faults.add(fault)
    outcomes = working.dbt.run("run", "--select", "copied", REDSHIFT_PYTHON_DRIVER_MB="0")
    assert outcomes["copied"].status == "error"
    assert "objects below s3://" in outcomes["copied"].message
    assert (working.count(), list_keys(working.standin)) == (before, [])


def test_objects_that_s3_keeps_do_not_fail_the_model(working: Place) -> None:
    working.standin.faults.add(S3Fault("keep", key=r"out/"))
    outcomes = working.dbt.run("run", "--select", "copied")
    assert outcomes["copied"].status == "success"
    (kept,) = list_keys(working.standin)
    working.standin.s3.delete_object(Bucket=working.standin.bucket, Key=kept)


def test_batches_keep_a_model_within_its_memory(working: Place) -> None:
    outcomes = working.dbt.run("run", "--select", "batched", REDSHIFT_PYTHON_DRIVER_MB="0")
    assert outcomes["batched"].status == "success", outcomes
    assert working.standin.run("select count(*), count(distinct id) from data_mart.batched") == [(2000, 2000)]


def test_incremental_model_whose_columns_changed_is_refused_by_name(working: Place) -> None:
    outcomes = working.dbt.run("run", "--select", "changing", GONE="yes")
    assert outcomes["changing"].status == "error"
    assert "models/changing.py: the model did not return the column name" in outcomes["changing"].message
    assert len(working.standin.run("select * from data_mart.changing")) == 2


def test_grants_and_descriptions_apply(working: Place) -> None:
    granted = "select privilege_type from svv_relation_privileges where identity_name = 'reader' and relation_name = %s"
    assert working.standin.run(granted, "changing") == [("SELECT",)]
    described = "select description from pg_description d join pg_class c on c.oid = d.objoid where c.relname = %s"
    assert sorted(working.standin.run(described, "changing")) == [("It's described.",), ("The id.",)]
    assert sorted(working.standin.run("select id, len(name) from data_mart.changing")) == [(1, 1), (2, 300)]
