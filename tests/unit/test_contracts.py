"""The contracts, and that everything that repeats them says the same."""

from __future__ import annotations

import csv
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
import yaml

from flows.lake.contracts import CONTRACTS, Contract, RawProducts
from flows.lake.convert import convert_csv
from flows.warehouse.ddl import archive_columns, raw_columns
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ledger import DELIVERY_COLUMNS, LEDGER_COLUMNS
from infra.dbt_sources import SOURCES, write_tables
from tests.conftest import DATASETS


def dbt_sources() -> dict[str, dict[str, dict[str, str]]]:
    """Source → table → column → data type, in the order of the YAML."""
    text = SOURCES.read_text(encoding="utf-8")
    return {
        source["name"]: {
            table["name"]: {column["name"]: column["data_type"] for column in table["columns"]}
            for table in source["tables"]
        }
        for source in yaml.safe_load(text)["sources"]
    }


def test_dbt_sources_raw_tables_are_the_contracts() -> None:
    assert dbt_sources()["raw"].keys() == CONTRACTS.keys()


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_dbt_sources_columns_are_those_of_the_contract(contract: Contract) -> None:
    assert list(dbt_sources()["raw"][contract.table].items()) == list(raw_columns(contract).items())


def test_dbt_sources_ops_tables_have_the_columns_that_the_ingest_makes() -> None:
    expected = {"load_ledger": LEDGER_COLUMNS, "deliveries": DELIVERY_COLUMNS} | {
        f"replaced_{table}": archive_columns(contract)
        for table, contract in CONTRACTS.items()
        if contract.history != "none"
    }
    found = dbt_sources()["ops"]
    assert {name: list(found[name].items()) for name in expected} == {
        name: list(columns.items()) for name, columns in expected.items()
    }


def test_dbt_sources_are_written_from_the_contracts() -> None:
    text = SOURCES.read_text(encoding="utf-8")
    assert text == write_tables(text, CONTRACTS.values()), "run: make sources"


def test_dbt_sources_other_than_raw_stay_when_they_are_written() -> None:
    text = SOURCES.read_text(encoding="utf-8")
    written = yaml.safe_load(write_tables(text, [CONTRACTS["raw_stores"]]))["sources"]
    names = {source["name"]: [table["name"] for table in source["tables"]] for source in written}
    assert names["raw"] == ["raw_stores"]
    assert names["ops"] == [name for name in dbt_sources()["ops"] if name[:12] != "replaced_raw"] + [
        "replaced_raw_stores"
    ]
    assert write_tables(write_tables(text, [CONTRACTS["raw_stores"]]), CONTRACTS.values()) == text


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_contract_columns_are_the_header_of_the_shipped_file(contract: Contract) -> None:
    """Only of an optional table may there be no file, and only optional columns may lack."""
    files = [path for path in DATASETS.glob("*.csv") if path.name.startswith(contract.table)]
    assert files or contract.is_optional
    for path in files:
        with path.open(newline="", encoding="utf-8") as file:
            header = next(csv.reader(file))
        assert [column for column in header if column in contract.required] == contract.required
        assert header == [column for column in contract.columns if column in header]


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_contract_optional_columns_may_be_null_and_follow_the_others(contract: Contract) -> None:
    assert all(column.nullable for name, column in contract.columns.items() if name not in contract.required)
    assert list(contract.columns)[: len(contract.required)] == contract.required


def test_contracts_optional_tables_are_the_documented_ones() -> None:
    optional = [contract.table for contract in CONTRACTS.values() if contract.is_optional]
    assert optional == ["raw_refunds", "raw_stock_counts"]


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_contract_says_what_every_column_means(contract: Contract) -> None:
    assert contract.key
    assert contract.description.startswith("One row per")
    for name, column in contract.columns.items():
        assert column.description, name
        if column.dtype == pl.Int64:
            assert column.metadata in ({"unit": "cents"}, {"unit": "units"}), name


def test_raw_columns_types_are_the_documented_ones() -> None:
    assert raw_columns(CONTRACTS["raw_stores"]) == {
        "id": "varchar(64)",
        "name": "varchar(256)",
        "opened_at": "timestamp",
        "tax_rate": "decimal(9,6)",
        "time_zone": "varchar(64)",
        "_file": "varchar(1024)",
        "_file_sha256": "varchar(64)",
        "_row": "bigint",
        "_run_id": "varchar(64)",
        "_loaded_at": "timestamp",
    }


def test_shipped_data_stays_small() -> None:
    assert sum(path.stat().st_size for path in DATASETS.iterdir()) <= 11_000_000


class RawProductsWithBrand(RawProducts):
    """One row per product record as delivered."""

    brand = dy.String(nullable=True, max_length=64, metadata={"is_optional": True}, description="Brand on the menu.")


def test_column_added_to_a_contract_alone_goes_from_the_file_to_the_raw_table_and_the_source(tmp_path: Path) -> None:
    """What docs/adding-a-column.md promises."""
    contract = Contract("raw_products", RawProductsWithBrand)
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    warehouse.prepare([contract])
    texts = {
        "raw_products.csv": "sku,name,type,price,description\np,n,t,1,\n",
        "raw_products_2.csv": "brand,sku,name,type,price,description\nAcme,q,n,t,1,\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        warehouse.load_files(contract, [convert_csv(tmp_path / name, contract, tmp_path)], "run")
    with warehouse.engine().connect() as connection:
        assert connection.exec_driver_sql("select sku, brand from raw.raw_products order by sku").fetchall() == [
            ("p", None),
            ("q", "Acme"),
        ]
    warehouse.close()
    source = yaml.safe_load(write_tables(SOURCES.read_text(encoding="utf-8"), [contract]))["sources"][0]
    assert {"name": "brand", "data_type": "varchar(64)", "description": "Brand on the menu."} in source["tables"][0][
        "columns"
    ]


def test_contracts_that_keep_reused_ids_say_what_no_correction_changes() -> None:
    for contract in CONTRACTS.values():
        assert bool(contract.identity) is (contract.history == "reused")
        assert {contract.columns[name].nullable for name in contract.identity} <= {False}, "compared with <> in SQL"
        assert not contract.identity or len(contract.key) == 1
