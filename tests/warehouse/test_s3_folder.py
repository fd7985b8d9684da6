"""The folder of copies from S3: what killed runs left goes, what no run put there stays. The bucket is moto's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto import mock_aws

from flows.errors import ConfigError
from flows.ingest import reach_source
from flows.lake.contracts import CONTRACTS
from flows.lake.profile_files import find_profiled_sources
from flows.lake.s3 import fetch_s3
from flows.lake.terms import Terms
from flows.run.settings import load_settings
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion
from tests.conftest import PROJECT


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        bucket = boto3.resource("s3").create_bucket(Bucket="shop")
        bucket.put_object(Key="drops/raw_a.csv", Body=b"new")
        bucket.put_object(Key="drops/raw_b/../../raw_x.csv", Body=b"not directly under the prefix")
        yield bucket


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_fetch_s3_after_a_kill_copies_again_and_leaves_no_leftovers(bucket: Any, tmp_path: Path) -> None:
    folder = tmp_path / "incoming"
    folder.mkdir()
    (folder / ".raw_a.csv.etag").touch()  # the run was killed while it copied raw_a.csv and raw_gone.csv
    (folder / "raw_a.csv").write_text("old")
    for name in (".raw_a.csv.part", ".raw_gone.csv.etag", ".raw_gone.csv.part"):
        (folder / name).touch()
    fetch_s3("s3://shop/drops", folder)
    assert names(folder) == [".raw_a.csv.etag", "raw_a.csv"]
    assert (folder / "raw_a.csv").read_text() == "new"


def test_fetch_s3_into_a_folder_with_files_of_others_refuses_and_keeps_them(bucket: Any, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match=r"thesis\.txt: 1 such in this folder"):
        fetch_s3("s3://shop/drops", tmp_path)
    assert names(tmp_path) == ["thesis.txt"]


def test_fetch_s3_into_a_link_is_refused(bucket: Any, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "incoming").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="is a link"):
        fetch_s3("s3://shop/drops", tmp_path / "incoming")
    assert names(tmp_path / "elsewhere") == []


def test_fetch_s3_copy_is_not_written_through_a_link(bucket: Any, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    folder = tmp_path / "incoming"
    folder.mkdir()
    for name in (".raw_a.csv.etag", ".raw_a.csv.part"):
        (folder / name).symlink_to(tmp_path / "precious")
    fetch_s3("s3://shop/drops", folder)
    assert (tmp_path / "precious").read_text() == "precious"
    assert (folder / "raw_a.csv").read_text() == "new"


@pytest.mark.parametrize("prefix", ["Exports/Caisse n°1", "a#b", "a?b", "a%20b", ""])
def test_fetch_s3_reads_exactly_the_prefix_that_is_named(bucket: Any, tmp_path: Path, prefix: str) -> None:
    bucket.put_object(Key=f"{prefix}/raw_c.csv".lstrip("/"), Body=b"mine")
    bucket.put_object(Key="a/raw_other.csv", Body=b"not mine")
    fetch_s3(f"s3://shop/{prefix}", tmp_path / "incoming")
    assert [name for name in names(tmp_path / "incoming") if not name.startswith(".")] == ["raw_c.csv"]


def test_fetch_s3_marker_of_a_folder_is_no_file_whatever_is_wanted(bucket: Any, tmp_path: Path) -> None:
    bucket.put_object(Key="drops/", Body=b"")
    fetch_s3("s3://shop/drops", tmp_path / "incoming", lambda _: True)
    assert names(tmp_path / "incoming") == [".raw_a.csv.etag", "raw_a.csv"]


def load(source: str, folder: Path) -> tuple[dict[str, list[tuple[Any, ...]]], list[str]]:
    """What the boutique's profile makes of a source: the rows of each table, and the names that no table takes."""
    settings = load_settings(source=source, work_dir=str(folder), profile=str(PROJECT / "docs/samples/boutique.toml"))
    profile = settings.read_profile()
    assert profile is not None
    ignored: list[str] = []
    folder.mkdir()
    delivery = find_profiled_sources(reach_source(settings, profile, ignored.append), profile)
    warehouse = DuckDBWarehouse(folder / "warehouse.duckdb")
    ingestion = Ingestion(warehouse, folder, "run", 0.0, terms=Terms("EUR"), forms=profile.forms)
    ingestion.load(ingestion.convert(delivery.files))
    warehouse.close()
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        rows = {
            table: connection.execute(f"select * exclude (_loaded_at) from raw.{table} order by _file, _row").fetchall()
            for table in CONTRACTS
        }
    return rows, sorted({*ignored, *delivery.ignored})


def test_foreign_shop_in_a_bucket_is_read_as_from_a_folder(bucket: Any, tmp_path: Path) -> None:
    local = tmp_path / "delivered"
    local.mkdir()
    for number, path in enumerate(sorted((PROJECT / "docs/samples/boutique").iterdir())):
        (local / (path.name.upper() if number % 2 else path.name)).write_bytes(path.read_bytes())
    (local / "Remises.XLSX").write_bytes(b"no table takes it")
    for path in local.iterdir():
        bucket.put_object(Key=f"Exports/Caisse 1/{path.name}", Body=path.read_bytes())
    from_folder, from_bucket = load(str(local), tmp_path / "a"), load("s3://shop/Exports/Caisse 1", tmp_path / "b")
    assert from_bucket == from_folder
    assert from_bucket[1] == ["Remises.XLSX"]
    assert len(from_bucket[0]["raw_orders"]) == 90
