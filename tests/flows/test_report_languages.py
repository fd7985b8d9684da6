"""The report of a finished run, in both languages: whose numbers stand where, and what a shop of euros reads."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from flows.errors import ConfigError
from flows.report import report
from flows.run.settings import load_settings
from flows.run.target import open_warehouse
from reports.kpis import KPIS
from reports.languages import LANGUAGES, Language
from tests.conftest import Finished
from tests.page_texts import Page
from tests.pages import Explainer, differences, numbers_of
from tests.unit.test_languages import french_faults


def page_of(folder: Path, language: Language, main: Language = "en") -> Page:
    file = folder / ("index.html" if language == main else f"index.{language}.html")
    return Page(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_of_the_shipped_report_is_found_in_its_kpi_tables(
    language: Language, shipped_run: Finished
) -> None:
    """Beside the KPIs stand what the run counted, from its summary, and the days that it covers."""
    frames = {name: pl.read_parquet(shipped_run.report / f"{name}.parquet") for name in KPIS}
    files = shipped_run.summary["files"]
    counted: list[int] = [len(files), *(file[key] for file in files for key in ("rows_in", "rows_loaded"))]
    for table in {file["table"] for file in files}:
        of_table = [file for file in files if file["table"] == table]
        counted += [len(of_table), sum(file["rows_in"] for file in of_table)]
    counted += [sum(file["rows_in"] for file in files), sum(file["rows_quarantined"] for file in files)]
    counted += [round(each["age_hours"]) for each in shipped_run.summary["dbt"]["freshness"]]
    kinds = passed_by_kind(shipped_run)
    assert sum(kinds) == count_tests(shipped_run)
    counted += [sum(kinds), *kinds]
    explainer = Explainer(language, frames, counted, (date(2021, 8, 30), date(2020, 8, 31), date(2018, 9, 1)))
    page = page_of(shipped_run.report, language)
    said = [block for block in page.blocks if block.tag != "footer"]  # the run's id is no number
    assert [fault for block in said for fault in explainer.faults(block)] == []


def passed_by_kind(run: Finished) -> list[int]:
    """What the build recorded of its tests, all of which passed."""
    warehouse = open_warehouse(load_settings(work_dir=str(run.work_dir)))
    try:
        build = warehouse.read_build()
    finally:
        warehouse.close()
    assert build is not None
    return [ended["passed"] for ended in build.findings["tests"]["by_kind"].values()]


def count_tests(run: Finished) -> int:
    """All tests of the dbt project: none of them found anything in the shipped data."""
    manifest = json.loads((run.work_dir / "dbt/local/manifest.json").read_text(encoding="utf-8"))
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    return len(tests) + len(manifest["unit_tests"])


def test_both_pages_of_the_shipped_report_say_the_same_numbers(shipped_run: Finished) -> None:
    english, french = (numbers_of(page_of(shipped_run.report, each), each) for each in ("en", "fr"))
    assert differences(english, french) == []


def test_the_shipped_report_is_set_as_french_is(shipped_run: Finished) -> None:
    names = {
        name
        for kpi in KPIS
        for column in pl.read_parquet(shipped_run.report / f"{kpi}.parquet").select(pl.col(pl.String))
        for name in column.drop_nulls()
    }
    faults = {}
    for block in page_of(shipped_run.report, "fr").blocks:
        text = block.text
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, "")
        if found := french_faults(text):
            faults[text] = found
    assert faults == {}


def test_a_french_shop_of_euros_reads_french_and_euros(
    tiny_run: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_dir = Path(shutil.copytree(tiny_run.work_dir, tmp_path / "work", symlinks=True))
    monkeypatch.setenv("RETAIL_CURRENCY", "EUR")
    folder = Path(report(work_dir=str(work_dir), language="fr")["report"]).parent
    french, english = page_of(folder, "fr", "fr"), page_of(folder, "en", "fr")
    for page in (french, english):
        text = " ".join(block.text for block in page.blocks)
        assert "€" in text
        assert "$" not in text
        assert "USD" not in text
        assert "dollar" not in text
    assert 'href="index.en.html" lang="en"' in french.html
    assert 'href="index.html" lang="fr"' in english.html
    assert '<html lang="fr">' in french.html
    assert '<html lang="en">' in english.html
    assert "Rapports de ventes" in (work_dir / "reports/index.html").read_text(encoding="utf-8")
    assert sorted(path.name for path in folder.iterdir() if path.suffix == ".html") == ["index.en.html", "index.html"]


def test_an_unknown_language_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_LANGUAGE", "de")
    with pytest.raises(ConfigError, match="RETAIL_LANGUAGE: Input should be 'en' or 'fr'"):
        load_settings()
