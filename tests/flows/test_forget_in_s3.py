"""A customer is forgotten on the Redshift stand-in: no version of any object names them, and no fresh folder does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest

from flows.errors import ConfigError
from flows.forget import forget
from flows.ingest import ingest
from flows.run.forget_command import Command, hand_over
from flows.run.state import State
from tests.buckets import deny, find_kept
from tests.flows.test_forget import Customer, find_naming, list_database
from tests.tiny_shop import FILES, write_shop
from tests.warehouse.redshift import Redshift

ADA = Customer("cust-4711-ada", "Ada Countess Lovelace")
PART = "retail-pipeline/localhost/dev/parts/" + "a" * 64 + ".parquet"
OF_A_MODEL = "retail-pipeline/localhost/dev/python-models/0123456789ab-17-4711/affinity-01234567/0000.parquet"


@dataclass(frozen=True)
class Night:
    """A warehouse whose workers begin with empty folders: its source, its bucket and what lies in there of others."""

    source: str
    bucket: str
    redshift: Redshift

    @property
    def s3(self) -> Any:
        assert self.redshift.standin
        return self.redshift.standin.s3

    def find_naming(self, folder: Path) -> set[str]:
        return find_kept(self.s3, self.bucket, folder, lambda place: find_naming(ADA, place))


@pytest.fixture
def night(redshift: Redshift, prefect_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    """A source that names the customer in a good and in a bad record, and a bucket that keeps versions."""
    renamed = {
        "raw_customers": FILES["raw_customers.csv"].replace("c1,Ada", f"{ADA.id},{ADA.name}"),
        "raw_orders": FILES["raw_orders.csv"].replace(",c1,", f",{ADA.id},") + f"bad,{ADA.id},yesterday,s,0,0,0\n",
    }
    night = Night(str(write_shop(tmp_path / "source", **renamed)), f"versions-{uuid4()}", redshift)
    night.s3.create_bucket(Bucket=night.bucket)
    night.s3.put_bucket_versioning(Bucket=night.bucket, VersioningConfiguration={"Status": "Enabled"})
    monkeypatch.setenv("RETAIL_TARGET", "redshift")
    monkeypatch.setenv("RETAIL_S3_BUCKET", night.bucket)
    monkeypatch.setenv("RETAIL_STATE", f"s3://{night.bucket}/state")
    monkeypatch.setenv("RETAIL_MAX_QUARANTINED_RATIO", "0.5")
    hand_over(Command([ADA.id], {}))
    yield night
    hand_over(Command([], {}))


def leave(night: Night, folder: Path) -> None:
    """What killed runs leave: staged objects, contents that no list names, and a summary that a list names."""
    frame = folder / "part.parquet"
    folder.mkdir()
    pl.DataFrame({"name": [ADA.name]}).write_parquet(frame)
    for key in (PART, OF_A_MODEL, "state/objects/" + "b" * 64):
        night.s3.put_object(Bucket=night.bucket, Key=key, Body=frame.read_bytes())
    night.s3.put_object(Bucket=night.bucket, Key="of-somebody-else.txt", Body=b"stays")
    state = State(f"s3://{night.bucket}/state", folder / "work")
    state.restore()
    (folder / "work" / "runs" / f"{uuid4()}.json").write_text(json.dumps({"error": f"{ADA.name} is there twice"}))
    state.publish()


def test_no_version_of_any_object_names_who_is_forgotten_and_no_fresh_folder_brings_them_back(
    night: Night, tmp_path: Path
) -> None:
    ingest(source=night.source, work_dir=str(tmp_path / "monday"))
    leave(night, tmp_path / "left")
    assert {name.split("/")[0] for name in night.find_naming(tmp_path / "before")} == {"state", "retail-pipeline"}
    trial = forget(source=night.source, work_dir=str(tmp_path / "trial"), dry_run=True)["forgotten"]["changed"]
    assert {"staged objects", "objects of RETAIL_STATE"} <= set(trial)
    assert night.find_naming(tmp_path / "after trial") != set()

    done = forget(source=night.source, work_dir=str(tmp_path / "tuesday"))
    assert night.find_naming(tmp_path / "after") == set()
    assert done["forgotten"]["known"] == 1
    assert {"raw.raw_customers", "raw.raw_orders", "other files", "staged objects"} <= set(done["forgotten"]["changed"])
    assert night.s3.get_object(Bucket=night.bucket, Key="of-somebody-else.txt")["Body"].read() == b"stays"

    again = ingest(source=night.source, work_dir=str(tmp_path / "wednesday"))
    assert {file["status"] for file in again["files"]} == {"unchanged"}
    assert find_naming(ADA, tmp_path / "tuesday", tmp_path / "wednesday", *list_database()) == set()
    assert night.find_naming(tmp_path / "in the end") == set()
    (pseudonym,) = done["forgotten"]["pseudonyms"]
    held = night.redshift.run('select id, name from "raw".raw_customers where id = %s or name = %s', ADA.id, ADA.name)
    assert held == []
    assert night.redshift.run('select count(*) from "raw".raw_orders where customer = %s', pseudonym) == [(3,)]
    assert night.redshift.standin
    assert not any(ADA.id in statement or ADA.name in statement for statement in night.redshift.standin.log)


def test_role_that_may_not_see_versions_is_refused_before_anything_is_changed(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(source=night.source, work_dir=str(tmp_path / "monday"))
    deny(monkeypatch, "ListObjectVersions")
    with pytest.raises(ConfigError, match="s3:ListBucketVersions"):
        forget(source=night.source, work_dir=str(tmp_path / "tuesday"))
    assert night.redshift.run('select count(*) from "ops".forgotten_customers') == [(0,)]
    assert night.redshift.run('select name from "raw".raw_customers where id = %s', ADA.id) == [(ADA.name,)]
