"""The page of the benchmarks has its tables from the benchmark alone, each section of its own run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import NAMES, SECTIONS, check_places, list_measurements, parse_arguments
from tests.benchmarks.page import PAGE, PageError, describe_measurement, put_section, read_prose, read_sections

ROOT = Path(__file__).resolve().parents[2]
TEXT = "# Figures\n<!-- run -->\nold\n<!-- run -->\nbetween\n<!-- growth -->\n<!-- growth -->\nrest\n"


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / PAGE).read_text(encoding="utf-8")


def test_every_section_of_the_page_is_one_that_the_benchmark_writes_and_each_has_its_place(page: str) -> None:
    assert sorted(read_sections(page)) == sorted(SECTIONS)


def test_no_table_of_figures_stands_outside_of_the_sections(page: str) -> None:
    cells = [line for line in read_prose(page).splitlines() if line.startswith("|")]
    assert not [
        line for line in cells if re.search(r"\d", line.replace("SHA-256", "").replace("`007`", "").replace("1e3", ""))
    ]


def test_no_measured_figure_stands_in_the_prose_but_goals(page: str) -> None:
    prose = re.sub(r"^    .*$|`[^`]*`", "", read_prose(page), flags=re.MULTILINE)
    sentences = [sentence for sentence in re.split(r"[.:;]\s", prose) if "goal" not in sentence]
    measured = re.compile(r"\d+\.\d\d\b|\d+(\.\d+)? (ms|s|seconds|MB|%|times)\b|\d+(\.\d+)? ×")
    assert not [sentence for sentence in sentences if measured.search(sentence)]


def test_every_section_says_when_it_was_measured(page: str) -> None:
    assert [name for name, text in read_sections(page).items() if not text.startswith("Measured 20")] == []


def test_a_section_takes_the_place_of_the_older_one_and_of_nothing_else() -> None:
    changed = put_section(TEXT, "run", "new | table")
    assert read_sections(changed) == {"run": "new | table\n", "growth": ""}
    assert read_prose(changed) == read_prose(TEXT)
    assert put_section(put_section(TEXT, "growth", "g"), "run", "r") == put_section(
        put_section(TEXT, "run", "r"), "growth", "g"
    )
    assert put_section(changed, "run", "old") == TEXT


def test_a_section_without_a_place_is_refused_and_the_message_says_how_to_make_one() -> None:
    with pytest.raises(PageError, match=r"<!-- pairs --> twice"):
        put_section(TEXT, "pairs", "new")


@pytest.mark.parametrize(
    "text",
    [
        "<!-- run -->\n",
        "<!-- run -->\n<!-- growth -->\n<!-- run -->\n<!-- growth -->\n",
        "<!-- run -->\n<!-- run -->\n<!-- run -->\n<!-- run -->\n",
    ],
)
def test_comments_that_are_no_pairs_are_refused(text: str) -> None:
    with pytest.raises(PageError, match="pairs"):
        read_sections(text)


def test_a_section_says_its_day_its_commit_and_its_machine() -> None:
    said = describe_measurement({"CPU": "abacus, 1 core", "polars": "2.1.0"})
    assert re.fullmatch(
        r"Measured 20\d\d-\d\d-\d\d, (commit [0-9a-f]{10}( with changes)?|of a copy without history)\. "
        r"CPU: abacus, 1 core; polars: 2\.1\.0",
        said,
    )


def test_every_name_that_can_be_asked_for_measures_one_section(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = set()
    for name in NAMES:
        monkeypatch.setattr("sys.argv", ["benchmarks", "--only", name])
        (section,) = list_measurements(parse_arguments())
        asked.add(section)
    assert asked == set(SECTIONS)


def test_without_a_name_all_is_measured_but_what_needs_a_large_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks"])
    assert set(list_measurements(parse_arguments())) == set(SECTIONS) - {"memory"}


def test_a_page_that_cannot_take_the_tables_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    with pytest.raises(SystemExit, match=r"page\.md: .*No such file"):
        check_places(page, ["run"])
    page.write_text(TEXT)
    check_places(page, ["run", "growth"])
    with pytest.raises(SystemExit, match="there is no place for pairs"):
        check_places(page, ["run", "pairs"])
    assert page.read_text() == TEXT
