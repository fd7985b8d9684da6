"""RETAIL_STATE without Prefect: what S3 keeps, and what a worker with an empty folder finds. The bucket is moto's."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from flows.errors import ConfigError, LoadError
from flows.run import state as state_module
from flows.run.settings import load_settings
from flows.run.state import State
from flows.run.state_manifest import Entry, merge, read_manifest, scan
from tests.buckets import deny

PLACE = "s3://memory/nightly"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        yield boto3.resource("s3").create_bucket(Bucket="memory")


class Killed(BaseException):
    """The process was killed."""


class Calls(Counter[str]):
    """How often each operation of AWS was called; the process dies before write number `die_at`."""

    die_at: int | None = None
    writes = 0

    def note(self, operation: str) -> None:
        self[operation] += 1
        if operation in {"PutObject", "DeleteObjects"}:
            self.writes += 1
            if self.writes == self.die_at:
                raise Killed


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    counted, call = Calls(), BaseClient._make_api_call

    def count(self: BaseClient, operation: str, given: dict[str, Any]) -> Any:
        counted.note(operation)
        return call(self, operation, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", count)
    return counted


def write(folder: Path, name: str, text: str, modified: int = 1_700_000_000) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (modified, modified))


def link(folder: Path, name: str, target: str) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(target)


def first_night(folder: Path) -> None:
    write(folder, "quarantine/raw_orders/raw_orders.aaaa.parquet", "bad records")
    write(folder, "reports/run-1/index.html", "Monday")
    write(folder, "runs/run-1.json", "{}", 1_600_000_000)
    link(folder, "reports/2026-03-01", "run-1")
    link(folder, "reports/latest", "2026-03-01")


def second_night(folder: Path) -> None:
    write(folder, "reports/run-2/index.html", "Tuesday")
    write(folder, "runs/run-2.json", "{2}")
    link(folder, "reports/2026-03-02", "run-2")
    link(folder, "reports/latest", "2026-03-02")
    (folder / "quarantine/raw_orders/raw_orders.aaaa.parquet").unlink()


def restored(folder: Path) -> dict[str, Entry]:
    folder.mkdir()
    State(PLACE, folder).restore()
    return scan(folder)


def test_worker_with_an_empty_folder_finds_all_that_the_last_one_left(bucket: Any, tmp_path: Path) -> None:
    monday = tmp_path / "monday"
    first_night(monday)
    for name in ("lake/raw_orders/x.parquet", "runs/.half.json.tmp", "reports/.run-9.new/index.html"):
        write(monday, name, "not to be remembered")
    assert State(PLACE, monday).restore() == 0
    state = State(PLACE, monday)
    state.restore()
    state.publish()
    tuesday = tmp_path / "tuesday"
    assert restored(tuesday) == scan(monday)
    assert sorted(scan(tuesday)) == [
        "quarantine/raw_orders/raw_orders.aaaa.parquet",
        *("reports/2026-03-01", "reports/latest", "reports/run-1/index.html", "runs/run-1.json"),
    ]
    assert (tuesday / "reports" / "latest" / "index.html").read_text() == "Monday"
    assert (tuesday / "runs" / "run-1.json").stat().st_mtime == 1_600_000_000
    assert not list(tuesday.rglob(".*"))


def test_what_did_not_change_is_not_sent_again_and_what_went_is_forgotten(
    bucket: Any, calls: Calls, tmp_path: Path
) -> None:
    state = State(PLACE, tmp_path)
    first_night(tmp_path)
    state.restore()
    assert (state.publish(), calls["PutObject"]) == (3, 4)
    calls.clear()
    assert (state.publish(), calls["PutObject"]) == (0, 0)
    second_night(tmp_path)
    assert (state.publish(), calls["PutObject"]) == (2, 3)
    listed = read_manifest(bucket.Object("nightly/state.json").get()["Body"].read(), PLACE)
    assert listed == scan(tmp_path)
    assert "quarantine/raw_orders/raw_orders.aaaa.parquet" not in listed


@pytest.mark.parametrize("die_at", [1, 2, 3])
def test_killed_before_any_write_the_last_list_stands_and_the_next_run_converges(
    bucket: Any, calls: Calls, tmp_path: Path, die_at: int
) -> None:
    work = tmp_path / "work"
    state = State(PLACE, work)
    first_night(work)
    state.restore()
    state.publish()
    before = scan(work)
    second_night(work)
    calls.writes, calls.die_at = 0, die_at
    with pytest.raises(Killed):
        state.publish()
    calls.die_at = None
    assert restored(tmp_path / "fresh") == before
    (tmp_path / "fresh2").mkdir()
    again = State(PLACE, tmp_path / "fresh2")
    again.restore()
    second_night(tmp_path / "fresh2")
    again.publish()
    assert restored(tmp_path / "after") == scan(tmp_path / "fresh2")


def test_two_workers_that_began_from_the_same_list_lose_nothing_of_each_other(bucket: Any, tmp_path: Path) -> None:
    workers = [State(PLACE, tmp_path / name) for name in ("a", "b")]
    first_night(tmp_path / "a")
    for state in workers:
        state.restore()
    workers[0].publish()
    write(tmp_path / "b", "runs/run-b.json", "{b}")
    workers[1].publish()
    assert sorted(restored(tmp_path / "c")) == sorted([*scan(tmp_path / "a"), "runs/run-b.json"])


def test_list_that_another_run_writes_in_between_is_not_overwritten(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, mine = State(PLACE, tmp_path / "other"), State(PLACE, tmp_path / "mine")
    for state in (other, mine):
        state.restore()
    write(tmp_path / "other", "runs/run-other.json", "{other}")
    write(tmp_path / "mine", "runs/run-mine.json", "{mine}")
    put = mine._put_manifest

    def be_late(manifest: dict[str, Entry], etag: str) -> bool:
        monkeypatch.setattr(mine, "_put_manifest", put)
        other.publish()
        return put(manifest, etag)

    monkeypatch.setattr(mine, "_put_manifest", be_late)
    mine.publish()
    assert sorted(restored(tmp_path / "after")) == ["runs/run-mine.json", "runs/run-other.json"]


def test_run_that_never_held_the_warehouse_adds_its_summary_alone(bucket: Any, tmp_path: Path) -> None:
    state = State(PLACE, tmp_path / "a")
    first_night(tmp_path / "a")
    state.restore()
    state.publish()
    write(tmp_path / "b", "runs/run-b.json", "{refused}")
    write(tmp_path / "b", "reports/run-b/index.html", "stale")
    State(PLACE, tmp_path / "b").publish(only=tmp_path / "b" / "runs" / "run-b.json")
    assert sorted(restored(tmp_path / "c")) == sorted([*scan(tmp_path / "a"), "runs/run-b.json"])


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        *((path, {"sha256": "a" * 64}) for path in ("../x", "runs/../../x", "/runs/x", "lake/x", "runs", "runs//x")),
        *((path, {"sha256": "a" * 64}) for path in ("runs/.lock", "runs/./x", "warehouse.duckdb", "runs/x/")),
        *(("reports/latest", {"link": target}) for target in ("../../etc", "/etc", "a/b", "..")),
        *(("runs/x", {"sha256": sha}) for sha in ("", "../../secrets", "A" * 64)),
    ],
    ids=str,
)
def test_list_that_leads_elsewhere_is_refused_and_nothing_is_written(
    bucket: Any, tmp_path: Path, path: str, entry: dict[str, str]
) -> None:
    content = json.dumps({"version": 1, "entries": {path: entry}})
    bucket.put_object(Key="nightly/state.json", Body=content.encode())
    with pytest.raises(ConfigError, match="unexpected entry"):
        State(PLACE, tmp_path / "work").restore()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"[]", b'{"version": 2, "entries": {}}', b'{"version": 1}'], ids=repr)
def test_list_that_is_none_is_refused_with_the_cure(content: bytes) -> None:
    with pytest.raises(ConfigError, match="Name another place by RETAIL_STATE"):
        read_manifest(content, PLACE)


def test_file_is_not_brought_through_a_link(bucket: Any, tmp_path: Path) -> None:
    state = State(PLACE, tmp_path / "a")
    write(tmp_path / "a", "reports/run-1/index.html", "Monday")
    state.restore()
    state.publish()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "b" / "reports").mkdir(parents=True)
    link(tmp_path / "b", "reports/run-1", str(tmp_path / "elsewhere"))
    State(PLACE, tmp_path / "b").restore()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (tmp_path / "b" / "reports" / "run-1" / "index.html").read_text() == "Monday"


@pytest.mark.parametrize(("body", "told"), [(b"other", "holds other bytes"), (None, "Restore that object")], ids=str)
def test_content_that_changed_or_vanished_in_s3_is_told(
    bucket: Any, tmp_path: Path, body: bytes | None, told: str
) -> None:
    state = State(PLACE, tmp_path / "a")
    write(tmp_path / "a", "runs/run-1.json", "{}")
    state.restore()
    state.publish()
    content = bucket.Object(f"nightly/objects/{scan(tmp_path / 'a')['runs/run-1.json'].sha256}")
    content.put(Body=body) if body else content.delete()
    with pytest.raises(LoadError, match=told):
        State(PLACE, tmp_path / "b").restore()
    assert not (tmp_path / "b" / "runs" / "run-1.json").exists()


def test_contents_that_no_list_names_go_after_a_day_and_not_before(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = State(PLACE, tmp_path)
    first_night(tmp_path)
    bucket.put_object(Key="nightly/objects/of-a-run-that-is-about-to-name-it", Body=b"")
    bucket.put_object(Key="elsewhere", Body=b"")
    state.restore()
    state.publish()
    assert len(list(bucket.objects.all())) == 3 + 1 + 2
    second_night(tmp_path)
    monkeypatch.setattr(state_module, "ORPHAN_AGE", -timedelta(days=1))
    state.publish()
    kept = {entry.sha256 for entry in scan(tmp_path).values() if entry.sha256}
    assert {entry.key for entry in bucket.objects.all()} == {
        *(f"nightly/objects/{sha256}" for sha256 in kept),
        "nightly/state.json",
        "elsewhere",
    }


def test_merge_is_what_each_side_changed() -> None:
    one, two, three = (Entry(sha256=digit * 64) for digit in "123")
    base = {"a": one, "b": one, "c": one, "d": one}
    mine, theirs = {"a": two, "c": one, "d": one, "new": two}, {"a": one, "b": one, "c": three, "theirs": three}
    assert merge(base, mine, theirs) == {"a": two, "c": three, "new": two, "theirs": three}


@pytest.mark.parametrize("place", ["memory", "s3://", "s3://m/../x?y", "https://memory/x", "s3://UPPER/x"])
def test_setting_that_is_no_place_in_s3_is_refused(place: str) -> None:
    with pytest.raises(ConfigError, match="RETAIL_STATE"):
        load_settings(state=place)


def test_bucket_that_is_not_there_is_told_with_the_cure(bucket: Any, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"RETAIL_STATE s3://nowhere/x: cannot be read .* Check the address"):
        State("s3://nowhere/x", tmp_path).restore()


def list_contents(bucket: Any) -> list[str]:
    """The keys of all contents that the bucket keeps, older ones too."""
    found = bucket.meta.client.list_object_versions(Bucket=bucket.name).get("Versions", [])
    return sorted(version["Key"].removeprefix("nightly/") for version in found)


@pytest.mark.parametrize("status", ["Enabled", "Suspended", None])
def test_purged_place_keeps_what_the_list_names_and_nothing_else(
    bucket: Any, tmp_path: Path, status: str | None
) -> None:
    first_night(tmp_path)
    if status:
        bucket.Versioning().enable()
    state = State(PLACE, tmp_path)
    state.restore()
    state.publish()
    if status == "Suspended":
        bucket.Versioning().suspend()
    bucket.put_object(Key="nightly/objects/" + "a" * 64, Body=b"of a killed run")
    for key in ("nightly/objects/by-hand.txt", "nightly/notes.txt", "elsewhere/objects/" + "a" * 64):
        bucket.put_object(Key=key, Body=b"of somebody else")
    state = State(PLACE, tmp_path)
    state.restore()
    second_night(tmp_path)
    state.publish()
    before = list_contents(bucket)
    counted = state.purge(is_trial=True)
    assert list_contents(bucket) == before
    assert state.purge() == counted >= 2
    kept = [f"objects/{entry.sha256}" for entry in scan(tmp_path).values() if not entry.link]
    others = ["elsewhere/objects/" + "a" * 64, "notes.txt", "objects/by-hand.txt"]
    assert list_contents(bucket) == sorted([*kept, *others, "state.json"])
    assert restored(tmp_path / "fresh") == {path: e for path, e in scan(tmp_path).items() if "fresh" not in path}
    assert state.purge() == 0


def test_purge_leaves_contents_that_came_after_its_run_began(bucket: Any, tmp_path: Path) -> None:
    state = State(PLACE, tmp_path)
    state.restore()
    state._restored_at -= timedelta(minutes=1)
    bucket.put_object(Key="nightly/objects/" + "c" * 64, Body=b"of a run that is refused, and not named yet")
    assert state.purge() == 0
    assert list_contents(bucket) == ["objects/" + "c" * 64]


@pytest.mark.parametrize(
    ("denied", "kind", "right"),
    [
        ("ListObjectVersions", ConfigError, "s3:ListBucketVersions"),
        ("DeleteObjectVersion", LoadError, "s3:DeleteObjectVersion"),
    ],
)
def test_role_without_the_right_to_purge_is_told_which_one_lacks(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, denied: str, kind: type[Exception], right: str
) -> None:
    bucket.Versioning().enable()
    first_night(tmp_path)
    state = State(PLACE, tmp_path)
    state.restore()
    state.publish()
    second_night(tmp_path)
    state.publish()
    deny(monkeypatch, denied)
    with pytest.raises(kind, match=right):
        state.purge()


def test_bucket_without_versions_is_purged_without_the_right_to_remove_one(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put_object(Key="nightly/objects/" + "a" * 64, Body=b"of a killed run")
    state = State(PLACE, tmp_path)
    state.restore()
    deny(monkeypatch, "DeleteObjectVersion")
    assert state.purge() == 1
    assert list_contents(bucket) == []
