"""Marked secrets are found wherever they lie, so that a test that finds none says something."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest

from tests.marks import MARK, find_marks, mark, show_marks

SECRET = mark("somewhere")


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"redshift://user:{quote(SECRET, safe='')}@host",
        json.dumps({"password": SECRET}),
        *(base64.b64encode(f"{before}{SECRET}".encode()).decode() for before in ("", "a", "ab", "user:")),
    ],
    ids=["plain", "in a URL", "in JSON", *(f"in base64 after {size}" for size in (0, 1, 2, 5))],
)
def test_mark_in_a_text_is_found_however_it_is_written(text: str) -> None:
    assert show_marks(f"before {text} after") != []


def test_text_without_a_mark_shows_none() -> None:
    assert show_marks(f"{MARK[:-1]} {MARK.lower()} {base64.b64encode(MARK[:6].encode()).decode()}") == []


def test_marks_are_found_in_files_and_their_names(tmp_path: Path) -> None:
    pl.DataFrame({"raw": [SECRET] * 9}).write_parquet(tmp_path / "a.parquet", compression="zstd")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(SECRET.encode()))
    (tmp_path / "c.log").write_text(f"connecting with {SECRET}")
    (tmp_path / f"d-{MARK}").mkdir()
    (tmp_path / f"d-{MARK}" / "empty").touch()
    (tmp_path / "good.log").write_text("connecting")
    assert {Path(path).name for path in find_marks(tmp_path)} == {"a.parquet", "b.csv.gz", "c.log", "empty"}
