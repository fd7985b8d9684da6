"""A source in S3 without Prefect: what is fetched, where copies lie, what the ledger then knows."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from botocore.client import BaseClient
from botocore.exceptions import IncompleteReadError
from moto import mock_aws

from flows.errors import ConfigError, DataError, LoadError
from flows.ingest import make_terms, reach_source
from flows.lake.contracts import CONTRACTS
from flows.lake.forms import SHIPPED_FORM, Form
from flows.lake.s3 import S3Source
from flows.lake.s3_copies import Copies, fetch_all
from flows.lake.sources import Delivery, find_sources, sort_names
from flows.lake.terms import Terms
from flows.run.settings import load_settings
from flows.warehouse.conversion import Threads
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion
from tests.conftest import PROJECT
from tests.tiny_shop import FILES, write_shop
from tests.warehouse.redshift import Redshift, ingest, open_redshift

SOURCE = "s3://shop/drops"
PRODUCTS = FILES["raw_products.csv"]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        yield boto3.resource("s3").create_bucket(Bucket="shop")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each operation of AWS was called."""
    counted: Counter[str] = Counter()
    call = BaseClient._make_api_call

    def count(self: BaseClient, operation: str, given: dict[str, Any]) -> Any:
        counted[operation] += 1
        return call(self, operation, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", count)
    return counted


def deliver(bucket: Any, name: str, text: str) -> None:
    bucket.put_object(Key=f"drops/{name}", Body=text.encode())


def deliver_shop(bucket: Any) -> None:
    for name, text in FILES.items():
        deliver(bucket, name, text)


def find(folder: Path) -> Delivery:
    return S3Source(SOURCE, folder).find(partial(sort_names, tables=CONTRACTS, place=SOURCE))


def load(warehouse_path: Path, work_dir: Path, **forms: Form) -> dict[str, str]:
    """Ingest what is in the bucket; file → status."""
    delivery = find(work_dir / "incoming")
    with closing(DuckDBWarehouse(warehouse_path)) as warehouse:
        ingestion = Ingestion(warehouse, work_dir, "run-1", forms=forms, converter=Threads(delivery.fetch))
        ingestion.load(ingestion.convert(delivery.files))
    return {outcome.file: outcome.status for outcome in ingestion.outcomes}


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path)) as connection:
        return connection.execute(sql).fetchall()


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_unchanged_objects_are_not_fetched_not_even_into_an_empty_work_folder(
    bucket: Any, calls: Counter[str], tmp_path: Path
) -> None:
    deliver_shop(bucket)
    warehouse = tmp_path / "warehouse.duckdb"
    assert set(load(warehouse, tmp_path / "monday").values()) == {"loaded"}
    assert (calls["GetObject"], calls["HeadObject"]) == (len(FILES), 0)
    calls.clear()
    assert set(load(warehouse, tmp_path / "tuesday").values()) == {"unchanged"}
    assert calls == {"ListObjectsV2": 1}
    deliver(bucket, "raw_products.csv", PRODUCTS.replace("Soup", "Broth"))
    calls.clear()
    changed = {file for file, status in load(warehouse, tmp_path / "wednesday").items() if status != "unchanged"}
    assert (changed, calls["GetObject"]) == ({"raw_products.csv"}, 1)
    assert query(warehouse, "select name from raw.raw_products where sku = 'p1'") == [("Broth",)]


def test_object_whose_rows_were_lost_is_fetched_again(bucket: Any, calls: Counter[str], tmp_path: Path) -> None:
    deliver_shop(bucket)
    load(tmp_path / "warehouse.duckdb", tmp_path / "monday")
    query(tmp_path / "warehouse.duckdb", "delete from raw.raw_products")
    calls.clear()
    outcomes = load(tmp_path / "warehouse.duckdb", tmp_path / "tuesday")
    assert (outcomes["raw_products.csv"], calls["GetObject"]) == ("loaded", 1)


def test_object_that_is_to_be_read_otherwise_is_fetched_again(bucket: Any, calls: Counter[str], tmp_path: Path) -> None:
    deliver_shop(bucket)
    load(tmp_path / "warehouse.duckdb", tmp_path / "monday")
    calls.clear()
    form = replace(SHIPPED_FORM, timestamps=("%Y-%m-%dT%H:%M:%S",))
    outcomes = load(tmp_path / "warehouse.duckdb", tmp_path / "tuesday", raw_stores=form)
    assert (outcomes["raw_stores.csv"], calls["GetObject"]) == ("replaced", 1)


def test_objects_whose_names_become_alike_are_refused_though_one_is_known(bucket: Any, tmp_path: Path) -> None:
    deliver_shop(bucket)
    deliver(bucket, "a\n/raw_products.csv", PRODUCTS)
    load(tmp_path / "warehouse.duckdb", tmp_path)
    deliver(bucket, "a\\n/raw_products.csv", PRODUCTS)
    with pytest.raises(DataError, match="2 files have this name once it is made printable"):
        load(tmp_path / "warehouse.duckdb", tmp_path)


def upload_in_parts(bucket: Any, name: str, text: str) -> None:
    upload = bucket.Object(f"drops/{name}").initiate_multipart_upload()
    etag = upload.Part(1).upload(Body=text.encode())["ETag"]
    upload.complete(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})


def test_same_bytes_uploaded_in_parts_are_fetched_once_and_known_from_then_on(
    bucket: Any, calls: Counter[str], tmp_path: Path
) -> None:
    deliver_shop(bucket)
    warehouse = tmp_path / "warehouse.duckdb"
    load(warehouse, tmp_path / "monday")
    before = query(warehouse, "select * exclude (object_sha256) from ops.load_ledger order by all")
    upload_in_parts(bucket, "raw_products.csv", PRODUCTS)
    assert bucket.Object("drops/raw_products.csv").e_tag.endswith('-1"')
    for expected in (1, 0):
        calls.clear()
        assert set(load(warehouse, tmp_path / f"with-{expected}").values()) == {"unchanged"}
        assert calls["GetObject"] == expected
    assert query(warehouse, "select * exclude (object_sha256) from ops.load_ledger order by all") == before


def test_of_a_bucket_with_versions_the_newest_counts_and_what_is_deleted_is_gone(
    bucket: Any, calls: Counter[str], tmp_path: Path
) -> None:
    bucket.Versioning().enable()
    deliver_shop(bucket)
    deliver(bucket, "raw_products.csv", PRODUCTS.replace("Soup", "Broth"))
    deliver(bucket, "raw_products_2.csv", PRODUCTS)
    bucket.Object("drops/raw_products_2.csv").delete()
    warehouse = tmp_path / "warehouse.duckdb"
    assert load(warehouse, tmp_path / "monday") == dict.fromkeys(FILES, "loaded")
    assert query(warehouse, "select name from raw.raw_products where sku = 'p1'") == [("Broth",)]
    calls.clear()
    load(warehouse, tmp_path / "tuesday")
    assert calls["GetObject"] == 0


def test_nested_folders_are_walked_and_equal_names_in_two_of_them_do_not_collide(bucket: Any, tmp_path: Path) -> None:
    deliver_shop(bucket)
    header = PRODUCTS.splitlines()[0]
    for day, price in (("2024-05-02", 120), ("2024-05-01", 110)):
        deliver(bucket, f"date={day}/raw_products.csv", f"{header}\np1,Soup,jaffle,{price},warm\n")
    deliver(bucket, "empty/", "")
    warehouse = tmp_path / "warehouse.duckdb"
    expected = [*FILES, "date=2024-05-01/raw_products.csv", "date=2024-05-02/raw_products.csv"]
    assert load(warehouse, tmp_path) == dict.fromkeys(expected, "loaded")
    newest = "select file_name, delivery_date::text from ops.load_ledger where table_name = 'raw_products'"
    assert query(warehouse, f"{newest} order by delivery_order desc limit 2") == [
        ("date=2024-05-02/raw_products.csv", "2024-05-02"),
        ("date=2024-05-01/raw_products.csv", "2024-05-01"),
    ]
    prices = "select price, _file from raw.raw_products where _file like 'date%' order by _file"
    assert query(warehouse, prices) == [
        (110, "date=2024-05-01/raw_products.csv"),
        (120, "date=2024-05-02/raw_products.csv"),
    ]


HOSTILE = [
    "../../raw_products.csv",
    "/raw_products.csv",
    "a//raw_products.csv",
    "./raw_products.csv",
    "..//../etc/raw_products.csv",
    f"{'d' * 900}/{'x' * 90}/raw_products.csv",
    "b/raw_products_'; drop table x --.csv",
    "c\n/raw_products.csv",
    ".nested/raw_products.csv",
    f"raw_products{'y' * 240}.csv",
]


def test_hostile_keys_are_only_text_and_every_copy_lies_in_the_folder(bucket: Any, tmp_path: Path) -> None:
    deliver_shop(bucket)
    for number, name in enumerate(HOSTILE):
        deliver(bucket, name, PRODUCTS.replace("p1", f"h{number}"))
    work_dir = tmp_path / "deep" / "work"
    outcomes = load(tmp_path / "warehouse.duckdb", work_dir)
    assert set(outcomes.values()) == {"loaded"}
    assert {name.replace("\n", "\\n") for name in HOSTILE} < outcomes.keys()
    rows = query(tmp_path / "warehouse.duckdb", "select sku, _file from raw.raw_products where sku[1] = 'h'")
    assert sorted(rows) == sorted((f"h{n}", name.replace("\n", "\\n")) for n, name in enumerate(HOSTILE))
    assert names(tmp_path / "deep")[0] == "work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "warehouse.duckdb"]


def test_name_that_is_too_long_once_it_is_printable_is_refused_by_name(bucket: Any, tmp_path: Path) -> None:
    deliver(bucket, "raw_products" + "\x01" * 900 + ".csv", PRODUCTS)
    with pytest.raises(DataError, match=r"the name has more than 1,024 bytes\. Give it a shorter one"):
        load(tmp_path / "warehouse.duckdb", tmp_path)


def test_object_that_changes_after_it_was_listed_is_not_taken(bucket: Any, tmp_path: Path) -> None:
    deliver(bucket, "raw_products.csv", PRODUCTS)
    delivery = find(tmp_path / "incoming")
    deliver(bucket, "raw_products.csv", PRODUCTS.replace("Soup", "Broth"))
    with pytest.raises(LoadError, match=r"raw_products\.csv': changed or vanished"):
        delivery.fetch(delivery.files)
    assert not (tmp_path / "incoming" / "raw_products.csv").exists()


def test_copy_goes_on_where_the_connection_broke(tmp_path: Path) -> None:
    content, asked = b"0123456789", []

    class Body:
        def __init__(self, offset: int) -> None:
            self.rest = BytesIO(content[offset:])

        def iter_chunks(self, _size: int) -> Iterator[bytes]:
            yield self.rest.read(4)
            raise IncompleteReadError(actual_bytes=4, expected_bytes=10)

    def read(offset: int) -> Body:
        asked.append(offset)
        return Body(offset)

    Copies(tmp_path).write(tmp_path / "raw_a.csv", "v1", len(content), read)
    assert ((tmp_path / "raw_a.csv").read_bytes(), asked) == (content, [0, 4, 8])
    with pytest.raises(IncompleteReadError):
        Copies(tmp_path).write(tmp_path / "raw_b.csv", "v1", 99, read)
    assert names(tmp_path) == [".raw_a.csv.etag", ".raw_b.csv.etag", "raw_a.csv"]


def test_fetch_all_works_side_by_side_and_says_how_far_it_is() -> None:
    both, told = threading.Barrier(2, timeout=20), list[str]()

    def meet() -> None:
        both.wait()

    fetch_all([meet, meet], [1_000_000, 2_000_000], 2, told.append)
    assert told == ["2 of 2 files fetched, 3 of 3 MB"]


def test_time_zones_of_unchanged_stores_are_fetched_when_they_are_needed(
    bucket: Any, calls: Counter[str], tmp_path: Path
) -> None:
    deliver(bucket, "raw_stores.csv", "id,name,opened_at,tax_rate,time_zone\ns1,N,2022-01-01T00:00:00,0,Asia/Tokyo\n")
    deliver(bucket, "raw_orders.csv", FILES["raw_orders.csv"])
    settings = load_settings(source=SOURCE, work_dir=str(tmp_path))
    terms = make_terms(settings, reach_source(settings))
    assert calls["GetObject"] == 0
    assert (terms.time_zones(), calls["GetObject"]) == ({"s1": "Asia/Tokyo"}, 1)


def test_copies_of_objects_that_are_gone_go_and_those_that_stay_are_not_fetched_again(
    bucket: Any, calls: Counter[str], tmp_path: Path
) -> None:
    for name in ("raw_items.csv", "raw_orders.csv", "old/raw_orders.csv"):
        deliver(bucket, name, FILES[name.rpartition("/")[2]])
    delivery = find(tmp_path)
    delivery.fetch(delivery.files)
    for name in ("raw_items.csv", "old/raw_orders.csv"):
        bucket.Object(f"drops/{name}").delete()
    delivery = find(tmp_path)
    delivery.fetch(delivery.files)
    assert names(tmp_path) == [".nested", ".raw_orders.csv.etag", "raw_orders.csv"]
    assert calls["GetObject"] == 3


def test_after_a_kill_objects_are_copied_again_and_no_leftovers_stay(bucket: Any, tmp_path: Path) -> None:
    deliver(bucket, "raw_orders.csv", "new")
    (tmp_path / ".raw_orders.csv.etag").touch()  # the run was killed while it copied raw_orders.csv and raw_gone.csv
    (tmp_path / "raw_orders.csv").write_text("old")
    for name in (".raw_orders.csv.part", ".raw_gone.csv.etag", ".raw_gone.csv.part"):
        (tmp_path / name).touch()
    delivery = find(tmp_path)
    delivery.fetch(delivery.files)
    assert names(tmp_path) == [".raw_orders.csv.etag", "raw_orders.csv"]
    assert (tmp_path / "raw_orders.csv").read_text() == "new"


def test_folder_with_files_of_others_is_refused_and_keeps_them(bucket: Any, tmp_path: Path) -> None:
    deliver(bucket, "raw_orders.csv", "new")
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match=r"thesis\.txt: 1 such in this folder"):
        find(tmp_path)
    assert names(tmp_path) == ["thesis.txt"]


@pytest.mark.parametrize("name", ["incoming", "incoming/.nested"])
def test_folder_that_is_a_link_is_refused(bucket: Any, tmp_path: Path, name: str) -> None:
    deliver(bucket, "raw_orders.csv", "new")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="is a link"):
        find(tmp_path / "incoming")
    assert names(tmp_path / "elsewhere") == []


def test_copy_is_not_written_through_a_link(bucket: Any, tmp_path: Path) -> None:
    deliver(bucket, "raw_orders.csv", "new")
    (tmp_path / "precious").write_text("precious")
    folder = tmp_path / "incoming"
    folder.mkdir()
    for name in (".raw_orders.csv.etag", ".raw_orders.csv.part"):
        (folder / name).symlink_to(tmp_path / "precious")
    delivery = find(folder)
    delivery.fetch(delivery.files)
    assert (tmp_path / "precious").read_text() == "precious"
    assert (folder / "raw_orders.csv").read_text() == "new"


def test_redshift_notes_objects_and_changes_nothing_else(redshift: Redshift, tmp_path: Path) -> None:
    write_shop(tmp_path / "source")
    with closing(open_redshift()) as warehouse:
        ingest(warehouse, tmp_path / "source", tmp_path / "work", "run-1")
        before = warehouse.read_ledger()
        noted = [replace(row, object_sha256=row.file_sha256) for row in before if row.table_name < "raw_p"]
        with warehouse.hold("run-2"):
            warehouse.note_objects(noted)
        assert warehouse.read_ledger() == noted + [row for row in before if row.table_name >= "raw_p"]
        again = ingest(warehouse, tmp_path / "source", tmp_path / "work", "run-3")
    assert {outcome.status for outcome in again.outcomes} == {"unchanged"}
    assert len(find_sources(tmp_path / "source", CONTRACTS).files) == len(before)


@pytest.mark.parametrize("prefix", ["Exports/Caisse n°1", "b#c", "b?c", "b%20c"])
def test_source_is_exactly_the_prefix_that_is_named(bucket: Any, tmp_path: Path, prefix: str) -> None:
    bucket.put_object(Key=f"{prefix}/raw_items.csv", Body=b"mine")
    bucket.put_object(Key="b/raw_orders.csv", Body=b"not mine")
    bucket.put_object(Key=f"{prefix}/", Body=b"")  # what marks the folder itself
    source = f"s3://shop/{prefix}"
    delivery = S3Source(source, tmp_path / "in").find(partial(sort_names, tables=CONTRACTS, place=source))
    assert [file.name for file in delivery.files] == ["raw_items.csv"]
    assert not delivery.ignored
    delivery.fetch(delivery.files)
    assert (tmp_path / "in/raw_items.csv").read_bytes() == b"mine"


def load_foreign(source: str, folder: Path) -> tuple[dict[str, list[tuple[Any, ...]]], list[str]]:
    """What the boutique's profile makes of a source: the rows of each table, and the names that no table takes."""
    settings = load_settings(source=source, work_dir=str(folder), profile=str(PROJECT / "docs/samples/boutique.toml"))
    profile = settings.read_profile()
    assert profile is not None
    folder.mkdir()
    delivery = reach_source(settings, profile)
    warehouse = DuckDBWarehouse(folder / "warehouse.duckdb")
    ingestion = Ingestion(
        warehouse, folder, "run", 0.0, terms=Terms("EUR"), forms=profile.forms, converter=Threads(delivery.fetch)
    )
    ingestion.load(ingestion.convert(delivery.files))
    warehouse.close()
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        rows = {
            table: connection.execute(f"select * exclude (_loaded_at) from raw.{table} order by _file, _row").fetchall()
            for table in CONTRACTS
        }
    return rows, sorted(delivery.ignored)


def test_foreign_shop_in_a_bucket_is_read_as_from_a_folder(bucket: Any, tmp_path: Path) -> None:
    local = tmp_path / "delivered"
    local.mkdir()
    for number, path in enumerate(sorted((PROJECT / "docs/samples/boutique").iterdir())):
        (local / (path.name.upper() if number % 2 else path.name)).write_bytes(path.read_bytes())
    (local / "Remises.XLSX").write_bytes(b"no table takes it")
    for path in local.iterdir():
        bucket.put_object(Key=f"Exports/Caisse 1/{path.name}", Body=path.read_bytes())
    from_folder, from_bucket = (
        load_foreign(str(local), tmp_path / "a"),
        load_foreign("s3://shop/Exports/Caisse 1", tmp_path / "b"),
    )
    assert from_bucket == from_folder
    assert from_bucket[1] == ["Remises.XLSX"]
    assert len(from_bucket[0]["raw_orders"]) == 90
