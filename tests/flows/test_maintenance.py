"""Maintenance as a whole flow: what is to go is gone, what is needed stays, and the next run has nothing to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows.ingest import ingest
from flows.lake.parts import part_name
from flows.maintenance import maintenance
from tests.conftest import Finished
from tests.tiny_shop import write_shop


def test_maintenance_removes_what_killed_runs_left_and_nothing_that_is_needed(
    tiny_run: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Path(shutil.copytree(tiny_run.work_dir, tmp_path / "work", symlinks=True))
    orphan = work / "lake" / "raw_orders" / part_name("raw_orders_gone.csv", "a" * 64)
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_bytes(b"12345")
    unfinished = work / "reports" / ".run.new"
    unfinished.mkdir()
    swept = maintenance(work_dir=str(work), rewrite=True)["swept"]
    assert swept == {"orphans": {"files": 1, "bytes": 5}, "reports": {"files": 0, "bytes": 0}}
    assert not orphan.exists()
    assert not unfinished.exists()
    assert (work / "reports/latest/index.html").is_file()
    monkeypatch.setenv("RETAIL_KEEP_SUMMARIES_DAYS", "0")
    monkeypatch.setenv("RETAIL_KEEP_LAKE_DAYS", "0")
    summary = maintenance(work_dir=str(work))
    assert summary["swept"]["lake"]["files"] > 0
    assert [path.stem for path in (work / "runs").glob("*.json")] == [summary["run_id"]]
    again = ingest(source=str(write_shop(tmp_path / "source")), work_dir=str(work))
    assert {file["status"] for file in again["files"]} == {"unchanged"}
