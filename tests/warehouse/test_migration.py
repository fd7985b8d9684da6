"""A warehouse of the version before this one is brought up to date by the next run: nothing lost, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.errors import LoadError
from flows.lake.contracts import CONTRACTS
from flows.lake.hashing import hash_file
from flows.lake.sources import find_sources
from flows.warehouse.base import Warehouse
from flows.warehouse.ddl import archive_columns, raw_columns
from flows.warehouse.duckdb import tables as duckdb_tables
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion
from flows.warehouse.ledger import LEDGER_COLUMNS
from tests.tiny_shop import FILES
from tests.warehouse.redshift import Redshift, open_redshift
from tests.warehouse.redshift_standin import Fault, RedshiftStandin

LINEAGE = "_file varchar(1024), _file_sha256 varchar(64), _row bigint, _run_id varchar(64), _loaded_at timestamp"
# As release 0.1 made them: stores without a time zone, a ledger without deliveries
OLD_TABLES = [
    f'create table "raw".raw_stores (id varchar(64), name varchar(256), opened_at timestamp, '
    f"tax_rate decimal(9,6), {LINEAGE})",
    f'create table "raw".raw_customers (id varchar(64), name varchar(256), {LINEAGE})',
    "create table ops.load_ledger (table_name varchar(64), file_name varchar(1024), file_sha256 varchar(64), "
    "rows_in bigint, rows_loaded bigint, rows_quarantined bigint, run_id varchar(64), loaded_at timestamp)",
]
OLD_COLUMNS = [
    name for name in LEDGER_COLUMNS if not name.startswith(("deliver", "valid", "profile", "contract", "object"))
]
FIRST, LATER = datetime(2025, 3, 1, 6, 0, 0, 5), datetime(2025, 7, 1, 6)
LOADED = [  # file, run, when
    ("raw_stores.csv", "run-1", FIRST),
    ("raw_stores-2.csv", "run-1", datetime(2025, 3, 1, 6, 1)),
    ("raw_stores_2025-06-01.csv", "run-2", datetime(2025, 6, 2, 6)),
    ("raw_stores_late.csv", "run-3", LATER),
]


@dataclass
class Old:
    """A warehouse as the earlier version left it, and how to ask it; `make` opens it with the code of now."""

    run: Callable[[str], list[tuple[Any, ...]]]
    make: Callable[[], Warehouse]

    def fill(self, sha256: str = "0" * 64) -> None:
        for statement in OLD_TABLES:
            self.run(statement)
        for file, run, moment in LOADED:
            values = f"'{file}', '{sha256}', 1, '{run}', '{moment}'"
            self.run(f"insert into \"raw\".raw_stores values ('s1', 'North', '2022-01-01', 0.05, {values})")
            ledger = f"'raw_stores', '{file}', '{sha256}', 1, 1, 0, '{run}', '{moment}'"
            self.run(f"insert into ops.load_ledger values ({ledger})")

    def prepare(self) -> None:
        warehouse = self.make()
        try:
            with warehouse.hold("run-9"):
                warehouse.prepare(CONTRACTS.values())
        finally:
            warehouse.close()

    def columns(self, schema: str, table: str) -> list[str]:
        sql = "select column_name from information_schema.columns "
        where = f"where table_schema = '{schema}' and table_name = '{table}' order by ordinal_position"
        return [name for (name,) in self.run(sql + where)]


def old_duckdb(folder: Path) -> Old:
    path = folder / "warehouse.duckdb"

    def run(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(path)) as connection:
            return connection.execute(sql).fetchall()

    for schema in ("raw", "ops"):
        run(f"create schema {schema}")
    return Old(run, lambda: DuckDBWarehouse(path))


@pytest.fixture(params=["duckdb", "redshift"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Old]:
    if request.param == "duckdb":
        yield old_duckdb(tmp_path)
        return
    yield old_redshift(request.getfixturevalue("redshift"))


def old_redshift(redshift: Redshift) -> Old:
    with open_redshift().hold("run-0"):  # makes the schemas
        pass
    return Old(redshift.run, open_redshift)


def test_prepare_older_warehouse_is_brought_up_to_date_and_loses_nothing(old: Old) -> None:
    old.fill()
    rows = 'select id, name, tax_rate, _file, _row, _run_id, _loaded_at from "raw".raw_stores order by _file'
    before = old.run(rows)
    old.prepare()
    assert (len(before), old.run(rows)) == (4, before)
    assert old.run('select count(*), count(time_zone) from "raw".raw_stores') == [(4, 0)]
    for table, contract in CONTRACTS.items():
        assert sorted(old.columns("raw", table)) == sorted(raw_columns(contract))
        expected = list(archive_columns(contract)) if contract.history != "none" else []
        assert old.columns("ops", f"replaced_{table}") == expected
    assert old.columns("raw", "raw_stores")[-2:] == ["_loaded_at", "time_zone"]
    ledger = old.run("select * from ops.load_ledger order by delivery_order")
    assert [row[:8] for row in sorted(ledger)] == sorted(
        ("raw_stores", file, "0" * 64, 1, 1, 0, run, moment) for file, run, moment in LOADED
    )
    assert [(row[1], *row[8:11]) for row in ledger] == [
        ("raw_stores.csv", FIRST, FIRST.date(), date(1900, 1, 1)),
        ("raw_stores-2.csv", LOADED[1][2], FIRST.date(), date(1900, 1, 1)),
        ("raw_stores_2025-06-01.csv", LOADED[2][2], date(2025, 6, 1), date(2025, 6, 1)),
        ("raw_stores_late.csv", LATER, LATER.date(), LATER.date()),
    ]
    deliveries = "select file_name, run_id, delivered_at from ops.deliveries order by delivered_at"
    assert old.run(deliveries) == LOADED


def test_prepare_ledger_that_lacks_profiles_alone_keeps_its_deliveries_as_they_were(old: Old) -> None:
    old.fill()
    old.prepare()
    before = old.run("select * from ops.load_ledger order by file_name")
    old.run("alter table ops.load_ledger drop column profile_sha256")
    old.run("update ops.load_ledger set delivered_at = '2024-01-01' where file_name = 'raw_stores.csv'")
    old.prepare()
    assert sorted(old.columns("ops", "load_ledger")) == sorted(LEDGER_COLUMNS)
    after = old.run("select * from ops.load_ledger order by file_name")
    assert [row[:8] for row in after] == [row[:8] for row in before]
    assert [row[8] for row in after if row[1] == "raw_stores.csv"] == [datetime(2024, 1, 1)]
    assert {row[-1] for row in after} == {None}


def test_prepare_again_changes_nothing(old: Old) -> None:
    old.fill()
    old.prepare()
    before = [old.run(f"select * from {table} order by 1, 2, 4") for table in ("ops.load_ledger", "ops.deliveries")]
    old.prepare()
    after = [old.run(f"select * from {table} order by 1, 2, 4") for table in ("ops.load_ledger", "ops.deliveries")]
    assert after == before


def test_prepare_table_that_is_not_of_an_earlier_version_is_refused_and_nothing_is_changed(old: Old) -> None:
    old.fill()
    old.run('create table "raw".raw_supplies (id varchar(64), colour varchar(9))')
    with pytest.raises(LoadError, match=r'(?s)colour varchar.* Drop the table, .*drop table "?raw"?\.raw_supplies'):
        old.prepare()
    assert old.columns("ops", "load_ledger") == OLD_COLUMNS
    assert "time_zone" not in old.columns("raw", "raw_stores")


def test_prepare_archive_with_other_columns_is_never_to_be_dropped(old: Old) -> None:
    old.run("create table ops.replaced_raw_products (sku varchar(64), colour varchar(9))")
    with pytest.raises(LoadError, match=r"rename to replaced_raw_products_before") as error:
        old.prepare()
    assert "drop" not in str(error.value).lower()


def test_prepare_that_fails_half_way_leaves_the_older_warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = old_duckdb(tmp_path)
    old.fill()
    before = old.run("select * from ops.load_ledger order by all")

    def fail(*_given: Any) -> None:
        raise duckdb.IOException("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(duckdb_tables, "_add_columns", fail)
        with pytest.raises(LoadError, match="the disk is full"):
            old.prepare()
    assert old.run("select * from ops.load_ledger order by all") == before
    assert old.columns("ops", "deliveries") == []
    old.prepare()
    assert old.run("select count(*) from ops.deliveries") == [(4,)]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "statement", ['^alter table "raw"', '^drop table "ops"', '^insert into "ops"."deliveries"', "^commit"]
)
def test_prepare_connection_lost_half_way_is_done_once(
    redshift: Redshift, standin: RedshiftStandin, statement: str, when: Any
) -> None:
    old = old_redshift(redshift)
    old.fill()
    warehouse = old.make()
    with warehouse.hold("run-9"):
        standin.faults.add(Fault("drop", when, statement=statement))
        warehouse.prepare(CONTRACTS.values())
    warehouse.close()
    assert len(standin.faults.fired) == 1
    assert old.run("select count(*), count(delivery_order) from ops.load_ledger") == [(4, 4)]
    assert old.run("select count(*) from ops.deliveries") == [(4,)]
    assert old.run('select count(*) from "raw".raw_stores') == [(4,)]


def test_ingest_into_an_older_warehouse_knows_its_files_and_archives_what_it_replaces(tmp_path: Path) -> None:
    source, old = tmp_path / "source", old_duckdb(tmp_path)
    source.mkdir()
    header = FILES["raw_stores.csv"].splitlines()[0]
    for file, _, _ in LOADED:
        (source / file).write_text(f"{header}\ns1,North,2022-01-01T00:00:00,0.05\n")
    old.fill(hash_file(source / "raw_stores.csv"))
    (source / "raw_stores.csv").write_text(f"{header}\ns1,North,2022-01-01T00:00:00,0.07\n")
    warehouse = old.make()
    ingestion = Ingestion(warehouse, tmp_path, "run-9")
    ingestion.load(ingestion.convert(find_sources(source, CONTRACTS).files))
    warehouse.close()
    assert {outcome.file: outcome.status for outcome in ingestion.outcomes} == {
        "raw_stores.csv": "replaced",
        "raw_stores-2.csv": "unchanged",
        "raw_stores_2025-06-01.csv": "unchanged",
        "raw_stores_late.csv": "unchanged",
    }
    archived = old.run("select tax_rate * 100, _run_id, _delivered_at, _valid_from_date from ops.replaced_raw_stores")
    assert [(int(row[0]), *row[1:]) for row in archived] == [(5, "run-1", FIRST, date(1900, 1, 1))]
    newest = old.run("select file_name from ops.load_ledger order by delivery_order desc limit 1")
    assert newest == [("raw_stores.csv",)]
