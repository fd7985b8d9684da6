"""What workers on other machines convert: as the threads of this one would, without a secret, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import polars as pl
import pytest

from flows.errors import ConfigError, DataError, LoadError
from flows.lake import several
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion
from flows.lake.forgetting import Forgotten
from flows.lake.forms import SHIPPED_FORM
from flows.lake.packs import Pack, StoredPart
from flows.lake.sources import ObjectVersion, SourceFile
from flows.lake.terms import Terms
from flows.warehouse.conversion import Order, Threads
from flows.warehouse.ingestion import Ingestion
from flows.warehouse.plan import PlannedFile, Seen
from flows.warehouse.redshift import worker
from flows.warehouse.redshift.remote import Workers
from flows.warehouse.redshift.stage import Stage, StageSettings
from flows.warehouse.redshift.warehouse import RedshiftWarehouse
from tests.tiny_shop import FILES
from tests.warehouse.redshift import Redshift, open_redshift
from tests.warehouse.redshift_standin import RedshiftStandin
from tests.warehouse.remote_workers import (
    Travels,
    copies,
    deliver,
    employ,
    find,
    load,
    read_loaded,
    read_quarantine,
    staged,
)

ZONES = {"s1": "America/New_York"}
SHOP = FILES | {
    "raw_customers_2025.csv": "id,name\nc6,Fay\nc7\nc2,Bo\n",
    "raw_orders.csv": FILES["raw_orders.csv"] + "o8,c2,2025-03-01T08:00:00Z,s1,1000,50,1050\no9,c1,x,s1,1,1,1\n",
    "raw_orders_2025.csv": "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total\no10,c1,x,s1,5,5,5\n"
    "o11,c3,2025-03-01T08:00:00,s1,1000,50,1050\n",
}
TABLES = ("raw_customers", "raw_orders", "raw_items")
TERMS = Terms(time_zones=partial(dict, ZONES))
FORM = replace(SHIPPED_FORM, timestamps=("%Y-%m-%dT%H:%M:%S",))  # of another shop


@pytest.fixture
def travels() -> Iterator[Travels]:
    travels = Travels()
    yield travels
    travels.pool.shutdown()


@contextmanager
def held() -> Iterator[RedshiftWarehouse]:
    warehouse = open_redshift()
    with warehouse.hold("run-1"):
        warehouse.prepare(CONTRACTS.values())
        yield warehouse
    warehouse.close()


def forget(warehouse: RedshiftWarehouse, customer: str, name: str) -> None:
    forgotten = Forgotten(b"key of this warehouse")
    warehouse.note_forgotten(replace(forgotten, mentions=forgotten.describe(customer, [name])), "run-1")


@pytest.mark.parametrize("small", [several.BLOCK_BYTES, 150], ids=["small files together", "a job a file"])
def test_workers_leave_the_copies_ledger_rows_and_quarantine_that_threads_leave(
    redshift: Redshift,
    standin: RedshiftStandin,
    travels: Travels,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    small: int,
) -> None:
    monkeypatch.setattr(several, "BLOCK_BYTES", small)
    seen = []
    for who in ("threads", "workers"):
        standin.reset()
        deliver(standin, SHOP)
        with held() as warehouse:
            forget(warehouse, "c2", "Bo")
            delivery = find(standin, tmp_path / who / "incoming")
            converter = Threads(delivery.fetch) if who == "threads" else employ(warehouse, travels.submit)
            run = load(warehouse, tmp_path / who, delivery, converter, terms=TERMS, forms={"raw_stores": FORM})
        outcomes = [replace(outcome) for outcome in run.outcomes]
        loaded, bad = read_loaded(redshift, TABLES), read_quarantine(tmp_path / who)
        seen.append((outcomes, loaded, bad, copies(standin) if small > 150 else len(copies(standin))))
        assert staged(standin) == []
    assert seen[0] == seen[1]
    assert [len(rows) for rows in seen[1][1].values()] == [len(SHOP), 7, 9, 8]
    assert {Path(name).parent.name for name in seen[1][2]} == {"raw_customers", "raw_orders"}
    assert not list((tmp_path / "workers" / "incoming").glob("raw_*")), "nothing passed through here"
    assert not list((tmp_path / "workers" / "lake").rglob("*.parquet"))


def test_jobs_hold_no_secret_and_no_session(
    redshift: Redshift, standin: RedshiftStandin, travels: Travels, tmp_path: Path
) -> None:
    deliver(standin, SHOP)
    with held() as warehouse:
        session = boto3.Session(
            standin.environment()["AWS_ACCESS_KEY_ID"], "marked-secret", "marked-token", "us-east-1"
        )
        stage = Stage(replace(warehouse._stage.settings, session=session, kms_key_id="key-1"))
        workers = replace(employ(warehouse, travels.submit), stage=stage)
        assert workers.stage.settings.session is session
        look = workers.look(find(standin, tmp_path / "incoming").files, lambda _: None)
        planned = [_planned(file, seen) for file, seen in zip(find(standin, tmp_path / "in").files, look, strict=True)]
        list(workers.convert(planned, _order(tmp_path), lambda _name, function: function()))
    sent = b"".join(travels.sent)
    assert b"raw_orders.csv" in sent
    assert b"key-1" in sent
    for secret in ("marked-secret", "marked-token", redshift.environment["RETAIL_REDSHIFT_PASSWORD"]):
        assert secret.encode() not in sent


def test_refused_file_is_told_of_as_by_threads_and_what_was_packed_is_swept_by_the_next_run(
    redshift: Redshift, standin: RedshiftStandin, travels: Travels, tmp_path: Path
) -> None:
    deliver(standin, SHOP | {"raw_stores.csv": "id,nom\ns1,North\n"})
    said = []
    with held() as warehouse:
        for who in ("threads", "workers"):
            delivery = find(standin, tmp_path / who / "incoming")
            converter = Threads(delivery.fetch) if who == "threads" else employ(warehouse, travels.submit)
            with pytest.raises(DataError) as refused:
                load(warehouse, tmp_path / who, delivery, converter)
            said.append(str(refused.value))
    assert said[0] == said[1]
    assert "raw_stores.csv" in said[1]
    assert {key.rpartition("/")[0].rpartition("/")[2] for key in staged(standin)} == {"parts"}
    with held():
        assert staged(standin) == []
    assert read_loaded(redshift, TABLES) == {"ledger": []} | {table: [] for table in TABLES}


def test_object_that_changes_before_a_worker_reads_it_is_not_loaded(
    redshift: Redshift, standin: RedshiftStandin, travels: Travels, tmp_path: Path
) -> None:
    def change(job: Any) -> None:
        if isinstance(job, worker.ConvertJob) and job.table == "raw_items":
            deliver(standin, {"raw_items.csv": "id,order_id,sku\ni1,o1,p2\n"})

    deliver(standin, SHOP)
    travels.before = change
    with held() as warehouse, pytest.raises(LoadError, match=r"raw_items\.csv.*changed or vanished.*Run again"):
        load(warehouse, tmp_path, find(standin, tmp_path / "in"), employ(warehouse, travels.submit))
    assert read_loaded(redshift, ("raw_items",)) == {"ledger": [], "raw_items": []}


def test_worker_refuses_bytes_that_are_not_those_that_were_hashed(
    redshift: Redshift, standin: RedshiftStandin, tmp_path: Path
) -> None:
    deliver(standin, {"raw_items.csv": SHOP["raw_items.csv"]})
    (source,) = find(standin, tmp_path / "in").files
    assert source.origin is not None
    file = worker.RemoteFile(source.name, source.origin, "0" * 64)
    place, code = StageSettings(standin.bucket, "stage"), worker.identify_code()
    (refused,) = worker.convert_objects(worker.ConvertJob("raw_items", (file,), TERMS, None, None, place, code))
    assert isinstance(refused, DataError)
    assert "changed while it was read" in str(refused)
    assert staged(standin) == []


@pytest.mark.parametrize("kind", ["parts", "quarantine"])
def test_object_that_is_not_what_a_worker_wrote_is_not_taken(
    redshift: Redshift, standin: RedshiftStandin, travels: Travels, tmp_path: Path, kind: str
) -> None:
    def tamper(step: str, function: Any) -> Any:
        result = function()
        if step.startswith("convert raw_customers"):
            (key,) = [key for key in staged(standin) if f"/{kind}/" in key]
            size = standin.s3.head_object(Bucket=standin.bucket, Key=key)["ContentLength"]
            standin.s3.put_object(Bucket=standin.bucket, Key=key, Body=b"x" * size)
        return result

    names = ("raw_customers.csv", "raw_customers_2025.csv")
    deliver(standin, {name: SHOP[name] for name in names})
    with held() as warehouse, pytest.raises(LoadError, match=f"/{kind}/.*(is not what|changed after it) was written"):
        load(warehouse, tmp_path, find(standin, tmp_path / "in"), employ(warehouse, travels.submit), step=tamper)
    assert read_loaded(redshift, ("raw_customers",)) == {"ledger": [], "raw_customers": []}
    assert not [path for path in (tmp_path / "quarantine").rglob("*") if path.is_file()] or kind == "parts"


def test_load_that_finds_other_values_than_a_worker_counted_is_undone(
    redshift: Redshift, standin: RedshiftStandin, travels: Travels, tmp_path: Path
) -> None:
    def miscount(_step: str, function: Any) -> Any:
        result = function()
        if isinstance(result, list) and result and isinstance(result[0], worker.RemoteConversion):
            ((_, rows, *_),) = result[0].conversion.pack.figures.rows()
            result[0].conversion.pack.figures[0, "rows"] = rows + 1
        return result

    deliver(standin, {"raw_customers.csv": SHOP["raw_customers.csv"]})
    with held() as warehouse, pytest.raises(LoadError, match="rows: the parts hold 6, the table 5"):
        load(warehouse, tmp_path, find(standin, tmp_path / "in"), employ(warehouse, travels.submit), step=miscount)
    assert read_loaded(redshift, ("raw_customers",)) == {"ledger": [], "raw_customers": []}


def test_files_that_share_a_pack_are_loaded_together_whatever_a_load_may_take() -> None:
    def of(name: str, pack: Pack | None) -> Conversion:
        return Conversion("raw_orders", name, "", 1, 1, 0, pack=pack)

    packs = [Pack((StoredPart(uri, 1, 10, ""),), pl.DataFrame()) for uri in ("s3://b/1", "s3://b/2")]
    again = Pack(packs[1].parts, pl.DataFrame())  # as it comes from another machine, beside another file
    files = [of("a", None), of("b", packs[0]), of("c", packs[0]), of("d", packs[1]), of("e", again), of("f", None)]
    warehouse: Any = SimpleNamespace(batch_files=3, batch_bytes=1000)
    batches = Ingestion(warehouse, Path(), "run")._batches(files)
    assert ["".join(file.file_name for file in batch) for batch in batches] == ["abc", "def"]
    warehouse.batch_files, warehouse.batch_bytes = 100, 19
    batches = Ingestion(warehouse, Path(), "run")._batches(files)
    assert ["".join(file.file_name for file in batch) for batch in batches] == ["abc", "def"]


def test_worker_with_other_code_converts_nothing(
    redshift: Redshift, standin: RedshiftStandin, travels: Travels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(standin, SHOP)
    monkeypatch.setattr(worker, "identify_code", iter([*["code of the run"] * 6, *["other code"] * 6]).__next__)
    with held() as warehouse, pytest.raises(ConfigError, match=r"another version of this project.*image of the run"):
        load(warehouse, tmp_path, find(standin, tmp_path / "in"), employ(warehouse, travels.submit))


def test_whatever_else_fails_with_the_workers_is_told_with_its_cure_and_no_job_is_left(tmp_path: Path) -> None:
    jobs: list[Future[Any]] = []

    def lose(_function: Any, _job: Any) -> Future[Any]:
        jobs.append(Future())
        if len(jobs) == 1:
            jobs[0].set_exception(MemoryError("worker died"))
        return jobs[-1]

    files = [_in_s3(f"raw_{name}.csv") for name in ("orders", "stores")]
    workers = Workers(lose, None)  # type: ignore[arg-type]
    with pytest.raises(LoadError, match=r"workers failed: MemoryError: worker died.*Look into their logs.*run again"):
        workers.look(files, lambda _: None)
    assert [job.cancelled() for job in jobs] == [False, True]


@pytest.mark.parametrize("uri", ["s3://other/stage/parts/x", "s3://bucket/stage-of-another/parts/x", "/stage/parts/x"])
def test_part_that_lies_elsewhere_than_this_warehouse_stages_is_not_taken(redshift: Redshift, uri: str) -> None:
    stage = Stage(StageSettings("bucket", "stage"))
    assert stage.key_of(StoredPart("s3://bucket/stage/parts/x", 1, 1, "")) == "stage/parts/x"
    with pytest.raises(LoadError, match=f"{uri}: lies outside s3://bucket/stage"):
        stage.key_of(StoredPart(uri, 1, 1, ""))


def test_name_that_is_too_long_costs_no_worker_anything() -> None:
    workers = Workers(lambda _function, _job: pytest.fail("no job is worth it"), None)  # type: ignore[arg-type]
    (seen,) = workers.look([_in_s3("raw_orders" + "x" * 1100 + ".csv")], lambda _: None)
    assert "the name has more than 1,024 bytes" in str(seen.fault)


def test_file_of_this_disk_is_no_work_for_others(tmp_path: Path) -> None:
    workers = Workers(lambda _function, _job: pytest.fail("no job is worth it"), None)  # type: ignore[arg-type]
    with pytest.raises(LoadError, match=r"raw_orders\.csv: lies on this machine.*Put the source into S3"):
        workers.look([SourceFile("raw_orders", "raw_orders.csv", tmp_path)], lambda _: None)


def _in_s3(name: str) -> SourceFile:
    table = "raw_stores" if "stores" in name else "raw_orders"
    return SourceFile(table, name, Path(name), origin=ObjectVersion("bucket", name, "etag", 10))


def _planned(file: SourceFile, seen: Seen) -> PlannedFile:
    return PlannedFile(file, seen.sha256, None, seen.fault)


def _order(work_dir: Path) -> Order:
    return Order(work_dir, TERMS, {"raw_items": SHIPPED_FORM})
