"""The contracts, and that everything that repeats them says the same."""

from __future__ import annotations

import csv

import polars as pl
import pytest
import yaml

from flows.lake.contracts import CONTRACTS, Contract
from flows.warehouse.base import DELIVERY_COLUMNS, LEDGER_COLUMNS, archive_columns, raw_columns
from tests.conftest import DATASETS, PROJECT


def dbt_sources() -> dict[str, dict[str, dict[str, str]]]:
    """Source → table → column → data type, in the order of the YAML."""
    text = (PROJECT / "dbt/models/staging/_staging__sources.yml").read_text(encoding="utf-8")
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


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_contract_columns_are_the_header_of_the_shipped_file(contract: Contract) -> None:
    with (DATASETS / f"{contract.table}.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.reader(file)) == list(contract.columns)


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_contract_says_what_every_column_means(contract: Contract) -> None:
    assert contract.key
    assert contract.description.startswith("One row per")
    for name, column in contract.columns.items():
        assert column.description, name
        if column.dtype == pl.Int64:
            assert column.metadata == {"unit": "cents"}, name


def test_raw_columns_types_are_the_documented_ones() -> None:
    assert raw_columns(CONTRACTS["raw_stores"]) == {
        "id": "varchar(64)",
        "name": "varchar(256)",
        "opened_at": "timestamp",
        "tax_rate": "decimal(9,6)",
        "_file": "varchar(1024)",
        "_file_sha256": "varchar(64)",
        "_row": "bigint",
        "_run_id": "varchar(64)",
        "_loaded_at": "timestamp",
    }


def test_shipped_data_is_at_most_ten_megabytes() -> None:
    assert sum(path.stat().st_size for path in DATASETS.iterdir()) <= 10_000_000
