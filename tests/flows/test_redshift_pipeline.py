"""The main job on Redshift: it runs there as it is, with equal numbers, and its SQL is Redshift's."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl
import pytest
import sqlglot

from flows.compare import compare_warehouses
from flows.forget import forget
from flows.ingest import ingest
from flows.pipeline import retail_pipeline
from flows.report import report
from flows.run.forget_command import Command, hand_over
from infra.notebook import read_notebook
from reports.kpis import KPIS
from tests.buckets import find_kept
from tests.conftest import DATASETS, PROJECT, Finished, reach_redshift
from tests.flows.test_forget import Customer, find_naming, list_database
from tests.marks import MARK, find_marks, mark, show_marks
from tests.notebook_runs import read_outputs, run_and_keep_frames
from tests.warehouse.redshift import Redshift

pytestmark = pytest.mark.redshift
DBT = PROJECT / "dbt"
READER = "retail_reader"

# what a first load of the shipped data leaves without a row: nothing was replaced, all is explained, no day is moved
REPLACED = ("customers", "items", "orders", "products", "refunds", "stores", "supplies")
EMPTY = {f"ops.replaced_raw_{name}" for name in REPLACED} | {
    "intermediate.int_unexplained_orders",
    "data_mart.valid_from_dates",
    "ops.forgetting_key",
    "ops.forgotten_customers",
}


@dataclass(frozen=True)
class OnRedshift:
    """The pipeline run once on Redshift, with the shipped data."""

    run: Finished
    redshift: Redshift

    @property
    def compiled(self) -> list[Path]:
        """Every statement that dbt compiled or ran for a model, a test or an analysis."""
        return sorted((self.run.work_dir / "dbt" / "redshift").glob("*/retail/**/*.sql"))


@pytest.fixture(scope="module")
def finished(
    request: pytest.FixtureRequest, prefect_server: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OnRedshift]:
    work_dir = tmp_path_factory.mktemp("redshift")
    with (
        pytest.MonkeyPatch.context() as environment,
        reach_redshift(request, environment, "shared_standin") as redshift,
    ):
        if redshift.standin:
            redshift.standin.reset()
        environment.setenv("RETAIL_WORK_DIR", str(work_dir))
        environment.setenv("RETAIL_TARGET", "redshift")
        if redshift.standin:
            redshift.run(f"create group {READER}")
            environment.setenv("RETAIL_REDSHIFT_READER", f"group:{READER}")
            environment.setenv("RETAIL_STATE", f"s3://{redshift.standin.bucket}/state")
            for name in ("SECRET_ACCESS_KEY", "SESSION_TOKEN"):
                environment.setenv(f"AWS_{name}", mark(name))
        summary = retail_pipeline(source=str(DATASETS))
        yield OnRedshift(Finished(summary, work_dir), redshift)


def test_pipeline_on_redshift_succeeds_whole(finished: OnRedshift, shipped_run: Finished) -> None:
    summary = finished.run.summary
    assert (summary["status"], summary["target"]) == ("completed", "redshift")
    assert {file["status"] for file in summary["files"]} == {"loaded"}
    assert sum(file["rows_loaded"] for file in summary["files"]) == 98_932
    counted = ("error", "skipped", "warned", "retried", "findings")
    assert {key: summary["dbt"][key] for key in counted} == {key: shipped_run.summary["dbt"][key] for key in counted}
    fresh = {each["source"]: each["status"] for each in summary["dbt"]["freshness"]}
    assert fresh == {each["source"]: "pass" for each in shipped_run.summary["dbt"]["freshness"]}
    assert len(fresh) > 5
    for key in ("nodes", "success"):
        assert summary["dbt"][key] == shipped_run.summary["dbt"][key], key
    for kpi in KPIS:
        expected = pl.read_parquet(shipped_run.report / f"{kpi}.parquet")
        assert pl.read_parquet(finished.run.report / f"{kpi}.parquet").equals(expected), kpi


def test_every_table_and_kpi_is_equal_on_duckdb_and_redshift(finished: OnRedshift, shipped_run: Finished) -> None:
    findings = compare_warehouses(str(shipped_run.work_dir), "redshift", report=False)
    assert [finding for finding in findings if finding.difference] == []
    assert {finding.name.split(".")[0] for finding in findings} >= {"raw", "staging", "intermediate", "data_mart"}
    assert {finding.name for finding in findings if finding.name.startswith("KPI")} == {f"KPI {kpi}" for kpi in KPIS}
    assert {finding.name for finding in findings if not finding.rows} == EMPTY


def test_notebook_shows_the_same_on_redshift(finished: OnRedshift, shipped_run: Finished, tmp_path: Path) -> None:
    ran = run_and_keep_frames(tmp_path, os.environ)
    assert set(ran.frames) == set(KPIS)
    for kpi, frame in ran.frames.items():
        assert frame.equals(pl.read_parquet(shipped_run.report / f"{kpi}.parquet")), kpi
    kept, shown = read_outputs(read_notebook()), read_outputs(ran.notebook)
    for outputs in (kept, shown):
        del outputs["kpis"]  # which shows the queries, in the SQL of its warehouse
    assert shown == kept


def test_report_alone_works_in_a_folder_that_knows_nothing(finished: OnRedshift, tmp_path: Path) -> None:
    if finished.redshift.standin is None:
        pytest.skip("RETAIL_STATE is set for the stand-in only")
    summary = report(work_dir=str(tmp_path / "fresh"))
    reports = tmp_path / "fresh" / "reports"
    assert summary["build_id"] == finished.run.summary["build_id"]
    assert (reports / "latest").resolve().name == summary["run_id"]
    assert {path.stem for path in (tmp_path / "fresh" / "runs").iterdir()} >= {
        summary["run_id"],
        finished.run.summary["run_id"],
    }
    for kpi in KPIS:
        expected = pl.read_parquet(finished.run.report / f"{kpi}.parquet")
        assert pl.read_parquet(reports / "latest" / f"{kpi}.parquet").equals(expected), kpi


def test_second_run_on_redshift_loads_nothing(finished: OnRedshift) -> None:
    summary = ingest(source=str(DATASETS))
    assert {file["status"] for file in summary["files"]} == {"unchanged"}


def test_compiled_sql_is_redshifts_to_sqlglot(finished: OnRedshift) -> None:
    # several unit tests at once write the rows that they are given into one file, which nobody reads
    paths = [path for path in finished.compiled if not path.parent.name.endswith("__unit_tests.yml")]
    assert len(paths) > 100
    for path in paths:
        sqlglot.parse(path.read_text(encoding="utf-8"), read="redshift")


def test_marts_are_spread_and_sorted_and_views_are_bound_late(finished: OnRedshift) -> None:
    ran = {path.stem: path.read_text(encoding="utf-8") for path in finished.compiled if "/run/" in str(path)}
    for fact in ("fact_orders", "fact_orders_items"):
        assert "diststyle key distkey (order_id)" in ran[fact]
        assert "sortkey(order_date)" in ran[fact]
    for dimension in ("dim_customers", "dim_stores", "dim_products", "dim_date"):
        assert "diststyle all" in ran[dimension]
    assert "with no schema binding" in ran["stg_products"]


def test_marts_are_described_but_not_while_they_are_swapped(finished: OnRedshift) -> None:
    described = finished.redshift.run(
        "select pg_class.relname, pg_description.objsubid from pg_description "
        "join pg_class on pg_class.oid = pg_description.objoid "
        "join pg_namespace on pg_namespace.oid = pg_class.relnamespace where pg_namespace.nspname = %s",
        f"{finished.redshift.prefix}data_mart",
    )
    tables = {name for name, column in described if column == 0}
    models = [path for path in (DBT / "models" / "data_mart").iterdir() if path.suffix in (".sql", ".py")]
    marts = {path.stem for path in models} - {"dim_products_supplies"}
    assert tables == marts | {path.stem for path in (DBT / "seeds").glob("*.csv")}
    assert ("fact_orders", 1) in {tuple(row) for row in described}
    if finished.redshift.standin:
        log = [statement.lower() for statement in finished.redshift.standin.log]
        last_swap = max(i for i, statement in enumerate(log) if "rename to" in statement and "data_mart" in statement)
        assert min(i for i, statement in enumerate(log) if "comment on" in statement) > last_swap


def test_reader_may_read_the_marts_and_nothing_else(finished: OnRedshift) -> None:
    standin = finished.redshift.standin
    if standin is None:
        return  # on a real workgroup no group is made; the grants are the same SQL
    granted = re.findall(r"(?i)\bgrant\s+(\w+)\s+on\s+(.*?)\s+to\s+group\s+" + READER, "\n".join(standin.log))
    used = {thing for right, thing in granted if right == "usage"}
    read = {thing for right, thing in granted if right == "select"}
    assert used == {'schema "data_mart"'}
    assert len(read) == 20, "seventeen marts, three of them of Python models, and three seeds"
    assert all('"data_mart"' in thing for thing in read)


def test_secrets_are_in_no_artifact_log_object_or_statement(finished: OnRedshift, tmp_path: Path) -> None:
    """The database's password, and on the stand-in AWS keys that are marked; with IAM there is no password."""
    names = ("RETAIL_REDSHIFT_PASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    secrets = [MARK, *(os.environ[name] for name in names if os.environ.get(name))]
    assert len(list((finished.run.work_dir / "dbt" / "redshift" / "logs").iterdir())) > 0
    assert show_marks(json.dumps(finished.run.summary), secrets) == []
    assert find_marks(finished.run.work_dir, *list_database(), secrets=secrets) == {}
    if standin := finished.redshift.standin:
        assert not any(show_marks(statement, secrets) for statement in standin.log)
        find = partial(find_marks, secrets=secrets)
        assert find_kept(standin.s3, standin.bucket, tmp_path / "kept", find) == set()


def count_naming(redshift: Redshift, customer: Customer) -> dict[str, int]:
    """How many rows of which table or view of the warehouse name the customer."""
    columns: dict[str, list[str]] = {}
    for schema, table, column in redshift.run(
        "select table_schema, table_name, column_name from information_schema.columns "
        "where table_schema in ('raw', 'staging', 'intermediate', 'data_mart', 'ops') "
        "and data_type = 'character varying'"
    ):
        columns.setdefault(f'"{schema}"."{table}"', []).append(f'"{column}" in (%s, %s)')
    assert len(columns) > 40
    named = [customer.id, customer.name]
    counted = {
        table: int(redshift.run(f"select count(*) from {table} where {' or '.join(tests)}", *named * len(tests))[0][0])
        for table, tests in columns.items()
    }
    return {table: count for table, count in counted.items() if count}


def test_worker_that_knows_nothing_forgets_a_customer_on_redshift_and_in_s3(
    finished: OnRedshift, tmp_path: Path
) -> None:
    """The last test of this warehouse, for those above compare it with what is shipped."""
    redshift, standin = finished.redshift, finished.redshift.standin
    if standin is None:
        pytest.skip("on a real workgroup the bucket is not ours to look through")
    customer = Customer(*pl.read_parquet(finished.run.report / "sales_per_customer.parquet").row(-1)[:2])
    assert {'"raw"."raw_customers"', '"data_mart"."fact_orders"'} <= set(count_naming(redshift, customer))
    hand_over(Command([customer.id], {}))
    try:
        changed = forget(source=str(DATASETS), work_dir=str(tmp_path / "fresh"))["forgotten"]["changed"]
    finally:
        hand_over(Command([], {}))
    assert {"reports", "objects of RETAIL_STATE", "raw.raw_orders", "data_mart.dim_customers"} <= set(changed)
    assert count_naming(redshift, customer) == {}
    assert {file["status"] for file in ingest(source=str(DATASETS), work_dir=str(tmp_path / "next"))["files"]} == {
        "unchanged"
    }
    assert report(work_dir=str(tmp_path / "next"))["build_id"] == finished.run.summary["build_id"]
    kept = find_kept(standin.s3, standin.bucket, tmp_path / "kept", lambda place: find_naming(customer, place))
    assert kept == set()
    assert find_naming(customer, tmp_path / "fresh", tmp_path / "next", *list_database()) == set()
    assert not any(customer.name in statement for statement in standin.log)
