"""Loading into DuckDB: exactly once, whole files only, the ledger true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import text

from flows.errors import LoadError
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion, convert_csv
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ledger import LedgerRow

CUSTOMERS = CONTRACTS["raw_customers"]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckDBWarehouse]:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    warehouse.prepare(CONTRACTS.values())
    yield warehouse
    warehouse.close()


def convert(folder: Path, text: str, name: str = "raw_customers.csv") -> Conversion:
    (folder / name).write_text(text, encoding="utf-8")
    return convert_csv(folder / name, CUSTOMERS, folder)


def load(warehouse: DuckDBWarehouse, conversion: Conversion, run_id: str) -> LedgerRow:
    (row,) = warehouse.load_files(CUSTOMERS, [conversion], run_id)
    return row


LINEAGE_PACKING = {(name, "Dictionary") for name in ("_file", "_file_sha256", "_run_id")}


def read_packing(path: Path, table: str, *, without: str) -> set[tuple[str, str]]:
    """How the texts of a raw table are packed in the file, column by column."""
    with duckdb.connect(str(path)) as connection:
        rows = connection.execute(
            f"select distinct column_name, compression from pragma_storage_info('raw.{table}') "
            f"where segment_type = 'VARCHAR' and count > 0 and column_name != '{without}'"
        )
        return set(rows.fetchall())


def loaded_rows(warehouse: DuckDBWarehouse) -> list[tuple[str, str, int]]:
    with warehouse.engine().connect() as connection:
        rows = connection.execute(text("select id, _file, _row from raw.raw_customers order by _file, _row"))
        return [tuple(row) for row in rows]


def test_load_file_writes_rows_with_lineage_and_the_ledger(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    conversion = convert(tmp_path, "id,name\na,Ada\nb\nc,Cy\n")
    row = load(warehouse, conversion, "run-1")
    assert warehouse.read_ledger() == [row]
    assert (row.rows_in, row.rows_loaded, row.rows_quarantined, row.run_id) == (3, 2, 1, "run-1")
    assert row.file_sha256 == conversion.file_sha256
    assert loaded_rows(warehouse) == [("a", "raw_customers.csv", 1), ("c", "raw_customers.csv", 3)]


def test_load_file_again_replaces_exactly_its_own_rows(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    load(warehouse, convert(tmp_path, "id,name\na,Ada\nb,Bo\n"), "run-1")
    other = load(warehouse, convert(tmp_path, "id,name\nx,Xi\n", "raw_customers_2.csv"), "run-1")
    changed = load(warehouse, convert(tmp_path, "id,name\na,Anna\n"), "run-2")
    assert loaded_rows(warehouse) == [("a", "raw_customers.csv", 1), ("x", "raw_customers_2.csv", 1)]
    assert warehouse.read_ledger() == [changed, other]


def test_load_file_without_good_records_leaves_a_ledger_row(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    load(warehouse, convert(tmp_path, "id,name\na,Ada\n"), "run-1")
    row = load(warehouse, convert(tmp_path, "id,name\n"), "run-2")
    assert (loaded_rows(warehouse), warehouse.read_ledger()) == ([], [row])


def test_load_file_with_a_wrong_count_changes_nothing(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    before = load(warehouse, convert(tmp_path, "id,name\na,Ada\n"), "run-1")
    lying = replace(convert(tmp_path, "id,name\na,Ada\nb,Bo\n"), rows_loaded=3)
    with pytest.raises(LoadError, match="3 rows were to be loaded, 2 arrived"):
        load(warehouse, lying, "run-2")
    assert warehouse.read_ledger() == [before]
    assert [row[0] for row in loaded_rows(warehouse)] == ["a"]


def test_load_files_small_files_together_each_with_its_own_hash_and_count(
    tmp_path: Path, warehouse: DuckDBWarehouse
) -> None:
    load(warehouse, convert(tmp_path, "id,name\na,Ada\nb,Bo\n", "raw_customers_1.csv"), "run-1")
    conversions = [
        convert(tmp_path, "id,name\na,Anna\n", "raw_customers_1.csv"),
        convert(tmp_path, "id,name\n", "raw_customers_2.csv"),
        convert(tmp_path, "id,name\nc,Cy\nd\ne,Eve\n", "raw_customers'3.csv"),
    ]
    rows = warehouse.load_files(CUSTOMERS, conversions, "run-2")
    assert [(row.file_name, row.rows_loaded) for row in rows] == [
        ("raw_customers_1.csv", 1),
        ("raw_customers_2.csv", 0),
        ("raw_customers'3.csv", 2),
    ]
    assert warehouse.read_ledger() == sorted(rows, key=lambda row: row.file_name)
    assert warehouse.count_rows(CUSTOMERS) == {"raw_customers_1.csv": 1, "raw_customers'3.csv": 2}
    with warehouse.engine().connect() as connection:
        found = connection.execute(text("select distinct _file, _file_sha256, _run_id from raw.raw_customers"))
        hashes = {tuple(row) for row in found}
    assert hashes == {(c.file_name, c.file_sha256, "run-2") for c in conversions if c.rows_loaded}


def test_load_files_one_wrong_count_among_them_changes_nothing(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    good = convert(tmp_path, "id,name\na,Ada\n", "raw_customers_1.csv")
    lying = replace(convert(tmp_path, "id,name\nb,Bo\n", "raw_customers_2.csv"), rows_loaded=3)
    with pytest.raises(LoadError, match=r"raw_customers_2\.csv: 3 rows were to be loaded, 1 arrived"):
        warehouse.load_files(CUSTOMERS, [good, lying], "run-1")
    assert (loaded_rows(warehouse), warehouse.read_ledger()) == ([], [])
    assert warehouse.count_rows(CUSTOMERS) == {}


def test_load_file_with_a_flipped_bit_in_a_part_is_refused(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    conversion = convert(tmp_path, "id,name\na,Ada\n")
    path = conversion.parts[0].path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(LoadError, match="changed or vanished"):
        load(warehouse, conversion, "run-1")
    assert (loaded_rows(warehouse), warehouse.read_ledger()) == ([], [])


def test_prepare_table_with_other_columns_says_how_to_cure_it(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema raw; create table raw.raw_customers (id varchar)")
    with pytest.raises(LoadError, match="Drop the table"):
        DuckDBWarehouse(path).prepare(CONTRACTS.values())


def test_prepare_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_text("hello, this is not a database at all" * 100)
    with pytest.raises(LoadError, match="cannot be opened"):
        DuckDBWarehouse(tmp_path / "warehouse.duckdb").prepare(CONTRACTS.values())


def test_load_file_in_a_folder_with_pattern_characters_loads_its_own_parts(tmp_path: Path) -> None:
    folder = tmp_path / "a[b]*"
    folder.mkdir()
    warehouse = DuckDBWarehouse(folder / "warehouse.duckdb")
    warehouse.prepare(CONTRACTS.values())
    load(warehouse, convert(folder, "id,name\na,Ada\n"), "run-1")
    assert [row[0] for row in loaded_rows(warehouse)] == ["a"]


def test_prepare_keys_and_lineage_are_packed_in_the_way_that_suits_them(tmp_path: Path) -> None:
    """DuckDB would find a table of texts better for these ids, which are few, and writes what it is told."""
    lines = "".join(f"c{number % 9},Ann {number}\n" for number in range(3000))
    conversion = convert(tmp_path, "id,name\n" + lines)
    for _ in range(2):  # as a later run finds the table
        warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
        warehouse.prepare(CONTRACTS.values())
        load(warehouse, conversion, "run-1")
        warehouse.close()
    found = read_packing(tmp_path / "warehouse.duckdb", "raw_customers", without="name")
    assert found == {("id", "FSST"), *LINEAGE_PACKING}


def test_prepare_orders_of_items_are_packed_as_keys_are(tmp_path: Path) -> None:
    (tmp_path / "raw_items.csv").write_text("id,order_id,sku\n" + "".join(f"i{n},o{n % 9},s\n" for n in range(3000)))
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    warehouse.prepare(CONTRACTS.values())
    conversion = convert_csv(tmp_path / "raw_items.csv", CONTRACTS["raw_items"], tmp_path)
    warehouse.load_files(CONTRACTS["raw_items"], [conversion], "run-1")
    warehouse.close()
    found = read_packing(tmp_path / "warehouse.duckdb", "raw_items", without="sku")
    assert found == {("id", "FSST"), ("order_id", "FSST"), *LINEAGE_PACKING}
