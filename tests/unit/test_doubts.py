"""Every finding of the dbt project, and every table, is declared with the KPIs whose numbers it makes doubtful."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from flows.lake.contracts import CONTRACTS
from reports.doubts import DOUBTS, SET_ASIDE, Finding, notes_at
from reports.kpis import KPIS
from tests.conftest import PROJECT


def project_findings() -> set[str]:
    """What the tests of the dbt project that only warn are about: they all bear the prefix warn_."""
    files = [path for end in ("yml", "sql") for path in (PROJECT / "dbt").glob(f"[mt]*s/**/*.{end}")]
    found = {path.stem for path in files if path.stem.startswith("warn_")}
    for path in files:
        found |= set(re.findall(r"^\s*-?\s*name: (warn_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    return {name.removeprefix("warn_").replace("_", " ") for name in found}


def test_every_finding_of_the_project_says_what_it_touches_and_no_other() -> None:
    assert set(DOUBTS) == project_findings()


def test_every_table_says_which_numbers_its_lost_records_touch() -> None:
    assert set(SET_ASIDE) == set(CONTRACTS)


@pytest.mark.parametrize("finding", list(DOUBTS))
def test_findings_touch_kpis_that_exist(finding: str) -> None:
    assert set(DOUBTS[finding].kpis) <= set(KPIS)
    touches_none = finding.startswith("superseded ") or finding == "supplies of unknown products"
    assert bool(DOUBTS[finding].kpis) is not touches_none


def test_every_kpi_can_be_made_doubtful_by_records_set_aside() -> None:
    assert {kpi for kpis in SET_ASIDE.values() for kpi in kpis} == set(KPIS)


def test_a_finding_is_told_at_the_numbers_it_touches_only() -> None:
    findings = [Finding("orders of unexplained tax", 1204, Decimal("12.30")), Finding("supplies of two costs", 0)]
    told = ("Orders of unexplained tax: 1,204 ($12.30).",)
    assert {kpi for kpi in KPIS if notes_at(kpi, findings, [])} == {"tax_ratio", "tax_rounding", "store_performance"}
    assert notes_at("tax_ratio", findings, [("raw_orders", 1)]) == (*told, "1 record of raw_orders set aside.")
    assert notes_at("stock_cover", findings, [("raw_refunds", 1), ("raw_stock_counts", 0)]) == ()


def test_a_kpi_that_nobody_declared_is_told_every_finding_that_touches_a_number() -> None:
    told = notes_at("plain", [Finding("supplies of two costs", 2), Finding("superseded orders", 3)], [("raw_items", 1)])
    assert told == ("Supplies of two costs: 2.", "1 record of raw_items set aside.")


def test_a_finding_that_nobody_declared_is_told_at_every_number() -> None:
    assert {kpi for kpi in KPIS if notes_at(kpi, [Finding("cats in the till", 2)], [])} == set(KPIS)
