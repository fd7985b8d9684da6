"""Workers with an empty folder each night, on the Redshift stand-in: what RETAIL_STATE remembers of ingests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.errors import DataError
from flows.ingest import ingest
from flows.run.state import State
from flows.run.state_manifest import scan
from tests.tiny_shop import FILES, write_shop
from tests.warehouse.redshift import Redshift

BAD = "o9,c1,2025-06-01T00:00:00,s1,100,5,999\n"


@pytest.fixture
def place(redshift: Redshift, prefect_server: None, monkeypatch: pytest.MonkeyPatch) -> str:
    place = f"s3://{redshift.environment['RETAIL_S3_BUCKET']}/state"
    monkeypatch.setenv("RETAIL_STATE", place)
    monkeypatch.setenv("RETAIL_TARGET", "redshift")
    monkeypatch.setenv("RETAIL_MAX_QUARANTINED_RATIO", "0.5")
    return place


def test_quarantine_and_summaries_outlive_their_workers(place: str, tmp_path: Path) -> None:
    source = write_shop(tmp_path / "source", raw_orders=FILES["raw_orders.csv"] + BAD)
    first = ingest(source=str(source), work_dir=str(tmp_path / "monday"))
    second = ingest(source=str(source), work_dir=str(tmp_path / "tuesday"))
    assert {file["status"] for file in second["files"]} == {"unchanged"}
    reasons = {file["file"]: file["reasons"] for file in second["files"] if file["reasons"]}
    assert reasons == {"raw_orders.csv": {"order_total:sum_mismatch": 1}}
    (source / "raw_orders.csv").write_text("nonsense")
    with pytest.raises(DataError, match="raw_orders"):
        ingest(source=str(source), work_dir=str(tmp_path / "wednesday"))
    State(place, tmp_path / "anywhere").restore()
    summaries = [json.loads(path.read_text()) for path in (tmp_path / "anywhere" / "runs").iterdir()]
    status = {summary["run_id"]: summary["status"] for summary in summaries}
    assert (status.pop(first["run_id"]), status.pop(second["run_id"])) == ("completed", "completed")
    assert list(status.values()) == ["failed"]
    assert [path.split("/")[:2] for path in scan(tmp_path / "anywhere") if path.startswith("quarantine")] == [
        ["quarantine", "raw_orders"]
    ]
