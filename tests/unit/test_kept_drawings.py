"""Tests may take a drawing that was made before only where it is, byte for byte, the one that would be made."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from reports.drawing import Picture, draw_picture
from reports.languages import speaking
from tests.kept_drawings import FILES, draw_once, name_drawing
from tests.unit.test_reports import usual_frames


def read_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def fresh(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.fixture
def frame() -> pl.DataFrame:
    """A table of the KPI."""
    return usual_frames()["tax_ratio"]


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_picture_of_the_same_table_is_the_one_that_would_be_drawn(
    kind: str, frame: pl.DataFrame, tmp_path: Path
) -> None:
    drawn: list[Picture] = []

    def draw(picture: Picture, table: pl.DataFrame) -> None:
        drawn.append(picture)
        draw_picture(picture, table)

    folders = [fresh(tmp_path / name) for name in ("first", "second", "without")]
    pictures = [Picture("tax_ratio", kind, folder) for folder in folders]  # type: ignore[arg-type]
    for picture in pictures[:2]:
        draw_once(picture, frame, tmp_path / "kept", draw)
    draw_picture(pictures[2], frame)
    assert drawn == pictures[:1]
    assert read_files(folders[0]) == read_files(folders[1]) == read_files(folders[2])
    assert sorted(read_files(folders[1])) == sorted(name.format("tax_ratio") for name in FILES[kind])


def test_picture_of_another_table_kind_kpi_or_reader_is_another(frame: pl.DataFrame, tmp_path: Path) -> None:
    names = [
        name_drawing(Picture("tax_ratio", "png", tmp_path), frame),
        name_drawing(Picture("tax_ratio", "svg", tmp_path), frame),
        name_drawing(Picture("tax_rounding", "png", tmp_path), frame),
        name_drawing(Picture("tax_ratio", "png", tmp_path), frame.head(1)),
        name_drawing(Picture("tax_ratio", "png", tmp_path), frame.rename({frame.columns[0]: "other"})),
    ]
    for language, currency in (("fr", "USD"), ("en", "EUR")):
        with speaking(language, currency):  # type: ignore[arg-type]
            names.append(name_drawing(Picture("tax_ratio", "png", tmp_path), frame))
    assert len(set(names)) == len(names)
    assert name_drawing(Picture("tax_ratio", "png", tmp_path / "elsewhere"), frame.clone()) == names[0]
