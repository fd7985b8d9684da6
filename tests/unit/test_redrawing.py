"""A published report is drawn again from changed tables: what is changed changes, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from flows.run import report_artifacts
from reports.doubts import Finding
from reports.facts import Facts
from reports.kpis import KPIS
from reports.languages import speaking
from reports.page import render_page
from reports.past import Change
from reports.quality import Age, Quality, TableRows, TestCount
from reports.redrawing import Drawing, find_changed, redraw_report, write_facts
from reports.translations import list_others, write_translations
from tests.kept_drawings import draw_kept, drawing_kept
from tests.unit.test_reports import CONTEXT, usual_frames

MADE_AT = datetime(2026, 3, 1, 5, 6, 7, 89, UTC)
FACTS = Facts(CONTEXT.as_of, "Zoë's sales rose", MADE_AT, "b1", "run-1", covers_all=True)
QUALITY = Quality(
    tables=(TableRows("raw_orders", 1, 3, 2, 1, MADE_AT),),
    tests_passed=7,
    tests_warned=1,
    findings=(Finding("orders of unknown stores", 3, Decimal("12.30")),),
    changes=(Change("orders", "late", 3, Decimal("12.30")),),
    tests=(TestCount("keys", 7, 1),),
    ages=(Age("raw_orders", "pass", 3.5),),
)
FULL = replace(CONTEXT, quality=QUALITY, is_behind=True, notes=("Mind this.",))


def hide(frame: pl.DataFrame) -> pl.DataFrame:
    if "customer_name" not in frame.columns:
        return frame
    return frame.with_columns(pl.col("customer_name").replace({"Ava Cole": "Somebody"}))


def draw(folder: Path, frames: dict[str, pl.DataFrame], drawing: Drawing | None, kept: Path) -> None:
    """As the flow does it; without `drawing`, as a version before this one."""
    folder.mkdir()
    used = drawing or Drawing("en", "USD", CONTEXT)
    with speaking(used.language, used.currency), drawing_kept(kept):
        for name, frame in frames.items():
            frame.write_parquet(folder / f"{name}.parquet")
            draw_kept(name, frame, folder, kept)
        draw_kept("sales_per_customer", frames["sales_per_customer"], folder, kept, "png")
        render_page(frames, folder / "index.html", used.context, others=list_others(used.language))
        write_translations(frames, folder, used.context, used.language)
    write_facts(FACTS, folder, drawing)


def read_folder(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module", params=["en", "fr"])
def redrawn(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, kept_in_session: Path
) -> list[dict[str, bytes]]:
    """The files of a report that was drawn again, and those of one that was drawn so at once."""
    reports = tmp_path_factory.mktemp("reports")
    drawing = Drawing(request.param, "EUR", FULL)
    draw(reports / "again", usual_frames(), drawing, kept_in_session)
    draw(reports / "at-once", {name: hide(frame) for name, frame in usual_frames().items()}, drawing, kept_in_session)
    (reports / "again" / "report.pdf").write_text("Ava Cole")
    changed = find_changed(reports / "again", hide)
    assert set(changed) == {"sales_per_customer"}
    redraw_report(reports / "again", changed, FACTS, chromium="no-such-chromium")
    assert {path.name for path in reports.iterdir()} == {"again", "at-once"}
    return [read_folder(reports / name) for name in ("again", "at-once")]


def test_report_drawn_again_is_byte_for_byte_the_one_that_would_have_been_drawn(
    redrawn: list[dict[str, bytes]],
) -> None:
    again, at_once = redrawn
    assert again == at_once  # also without the PDF, which nobody could print


def test_facts_are_read_as_they_were_written_with_how_it_was_drawn(tmp_path: Path) -> None:
    write_facts(FACTS, tmp_path, Drawing("fr", "EUR", FULL))
    said = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert said["made_at"] == "2026-03-01 05:06:07.000089+00:00"
    assert (said["as_of"], said["title"]) == (CONTEXT.as_of.isoformat(), "Zoë's sales rose")
    assert said["drawing"]["context"]["quality"]["findings"][0]["amount_usd"] == "12.30"


def test_report_of_an_earlier_version_is_drawn_from_what_its_tables_tell(tmp_path: Path, kept_in_session: Path) -> None:
    draw(tmp_path / "old", usual_frames(), None, kept_in_session)
    redraw_report(tmp_path / "old", find_changed(tmp_path / "old", hide), FACTS)
    page = (tmp_path / "old" / "index.html").read_text(encoding="utf-8")
    assert "Ava Cole" not in page
    assert "Somebody" in page
    assert find_changed(tmp_path / "old", hide) == {}


def test_report_whose_tables_are_others_is_refused_and_left_as_it_is(tmp_path: Path, kept_in_session: Path) -> None:
    draw(tmp_path / "old", usual_frames(), None, kept_in_session)
    (tmp_path / "old" / "tax_ratio.parquet").unlink()
    before = read_folder(tmp_path / "old")
    with pytest.raises(ValueError, match="another version"):
        redraw_report(tmp_path / "old", find_changed(tmp_path / "old", hide), FACTS)
    assert read_folder(tmp_path / "old") == before


@pytest.mark.parametrize("with_names", [True, False])
def test_artifacts_show_names_only_where_that_is_wanted(
    tmp_path: Path, kept_in_session: Path, monkeypatch: pytest.MonkeyPatch, with_names: bool
) -> None:
    published: dict[str, str] = {}

    def publish(key: str, title: str, markdown: str) -> None:
        published[key] = f"{title}\n{markdown}"

    monkeypatch.setattr(report_artifacts, "publish", publish)
    monkeypatch.setattr(report_artifacts, "data_uri", lambda path: path.read_text(encoding="utf-8"))
    monkeypatch.setattr("reports.render.data_uri", lambda path: path.read_text(encoding="utf-8"))
    frames = usual_frames()
    for name, frame in frames.items():
        draw_kept(name, frame, tmp_path, kept_in_session)
    report_artifacts.publish_artifacts(frames, tmp_path, CONTEXT, with_names=with_names)
    assert len(published) == len(KPIS) + 1
    naming = {key for key, text in published.items() if "Ava Cole" in text or "Bo Diaz" in text}
    assert naming == ({"kpi-sales-per-customer"} if with_names else set())
    assert ("| c1 |" in published["kpi-sales-per-customer"]) == (not with_names)
