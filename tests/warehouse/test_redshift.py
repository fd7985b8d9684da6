"""Loading into Redshift: exactly once, whole files only, the ledger true. Runs on a real workgroup too."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from flows.errors import LoadError
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion
from flows.lake.sources import find_sources
from flows.warehouse.builds import Build, Gate
from flows.warehouse.ddl import raw_columns
from flows.warehouse.ingestion import Ingestion
from flows.warehouse.ledger import LedgerRow
from flows.warehouse.redshift.warehouse import RedshiftWarehouse
from tests.tiny_shop import FILES, write_shop
from tests.warehouse.redshift import Redshift, convert, open_redshift

pytestmark = pytest.mark.redshift
CUSTOMERS = CONTRACTS["raw_customers"]


def load(warehouse: RedshiftWarehouse, conversion: Conversion, run_id: str = "run-1") -> LedgerRow:
    (row,) = warehouse.load_files(CUSTOMERS, [conversion], run_id)
    return row


def loaded_rows(redshift: Redshift) -> list[tuple[str, str, int]]:
    return redshift.run('select id, _file, _row from "{p}raw".raw_customers order by _file, _row')


def test_load_files_writes_rows_with_lineage_and_the_ledger(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse
) -> None:
    conversion = convert(tmp_path, 'id,name\na,Ada\nb\nc,"Cý, ""the\n3rd"""\n')
    row = load(warehouse, conversion)
    assert warehouse.read_ledger() == [row]
    assert (row.rows_in, row.rows_loaded, row.rows_quarantined, row.run_id) == (3, 2, 1, "run-1")
    assert redshift.run('select * from "{p}raw".raw_customers order by _row') == [
        ("a", "Ada", "raw_customers.csv", conversion.file_sha256, 1, "run-1", row.loaded_at),
        ("c", 'Cý, "the\n3rd"', "raw_customers.csv", conversion.file_sha256, 3, "run-1", row.loaded_at),
    ]


def test_load_files_again_replaces_exactly_their_own_rows(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse
) -> None:
    load(warehouse, convert(tmp_path, "id,name\na,Ada\nb,Bo\n"))
    other = load(warehouse, convert(tmp_path, "id,name\nx,Xi\n", "raw_customers_2.csv"))
    changed = load(warehouse, convert(tmp_path, "id,name\na,Anna\n"), "run-2")
    assert loaded_rows(redshift) == [("a", "raw_customers.csv", 1), ("x", "raw_customers_2.csv", 1)]
    assert warehouse.read_ledger() == [changed, other]
    assert warehouse.count_rows(CUSTOMERS) == {"raw_customers.csv": 1, "raw_customers_2.csv": 1}


def test_load_files_together_each_with_its_own_hash(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse
) -> None:
    names = ["raw_customers_1.csv", "raw_customers'2\\.csv", 'raw_customers"3%s.csv', "raw_customers_é — 4.csv"]
    conversions = [convert(tmp_path, f"id,name\n{i},Ada\n", name) for i, name in enumerate(names)]
    rows = warehouse.load_files(CUSTOMERS, [*conversions, convert(tmp_path, "id,name\n", "raw_customers_5.csv")], "r")
    assert [row.rows_loaded for row in rows] == [1, 1, 1, 1, 0]
    assert warehouse.read_ledger() == sorted(rows, key=lambda row: row.file_name.encode())
    found = redshift.run('select _file, _file_sha256, _run_id from "{p}raw".raw_customers')
    assert set(found) == {(c.file_name, c.file_sha256, "r") for c in conversions}


def test_load_files_without_good_records_leaves_a_ledger_row(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse
) -> None:
    load(warehouse, convert(tmp_path, "id,name\na,Ada\n"))
    row = load(warehouse, convert(tmp_path, "id,name\n"))
    assert (loaded_rows(redshift), warehouse.read_ledger()) == ([], [row])


def test_load_files_with_a_wrong_count_changes_nothing(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse
) -> None:
    before = load(warehouse, convert(tmp_path, "id,name\na,Ada\n"))
    lying = replace(convert(tmp_path, "id,name\na,Ada\nb,Bo\n"), rows_loaded=3)
    with pytest.raises(LoadError, match="3 rows were to be loaded, 2 arrived"):
        load(warehouse, lying)
    assert warehouse.read_ledger() == [before]
    assert loaded_rows(redshift) == [("a", "raw_customers.csv", 1)]


def test_load_files_of_a_damaged_part_is_refused(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse
) -> None:
    conversion = convert(tmp_path, "id,name\na,Ada\n")
    data = bytearray(conversion.parts[0].path.read_bytes())
    data[len(data) // 2] ^= 1
    conversion.parts[0].path.write_bytes(data)
    with pytest.raises(LoadError, match="changed or vanished"):
        load(warehouse, conversion)
    assert (loaded_rows(redshift), warehouse.read_ledger()) == ([], [])


OPTIONAL_FILES = {
    "raw_refunds.csv": """id,order_id,item_id,refunded_at,amount,tax_amount,reason
f1,o1,i1,2025-07-02T10:00:00,1000,50,cold
f2,o3,,2024-07-02T10:00:00,250,25,
""",
    "raw_stock_counts.csv": "store_id,supply_id,counted_at,unit_count\ns1,u1,2025-06-30T22:00:00,40\n",
}


def test_ingestion_loads_every_table_with_the_types_of_its_contract(redshift: Redshift, tmp_path: Path) -> None:
    source, warehouse = write_shop(tmp_path / "source"), open_redshift(parallel_loads=3)
    for name, text in OPTIONAL_FILES.items():
        (source / name).write_text(text, encoding="utf-8")
    with warehouse.hold("run-1"):
        ingestion = Ingestion(warehouse, tmp_path / "work", "run-1")
        ingestion.load(ingestion.convert(find_sources(source, CONTRACTS).files))
        again = Ingestion(warehouse, tmp_path / "work", "run-2")
        again.load(again.convert(find_sources(source, CONTRACTS).files))
    warehouse.close()
    assert {outcome.status for outcome in ingestion.outcomes} == {"loaded"}
    assert {outcome.status for outcome in again.outcomes} == {"unchanged"}
    for table, contract in CONTRACTS.items():
        (rows,) = redshift.run(f'select count(*) from "{{p}}raw".{table}')
        assert rows == (len((FILES | OPTIONAL_FILES)[f"{table}.csv"].splitlines()) - 1,), table
        columns = redshift.run(
            "select column_name from information_schema.columns where table_schema = %s and table_name = %s "
            "order by ordinal_position",
            f"{redshift.prefix}raw",
            table,
        )
        assert [name for (name,) in columns] == list(raw_columns(contract))


def test_prepare_raw_table_with_other_columns_says_how_to_cure_it(redshift: Redshift) -> None:
    warehouse = open_redshift()
    with warehouse.hold("run-1"):
        redshift.run('create table "{p}raw".raw_customers (id varchar(64), name varchar(10))')
        said = r"(?s)name is varchar\(10\), the contract says varchar\(256\).* Drop the table"
        with pytest.raises(LoadError, match=said):
            warehouse.prepare(CONTRACTS.values())
    warehouse.close()


def test_hold_second_run_elsewhere_is_told_who_holds_it(redshift: Redshift, tmp_path: Path) -> None:
    first, second = open_redshift(), open_redshift(work_dir=tmp_path / "elsewhere")
    with first.hold("run-1"):
        with pytest.raises(
            LoadError,
            match=r"another run writes .* run run-1 of .* runs out by itself at \d{4}-.* in (300|2\d\d) s",
        ):
            second.hold("run-2").__enter__()
        with open_redshift().hold("run-3"):  # the same work folder: the kernel's lock says that run-1 is no more
            pass
    with second.hold("run-4"):
        assert redshift.run("select distinct run_id from {p}ops.run_lease") == [("run-4",)]
    assert redshift.run("select count(*) from {p}ops.run_lease") == [(0,)]


def test_hold_lease_that_ran_out_is_taken_over_and_the_first_run_loads_nothing(
    redshift: Redshift, warehouse: RedshiftWarehouse, tmp_path: Path
) -> None:
    redshift.run("update {p}ops.run_lease set expires_at = dateadd(minute, -1, getdate())")
    with open_redshift(work_dir=tmp_path / "elsewhere").hold("run-2"):
        with pytest.raises(LoadError, match="another run has taken over"):
            load(warehouse, convert(tmp_path, "id,name\na,Ada\n"))
        assert loaded_rows(redshift) == []


def test_load_files_outside_hold_is_refused(redshift: Redshift, tmp_path: Path) -> None:
    warehouse = open_redshift()
    with pytest.raises(LoadError, match="holds the warehouse"):
        load(warehouse, convert(tmp_path, "id,name\na,Ada\n"))


def test_read_build_only_one_that_passed_and_whose_id_the_gate_holds(
    redshift: Redshift, warehouse: RedshiftWarehouse
) -> None:
    assert (warehouse.read_gate(), warehouse.read_build()) == (None, None)
    redshift.run(
        "create table {p}intermediate.int_build_gate (build_id varchar(64), ledger_sha256 varchar(64), as_of_date date)"
    )
    redshift.run("insert into {p}intermediate.int_build_gate values ('b1', 'l1', '2026-01-31')")
    findings = {"counts": {"orders of unknown 'stores'": 1}, "totals": {"files": 1}}
    build = Build("b1", "run-1", "l1", "p1", date(2026, 1, 31), False, findings, datetime(2026, 2, 1, 3, 4, 5, 6))
    warehouse.record_build(build)
    assert warehouse.read_gate() == Gate("b1", "l1", date(2026, 1, 31))
    assert warehouse.read_build() is None
    passed = replace(build, passed=True, run_id=None)
    warehouse.record_build(passed)
    assert warehouse.read_build() == passed
    assert redshift.run("select count(*) from {p}ops.build_ledger") == [(1,)]
    redshift.run("update {p}intermediate.int_build_gate set build_id = 'b2'")
    assert warehouse.read_build() is None


def test_read_build_is_of_the_marts_whichever_work_folder_built_them(redshift: Redshift, tmp_path: Path) -> None:
    """A failed build from one folder takes the proof away from the other, whose marts are gone with it."""
    here, there = open_redshift(), open_redshift(work_dir=tmp_path / "elsewhere")
    first = Build("b1", "run-1", "l1", "p1", date(2026, 1, 31), True, {}, datetime(2026, 2, 1))
    second = replace(first, build_id="b2", run_id="run-2")
    with here.hold("run-1"):
        redshift.run(
            "create table {p}intermediate.int_build_gate "
            "(build_id varchar(64), ledger_sha256 varchar(64), as_of_date date)"
        )
        redshift.run("insert into {p}intermediate.int_build_gate values ('b1', 'l1', '2026-01-31')")
        here.record_build(first)
    assert (here.read_build(), there.read_build()) == (first, first)
    with there.hold("run-2"):
        redshift.run("update {p}intermediate.int_build_gate set build_id = 'b2'")
        there.record_build(replace(second, passed=False))
        assert (here.read_build(), there.read_build()) == (None, None)
        there.record_build(second)
    assert here.read_build() == second
    here.close()
    there.close()
