"""The transform flow: retries run only what failed, and only what is worth it; run_results.json is the truth."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
from prefect.client.orchestration import get_client

from flows.errors import ConfigError, LoadError
from flows.run.summary_text import describe
from flows.transform import transform
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.conftest import PROJECT

pytestmark = pytest.mark.usefixtures("prefect_server")

FAILS_ONCE = """
import os, pathlib
def model(dbt, session):
    steady = dbt.ref("steady")
    flag = pathlib.Path(os.environ["FLAKY_PYTHON_FILE"])
    if not flag.exists():
        flag.touch()
        raise ConnectionError("the first try is lost")
    return steady.project("one + 1 as two").pl()
"""
FAILS_ALWAYS = """
def model(dbt, session):
    steady = dbt.ref("steady").pl()
    if steady.height < 4:
        raise ValueError(f"counted {steady.height} of 4 units")
    return steady
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The flaky dbt project, with the real profile, and an empty warehouse."""
    project = tmp_path / "dbt"
    shutil.copytree(Path(__file__).parent / "flaky_dbt", project)
    shutil.copy(PROJECT / "dbt/profiles.yml", project)
    monkeypatch.setenv("RETAIL_DBT_PROJECT_DIR", str(project))
    monkeypatch.setenv("RETAIL_DBT_RETRY_DELAY_SECONDS", "1")
    monkeypatch.setenv("FLAKY_FILE", str(tmp_path / "flag"))
    monkeypatch.setenv("RETAIL_WORK_DIR", str(tmp_path / "work"))
    (project / "macros").mkdir()
    shutil.copy(PROJECT / "dbt/macros/generate_schema_name.sql", project / "macros")
    warehouse = DuckDBWarehouse(tmp_path / "work/warehouse.duckdb")
    warehouse.prepare([])
    warehouse.close()
    return project


def attempts(work_dir: Path) -> list[dict[str, str]]:
    """Node → status, for each time dbt ran."""
    files = sorted((work_dir / "dbt/local/attempts").glob("*.json"))
    results = [json.loads(path.read_text(encoding="utf-8"))["results"] for path in files]
    return [{result["unique_id"].split(".")[2]: result["status"] for result in run} for run in results]


def read_artifact(key: str) -> str:
    with get_client(sync_client=True) as client:
        found = client.request("POST", "/artifacts/latest/filter", json={"artifacts": {"key": {"any_": [key]}}}).json()
    return str(found[0]["data"])


def failed_run(work_dir: Path) -> dict[str, Any]:
    newest = max((work_dir / "runs").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return json.loads(newest.read_text(encoding="utf-8"))


def test_transform_model_that_fails_once_is_retried_alone(project: Path, tmp_path: Path) -> None:
    first_attempt = tmp_path / "work/dbt/local/attempts/001.json"

    def mend() -> None:
        while not first_attempt.exists():
            time.sleep(0.05)
        (tmp_path / "flag").touch()

    mender = threading.Thread(target=mend, daemon=True)
    mender.start()
    summary = transform()
    mender.join(timeout=10)
    assert attempts(tmp_path / "work") == [
        {"steady": "success", "int_build_gate": "success", "flaky": "error", "after_flaky": "skipped"},
        {"flaky": "success", "after_flaky": "success"},
    ]
    assert summary["dbt"].pop("seconds") > 0
    assert summary["dbt"].pop("findings") == summary["dbt"].pop("amounts_usd") == {}
    assert summary["dbt"].pop("freshness") == []
    slowest = {each["node"] for each in summary["dbt"].pop("slowest")}
    assert slowest == {"model.steady", "model.int_build_gate", "model.flaky", "model.after_flaky"}
    assert summary["dbt"] == {"nodes": 4, "success": 4, "error": 0, "skipped": 0, "warned": 0, "retried": 1}
    assert "model.flaky" in read_artifact("dbt-build").replace("\\", "")


def test_transform_model_that_keeps_failing_fails_the_run_and_is_named(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_DBT_RETRIES", "1")
    with pytest.raises(
        LoadError, match=r"1 dbt nodes failed and 1 were skipped.*\n- model.flaky: error: .*not there yet"
    ):
        transform()
    assert len(attempts(tmp_path / "work")) == 2
    summary = failed_run(tmp_path / "work")
    assert summary["status"] == "failed"
    assert {key: summary["dbt"][key] for key in ("nodes", "success", "error", "skipped")} == {
        "nodes": 4,
        "success": 2,
        "error": 1,
        "skipped": 1,
    }
    artifact = read_artifact("dbt-build").replace("\\", "")
    assert "not there yet" in artifact
    assert "| model.after_flaky | skipped |" in artifact


def test_transform_python_model_that_fails_once_is_retried_alone_between_sql_models(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flag").touch()
    monkeypatch.setenv("FLAKY_PYTHON_FILE", str(tmp_path / "python flag"))
    (project / "models/counted.py").write_text(FAILS_ONCE, encoding="utf-8")
    (project / "models/after_counted.sql").write_text("select two + 1 as three from {{ ref('counted') }}")
    summary = transform()
    before = dict.fromkeys(("steady", "int_build_gate", "flaky", "after_flaky"), "success")
    assert attempts(tmp_path / "work") == [
        before | {"counted": "error", "after_counted": "skipped"},
        {"counted": "success", "after_counted": "success"},
    ]
    counts = {key: summary["dbt"][key] for key in ("nodes", "success", "error", "skipped", "retried")}
    assert counts == {"nodes": 6, "success": 6, "error": 0, "skipped": 0, "retried": 1}
    with duckdb.connect(str(tmp_path / "work/warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute("select three from data_mart.after_counted").fetchall() == [(3,)]
    assert "model.counted" in read_artifact("dbt-build").replace("\\", "")


def test_transform_python_model_that_keeps_failing_is_named_with_what_it_said(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flag").touch()
    monkeypatch.setenv("RETAIL_DBT_RETRIES", "0")
    (project / "models/counted.py").write_text(FAILS_ALWAYS, encoding="utf-8")
    with pytest.raises(LoadError, match=r"(?s)1 dbt nodes failed.*- model.counted: error: .*counted 1 of 4 units"):
        transform()


def test_transform_tells_how_old_each_source_is(
    project: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "flag").touch()
    with duckdb.connect(str(tmp_path / "work/warehouse.duckdb")) as connection:
        connection.execute("create schema shop")
        connection.execute("create table shop.old as select now()::timestamp - interval 50 hour as loaded_at")
        connection.execute("create table shop.young as select now()::timestamp as loaded_at")
        connection.execute("create table shop.never (loaded_at timestamp)")
    names = ("old", "young", "never", "lost")
    limits = {"warn_after": {"count": 2, "period": "day"}}
    config = {"loaded_at_field": "loaded_at", "freshness": limits}
    sources = [{"name": "shop", "config": config, "tables": [{"name": name} for name in names]}]
    (project / "models/sources.yml").write_text(json.dumps({"sources": sources}))
    summary = transform()
    assert summary["status"] == "completed"
    found = {each["source"]: each for each in summary["dbt"]["freshness"]}
    assert {name: each["status"] for name, each in found.items()} == {
        "shop.old": "warn",
        "shop.young": "pass",
        "shop.never": "warn",
        "shop.lost": "runtime error",
    }
    assert found["shop.old"]["age_hours"] == pytest.approx(50, abs=0.2)
    told = [record.message for record in caplog.records if record.message.startswith("shop.")]
    assert [line.split(":")[0] for line in told] == ["shop.lost", "shop.never", "shop.old"]
    assert "shop.old" in describe(summary)
    assert "| shop.never | warn |" in read_artifact("dbt-build").replace("\\", "")


def test_transform_failed_data_test_is_not_retried(project: Path, tmp_path: Path) -> None:
    (tmp_path / "flag").touch()
    (project / "tests").mkdir()
    (project / "tests/one_is_two.sql").write_text("select * from {{ ref('steady') }} where one <> 2")
    with pytest.raises(LoadError, match=r"test\.one_is_two: fail"):
        transform()
    assert len(attempts(tmp_path / "work")) == 1


def test_transform_parse_error_is_never_retried_to_success(project: Path, tmp_path: Path) -> None:
    (tmp_path / "flag").touch()
    transform()  # leaves a run_results.json that `dbt retry` would be glad to read
    (project / "models/steady.sql").write_text("select {{ ref('nowhere') }}")
    with pytest.raises(LoadError, match="nowhere"):
        transform()
    assert attempts(tmp_path / "work") == []
    assert failed_run(tmp_path / "work")["dbt"]["nodes"] == 0


def test_transform_without_a_warehouse_says_what_to_run_first(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"python -m flows\.ingest"):
        transform(work_dir=str(tmp_path / "nothing"))


def test_transform_redshift_without_a_host_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="RETAIL_REDSHIFT_HOST"):
        transform(work_dir=str(tmp_path), target="redshift")
