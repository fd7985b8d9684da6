"""The artifact of a whole run: its figures, nothing of customers, and no way to hold up a run that ends."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from flows.ingest import describe_files
from flows.marts.results import NodeResult, describe_build, list_slowest
from flows.run import overview
from flows.run.overview import describe_in_short, describe_run, publish_overview
from flows.warehouse.outcomes import FileOutcome
from tests.unit.test_events import SUMMARY

BARE = SUMMARY | {"dbt": None}
BEGUN = datetime(2026, 11, 29, 18, 57, 40, tzinfo=UTC)
BUILT = {"nodes": 160, "success": 158, "error": 1, "skipped": 1, "seconds": 31.4}
NODES = [NodeResult(f"model.retail.m{n}", "success", "", 1, seconds=float(n), rows_affected=n) for n in range(12)]


def told(**changed: Any) -> str:
    dbt = SUMMARY["dbt"] | {"success": 3, "seconds": 1.0}
    return describe_run(SUMMARY | {"error": None, "dbt": dbt} | changed)


def test_overview_says_where_the_rows_went_and_why() -> None:
    text = told()
    assert "## 5 files" in text
    assert "500 rows in = 435 loaded + 65 set aside." in text
    assert "| customer:unknown | 65 |" in text
    assert r"raw\_orders\_4.csv | refused | 100 | 50 | 50 |" in text
    assert r"raw\_orders\_3.csv" not in text, "what has not changed is counted, not listed"
    assert "The report: work/reports/latest/index.html" in text


def test_overview_says_what_was_charged_where_that_is_known() -> None:
    text = told(usage={"rpu_seconds": 12_345, "usd": "1.29"})
    assert "charged 12,345 RPU-seconds while it ran, about $1.29. This is an estimate" in text
    assert "RPU" not in told(usage=None)


def test_overview_says_no_word_of_errors_for_they_may_quote_records() -> None:
    text = told(status="failed", error="LoadError: Ann Smith has no order")
    assert "Ann Smith" not in text
    assert "| status | failed |" in text
    assert "did not end well" in text


def test_overview_of_a_run_that_came_to_nothing_has_its_status_alone() -> None:
    text = told(status="cancelled", files=[], dbt=None, report=None, as_of=None)
    assert "| status | cancelled |" in text
    assert "##" not in text


def test_names_cannot_break_out_of_tables() -> None:
    files = [SUMMARY["files"][0] | {"file": "a|<script>x</script>.csv"}]
    assert r"a\|&lt;script&gt;x&lt;/script&gt;.csv" in told(files=files)


def test_of_many_files_the_first_are_listed_and_the_others_counted() -> None:
    text = told(files=[SUMMARY["files"][0]] * (overview.MAX_FILES + 7))
    assert text.count(r"raw\_orders\_0.csv") == overview.MAX_FILES
    assert "And 7 more files" in text


def test_slowest_nodes_are_ten_and_the_slowest_first() -> None:
    skipped = NodeResult("model.retail.never", "skipped", "", 0, seconds=99.0)
    slowest = list_slowest([*NODES, skipped])
    assert [each["seconds"] for each in slowest] == [11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0]
    dbt = {"nodes": 13, "success": 12, "error": 0, "skipped": 1, "seconds": 66.0, "slowest": slowest}
    assert "| model.m11 | 11.00 | 11 | success |" in told(dbt=dbt)
    silent = NodeResult("model.retail.m", "success", "", 1)
    dbt["slowest"] = list_slowest([NodeResult("model.retail.n", "success", "", 1, rows_affected=0), silent])
    assert "| model.n | 0.00 | 0 | success |" in told(dbt=dbt)
    assert "| model.m | 0.00 | not told | success |" in told(dbt=dbt)
    dbt["slowest"] = list_slowest([silent])
    assert "| model.m | 0.00 | success |" in told(dbt=dbt)
    assert "rows affected" not in told(dbt=dbt)


def test_build_lists_the_nodes_that_are_worth_a_look_and_no_exposure() -> None:
    ages = {
        "source": "raw.raw_orders",
        "status": "pass",
        "max_loaded_at": "2026-11-29",
        "age_hours": 6.7,
        "message": None,
    }
    warned = NodeResult("test.retail.t", "warn", "3 rows", 1)
    retried = NodeResult("model.retail.again", "success", "", 2)
    nodes = [*NODES, NodeResult("exposure.retail.page", "no-op", "NO-OP", 1), warned, retried]
    text = describe_build(nodes, 12.0, {"freshness": [ages]})
    assert "| test.t | warn | 1 | 3 rows |" in text
    assert "| model.again | success | 2 |" in text
    assert "exposure" not in text
    assert "model.m" not in text
    assert "None" not in text


def test_server_that_does_not_answer_holds_no_run_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "FlowRunContext", type("Inside", (), {"get": object}))
    monkeypatch.setattr(overview, "publish", lambda *_, **__: time.sleep(5))
    monkeypatch.setattr(overview, "PATIENCE_SECONDS", 0.1)
    start = time.monotonic()
    publish_overview(BARE, BEGUN, [])
    assert 0.1 <= time.monotonic() - start < 3


def test_artifact_that_cannot_be_saved_fails_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(key: str, *_: str, **__: object) -> None:
        asked.append(key)
        raise OSError("no server")

    monkeypatch.setattr(overview, "FlowRunContext", type("Inside", (), {"get": object}))
    monkeypatch.setattr(overview, "publish", refuse)
    publish_overview(BARE, BEGUN, [])
    assert asked == ["run-summary"]


def test_run_that_goes_on_says_since_when_and_one_that_has_ended_does_not() -> None:
    going = BARE | {"status": "running"}
    assert r"| status | running since 2026\-11\-29 18:57 UTC |" in describe_run(going, BEGUN)
    assert "| status | completed |" in describe_run(going | {"status": "completed"}, BEGUN)


def test_list_of_artifacts_tells_how_the_run_went_in_figures() -> None:
    assert describe_in_short(SUMMARY | {"status": "failed", "dbt": BUILT}) == (
        "failed: 5 files, 500 records: 435 loaded, 65 set aside; "
        "160 dbt nodes in 31 s: 158 succeeded, 1 failed, 1 skipped"
    )
    not_begun = dict.fromkeys(BUILT, 0)
    assert describe_in_short(SUMMARY | {"status": "cancelled", "files": [], "dbt": not_begun}) == "cancelled"


def test_overview_that_was_saved_before_is_changed_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[tuple[str, UUID | None]] = []
    first = uuid4()

    def save(key: str, title: str, markdown: str, *, instead_of: UUID | None = None) -> UUID:
        saved.append((title, instead_of))
        return instead_of or first

    monkeypatch.setattr(overview, "FlowRunContext", type("Inside", (), {"get": object}))
    monkeypatch.setattr(overview, "publish", save)
    bare = BARE | {"files": []}
    shown: list[UUID] = []
    publish_overview(bare | {"status": "running"}, BEGUN, shown)
    publish_overview(bare | {"status": "completed"}, BEGUN, shown)
    assert shown == [first]
    assert saved == [("running", None), ("completed", first)]


def test_list_of_artifacts_tells_what_became_of_the_files() -> None:
    outcomes = [
        FileOutcome("raw_orders", "raw_orders.csv", "a" * 64, "loaded", 1500, 1497, 3),
        FileOutcome("raw_items", "raw_items.csv", "b" * 64, "unchanged", 20, 20, 0),
        FileOutcome("raw_stores", "raw_stores.csv", "c" * 64, "refused"),
    ]
    assert describe_files(outcomes) == (
        "3 files (1 loaded, 1 unchanged, 1 refused), 1,520 records: 1,517 loaded, 3 set aside"
    )
    assert describe_files([]) == "0 files (none), 0 records: 0 loaded, 0 set aside"
