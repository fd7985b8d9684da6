"""Which KPIs a finding is told at follows from the dbt project: those that read a column which it makes doubtful.

On models alone the graph says nothing: every KPI descends from every table. What a query reads of its marts does: the
columns that its SQL names, and for a table of a Python model what that model reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from reports.doubts import DOUBTS, SET_ASIDE
from reports.kpis import KPIS
from reports.past import CHANGES

ITEMS = {
    "fact_orders_items.product_id",
    "fact_orders_items.item_id",
    "fact_orders_items.net_sales_usd",
    "fact_supply_usage.unit_count",
}
ORDERS = ITEMS | {f"fact_orders.{name}" for name in ("subtotal_usd", "order_total_usd", "customer_id", "tax_paid_usd")}
MARGIN = {"fact_orders.margin_usd", "fact_orders_items.margin_usd"}
COSTS = MARGIN | {"bridge_products_supplies.cost_usd", "fact_supply_usage.cost_usd"}
REFUNDS = {"fact_refunds.refunds_usd"}
STOCK = {"fact_stock_counts.unit_count", "fact_stock_on_hand.on_hand_unit_count"}
STORES = {"fact_orders.store_id", "fact_supply_usage.store_id"}
CUSTOMERS = {"fact_orders.customer_id"}
OF_FINDINGS = {
    "days of unusual volume": ORDERS,
    "orders dated after delivery": ORDERS,
    "orders far after the others": ORDERS,
    "orders of reused ids": ORDERS,
    "orders of unexplained sales": ITEMS | MARGIN,
    "orders of unexplained tax": {"fact_orders.tax_paid_usd"},
    "orders of unknown customers": CUSTOMERS,
    "orders of unknown stores": STORES,
    "items of reused ids": ITEMS | MARGIN,
    "items of unknown products": ITEMS | MARGIN,
    "items of unknown orders": ITEMS,
    "refunds above their order": REFUNDS,
    "refunds of reused ids": REFUNDS,
    "refunds of unknown orders": REFUNDS,
    "stock counts of unknown stores": STOCK,
    "stock counts of unknown supplies": STOCK,
    "supplies of two costs": COSTS,
    "supplies perishable and not": {
        "dim_supplies.is_perishable",
        "fact_supply_usage.is_perishable",
        "fact_orders_items.perishable_cost_usd",
    },
}
OF_TABLES = {
    "raw_orders": ORDERS,
    "raw_items": ITEMS | MARGIN,
    "raw_customers": CUSTOMERS,
    "raw_products": ITEMS | MARGIN,
    "raw_stores": STORES,
    "raw_supplies": COSTS | {"fact_supply_usage.unit_count"},
    "raw_refunds": REFUNDS,
    "raw_stock_counts": STOCK,
}
BY_MEANING = ("orders before store opening",)  # which of two dates is wrong is no matter of a column


def read_columns(nodes: Mapping[str, Any], key: str) -> set[str]:
    """`mart.column` of everything that the node's code names, through Python models to what these read."""
    words, found = set(re.findall(r"\w+", nodes[key]["raw_code"])), set()
    for parent in (nodes[each] for each in nodes[key]["depends_on"]["nodes"] if each in nodes):
        if parent.get("language") == "python":
            found |= read_columns(nodes, parent["unique_id"])
        else:
            found |= {f"{parent['name']}.{column}" for column in parent["columns"] if column in words}
    return found


@pytest.fixture(scope="module")
def columns(manifest: dict[str, Any]) -> dict[str, set[str]]:
    """KPI → the columns of the marts that its query reads."""
    nodes = manifest["nodes"]
    found = {
        node["name"]: read_columns(nodes, key) for key, node in nodes.items() if node["resource_type"] == "analysis"
    }
    return {name: found[name] for name in KPIS}


@pytest.mark.parametrize("finding", list(OF_FINDINGS))
def test_finding_is_told_at_each_kpi_that_reads_what_it_makes_doubtful_and_at_no_other(
    finding: str, columns: dict[str, set[str]]
) -> None:
    assert set(DOUBTS[finding].kpis) == {name for name in KPIS if columns[name] & OF_FINDINGS[finding]}


@pytest.mark.parametrize("table", list(OF_TABLES))
def test_records_set_aside_are_told_at_each_kpi_that_reads_what_is_made_of_them(
    table: str, columns: dict[str, set[str]]
) -> None:
    assert set(SET_ASIDE[table]) == {name for name in KPIS if columns[name] & OF_TABLES[table]}


@pytest.mark.parametrize(("table", "change"), [each for each in CHANGES if each[1] != "renamed" and each[0] != "files"])
def test_what_changed_since_a_past_day_is_told_at_each_kpi_that_reads_what_is_made_of_it(
    table: str, change: str, columns: dict[str, set[str]]
) -> None:
    touched = {name for name in KPIS if columns[name] & OF_TABLES[f"raw_{table}"]}
    assert set(CHANGES[table, change].doubt.kpis) == touched


def test_every_finding_that_needs_a_note_names_its_columns_and_every_column_is_one_of_a_mart(
    manifest: dict[str, Any],
) -> None:
    assert {name for name, doubt in DOUBTS.items() if doubt.kpis} == {*OF_FINDINGS, *BY_MEANING}
    assert set(SET_ASIDE) == set(OF_TABLES)
    known = {f"{node['name']}.{column}" for node in manifest["nodes"].values() for column in node["columns"]}
    assert set().union(*OF_FINDINGS.values(), *OF_TABLES.values()) <= known
