"""Around dbt: the environment it runs in, what a build must hold, what is told of it. Runs no dbt."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from flows.errors import LoadError
from flows.marts.environment import hold_environment, process_environment
from flows.marts.findings import NAMED_KINDS, count_tests, find_examples, measure_amounts, name_deliveries, quality_of
from flows.marts.freshness import measure_freshness
from flows.marts.proof import check_complete, expected_nodes, project_sha256
from flows.marts.results import NodeResult, describe_failure, read_meanings
from flows.marts.runner import drop_parse_of_elsewhere
from flows.run.settings import Settings, load_settings
from flows.warehouse.builds import Build
from reports.doubts import Finding
from reports.quality import TEST_KINDS, Age, Quality, TableRows, TestCount


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(work_dir=str(tmp_path / "work"))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    path = str(tmp_path / "warehouse.duckdb")
    return create_engine("duckdb://", creator=lambda: duckdb.connect(path), poolclass=NullPool)


def write_manifest(settings: Settings, **parts: object) -> None:
    settings.dbt_target_dir.mkdir(parents=True)
    manifest = {"nodes": {}, "sources": {}} | parts
    (settings.dbt_target_dir / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def node(kind: str, materialized: str = "view") -> dict[str, object]:
    return {"resource_type": kind, "config": {"materialized": materialized}}


def test_environment_foreign_dbt_variables_are_gone_for_the_time_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = {"DBT_EXCLUDE_RESOURCE_TYPES": "test", "DBT_EMPTY": "1", "DBT_LOG_PATH": "theirs"}
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    ours = {"DBT_LOG_PATH": "ours", "RETAIL_TARGET": "local"}
    monkeypatch.delenv("RETAIL_TARGET", raising=False)
    before = dict(os.environ)
    with hold_environment(ours):
        inside = {name: value for name, value in os.environ.items() if name.startswith("DBT_")}
        assert inside == {"DBT_LOG_PATH": "ours"}
        assert os.environ["RETAIL_TARGET"] == "local"
        os.environ["SET_MEANWHILE"] = "stays"
    assert os.environ.pop("SET_MEANWHILE") == "stays"
    assert dict(os.environ) == before
    assert process_environment(ours) == {k: v for k, v in before.items() if not k.startswith("DBT_")} | ours


def test_expected_nodes_are_all_that_build_runs(settings: Settings) -> None:
    write_manifest(
        settings,
        nodes={
            "model.r.a": node("model"),
            "model.r.cte": node("model", "ephemeral"),
            "seed.r.s": node("seed"),
            "test.r.t.1": node("test"),
            "analysis.r.k": node("analysis"),
            "operation.r.hook": node("operation"),
        },
        unit_tests={"unit_test.r.a.u": {"resource_type": "unit_test", "config": {}}},
    )
    assert expected_nodes(settings) == {"model.r.a", "seed.r.s", "test.r.t.1", "unit_test.r.a.u"}


@pytest.mark.parametrize("last", [None, "skipped", "fail", "error"])
def test_check_complete_names_what_did_not_run_or_is_not_well(settings: Settings, last: str | None) -> None:
    write_manifest(settings, nodes={"model.r.a": node("model"), "test.r.t.1": node("test")})
    results = [NodeResult("model.r.a", "success", "", 1)]
    results += [NodeResult("test.r.t.1", last, "", 1)] if last else []
    with pytest.raises(LoadError, match=r"left out 1 nodes and tests.*\n- test\.t\n"):
        check_complete(results, settings)
    check_complete([*results[:1], NodeResult("test.r.t.1", "warn", "", 1)], settings)


def test_project_hash_follows_every_file_but_not_what_dbt_writes(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/a.sql").write_text("select 1")
    first = project_sha256(tmp_path)
    (tmp_path / "target").mkdir()
    (tmp_path / "target/manifest.json").write_text("{}")
    (tmp_path / ".user.yml").write_text("id: 1")
    assert project_sha256(tmp_path) == first
    (tmp_path / "models/a.sql").rename(tmp_path / "models/b.sql")
    renamed = project_sha256(tmp_path)
    (tmp_path / "models/b.sql").write_text("select 2")
    assert len({first, renamed, project_sha256(tmp_path)}) == 3


def test_freshness_reads_what_dbt_found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def result(name: str, status: str, newest: str, seconds: float) -> dict[str, object]:
        return {
            "unique_id": f"source.retail.raw.{name}",
            "status": status,
            "max_loaded_at": newest,
            "max_loaded_at_time_ago_in_s": seconds,
        }

    def run_dbt(arguments: list[str], settings: Settings) -> None:
        assert arguments == ["source", "freshness"]
        assert not found.exists(), "what an older run found is gone"
        found.write_text(json.dumps({"results": results}), encoding="utf-8")

    results = [
        result("young", "pass", "2026-01-09T14:00:00.25+02:00", 43200.0),
        result("old", "warn", "2026-01-07T12:00:00+00:00", 216000.0),
        result("never", "error", "0001-01-01T00:00:00+00:00", 63_000_000_000.0),
    ]
    limits = {"warn_after": {"count": None, "period": None}, "error_after": {"count": 2, "period": "day"}}
    kept = {f"source.retail.raw.{name}": {"freshness": limits} for name in ("young", "old", "never", "lost")}
    free = {"count": None, "period": None}
    sources = kept | {"source.retail.raw.free": {"freshness": None}}
    sources["source.retail.raw.open"] = {"freshness": {"warn_after": free, "error_after": free}}
    write_manifest(settings, sources=sources)
    found = settings.dbt_target_dir / "sources.json"
    found.write_text(json.dumps({"results": [result("gone", "pass", "2026-01-01T00:00:00Z", 1.0)]}))
    monkeypatch.setattr("flows.marts.freshness.invoke_dbt", run_dbt)
    measured = measure_freshness(settings)
    assert [(each.source, each.status, each.age_hours) for each in measured] == [
        ("raw.lost", "runtime error", None),
        ("raw.never", "error", None),
        ("raw.old", "warn", 60.0),
        ("raw.young", "pass", 12.0),
    ]
    assert [each.describe() for each in measured[:3]] == [
        f"raw.lost: its age is unknown: dbt could not ask it; see {settings.dbt_target_dir / 'logs'}",
        "raw.never: nothing was ever loaded (error)",
        "raw.old: last loaded 2026-01-07 12:00 UTC, 60.0 hours ago",
    ]
    assert measured[3].summarise()["max_loaded_at"] == "2026-01-09T12:00:00.250000"


def test_measure_amounts_only_of_warnings_that_tell_one(engine: Engine) -> None:
    told = "select 1 as order_id, cast(1.25 as decimal(18, 2)) as amount_usd union all select 2, 0.50"
    results = [
        NodeResult("test.r.warn_told", "warn", "", 1, 2, told),
        NodeResult("test.r.warn_untold", "warn", "", 1, 2, "select 1 as order_id"),
        NodeResult("test.r.warn_nothing", "pass", "", 1, 0, told),
    ]
    assert measure_amounts(results, engine) == {"told": "1.75"}


def test_tests_are_counted_by_outcome_and_other_nodes_are_not() -> None:
    results = [
        NodeResult("test.r.not_null_a", "pass", "", 1),
        NodeResult("test.r.unique_a", "pass", "", 1),
        NodeResult("unit_test.r.a.unique_b", "pass", "", 1),
        NodeResult("test.r.warn_c", "warn", "", 1, 7),
        NodeResult("test.r.warn_d", "pass", "", 1),
        NodeResult("test.r.assert_d", "fail", "", 1, 1),
        NodeResult("test.r.of_a_user", "pass", "", 1),
        NodeResult("test.r.e", "skipped", "", 0),
        NodeResult("model.r.f", "success", "", 1),
    ]
    assert count_tests(results) == {
        "passed": 5,
        "warned": 1,
        "by_kind": {
            "examples": {"passed": 1, "warned": 0},
            "figures": {"passed": 0, "warned": 0},
            "findings": {"passed": 1, "warned": 1},
            "keys": {"passed": 2, "warned": 0},
            "others": {"passed": 1, "warned": 0},
        },
    }


def test_examples_proven_before_count_as_if_they_had_run() -> None:
    ran = [NodeResult("test.r.not_null_a", "pass", "", 1), NodeResult("test.r.warn_c", "warn", "", 1, 7)]
    whole = count_tests(
        [*ran, NodeResult("unit_test.r.a.b", "pass", "", 1), NodeResult("unit_test.r.a.c", "pass", "", 1)]
    )
    assert count_tests(ran, proven_examples={"passed": 2, "warned": 0}) == whole
    assert count_tests(ran) != whole


@pytest.mark.parametrize("tests", [{}, {"passed": 3}, {"by_kind": {"keys": {"passed": 1, "warned": 0}}}])
def test_build_that_does_not_say_which_examples_it_proved_proves_none(tests: dict[str, Any]) -> None:
    assert find_examples(build_with(tests)) is None
    proven = {"passed": 2, "warned": 0}
    assert find_examples(build_with({"by_kind": {"examples": proven}})) == proven


def build_with(tests: dict[str, Any]) -> Build:
    return Build("b", "r", "l", "p", None, True, {"counts": {}, "tests": tests}, datetime(2026, 1, 1))


def test_every_kind_of_test_has_words() -> None:
    assert set(TEST_KINDS) == {*NAMED_KINDS, "examples", "others"}


def test_quality_of_a_build_is_what_it_recorded() -> None:
    rows = {"files": 2, "rows_in": 5, "rows_loaded": 4, "rows_quarantined": 1}
    findings = {
        "counts": {"orders of unknown stores": 3, "orders of unexplained tax": 1},
        "amounts_usd": {"orders of unexplained tax": "2.50"},
        "totals": rows,
    }
    build = Build("b", "r", "l", "p", None, True, findings, datetime(2026, 1, 1))
    told = (Finding("orders of unknown stores", 3), Finding("orders of unexplained tax", 1, Decimal("2.50")))
    assert quality_of(build) == Quality(findings=told)
    more = {
        "tests": {"passed": 9, "warned": 2, "by_kind": {"keys": {"passed": 9, "warned": 2}}},
        "freshness": [
            {"source": "raw.raw_orders", "status": "warn", "max_loaded_at": None, "age_hours": 49.5, "message": None}
        ],
        "tables": {"raw_orders": rows | {"last_loaded_at": "2026-01-02T03:04:05"}},
    }
    loaded = TableRows("raw_orders", 2, 5, 4, 1, datetime(2026, 1, 2, 3, 4, 5))
    assert quality_of(replace(build, findings=findings | more)) == Quality(
        (loaded,), 9, 2, told, tests=(TestCount("keys", 9, 2),), ages=(Age("raw_orders", "warn", 49.5),)
    )


def test_name_deliveries_five_files_with_most_unexplained_orders(engine: Engine, tmp_path: Path) -> None:
    failed = [NodeResult("test.r.assert_unexplained_sales_stay_small", "fail", "", 1, 1)]
    assert name_deliveries(failed, engine, "") == ""
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema intermediate")
        connection.execute(
            "create table intermediate.int_unexplained_orders as "
            "select 'raw_orders_' || n || '.csv' as file_name from range(7) as a (n), range(7) as b (m) where m < n"
        )
    lines = name_deliveries(failed, engine, "").splitlines()
    assert lines[2:-1] == [f"- raw_orders_{n}.csv: {n} orders" for n in (6, 5, 4, 3, 2)]
    assert "raise max_unexplained_ratio in dbt/dbt_project.yml" in lines[-1]
    assert name_deliveries([NodeResult("test.r.other", "fail", "", 1)], engine, "") == ""


def test_failed_test_is_told_with_what_it_tests(settings: Settings) -> None:
    failed = [
        NodeResult("test.r.assert_sales", "fail", "Got 3 results", 1, 3),
        NodeResult("test.r.assert_tax", "fail", "Got 1 result", 1, 1),
        NodeResult("test.r.assert_costs", "error", "Binder Error", 1),
    ]
    told = ["- test.assert_sales: fail: Got 3 results", "- test.assert_tax: fail: Got 1 result"]
    broken = "- test.assert_costs: error: Binder Error"
    assert read_meanings(settings) == {}
    assert describe_failure(failed, read_meanings(settings)).splitlines()[1:] == [*told, broken]
    described = {"test.r.assert_sales": " Sales\nare whole. ", "test.r.assert_tax": "", "test.r.assert_costs": "Costs."}
    write_manifest(settings, nodes={node: {"description": text} for node, text in described.items()})
    assert describe_failure(failed, read_meanings(settings)).splitlines()[1:] == [
        told[0],
        "  What it tests: Sales are whole.",
        told[1],
        broken,
    ]


def test_project_that_was_moved_is_parsed_anew_and_one_that_stands_is_not(settings: Settings, tmp_path: Path) -> None:
    parsed = settings.dbt_target_dir / "partial_parse.msgpack"
    parsed.parent.mkdir(parents=True)
    moved = settings.model_copy(update={"dbt_project_dir": tmp_path / "moved" / "dbt"})
    for here, stays in ((settings, False), (settings, True), (moved, False), (moved, True), (settings, False)):
        parsed.write_bytes(b"of an earlier run")
        drop_parse_of_elsewhere(here)
        assert parsed.exists() is stays
