"""The README's picture of the report: made by Chromium, or a message that says how."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from infra.docs import draw_picture
from infra.screenshot import HEIGHT, WIDTH


def test_without_a_browser_the_message_names_the_cure_and_the_picture_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    page, picture = tmp_path / "index.html", tmp_path / "report.png"
    page.write_text("<h1>Report</h1>")
    picture.write_bytes(b"as before")
    assert draw_picture(page, picture) == 1
    assert "let RETAIL_CHROMIUM name it" in capsys.readouterr().err
    assert picture.read_bytes() == b"as before"


def test_without_a_report_the_message_names_the_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert draw_picture(tmp_path / "index.html", tmp_path / "report.png") == 1
    assert "make run" in capsys.readouterr().err


def test_the_browser_that_is_named_draws_and_is_quoted_where_it_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken").write_text("#!/bin/sh\necho out of memory >&2\nexit 3\n")
    (tmp_path / "broken").chmod(0o755)
    (tmp_path / "index.html").write_text("<h1>Report</h1>")
    assert draw_picture(tmp_path / "index.html", tmp_path / "report.png", str(tmp_path / "broken")) == 1
    assert "out of memory" in capsys.readouterr().err


@pytest.mark.browser
def test_the_picture_is_the_top_of_the_page_on_a_light_screen(tmp_path: Path) -> None:
    page, picture = tmp_path / "index.html", tmp_path / "report.png"
    style = "body{margin:0;background:#fefefe}@media (prefers-color-scheme:dark){body{background:#010101}}"
    page.write_text(f"<!doctype html><style>{style}</style><div style='height:9000px'></div>")
    assert draw_picture(page, picture) == 0
    with Image.open(picture) as image:
        assert image.size == (WIDTH, HEIGHT)
        assert image.convert("RGB").getpixel((9, 9)) == (254, 254, 254)
    assert picture.stat().st_size < 250_000
