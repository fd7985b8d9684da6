"""The section on data quality in detail: tests by kind, how old the tables were, and what never came."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from flows.marts.findings import kind_of
from flows.marts.results import NodeResult
from reports.quality import Age, Quality, TableRows, TestCount
from tests.conftest import PROJECT
from tests.unit.test_reports import CONTEXT, PageText, usual_frames, write_page

TABLES = tuple(TableRows(name, 1, 2, 2, 0, datetime(2021, 8, 30, 6)) for name in ("raw_orders", "raw_refunds"))
AGES = (Age("load_ledger", "pass", 0.2), Age("raw_orders", "warn", 73.0), Age("raw_stores", "error", None))


def quality_section(folder: Path, quality: Quality) -> str:
    html = write_page(usual_frames(), folder, replace(CONTEXT, quality=quality))
    return html.split('<section id="quality"')[1].split("</section>")[0]


def test_tables_have_their_age_and_state_and_those_that_never_came_are_named(tmp_path: Path) -> None:
    html = quality_section(tmp_path, Quality(tables=TABLES, ages=AGES))
    rows = re.findall(r'<th scope="row">(raw_\w+)</th>.*<td>([^<]*)</td><td>([^<]*)</td></tr>', html)
    assert rows == [("raw_orders", "3 days", "old"), ("raw_refunds", "", "not watched")]
    assert "Nothing was ever loaded: raw_stores." in html
    assert html.count("<th scope=") - html.count('<th scope="row">') == html.split("<tfoot>")[1].count("<td>") + 1


@pytest.mark.parametrize(
    ("hours", "text"), [(0.4, "0 hours"), (0.9, "1 hour"), (47.4, "47 hours"), (48.0, "2 days"), (None, "not known")]
)
def test_age_is_told_in_hours_and_from_two_days_on_in_days(hours: float | None, text: str) -> None:
    assert Age("raw_orders", "pass", hours).text == text


@pytest.mark.parametrize(
    ("status", "state"), [("pass", "fresh"), ("warn", "old"), ("error", "too old"), ("runtime error", "not known")]
)
def test_age_has_a_state_in_words(status: str, state: str) -> None:
    assert Age("raw_orders", status, 1).state == state


def test_tests_are_told_by_kind(tmp_path: Path) -> None:
    counted = (TestCount("keys", 1204, 0), TestCount("findings", 18, 2))
    text = "".join(PageText(quality_section(tmp_path, Quality(tests=counted))).text)
    assert "Keys are unique, and nothing is missing that must be there" in text
    assert re.search(r"must be there\s*1,204\s*0\s*Checks that warn and hold nothing up\s*18\s*2", text)


def test_build_that_recorded_neither_shows_neither(tmp_path: Path) -> None:
    html = quality_section(tmp_path, Quality(tables=TABLES))
    assert "Age when built" not in html
    assert "quality-tests" not in html


def test_every_singular_test_of_the_project_is_of_a_known_kind() -> None:
    names = [path.stem for path in (PROJECT / "dbt" / "tests").glob("*.sql")]
    kinds = {kind_of(NodeResult(f"test.retail.{name}", "pass", "", 1)) for name in names}
    assert kinds == {"figures", "findings"}
