"""The foreign shop of the docs, from its till's files into the warehouse."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.lake.profile_files import find_profiled_sources
from flows.lake.profiles import read_profile
from flows.lake.terms import Terms
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion
from tests.conftest import PROJECT

BOUTIQUE = PROJECT / "docs/samples/boutique"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("boutique")
    profile = read_profile(PROJECT / "docs/samples/boutique.toml")
    delivery = find_profiled_sources(BOUTIQUE, profile)
    assert delivery.ignored == ()
    warehouse = DuckDBWarehouse(folder / "warehouse.duckdb")
    ingestion = Ingestion(warehouse, folder, "run 1", 0.0, terms=Terms("EUR"), forms=profile.forms)
    ingestion.load(ingestion.convert(delivery.files))
    warehouse.close()
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        yield connection


def rows(*names: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for name in names:
        with Path(BOUTIQUE / name).open(newline="", encoding="cp1252") as file:
            found += csv.DictReader(file, delimiter=";")
    return found


def cents(text: str) -> int:
    return int(Decimal(text.replace(".", "").replace(",", ".")) * 100)


def fetch(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def test_foreign_orders_are_those_that_a_plain_reader_finds(loaded: duckdb.DuckDBPyConnection) -> None:
    expected = [
        (
            row["N° commande"],
            row["N° client"],
            datetime.strptime(row["Date"], "%d/%m/%Y %H:%M"),  # noqa: DTZ007  a wall clock's
            "B1",
            cents(row["Montant"]),
            0,
            cents(row["Montant"]),
        )
        for row in rows("Commandes_2024.CSV", "Commandes_2025.CSV")
    ]
    assert len(expected) == 90
    columns = "id, customer, ordered_at, store_id, subtotal, tax_paid, order_total"
    assert fetch(loaded, f"select {columns} from raw.raw_orders order by id") == sorted(expected)


def test_foreign_texts_keep_every_letter_quote_and_delimiter(loaded: duckdb.DuckDBPyConnection) -> None:
    expected = [(row["N° client"], row["Nom complet"]) for row in rows("Clients.csv")]
    assert {"Inès Dœuff", 'Rémi "Mimi" Caron', "Chloé Besson; épouse Roy"} <= {name for _, name in expected}
    assert fetch(loaded, "select id, name from raw.raw_customers order by id") == expected
    described = fetch(loaded, "select sku, description, price from raw.raw_products order by sku")
    assert described == [
        (row["Référence"], row["Descriptif"] or None, cents(row["Prix (€)"])) for row in rows("Produits.csv")
    ]


def test_foreign_yes_and_no_are_read(loaded: duckdb.DuckDBPyConnection) -> None:
    found = fetch(loaded, "select id, cost, case when perishable then 'oui' else 'non' end from raw.raw_supplies")
    assert sorted(found) == sorted(
        (row["Code fourniture"], cents(row["Coût"]), row["Périssable"]) for row in rows("Fournitures.csv")
    )
