"""The events of a run: labels that automations match, figures for their text, and no customer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from flows.run import events
from flows.run.events import compare_last_month, describe_quarantined, describe_report, describe_run, tell_finished
from flows.run.settings import load_settings

FILES: list[dict[str, Any]] = [
    {
        "table": "raw_orders",
        "file": f"raw_orders_{n}.csv",
        "status": status,
        "rows_in": 100,
        "rows_loaded": 100 - bad,
        "rows_quarantined": bad,
        "reasons": {"customer:unknown": bad},
        "error": "customer Ann Smith stands in this text",
    }
    for n, (bad, status) in enumerate(
        [(0, "loaded"), (1, "loaded"), (5, "replaced"), (9, "unchanged"), (50, "refused")]
    )
]
SUMMARY: dict[str, Any] = {
    "run_id": "r-1",
    "status": "completed",
    "target": "local",
    "as_of": "2026-03-31",
    "files": FILES,
    "seconds": {"ingest": 1.0},
    "report": "work/reports/latest/index.html",
    "dbt": {"nodes": 3, "error": 0, "skipped": 0, "freshness": [{"source": "raw.raw_orders", "status": "pass"}]},
}


def months(*sales: int, last_is_whole: bool = True) -> pl.DataFrame:
    days = [date(2024 + n // 12, n % 12 + 1, 1) for n in range(len(sales))]
    is_complete = [n < len(sales) - 1 or last_is_whole for n in range(len(sales))]
    amounts = [Decimal(amount) for amount in sales]
    columns = {"month_start_date": pl.Date, "is_complete": pl.Boolean, "net_sales_usd": pl.Decimal(18, 2)}
    return pl.DataFrame([days, is_complete, amounts], schema=columns)


def test_finished_run_tells_its_figures() -> None:
    resource, payload = describe_run(SUMMARY)
    assert resource["prefect.resource.id"] == "retail.run.r-1"
    assert (resource["retail.status"], resource["retail.freshness"]) == ("completed", "met")
    assert (payload["files"], payload["rows_in"], payload["rows_loaded"], payload["rows_quarantined"]) == (
        5,
        500,
        435,
        65,
    )
    assert (payload["nodes"], payload["as_of"], payload["seconds"]) == (3, "2026-03-31", {"ingest": 1.0})


@pytest.mark.parametrize(
    ("dbt", "label", "stale"),
    [
        (None, "unknown", ""),
        ({"freshness": []}, "unknown", ""),
        ({"freshness": [{"source": "a", "status": "pass"}, {"source": "b", "status": "warn"}]}, "missed", "b"),
        ({"freshness": [{"source": "a", "status": "runtime error"}]}, "missed", "a"),
    ],
)
def test_finished_run_says_whether_its_sources_are_fresh(dbt: Any, label: str, stale: str) -> None:
    resource, payload = describe_run(SUMMARY | {"dbt": dbt})
    assert (resource["retail.freshness"], payload["stale_sources"]) == (label, stale)


def test_quarantined_files_are_told_worst_first_and_only_those_that_were_read_now() -> None:
    told = describe_quarantined(FILES, 0.05)
    assert [(resource["prefect.resource.name"], resource["retail.quarantine"]) for resource, _ in told] == [
        ("raw_orders_4.csv", "high"),
        ("raw_orders_2.csv", "low"),  # 5 of 100 is not above 0.05
        ("raw_orders_1.csv", "low"),
    ]
    assert told[0][1]["ratio"] == 0.5
    assert told[0][1]["reasons"] == {"customer:unknown": 50}


def test_quarantined_files_are_at_most_fifty_events() -> None:
    many = [FILES[1] | {"file": f"{n}.csv", "rows_quarantined": n} for n in range(1, 80)]
    told = describe_quarantined(many, 0.5)
    assert len(told) == 50
    assert told[0][1]["file"] == "79.csv"


def test_events_hold_no_text_of_records() -> None:
    assert "Ann Smith" not in str(describe_quarantined(FILES, 0)) + str(describe_run(SUMMARY))


@pytest.mark.parametrize(
    ("sales", "label"),
    [
        ((100, 102, 98, 101, 99, 100, 103), "usual"),
        ((100, 102, 98, 101, 99, 100, 40), "unusual"),
        ((100, 102, 98, 101, 99, 100, 160), "unusual"),
        ((100, 100, 100, 100, 100, 100, 109), "usual"),  # within a tenth, though nothing ever varied
        ((100, 100, 100, 100, 100, 100, 111), "unusual"),
        ((100, 102, 98, 101, 999, 100, 160), "unusual"),  # one odd month before does not widen the range
        ((100, 102, 98, 101, 99, 40), "unknown"),  # too few before
        ((), "unknown"),
    ],
)
def test_report_says_whether_the_last_month_is_usual(sales: tuple[int, ...], label: str) -> None:
    resource, payload = describe_report(SUMMARY, months(*sales))
    assert resource["retail.kpis"] == label
    assert ("usual_low" in payload) == (label != "unknown")


def test_month_in_progress_is_not_judged() -> None:
    found = compare_last_month(months(100, 102, 98, 101, 99, 100, 103, 1, last_is_whole=False))
    assert (found["month"], found["net_sales"]) == ("2024-07", 103.0)


def test_only_the_twelve_months_before_count() -> None:
    assert compare_last_month(months(*[900] * 20, *[100] * 12, 100))["usual_high"] == 110.0


def test_event_that_cannot_be_made_or_sent_fails_no_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**_: Any) -> None:
        raise ConnectionError("key-1234")

    monkeypatch.setattr(events, "emit_event", refuse)
    tell_finished(SUMMARY, load_settings())  # outside of a flow nobody is told
    assert caplog.text == ""
    monkeypatch.setattr(events.FlowRunContext, "get", staticmethod(object))
    tell_finished(SUMMARY, load_settings())
    tell_finished({"files": [{}]}, load_settings())
    assert caplog.text.count("was not told") == 2
    assert "key-1234" not in caplog.text
