"""What a run tells Prefect's event feed: figures of runs, files and reports, and nothing of customers.

Automations match labels of resources, not payloads ("Event triggers" in Prefect's documentation); so what they watch
for is a label (`retail.freshness: missed`), and the payload has the figures for the text. An event that cannot be sent
is no reason to fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl
from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.logging import get_logger

from flows.run.settings import Settings

MAX_FILES = 50  # the worst ones; an event each
MIN_MONTHS, MONTHS = 6, 12
SPREADS = 3.0  # of a normal distribution 0.3 % lie outside
MAD_TO_SIGMA = 1.4826  # a median absolute deviation as a standard deviation (Rousseeuw & Croux 1993)


def tell_finished(summary: Mapping[str, Any], settings: Settings) -> None:
    """Emit `retail.run.finished`, and `retail.file.quarantined` for each file with bad records."""
    if FlowRunContext.get() is None:  # nobody watches, and an event would start a server
        return
    with _whatever_happens():
        for resource, payload in describe_quarantined(summary["files"], settings.alert_quarantined_ratio):
            emit_event(event="retail.file.quarantined", resource=resource, payload=payload)
        resource, payload = describe_run(summary)
        emit_event(event="retail.run.finished", resource=resource, payload=payload)


def tell_published(summary: Mapping[str, Any], months: pl.DataFrame) -> None:
    """Emit `retail.report.published`; `months` is the KPI sales_by_month."""
    if FlowRunContext.get() is None:
        return
    with _whatever_happens():
        resource, payload = describe_report(summary, months)
        emit_event(event="retail.report.published", resource=resource, payload=payload)


def describe_run(summary: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Resource and payload of a run that has ended."""
    dbt, files = summary["dbt"] or {}, summary["files"]
    checked = dbt.get("freshness")
    stale = [each["source"] for each in checked or () if each["status"] != "pass"]
    resource = {
        "prefect.resource.id": f"retail.run.{summary['run_id']}",
        "prefect.resource.name": f"retail run {summary['run_id']}",
        "retail.status": summary["status"],
        "retail.target": summary["target"],
        "retail.freshness": "unknown" if not checked else "missed" if stale else "met",
    }
    payload = {key: summary[key] for key in ("run_id", "status", "target", "as_of", "seconds")}
    payload |= {key: sum(each[key] for each in files) for key in ("rows_in", "rows_loaded", "rows_quarantined")}
    payload |= {"files": len(files), "stale_sources": ", ".join(stale)}
    return resource, payload | {key: dbt.get(key) for key in ("nodes", "error", "skipped")}


def describe_quarantined(
    files: Sequence[Mapping[str, Any]], alert_ratio: float
) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """Resource and payload of each file with bad records that this run read, the worst first."""
    bad = [each for each in files if each["rows_quarantined"] and each["status"] != "unchanged"]
    bad.sort(key=lambda each: each["rows_quarantined"] / max(each["rows_in"], 1), reverse=True)
    told = []
    for each in bad[:MAX_FILES]:
        ratio = each["rows_quarantined"] / max(each["rows_in"], 1)
        resource = {
            "prefect.resource.id": f"retail.file.{each['table']}.{each['file']}",
            "prefect.resource.name": each["file"],
            "retail.table": each["table"],
            "retail.quarantine": "high" if ratio > alert_ratio else "low",
        }
        payload = {key: each[key] for key in ("table", "file", "rows_in", "rows_quarantined", "reasons")}
        told.append((resource, payload | {"ratio": round(ratio, 4)}))
    return told


def describe_report(summary: Mapping[str, Any], months: pl.DataFrame) -> tuple[dict[str, str], dict[str, Any]]:
    """Resource and payload of a report that was published: whether the last whole month was as the ones before."""
    found = compare_last_month(months)
    is_usual = bool(found) and found["usual_low"] <= found["net_sales"] <= found["usual_high"]
    resource = {
        "prefect.resource.id": f"retail.report.{summary['target']}",
        "prefect.resource.name": f"retail report as of {summary['as_of']}",
        "retail.kpis": "unknown" if not found else "usual" if is_usual else "unusual",
    }
    return resource, {key: summary[key] for key in ("run_id", "as_of", "report")} | found


def compare_last_month(months: pl.DataFrame) -> dict[str, Any]:
    """Net sales of the last whole month and the usual range, by the twelve before; nothing where they are few.

    The range is their median and three robust standard deviations to each side, at least a tenth of the median; so one
    odd month before does not widen it.
    """
    whole = months.filter(pl.col("is_complete")).sort("month_start_date")
    before = whole.head(max(whole.height - 1, 0)).tail(MONTHS)["net_sales_usd"].cast(pl.Float64)
    if before.len() < MIN_MONTHS:
        return {}
    last, middle = whole.row(-1, named=True), float(before.median() or 0)  # type: ignore[arg-type]
    deviation = float((before - middle).abs().median() or 0)  # type: ignore[arg-type]
    reach = max(SPREADS * MAD_TO_SIGMA * deviation, abs(middle) / 10)
    return {
        "month": f"{last['month_start_date']:%Y-%m}",
        "net_sales": round(float(last["net_sales_usd"]), 2),
        "usual_low": round(middle - reach, 2),
        "usual_high": round(middle + reach, 2),
    }


@contextmanager
def _whatever_happens() -> Iterator[None]:
    """The feed is for those who watch; the run has done its work."""
    try:
        yield
    except Exception as error:
        get_logger("retail").warning("what automations watch was not told: %s", type(error).__name__)
