"""Maintenance of a Redshift, from a worker that knows nothing: stage, state and deleted rows."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from flows.ingest import ingest
from flows.maintenance import maintenance
from tests.tiny_shop import FILES, write_shop
from tests.warehouse.redshift import Redshift, open_redshift

LEFT = f"parts/{'a' * 64}.parquet"


@pytest.mark.usefixtures("prefect_server")
def test_worker_that_knows_nothing_clears_the_stage_and_old_summaries_and_frees_deleted_rows(
    redshift: Redshift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin = redshift.standin
    if standin is None:
        pytest.skip("on a real workgroup the bucket is not ours to write to")
    monkeypatch.setenv("RETAIL_TARGET", "redshift")
    monkeypatch.setenv("RETAIL_STATE", f"s3://{standin.bucket}/state")
    corrected = FILES["raw_orders.csv"].replace("s1,2000,100,2100", "s1,2000,200,2200")
    ingest(source=str(write_shop(tmp_path / "source")), work_dir=str(tmp_path / "first"))
    source = str(write_shop(tmp_path / "source", raw_orders=corrected))
    ingest(source=source, work_dir=str(tmp_path / "first"))
    warehouse = open_redshift()
    key = f"{warehouse._stage.settings.prefix}/{LEFT}"
    warehouse.close()
    standin.s3.put_object(Bucket=standin.bucket, Key=key, Body=b"12345")
    monkeypatch.setenv("RETAIL_KEEP_SUMMARIES_DAYS", "0")

    summary = maintenance(work_dir=str(tmp_path / "fresh"), rewrite=True)

    kept = [each["Key"] for each in standin.s3.list_objects_v2(Bucket=standin.bucket)["Contents"]]
    assert key not in kept
    assert summary["swept"]["stage"] == {"files": 1, "bytes": 5}
    remembered = json.loads(standin.s3.get_object(Bucket=standin.bucket, Key="state/state.json")["Body"].read())
    assert [path for path in remembered["entries"] if path.startswith("runs/")] == [f"runs/{summary['run_id']}.json"]
    assert any(statement.startswith('vacuum delete only "raw"."raw_orders"') for statement in standin.log)
    again = ingest(source=source, work_dir=str(tmp_path / "next"))
    assert {file["status"] for file in again["files"]} == {"unchanged"}
    assert redshift.run('select count(*) from "raw"."raw_orders"')[0][0] == len(
        pl.read_csv((tmp_path / "source" / "raw_orders.csv").read_bytes())
    )
