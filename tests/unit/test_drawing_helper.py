"""A second process draws with the first one: the same files, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reports import drawing
from reports.drawing import Helper, Picture, begin_helper, draw_picture, draw_pictures
from reports.languages import reader, speaking
from tests.unit.test_reports import usual_frames

NAMES = ("tax_ratio", "sales_by_category")
FRAMES = {name: usual_frames()[name] for name in NAMES}


def list_pictures(folder: Path) -> list[Picture]:
    folder.mkdir()
    return [Picture(name, kind, folder) for name in NAMES for kind in drawing.KINDS]


def read_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process draws, for a French reader."""
    folder = tmp_path_factory.mktemp("alone") / "drawn"
    with speaking("fr", "EUR"):
        draw_pictures(list_pictures(folder), FRAMES)
    assert len(read_files(folder)) == 3 * len(NAMES)
    return read_files(folder)


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Helper]]:
    """The helpers that wait; whoever has begun in a test ends with it."""
    begun: list[Helper] = []
    monkeypatch.setattr(drawing, "_idle", begun)
    monkeypatch.setattr(drawing, "count_cores", lambda: 2)
    begin_helper()
    (helper,) = list(begun)
    yield begun
    helper.stop()


def test_a_helper_says_what_it_cannot_draw_and_draws_the_same_files_for_the_same_reader(
    idle: list[Helper], alone: dict[str, bytes], tmp_path: Path
) -> None:
    assert not idle[0].draw(Picture("tax_ratio", "svg", tmp_path), FRAMES["sales_by_category"], reader())
    with speaking("fr", "EUR"):
        for picture in list_pictures(tmp_path / "drawn"):
            assert idle[0].draw(picture, FRAMES[picture.kpi], reader())
    assert read_files(tmp_path / "drawn") == alone


def test_pictures_are_shared_out_and_the_helper_waits_for_the_next_report(
    idle: list[Helper], alone: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here: list[Picture] = []
    monkeypatch.setattr(
        drawing, "draw_picture", lambda picture, frame: (here.append(picture), draw_picture(picture, frame))
    )
    waiting, pictures = list(idle), list_pictures(tmp_path / "drawn")
    with speaking("fr", "EUR"):
        draw_pictures(pictures, FRAMES)
    assert read_files(tmp_path / "drawn") == alone
    assert here == pictures[: len(here)]
    assert len(here) < len(pictures)  # the last ones were the helper's
    begin_helper()
    assert idle == waiting


def test_what_a_helper_that_died_has_not_drawn_is_drawn_all_the_same(
    idle: list[Helper], alone: dict[str, bytes], tmp_path: Path
) -> None:
    idle[0].stop()
    with speaking("fr", "EUR"):
        draw_pictures(list_pictures(tmp_path / "drawn"), FRAMES)
    assert read_files(tmp_path / "drawn") == alone
    assert idle == []


def test_a_frame_that_is_not_the_kpis_is_an_error_here_and_ends_the_helper(idle: list[Helper], tmp_path: Path) -> None:
    (helper,) = idle
    wrong = {"tax_ratio": FRAMES["sales_by_category"]}
    with pytest.raises(ValueError, match="tax_ratio"):
        draw_pictures([Picture("tax_ratio", "png", tmp_path)] * 2, wrong)
    assert not helper.is_alive
    assert list(tmp_path.iterdir()) == []


def test_on_one_core_no_helper_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_idle", [])
    monkeypatch.setattr(drawing, "count_cores", lambda: 1)
    begin_helper()
    assert drawing._idle == []
