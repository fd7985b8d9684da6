"""What the page says of a past day: that its numbers still hold, or what changed them, beside each it touches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from flows.run.report_artifacts import describe_report
from reports.kpis import KPIS
from reports.languages import speaking
from reports.page import PageContext
from reports.past import CHANGES, Change, write_past
from reports.quality import Quality
from reports.render import render_svg
from tests.unit.test_languages import french_faults
from tests.unit.test_reports import CONTEXT, PageText, usual_frames, write_page

DAY = date(2021, 8, 30)
LATE = Change("orders", "late", 1203, Decimal("12.30"))
PRICES = Change("products", "late", 1)


def context_of(changes: tuple[Change, ...] | None) -> PageContext:
    return replace(CONTEXT, quality=Quality(changes=changes))


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[Change, ...] | None], str]:
    """The page of a report to which these changes happened."""
    return lambda changes: write_page(usual_frames(), tmp_path_factory.mktemp("page"), context_of(changes))


def sections(html: str) -> dict[str, str]:
    return {part.split('"')[0]: "".join(PageText(part).text) for part in html.split('<section id="')[1:]}


def find_told(html: str, sentence: str) -> set[str]:
    """The KPIs at whose number a sentence stands: in their section, or under a heading and so at all that it heads."""
    found: set[str] = set()
    for part in html.split('<h2 class="heading" id="')[1:]:
        head, *bodies = part.split("<h2")[0].split('<section id="')
        names = [body.partition('"')[0] for body in bodies]
        found |= {name for name, body in zip(names, bodies, strict=True) if sentence in head or sentence in body}
    return found & set(KPIS)


def test_changes_of_the_past_are_told_at_the_top_at_their_numbers_and_in_the_section_on_quality(
    write: Callable[[tuple[Change, ...] | None], str],
) -> None:
    html = write((LATE, PRICES))
    said = (
        "What was delivered since has changed the days up to 30 August 2021: orders that came later: 1,203 ($12.30); "
        "products or prices that came later: 1."
    )
    top, told = "".join(PageText(html.split("<main>")[0]).text), sections(html)
    assert "Read with care" in top
    assert said in top
    assert said in told["quality"]
    assert "They are in these numbers; on that day they were not there yet." in told["quality"]
    assert find_told(html, "Orders that came later: 1,203 ($12.30).") == set(LATE.kind.doubt.kpis)
    assert find_told(html, "Products or prices that came later: 1.") == set(PRICES.kind.doubt.kpis)


def test_past_day_that_nothing_changed_is_said_to_hold(write: Callable[[tuple[Change, ...] | None], str]) -> None:
    html = write(())
    assert "30 August 2021. Nothing that was delivered since changes its numbers." in sections(html)["quality"]
    assert "Read with care" not in "".join(PageText(html).text)


def test_newest_day_says_nothing_of_the_past(write: Callable[[tuple[Change, ...] | None], str]) -> None:
    assert 'id="past"' not in write(None)
    assert write_past(None, DAY) == ""


def test_files_loaded_since_are_told_in_the_language_of_the_page(tmp_path: Path) -> None:
    context = replace(context_of((LATE,)), is_behind=True)
    with speaking("fr"):
        text = "".join(PageText(write_page(usual_frames(), tmp_path, context)).text)
        assert not any(
            french_faults(text) for each in CHANGES for text in (Change(*each, 3).sentence, Change(*each, 3).effect)
        )
    assert "Files were loaded since" not in text
    assert "commandes arrivées plus tard\u00a0: 1\u202f203" in text


def test_artifact_of_a_past_day_tells_its_changes(tmp_path: Path) -> None:
    frames = usual_frames()
    render_svg(next(iter(KPIS.values())), frames[next(iter(KPIS))], tmp_path)
    for changes, is_told in (((LATE,), True), ((), False), (None, False)):
        assert ("orders that came later: 1,203" in describe_report(frames, tmp_path, context_of(changes))) is is_told


@pytest.mark.parametrize("kind", CHANGES, ids="-".join)
def test_every_change_is_a_sentence_of_its_own_and_touches_kpis_that_exist(kind: tuple[str, str]) -> None:
    change = Change(*kind, 3, Decimal("1.50"))
    has_amount = kind[0] in {"orders", "refunds"} and kind[1] != "rewritten"
    assert change.sentence.endswith(": 3 ($1.50)." if has_amount else ": 3.")
    assert set(change.kind.doubt.kpis) <= set(KPIS)
    assert len({Change(*each, 3).sentence for each in CHANGES}) == len(CHANGES)
