"""The page's headings hold every KPI once, and every KPI says what would change it."""

from __future__ import annotations

from reports.kpis import KPIS
from reports.sections import CHANGES_WITH, FIVE, HEADINGS

ALL_TIME = ("average_order_per_store", "sales_by_category", "tax_ratio", "tax_rounding")


def test_every_kpi_stands_under_one_heading_in_the_order_of_the_artifacts() -> None:
    assert [kpi.name for heading in HEADINGS for kpi in heading.kpis] == list(KPIS)


def test_headings_have_addresses_of_their_own() -> None:
    keys = [heading.key for heading in HEADINGS]
    assert len({*keys, *KPIS, "quality", "about", "five"}) == len(keys) + len(KPIS) + 3


def test_the_five_questions_are_those_of_the_mission() -> None:
    assert set(FIVE) <= set(KPIS)
    assert len(set(FIVE)) == 5


def test_every_kpi_says_what_would_change_it() -> None:
    assert set(CHANGES_WITH) == set(KPIS)
    assert all(sentence.endswith(".") for sentence in CHANGES_WITH.values())


def test_figures_of_all_time_say_so_in_their_title() -> None:
    assert [name for name, kpi in KPIS.items() if kpi.title.endswith(", all time")] == list(ALL_TIME)


def test_shares_of_net_sales_name_what_they_are_shares_of() -> None:
    labels = [column.label for kpi in KPIS.values() for column in kpi.columns]
    assert "Share of net sales" not in labels
