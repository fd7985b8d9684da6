"""Every number of the page is a KPI's, in both languages, and the two say the same; a changed number is noticed."""

from __future__ import annotations

import base64
import csv
import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from reports.kpis import KPIS
from reports.languages import LANGUAGES, Language, speaking
from reports.page import render_page
from tests.kept_drawings import draw_kept
from tests.page_texts import Page, plain, read_numbers
from tests.pages import Explainer, differences, numbers_of
from tests.unit.test_languages import french_faults
from tests.unit.test_reports import CONTEXT, hostile_frames, usual_frames, write_page

DAYS = (date(2021, 8, 30), date(2020, 8, 31), date(2018, 9, 1))
ROWS = (1205, 1204, 1, 6)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, kept_in_session: Path) -> dict[Language, str]:
    """The page of the usual frames with its real charts, by language."""
    written = {}
    for language in LANGUAGES:
        folder = tmp_path_factory.mktemp(language)
        with speaking(language):
            for name, frame in usual_frames().items():
                draw_kept(name, frame, folder, kept_in_session)
            page = render_page(usual_frames(), folder / "index.html", CONTEXT)
        written[language] = page.read_text(encoding="utf-8")
    return written


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_of_text_and_tables_is_found_in_the_kpi_tables(
    language: Language, pages: dict[Language, str]
) -> None:
    explainer = Explainer(language, usual_frames(), ROWS, DAYS)
    assert [fault for block in Page(pages[language]).blocks for fault in explainer.faults(block)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_changed_number_is_noticed(language: Language, pages: dict[Language, str]) -> None:
    """Each number of prose and tables, one after the other, with its last digit changed."""
    explainer = Explainer(language, usual_frames(), ROWS, DAYS)
    shown = [block for block in Page(pages[language]).blocks if block.section in KPIS and block.tag != "svg"]
    changed = [
        replace(block, text=f"{block.text[: match.start()]}{(int(match[0]) + 4) % 10}{block.text[match.end() :]}")
        for block in shown
        for match in re.finditer(r"\d(?=\D*$)|\d(?=[^\d.,\s\u202f])", block.text)
    ]
    noticed = [block for block in changed if explainer.faults(block)]
    assert len(changed) > 300
    assert len(noticed) / len(changed) > 0.9, "a small count may happen to be there, the others do not"


def test_both_languages_say_the_same_numbers_at_the_same_places(pages: dict[Language, str]) -> None:
    english, french = (numbers_of(Page(pages[each]), each) for each in ("en", "fr"))
    assert differences(english, french) == []
    assert sum(len(numbers) for _, numbers in english) > 700


def test_chart_labels_keep_every_digit(pages: dict[Language, str]) -> None:
    texts = [block.text for block in Page(pages["en"]).blocks if block.section == "tax_ratio" and block.tag == "svg"]
    labels = [text for text in texts if "Tax, percent of net sales" in text]  # the others name and describe a drawing
    assert len(labels) == 2
    for text in labels:
        numbers = {number.value for number in read_numbers(plain(text, "en"))}
        assert {Decimal("5.995"), Decimal("-0.005"), Decimal("4.973"), Decimal("-0.050")} <= numbers


def test_the_french_page_is_set_as_french_is(pages: dict[Language, str]) -> None:
    names = {name for frame in usual_frames().values() for name in frame.to_series(0).cast(str).to_list()}
    faults = {
        fault: block.text
        for block in Page(pages["fr"]).blocks
        for fault in french_faults(block.text)
        if block.text not in names and "Survey Methodology" not in block.text
    }
    assert faults == {}
    assert '<html lang="fr">' in pages["fr"]


def test_names_are_never_translated(tmp_path: Path) -> None:
    frames = hostile_frames()
    with speaking("fr"):
        cells = [block.text for block in Page(write_page(frames, tmp_path)).blocks if block.tag in ("td", "th", "bdi")]
    assert "Same Name" in cells
    assert "王小明" in cells


@pytest.mark.parametrize(
    ("language", "delimiter", "row"),
    [("en", ",", ["12", "4210.50", "4463.13", "0.7015"]), ("fr", ";", ["12", "4210,50", "4463,13", "0,7015"])],
)
def test_csv_is_what_the_spreadsheets_of_the_language_read(
    language: Language, delimiter: str, row: list[str], pages: dict[Language, str]
) -> None:
    link = re.search(
        r'download="sales_per_customer.csv" href="data:text/csv;charset=utf-8;base64,([^"]+)"', pages[language]
    )
    assert link is not None
    text = base64.b64decode(link[1]).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    assert rows[0] == list(KPIS["sales_per_customer"].schema)
    assert rows[1] == ["c1", "Ava Cole", *row]
