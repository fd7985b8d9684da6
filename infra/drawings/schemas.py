"""The contracts in, the drawing of the raw schema out; the dbt manifest in, the drawing of the star schema out.

References are read where they are declared. A raw column names its target in its description ("…: raw_orders.id"). A
mart says in its descriptions which columns are its key ("…; the key."); a column of another mart with the name of a key
of one column refers to it, and a date of a fact to the calendar. Where a table stands in the drawing is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flows.lake.contracts import CONTRACTS, Contract
from flows.warehouse.ddl import raw_columns
from infra.drawings.tables import Field, Table, Words, draw_tables

RAW_PLACES = (
    ("raw_customers", "raw_stores"),
    ("raw_orders", "raw_items", "raw_refunds", "raw_stock_counts"),
    ("raw_products", "raw_supplies"),
)
STAR_PLACES = (
    ("dim_customers", "dim_stores", "dim_date"),
    (
        "fact_orders",
        "fact_orders_items",
        "fact_refunds",
        "fact_supply_usage",
        "fact_stock_counts",
        "fact_stock_on_hand",
    ),
    ("dim_products", "dim_product_versions", "bridge_products_supplies", "dim_supplies"),
)
OF_THE_MACHINERY = {"touch_number"}
OLD_NAMES = {"dim_products_supplies"}  # a view that shows dim_products under the name it had before
CALENDAR = ("dim_date", "date_day")
SIGNS = "Bold: key. A line joins a reference to the column it names: its fork ends at many rows, its bar at one."
REFERENCE = re.compile(r": (raw_\w+)\.(\w+)\b")


def raw_tables() -> dict[str, Table]:
    """The raw tables by name, with the references that their contracts declare."""
    return {name: _raw_table(contract) for name, contract in CONTRACTS.items()}


def draw_raw_schema() -> str:
    """The raw tables as delivered, from the contracts."""
    tables = raw_tables()
    words = Words(
        title="Raw schema",
        subtitle=(
            "One table for each kind of CSV file, with the file's own columns, names and types.",
            "Each also has _file, _file_sha256, _row, _run_id and _loaded_at: where a record came from.",
        ),
        foot=(
            SIGNS,
            "Keys hold once staging has kept the newest version of each record; raw tables keep every version.",
            "A reference that finds no row is kept and counted. A supply repeats across products: sku is in its key.",
        ),
        description=_describe(tables),
    )
    return draw_tables(_arrange(tables, RAW_PLACES, "RAW_PLACES"), words)


def draw_star_schema(manifest: Mapping[str, Any]) -> str:
    """The marts that are tables of the star: SQL models but views of old names, from the dbt manifest."""
    models = [
        node
        for node in manifest["nodes"].values()
        if (node["resource_type"], node.get("language")) == ("model", "sql")
        and node["fqn"][1] == "data_mart"
        and node["name"] not in OLD_NAMES
    ]
    keys = {tuple(_mart_key(model)): model["name"] for model in models}
    owners = {key[0]: name for key, name in keys.items() if len(key) == 1}
    tables = {model["name"]: _mart_table(model, owners) for model in models}
    words = Words(
        title="Star schema",
        subtitle=(
            "Facts in the middle: orders, their items, refunds, supplies used and counted. Dimensions at the sides.",
            "Amounts are US dollars, exact to the cent; a fact carries the price, cost and tax rate of its own day.",
        ),
        foot=(
            SIGNS,
            "A store, customer, product or supply never delivered has no row in its dimension; its facts are kept.",
        ),
        description=_describe(tables),
    )
    return draw_tables(_arrange(tables, STAR_PLACES, "STAR_PLACES"), words)


def _arrange(tables: Mapping[str, Table], places: Sequence[Sequence[str]], name: str) -> list[list[Table]]:
    placed = {table for column in places for table in column}
    wrong = sorted(placed ^ set(tables))
    if wrong:
        raise ValueError(
            f"{name} in infra/drawings/schemas.py must place exactly the tables there are; missing or gone: "
            f"{', '.join(wrong)}. Put each in the column where its references stand beside it."
        )
    return [[tables[table] for table in column] for column in places]


def _raw_table(contract: Contract) -> Table:
    kinds = raw_columns(contract)
    fields = []
    for name, column in contract.columns.items():
        found = REFERENCE.search(column.description or "")
        kind = kinds[name].lower() + (", null" if column.nullable else "")
        refers_to = (found[1], found[2]) if found else None
        fields.append(Field(name, kind, is_key=name in contract.key, refers_to=refers_to))
    return Table(contract.table, tuple(fields))


def _mart_key(model: Mapping[str, Any]) -> list[str]:
    """The columns that the descriptions call the key: "the key." alone, "the key together with …" with others."""
    for name, column in model["columns"].items():
        found = re.search(r"; the key(?: together with ([\w, ]+?))?\.", column["description"])
        if found:
            return [name, *re.findall(r"\w+_\w+", found[1] or "")]
    return []


def _mart_table(model: Mapping[str, Any], owners: Mapping[str, str]) -> Table:
    fields, key = [], _mart_key(model)
    for name, column in model["columns"].items():
        refers_to = (owners[name], name) if owners.get(name, model["name"]) != model["name"] else None
        if model["name"].startswith("fact_") and name.endswith("_date"):
            refers_to = CALENDAR
        if name not in OF_THE_MACHINERY:
            fields.append(Field(name, column["data_type"], is_key=name in key, refers_to=refers_to))
    return Table(model["name"], tuple(fields))


def _describe(tables: Mapping[str, Table]) -> str:
    references = [
        f"{table.name}.{field.name} refers to {'.'.join(field.refers_to)}"
        for table in tables.values()
        for field in table.fields
        if field.refers_to
    ]
    return f"Tables: {', '.join(sorted(tables))}. {'; '.join(sorted(references))}."
