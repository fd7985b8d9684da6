"""What a load asks of Redshift, read off the stand-in's log: no scan where the ledger knows better."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flows.lake.contracts import CONTRACTS
from flows.lake.sources import find_sources
from flows.warehouse.ingestion import Ingestion
from flows.warehouse.plan import find_lost
from flows.warehouse.redshift.warehouse import RedshiftWarehouse
from tests.tiny_shop import write_shop
from tests.warehouse.redshift import Redshift, convert, open_redshift
from tests.warehouse.redshift_standin import RedshiftStandin

CUSTOMERS = CONTRACTS["raw_customers"]
HEADER = "id,name\n"


def said(standin: RedshiftStandin, pattern: str) -> list[str]:
    return [sql for sql in standin.log if re.search(pattern, sql, re.IGNORECASE)]


def ingest(source: Path, work_dir: Path, run_id: str) -> Ingestion:
    warehouse = open_redshift(work_dir=work_dir)
    with warehouse.hold(run_id):
        job = Ingestion(warehouse, work_dir, run_id)
        job.load(job.convert(find_sources(source, CONTRACTS).files))
    warehouse.close()
    return job


def test_load_of_new_files_deletes_nothing_from_raw_nor_from_the_ledger(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin
) -> None:
    warehouse.load_files(CUSTOMERS, [convert(tmp_path, f"{HEADER}a,Ada\n", "raw_customers_1.csv")], "run-1")
    warehouse.load_files(CUSTOMERS, [convert(tmp_path, f"{HEADER}b,Bo\n", "raw_customers_2.csv")], "run-1")
    assert said(standin, r'^delete from "raw"|^delete from .*load_ledger') == []


def test_load_of_a_changed_file_deletes_by_the_moment_that_the_ledger_knows(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin
) -> None:
    old, new = f"{HEADER}a,Ada\n", f"{HEADER}a,Anna\n"
    warehouse.load_files(CUSTOMERS, [convert(tmp_path / "old", old)], "run-1")
    unknown = convert(tmp_path / "new", f"{HEADER}n,New\n", "raw_customers_new.csv")
    warehouse.load_files(CUSTOMERS, [convert(tmp_path / "new", new), unknown], "run-1")
    (delete,) = said(standin, '^delete from "raw"')
    assert re.search(
        r"where _file in \(%s\) and _loaded_at between %s and %s|where _file in \(\$1\) and _loaded_at", delete
    )
    (archive,) = said(standin, '^insert into "ops"."replaced_raw')
    assert "loaded._loaded_at between" in archive
    assert redshift.run('select id, name from "raw".raw_customers order by id') == [("a", "Anna"), ("n", "New")]


def test_archive_is_pruned_by_new_rows_alone_if_nothing_was_replaced(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin
) -> None:
    """A record that vanished comes back with a file that is new."""
    warehouse.load_files(CUSTOMERS, [convert(tmp_path / "1", f"{HEADER}a,Ada\nb,Bo\nc,Cy\n")], "run-1")
    warehouse.load_files(CUSTOMERS, [convert(tmp_path / "2", f"{HEADER}a,Ada\n")], "run-1")
    assert redshift.run("select id from ops.replaced_raw_customers order by id") == [("b",), ("c",)]
    standin.log.clear()
    warehouse.load_files(CUSTOMERS, [convert(tmp_path / "3", f"{HEADER}b,Bo\n", "raw_customers_3.csv")], "run-1")
    assert redshift.run("select id from ops.replaced_raw_customers") == [("c",)]
    (prune,) = said(standin, '^delete from "ops"."replaced_raw')
    assert '"raw_customers"._loaded_at = ' in prune


def test_archive_is_pruned_by_all_rows_if_something_was_replaced(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse
) -> None:
    """What vanished from one file is still delivered by another one, which was loaded long before."""
    warehouse.load_files(CUSTOMERS, [convert(tmp_path / "1", f"{HEADER}b,Bo\n", "raw_customers_old.csv")], "run-1")
    warehouse.load_files(CUSTOMERS, [convert(tmp_path / "2", f"{HEADER}a,Ada\nb,Bo\nc,Cy\n")], "run-1")
    warehouse.load_files(CUSTOMERS, [convert(tmp_path / "3", f"{HEADER}a,Ada\n")], "run-1")
    assert redshift.run("select id from ops.replaced_raw_customers") == [("c",)]


@pytest.mark.parametrize(
    ("table", "spread"), [("raw_customers", 'diststyle key distkey ("id")'), ("raw_stores", "diststyle all")]
)
def test_copy_goes_into_a_table_spread_as_its_target_and_takes_no_statistics(
    tmp_path: Path, redshift: Redshift, standin: RedshiftStandin, table: str, spread: str
) -> None:
    """copy-usage_notes-copy-from-columnar knows STATUPDATE and no COMPUPDATE; c_Compression_encodings for the rest."""
    ingest(write_shop(tmp_path / "source"), tmp_path / "work", "run-1")
    (staged,) = said(standin, f'^create temporary table "staged_{table}"')
    assert staged.endswith(f" {spread}")
    assert '"id" varchar(64) encode lzo' in staged
    assert '"_row" bigint encode az64' in staged
    (copy,) = said(standin, f'^copy "staged_{table}"')
    assert copy.endswith("format as parquet manifest statupdate off")


def test_raw_tables_are_sorted_by_the_time_of_loading(
    redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin
) -> None:
    for table in CONTRACTS:
        (create,) = said(standin, f'^create table if not exists "raw"."{table}"')
        assert create.endswith("sortkey (_loaded_at)"), create


def test_every_read_of_a_raw_table_within_a_load_is_bounded_by_the_time_of_loading(
    tmp_path: Path, redshift: Redshift, standin: RedshiftStandin
) -> None:
    source = write_shop(tmp_path / "source")
    ingest(source, tmp_path / "work", "run-1")
    standin.log.clear()
    (source / "raw_customers.csv").write_text(f"{HEADER}a,Anna\n")
    (source / "raw_stores.csv").write_text((source / "raw_stores.csv").read_text().replace("0.05", "0.06"))
    ingest(source, tmp_path / "work", "run-2")
    reads = said(standin, r'(from|using) "raw"\.')
    assert reads
    unbounded = [sql for sql in reads if "_loaded_at between" not in sql and "_loaded_at = " not in sql]
    # what was replaced is compared with all keys that are delivered now, and the tables are counted once
    assert [sql for sql in unbounded if not sql.startswith(('delete from "ops"."replaced_raw', "select 'raw_"))] == []


def test_raw_tables_are_counted_as_a_whole_once_a_run_and_in_detail_only_if_they_differ(
    tmp_path: Path, redshift: Redshift, standin: RedshiftStandin
) -> None:
    source = write_shop(tmp_path / "source")
    ingest(source, tmp_path / "work", "run-1")
    standin.log.clear()
    again = ingest(source, tmp_path / "work", "run-2")
    assert {outcome.status for outcome in again.outcomes} == {"unchanged"}
    assert len(said(standin, r'count\(\*\) from "raw"')) == 1
    assert said(standin, "group by _file") == []

    redshift.run("delete from \"raw\".raw_orders where id = 'o1'")
    standin.log.clear()
    mended = ingest(source, tmp_path / "work", "run-3")
    assert {outcome.table for outcome in mended.outcomes if outcome.status != "unchanged"} == {"raw_orders"}
    assert len(said(standin, r'^select _file, count\(\*\) from "raw"."raw_orders" group by _file')) == 1
    assert said(standin, r'^select _file, count\(\*\) from "raw"."raw_items"') == []
    assert redshift.run("select count(*) from \"raw\".raw_orders where id = 'o1'") == [(1,)]


COLUMNS = "id, customer, ordered_at, store_id, subtotal, tax_paid, order_total"
EARLIER = "dateadd(day, -9, _loaded_at)"


@pytest.mark.parametrize(
    "by_hand",
    [
        f"insert into \"raw\".raw_orders select {COLUMNS}, _file, _file_sha256, _row, 'x', {EARLIER} "
        'from "raw".raw_orders',
        f"insert into \"raw\".raw_orders select {COLUMNS}, 'raw_orders_other.csv', _file_sha256, _row, 'x', {EARLIER} "
        'from "raw".raw_orders',
        "delete from ops.load_ledger where table_name = 'raw_orders'",
    ],
    ids=["rows added", "rows added to another file", "ledger rows removed"],
)
def test_table_changed_by_hand_is_as_before_after_the_next_run(
    tmp_path: Path, redshift: Redshift, by_hand: str
) -> None:
    """What lies astray has other moments than the ledger says, or is of files that it does not know."""
    source = write_shop(tmp_path / "source")
    (source / "raw_orders_other.csv").write_text((source / "raw_orders.csv").read_text().splitlines()[0] + "\n")
    ingest(source, tmp_path / "work", "run-1")
    rows = 'select id, _file, count(*) from "raw".raw_orders group by id, _file order by id'
    before = redshift.run(rows)
    redshift.run(by_hand)
    ingest(source, tmp_path / "work", "run-2")
    assert redshift.run(rows) == before
    warehouse = open_redshift()
    assert find_lost(warehouse) == set()
    warehouse.close()


def test_rows_whose_moment_was_changed_by_hand_are_replaced_all_the_same(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse
) -> None:
    """The counts agree, so that nothing is counted in detail; the DELETE finds fewer rows than the ledger has."""
    warehouse.load_files(CUSTOMERS, [convert(tmp_path / "old", f"{HEADER}a,Ada\nb,Bo\n")], "run-1")
    redshift.run(f"update \"raw\".raw_customers set _loaded_at = {EARLIER} where id = 'a'")
    assert find_lost(warehouse) == set()
    warehouse.load_files(CUSTOMERS, [convert(tmp_path / "new", f"{HEADER}a,Anna\n")], "run-1")
    assert redshift.run('select id, name from "raw".raw_customers') == [("a", "Anna")]


def test_many_small_files_are_one_copy_and_one_object(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(300):
        (source / f"raw_customers_{number}.csv").write_text(f"{HEADER}c{number},Ada\n")
    job = Ingestion(warehouse, tmp_path / "work", "run-1")
    job.load(job.convert(find_sources(source, CONTRACTS).files))
    assert len(said(standin, "^copy ")) == 1
    assert redshift.run('select count(*), count(distinct _file) from "raw".raw_customers') == [(300, 300)]
    assert list((tmp_path / "work").glob("staged/**/*.parquet")) == []
