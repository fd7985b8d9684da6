"""The proof of a passed build lies in the warehouse: no way of running dbt leads to a report of untested numbers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunnerResult
from prefect.exceptions import TerminationSignal

from flows.errors import LoadError
from flows.ingest import ingest
from flows.marts.proof import project_sha256
from flows.marts.runner import invoke_dbt
from flows.pipeline import retail_pipeline
from flows.report import report
from flows.run.settings import load_settings
from flows.transform import transform
from flows.warehouse.builds import ledger_sha256
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.conftest import PROJECT, Finished
from tests.dbt_forked import DbtCommand
from tests.tiny_shop import AS_OF, FILES, write_shop

pytestmark = pytest.mark.usefixtures("without_node_runs")

WRONG_TAX = FILES["raw_orders.csv"].replace("s1,2000,100,2100", "s1,2000,900,2900")
NEW_ORDER = FILES["raw_orders.csv"] + "o8,c1,2025-06-30T12:00:00,s1,0,0,0\n"
UNTESTED = "untested numbers"
ByHand = Callable[..., int]


@pytest.fixture
def work_dir(tiny_run: Finished, tmp_path: Path) -> Path:
    """A copy of the finished tiny run, to be changed at will."""
    return Path(shutil.copytree(tiny_run.work_dir, tmp_path / "work", symlinks=True))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the dbt project that the flows use, to be changed at will."""
    folder = Path(shutil.copytree(PROJECT / "dbt", tmp_path / "dbt", ignore=shutil.ignore_patterns("target", "logs")))
    monkeypatch.setenv("RETAIL_DBT_PROJECT_DIR", str(folder))
    return folder


@pytest.fixture(scope="module")
def dbt_by_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByHand]:
    """Runs dbt as a user does: `dbt_by_hand(work_dir, "build")`."""
    command = DbtCommand(tmp_path_factory.mktemp("by-hand"))
    yield command.run_by_hand
    command.close()


def load(work_dir: Path, source: Path, **changes: str) -> None:
    ingest(source=str(write_shop(source, **changes)), work_dir=str(work_dir))


def builds(work_dir: Path) -> list[tuple[str | None, bool]]:
    """The run and the verdict of every recorded build, oldest first."""
    with duckdb.connect(str(work_dir / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute("select run_id, passed from ops.build_ledger order by built_at").fetchall()


def read_rows(work_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    """What the warehouse answers."""
    with duckdb.connect(str(work_dir / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_pipeline_records_its_build_with_run_code_and_ledger(tiny_run: Finished, work_dir: Path) -> None:
    warehouse = DuckDBWarehouse(work_dir / "warehouse.duckdb")
    build, ledger = warehouse.read_build(), warehouse.read_ledger()
    warehouse.close()
    assert build is not None
    assert (build.run_id, build.passed, build.as_of) == (tiny_run.summary["run_id"], True, AS_OF)
    assert build.ledger_sha256 == ledger_sha256(ledger)
    assert build.project_sha256 == project_sha256(PROJECT / "dbt")
    assert build.findings["totals"] == {"files": 6, "rows_in": 31, "rows_loaded": 31, "rows_quarantined": 0}
    tables = build.findings["tables"]
    assert {name: rows["rows_in"] for name, rows in tables.items()}["raw_orders"] > 0
    assert sum(rows["rows_loaded"] for rows in tables.values()) == 31
    assert build.findings["tests"]["warned"] == 0
    assert build.findings["tests"]["passed"] > 60
    assert builds(work_dir) == [(build.run_id, True)]


def test_report_after_a_build_by_hand_that_failed_on_the_marts_is_refused(
    dbt_by_hand: ByHand, work_dir: Path, project: Path, tmp_path: Path
) -> None:
    load(work_dir, tmp_path / "source", raw_orders=NEW_ORDER)
    (project / "tests/assert_no_order.sql").write_text("select * from {{ ref('fact_orders') }}\n")
    assert dbt_by_hand(work_dir, "build", project=project) == 1
    assert builds(work_dir)[-1] == (None, False)
    with pytest.raises(LoadError, match=UNTESTED):
        report(work_dir=str(work_dir))


def test_report_after_a_build_whose_python_model_failed_its_test_is_refused(work_dir: Path, project: Path) -> None:
    (project / "tests/assert_no_suggestion.sql").write_text("select * from {{ ref('reorder_suggestions') }}\n")
    with pytest.raises(LoadError, match=r"1 dbt nodes failed.*\n- test\.assert_no_suggestion: fail"):
        transform(work_dir=str(work_dir), as_of=AS_OF)
    assert builds(work_dir)[-1][1] is False
    with pytest.raises(LoadError, match=UNTESTED):
        report(work_dir=str(work_dir))


def test_report_after_a_build_by_hand_that_failed_before_the_marts_shows_the_last_good_ones(
    dbt_by_hand: ByHand, work_dir: Path, tmp_path: Path
) -> None:
    load(work_dir, tmp_path / "source", raw_orders=WRONG_TAX)
    assert dbt_by_hand(work_dir, "build") == 1
    summary = report(work_dir=str(work_dir), as_of=AS_OF)
    page = Path(summary["report"]).read_text(encoding="utf-8")
    assert "Files were loaded since these numbers were built; they are not in them." in page
    with duckdb.connect(str(work_dir / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute("select tax_paid_usd from data_mart.fact_orders where order_id = 'o1'").fetchall()
    assert [float(tax) for (tax,) in rows] == [1.0]


def test_report_after_a_whole_build_by_hand_shows_it(dbt_by_hand: ByHand, work_dir: Path, tmp_path: Path) -> None:
    load(work_dir, tmp_path / "source", raw_orders=NEW_ORDER)
    assert dbt_by_hand(work_dir, "build") == 0
    assert builds(work_dir)[-1] == (None, True)
    assert report(work_dir=str(work_dir), as_of=AS_OF)["files_loaded_since_build"] is False


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--select", "fact_orders"),
        ("run",),
        ("build", "--exclude", "assert_facts_say_what_was_tested"),
        ("build", "--exclude-resource-type", "unit_test"),
    ],
    ids=["one-mart", "no-tests", "one-test-less", "no-unit-tests"],
)
def test_report_after_a_part_of_a_build_by_hand_is_refused(
    dbt_by_hand: ByHand, work_dir: Path, arguments: tuple[str, ...]
) -> None:
    dbt_by_hand(work_dir, *arguments)
    with pytest.raises(LoadError, match=UNTESTED):
        report(work_dir=str(work_dir))
    with pytest.raises(LoadError, match=r"python -m flows\.transform"):
        report(work_dir=str(work_dir))


def test_report_after_a_build_of_empty_tables_by_hand_shows_the_last_good_marts(
    dbt_by_hand: ByHand, work_dir: Path
) -> None:
    """It ends before the gate, so the marts stand; the next build makes good the layers that it emptied."""
    count = "select count(*), sum(subtotal_usd) from data_mart.fact_orders"
    before = read_rows(work_dir, count)
    assert dbt_by_hand(work_dir, "build", "--empty") == 1
    assert builds(work_dir)[-1] == (None, False)
    assert read_rows(work_dir, count) == before
    report(work_dir=str(work_dir), as_of=AS_OF)
    assert dbt_by_hand(work_dir, "build") == 0
    assert read_rows(work_dir, count) == before
    assert read_rows(work_dir, "select count(*) from staging.stg_orders") == [(before[0][0],)]


def test_report_after_a_foreign_seed_by_hand_is_refused_but_the_same_seed_changes_nothing(
    dbt_by_hand: ByHand, work_dir: Path, project: Path
) -> None:
    assert dbt_by_hand(work_dir, "seed", project=project) == 0
    assert dbt_by_hand(work_dir, "test", "--select", "fact_orders", project=project) == 0
    report(work_dir=str(work_dir), as_of=AS_OF)
    seed = project / "seeds/customers_status.csv"
    seed.write_text(seed.read_text(encoding="utf-8").replace("Gold", "Golden"), encoding="utf-8")
    assert dbt_by_hand(work_dir, "seed", project=project) == 0
    with pytest.raises(LoadError, match=UNTESTED):
        report(work_dir=str(work_dir))


def test_pipeline_foreign_dbt_variables_leave_out_no_test(
    dbt_by_hand: ByHand, work_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = {
        "DBT_EXCLUDE_RESOURCE_TYPES": "test",
        "DBT_WRITE_JSON": "false",
        "DBT_EMPTY": "1",
        "DBT_INDIRECT_SELECTION": "empty",
        "DBT_FAIL_FAST": "1",
        "DBT_TARGET_PATH": str(tmp_path / "elsewhere"),
        "DBT_PROFILES_DIR": str(tmp_path / "nowhere"),
    }
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    source = write_shop(tmp_path / "source", raw_orders=WRONG_TAX)
    with pytest.raises(LoadError, match="assert_unexplained_tax_stays_small"):
        retail_pipeline(source=str(source), work_dir=str(work_dir))
    assert {name: os.environ.get(name) for name in foreign} == foreign
    assert dbt_by_hand(work_dir, "build", DBT_EXCLUDE_RESOURCE_TYPES="test", DBT_PROFILES_DIR=str(PROJECT / "dbt")) == 0
    with pytest.raises(LoadError, match=UNTESTED):
        report(work_dir=str(work_dir))


def test_transform_test_that_dbt_left_out_is_named(
    work_dir: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it came about: here by a project that hands dbt options of its own."""
    monkeypatch.setattr("flows.transform.BUILD", ["build", "--exclude", "assert_facts_say_what_was_tested"])
    with pytest.raises(LoadError, match=r"left out 1 nodes and tests.*\n- test\.assert_facts_say_what_was_tested\n"):
        transform(work_dir=str(work_dir))
    with pytest.raises(LoadError, match=UNTESTED):
        report(work_dir=str(work_dir))


def test_gate_ledger_hash_is_the_twins_also_of_many_files(tiny_run: Finished, work_dir: Path) -> None:
    compiled = tiny_run.work_dir / "dbt/local/compiled/retail/models/intermediate/int_build_gate.sql"
    for count in (0, 1, 500, 501, 1203):
        with duckdb.connect(str(work_dir / "warehouse.duckdb")) as connection:
            connection.execute("delete from ops.load_ledger")
            connection.execute(
                "insert into ops.load_ledger (table_name, file_name, file_sha256, delivery_order, profile_sha256) "
                "select 'raw_orders', 'raw_orders_é' || i || '.csv', sha256('x' || i), '2026-01-01 ' || i || ' é', "
                f"case when i % 2 = 0 then sha256('p' || i) end from range({count}) as r (i)"
            )
            row = connection.execute(compiled.read_text(encoding="utf-8")).fetchone()
        warehouse = DuckDBWarehouse(work_dir / "warehouse.duckdb")
        expected = ledger_sha256(warehouse.read_ledger())
        warehouse.close()
        assert (row or ())[1:2] == (expected,), count


def test_invoke_dbt_raises_the_signal_that_prefect_dbt_hands_back(
    prefect_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped:
        def __init__(self, callbacks: object) -> None: ...

        def invoke(self, _arguments: list[str]) -> dbtRunnerResult:
            return dbtRunnerResult(success=False, exception=TerminationSignal(signal=15))

    monkeypatch.setattr("prefect_dbt.core.runner.dbtRunner", Stopped)
    with pytest.raises(TerminationSignal):
        invoke_dbt(["parse"], load_settings(work_dir=str(tmp_path)))
