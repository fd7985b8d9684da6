"""Whole runs: everything that they leave is private, and what retention removes is not needed by the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.ingest import ingest
from tests.conftest import Finished
from tests.tiny_shop import FILES, write_shop


def test_everything_that_a_run_leaves_is_for_its_own_user(tiny_run: Finished) -> None:
    paths = [path for path in tiny_run.work_dir.rglob("*") if not path.is_symlink()]
    open_to_others = [str(path) for path in paths if path.stat().st_mode & 0o077]
    assert open_to_others == []
    assert {"warehouse.duckdb", ".lock", "index.html", "manifest.json", "lake"} <= {path.name for path in paths}


@pytest.mark.usefixtures("prefect_server")
def test_run_without_a_lake_goes_on_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_KEEP_LAKE_DAYS", "0")
    monkeypatch.setenv("RETAIL_KEEP_SUMMARIES_DAYS", "0")
    source = write_shop(tmp_path / "source")
    first = ingest(source=str(source), work_dir=str(tmp_path / "work"))
    assert (first["swept"]["lake"]["files"], first["swept"]["summaries"]["files"]) == (len(FILES), 0)
    assert list((tmp_path / "work" / "lake").rglob("*.parquet")) == []
    second = ingest(source=str(source), work_dir=str(tmp_path / "work"))
    assert {file["status"] for file in second["files"]} == {"unchanged"}
    assert second["swept"]["summaries"]["files"] == 1
    assert [path.stem for path in (tmp_path / "work" / "runs").glob("*.json")] == [second["run_id"]]
