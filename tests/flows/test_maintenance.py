"""Maintenance as a whole flow: what is to go is gone, what is needed stays, and the next run has nothing to do."""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

from flows.errors import DataError
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
    first = maintenance(work_dir=str(work), rewrite=True)
    swept = first["swept"]
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
    with get_client(sync_client=True) as client:
        shown = {each.key: each.data for each in client.read_artifacts(artifact_filter=of_run(first["run_id"]))}
    assert "| orphans | 1 | 5 |" in shown["maintenance"]
    assert "| status | completed |" in shown["run-summary"]


def of_run(run_id: str) -> ArtifactFilter:
    return ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(run_id)]))


@pytest.mark.usefixtures("prefect_server")
def test_failed_run_has_its_overview_too(tmp_path: Path) -> None:
    source = write_shop(tmp_path / "source")
    (source / "raw_orders.csv").write_text("wrong,header\n1,2\n")
    with pytest.raises(DataError):
        ingest(source=str(source), work_dir=str(tmp_path / "work"))
    (summary,) = (tmp_path / "work" / "runs").glob("*.json")
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=of_run(summary.stem))
    (text,) = (each.data for each in found if each.key == "run-summary")
    assert "| status | failed |" in text
    assert "refused" in text


def test_one_artifact_tells_of_the_whole_run_and_the_list_tells_its_figures(tiny_run: Finished) -> None:
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=of_run(tiny_run.summary["run_id"]))
    lines = [(each.key, each.description or "") for each in found]
    (told,) = (line for key, line in lines if key == "run-summary")
    assert told.startswith("completed: 6 files, 31 records: 31 loaded, 0 set aside; ")
    assert told.endswith(" 0 failed, 0 skipped")
    assert ("ingest-files", r"6 files \(6 loaded\), 31 records: 31 loaded, 0 set aside") in lines
    (built,) = (line for key, line in lines if key == "dbt-build")
    assert f"{tiny_run.summary['dbt']['nodes']} nodes in " in built
