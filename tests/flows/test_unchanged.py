"""A run that finds nothing changed keeps the report and ends; what made the report makes another once it differs."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.ingest import ingest
from flows.marts import standing
from flows.marts.standing import age_sources, find_standing, made_from_sha256, summarise_standing
from flows.pipeline import retail_pipeline
from flows.run.settings import Settings
from flows.run.summary_text import describe
from flows.run.target import open_warehouse
from tests.conftest import PROJECT, Finished
from tests.tiny_shop import AS_OF, FILES, write_shop

pytestmark = pytest.mark.usefixtures("without_node_runs")


def settings_of(work_dir: Path, **others: Any) -> Settings:
    return Settings(work_dir=work_dir, **{"as_of": AS_OF} | others)


def find(work_dir: Path, **others: Any) -> standing.Standing | None:
    settings = settings_of(work_dir, **others)
    return find_standing(open_warehouse(settings), settings)


def hash_reports(work_dir: Path) -> dict[str, str]:
    files = [path for path in (work_dir / "reports").rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def found_tests(work_dir: Path, build_id: str) -> dict[str, Any]:
    with duckdb.connect(str(work_dir / "warehouse.duckdb"), read_only=True) as connection:
        sql = "select findings from ops.build_ledger where build_id = $1"
        (findings,) = connection.execute(sql, [build_id]).fetchone() or ("",)
    return dict(json.loads(findings)["tests"])


@pytest.fixture
def work_dir(tiny_run: Finished, tmp_path: Path) -> Path:
    """A copy of the finished tiny run, to be changed at will."""
    return Path(shutil.copytree(tiny_run.work_dir, tmp_path / "work", symlinks=True))


@pytest.fixture
def source(tmp_path: Path) -> str:
    return str(write_shop(tmp_path / "source"))


def test_second_run_keeps_the_report_and_says_so_until_it_is_forced(
    tiny_run: Finished, work_dir: Path, source: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(**given: Any) -> dict[str, Any]:
        return retail_pipeline(source=source, work_dir=str(work_dir), as_of=AS_OF, **given)

    before = hash_reports(work_dir)
    with caplog.at_level(logging.INFO):
        summary = run()
    assert summary["status"] == "unchanged"
    assert summary == json.loads((work_dir / "runs" / f"{summary['run_id']}.json").read_text())
    assert {file["status"] for file in summary["files"]} == {"unchanged"}
    assert summary["dbt"]["nodes"] == 0
    assert Path(summary["report"]) == work_dir / "reports" / AS_OF.isoformat() / "index.html"
    assert summary["as_of"] == AS_OF.isoformat()
    assert summary["seconds"].keys() == {"ingest"}
    assert hash_reports(work_dir) == before, "the report stands as it is"
    assert "Nothing has changed since the report of" in caplog.text
    assert "nothing to build" in describe(summary)
    assert " nodes" not in describe(summary)

    monkeypatch.setenv("RETAIL_REBUILD", "true")
    forced = run()
    assert forced["status"] == "completed"
    assert forced["dbt"]["nodes"] > 50
    assert forced["build_id"] != summary["build_id"]
    first, second = (found_tests(work_dir, run["build_id"]) for run in (summary, forced))
    assert first == second, "the examples of the same project count as proven"
    examples = first["by_kind"]["examples"]["passed"]
    assert forced["dbt"]["nodes"] == tiny_run.summary["dbt"]["nodes"] - examples < tiny_run.summary["dbt"]["nodes"]
    monkeypatch.delenv("RETAIL_REBUILD")
    assert run()["status"] == "unchanged", "what was made by force stands too"


def test_changed_file_is_never_taken_for_nothing(work_dir: Path, tmp_path: Path) -> None:
    changed = write_shop(tmp_path / "changed", raw_stores=FILES["raw_stores.csv"].replace("North", "Nord"))
    ingest(source=str(changed), work_dir=str(work_dir))
    assert find(work_dir) is None


def test_file_that_comes_back_after_another_is_another_delivery(work_dir: Path, source: str, tmp_path: Path) -> None:
    """What it said meanwhile is history; a run that finds the same files again has nothing to do."""
    ingest(source=source, work_dir=str(work_dir))
    assert find(work_dir)
    other = write_shop(tmp_path / "other", raw_products=FILES["raw_products.csv"].replace("1000", "1100"))
    for files in (str(other), source):
        ingest(source=files, work_dir=str(work_dir))
        assert find(work_dir) is None


def test_settings_and_code_that_make_a_report_make_another(
    work_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find(work_dir)
    assert found is not None
    assert found.facts.build_id == found.build.build_id
    assert find(work_dir, dbt_threads=1, keep_reports=3, python_memory_mb=500), "what makes no other report is free"
    assert find(work_dir, language="fr") is None
    assert find(work_dir, currency="EUR") is None
    assert find(work_dir, pdf=True) is None
    assert find(work_dir, as_of=None) is None, "the last day of the data was not asked for"
    assert find(work_dir, as_of=AS_OF - timedelta(days=1)) is None
    project = Path(shutil.copytree(PROJECT / "dbt", tmp_path / "dbt", ignore=shutil.ignore_patterns("target", "logs")))
    assert find(work_dir, dbt_project_dir=project), "the same project elsewhere is the same"
    with (project / "seeds/customers_status.csv").open("a", encoding="utf-8") as seed:
        seed.write("\n")
    assert find(work_dir, dbt_project_dir=project) is None
    monkeypatch.setattr(standing, "version", lambda name: "another" if name == "plotnine" else "1")
    assert find(work_dir) is None


def test_code_of_the_flows_and_the_reports_makes_another(
    work_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find(work_dir)
    assert found is not None
    leave_out = shutil.ignore_patterns("__pycache__")
    for folder in standing.CODE:
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=leave_out)
    monkeypatch.setattr(standing, "PROJECT", tmp_path)
    settings = settings_of(work_dir)
    same = made_from_sha256(found.build, settings)
    assert same == found.facts.made_from, "where the code lies is not what it says"
    for file in ("flows/marts/answers.py", "reports/page.html.j2", "reports/locale/fr/LC_MESSAGES/reports.po"):
        path = tmp_path / file
        path.write_bytes(path.read_bytes() + b"\n")
        changed = made_from_sha256(found.build, settings)
        assert changed != same, file
        same = changed


@pytest.mark.parametrize(
    "harm",
    [
        lambda report: (report / "index.html").write_text("cut off"),
        lambda report: (report / "tax_ratio.png").unlink(),
        lambda report: (report / "another.png").touch(),
        lambda report: (report / "report.json").unlink(),
        lambda report: (report / "report.json").write_text("{}"),
        lambda report: (report / "report.json").write_text("not JSON"),
    ],
    ids=["page altered", "chart lost", "file added", "no facts", "empty facts", "broken facts"],
)
def test_report_that_is_not_as_it_was_published_does_not_stand(work_dir: Path, harm: Callable[[Path], object]) -> None:
    harm(work_dir / "reports" / AS_OF.isoformat())
    assert find(work_dir) is None


@pytest.mark.parametrize(
    "sql",
    [
        "update intermediate.int_build_gate set build_id = 'of a build by hand'",
        "update ops.build_ledger set passed = false",
        "update ops.build_ledger set project_sha256 = 'another'",
        "update ops.load_ledger set file_sha256 = 'another' where table_name = 'raw_items'",
        "delete from ops.load_ledger where table_name = 'raw_items'",
    ],
)
def test_marts_that_are_not_those_of_the_report_do_not_stand(work_dir: Path, sql: str) -> None:
    with duckdb.connect(str(work_dir / "warehouse.duckdb")) as connection:
        connection.execute(sql)
    assert find(work_dir) is None


def test_report_asked_for_as_pdf_stands_only_with_it(work_dir: Path) -> None:
    found = find(work_dir)
    assert found is not None
    report = work_dir / "reports" / AS_OF.isoformat()
    said = json.loads((report / "report.json").read_text())
    said["made_from"] = made_from_sha256(found.build, settings_of(work_dir, pdf=True))
    (report / "report.json").write_text(json.dumps(said))
    assert find(work_dir, pdf=True) is None, "Chromium may be there by now"
    (report / "report.pdf").write_bytes(b"%PDF")
    said["files"]["report.pdf"] = hashlib.sha256(b"%PDF").hexdigest()
    (report / "report.json").write_text(json.dumps(said))
    assert find(work_dir, pdf=True)


def test_sources_grow_old_while_nothing_changes(work_dir: Path) -> None:
    found = find(work_dir)
    assert found is not None
    settings = settings_of(work_dir)
    fresh = summarise_standing(found, settings)["freshness"]
    assert {each["status"] for each in fresh} == {"pass"}
    later = summarise_standing(found, settings, datetime.now(UTC) + timedelta(days=2, hours=1))["freshness"]
    assert [each["source"] for each in later] == [each["source"] for each in fresh]
    assert {each["status"] for each in later} == {"warn"}
    assert all(48 < each["age_hours"] < 50 for each in later)


def test_age_follows_the_thresholds_of_dbt() -> None:
    def measured(source: str, newest: str | None, **others: Any) -> dict[str, Any]:
        known = {"source": source, "status": "warn", "max_loaded_at": newest, "age_hours": 1.0, "message": None}
        return known | others

    limits = {
        "raw.both": {"warn_after": {"count": 2, "period": "day"}, "error_after": {"count": 3, "period": "day"}},
        "raw.minutes": {"warn_after": {"count": 90, "period": "minute"}, "error_after": {"count": None}},
        "raw.hours": {"warn_after": None, "error_after": {"count": 49, "period": "hour"}},
    }
    now = datetime(2026, 1, 10, 12, tzinfo=UTC)
    sources = [
        measured("raw.both", "2026-01-08T12:00:00"),  # two days to the second are not more than two
        measured("raw.both", "2026-01-08T11:59:59.5"),
        measured("raw.both", "2026-01-07T11:00:00"),
        measured("raw.minutes", "2026-01-10T10:29:00"),
        measured("raw.hours", "2026-01-08T12:00:00"),
        measured("raw.hours", "2026-01-08T10:00:00"),
        measured("raw.free", "2020-01-01T00:00:00"),
        measured("raw.never", None, status="error", age_hours=None),
        measured("raw.lost", None, status="runtime error", message="dbt could not ask it"),
    ]
    aged = age_sources(sources, limits, now)
    statuses = ["pass", "warn", "error", "warn", "pass", "error", "pass", "error", "runtime error"]
    assert [each["status"] for each in aged] == statuses
    assert [each["age_hours"] for each in aged[:4]] == [48.0, 48.0, 73.0, 1.5]
    assert aged[-2:] == sources[-2:], "of what was never measured nothing is known now either"


def test_as_of_of_the_data_is_one_of_the_data(work_dir: Path) -> None:
    """Without a day asked for the newest report is `latest`, and it was made without one."""
    found = find(work_dir)
    assert found is not None
    one, other = settings_of(work_dir, as_of=None), settings_of(work_dir, as_of=date(2025, 6, 30))
    assert made_from_sha256(found.build, one) != made_from_sha256(found.build, other)
