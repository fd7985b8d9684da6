"""Tests of the dbt project that compare whole tables by what their rows come to: a fault in any column of any row is
named as by the join alone, and where there is none nothing is joined. The SQL is what dbt compiled for a build.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.tiny_shop import FILES
from tests.warehouse.changing_shop import ChangingShop

# i9 is of an order that nobody knows, i10 of an unknown product; money goes back for the oldest order
SHOP = {name.removesuffix(".csv"): text for name, text in FILES.items()}
SHOP |= {
    "raw_items": FILES["raw_items.csv"] + "i9,nowhere,p1\ni10,o3,nothing\n",
    "raw_refunds": "id,order_id,item_id,refunded_at,amount,tax_amount,reason\nr1,o5,,2023-01-02T08:00:00,10,0,\n",
}
GUARD = "where exists (select 1 from doubt)"
FACTS, ORDERS, ITEMS = (
    "assert_facts_say_what_was_tested",
    "assert_orders_say_what_was_delivered",
    "assert_items_have_the_keys_of_their_order",
)
COSTS, COUNTS = "assert_items_cost_what_their_day_says", "assert_items_and_orders_keep_every_record"
STAGED, ENRICHED = "staging.stg_orders", "intermediate.int_orders_enriched"
STAGED_ITEMS, ORDER_ITEMS = "staging.stg_items", "intermediate.int_order_items"
OLDEST = {"order_id": "o5", "item_id": "i6"}
CHANGES = {
    "VARCHAR": "coalesce({0}, '') || 'x'",
    "BOOLEAN": "not {0}",
    "DATE": "cast({0} + interval 1 day as date)",
    "TIMESTAMP": "{0} + interval 1 second",
}
KEYS = ["order_id", "customer_id", "store_id", "order_date", "ordered_at", "is_dated_after_delivery"]
AMOUNTS = ["subtotal_cents", "tax_paid_cents", "order_total_cents"]
SUMS = ["item_revenue_cents", "discount_cents", "unexplained_cents"]
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> ChangingShop:
    made = ChangingShop(tmp_path_factory.mktemp("equal"))
    made.deliver("2025-07-02T06:00:00", **SHOP)
    made.must_build()
    return made


@pytest.fixture(scope="module")
def compiled(shop: ChangingShop) -> dict[str, str]:
    """The SQL of each test, by its name."""
    results = json.loads((shop.work_dir / "dbt" / "run_results.json").read_text(encoding="utf-8"))["results"]
    return {result["unique_id"].split(".")[2]: result["compiled_code"] for result in results}


@pytest.fixture
def warehouse(shop: ChangingShop, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the built warehouse, to be changed at will."""
    with duckdb.connect(shutil.copy(shop.database, tmp_path / "warehouse.duckdb")) as connection:
        yield connection


def ask(warehouse: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    return sorted(warehouse.execute(sql).fetchall(), key=str)


def name_faults(warehouse: duckdb.DuckDBPyConnection, sql: str, change: str) -> Rows:
    """The rows that a test names after a change, which are those that it names where there is always doubt."""
    warehouse.begin()
    try:
        warehouse.execute(change)
        found = ask(warehouse, sql)
        assert found == ask(warehouse, sql.replace(GUARD, "")), change
    finally:
        warehouse.rollback()
    return found


def change_column(warehouse: duckdb.DuckDBPyConnection, table: str, column: str) -> str:
    """The statement that changes one value of the oldest row."""
    schema, name = table.split(".")
    ((kind,),) = warehouse.execute(
        "select data_type from information_schema.columns where (table_schema, table_name, column_name) = (?, ?, ?)",
        [schema, name, column],
    ).fetchall()
    key = "item_id" if "items" in table else "order_id"
    changed = CHANGES.get(kind, "{0} + 1").format(column)
    return f"update {table} set {column} = {changed} where {key} = '{OLDEST[key]}'"


def columns_of(warehouse: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    described = warehouse.execute(f"describe {table}").fetchall()
    return [str(name) for name, *_ in described if name not in ("touch_number", "file_name", "loaded_at")]


@pytest.mark.parametrize(
    ("test", "table", "id_column", "columns"),
    [
        (FACTS, "data_mart.fact_orders", "order_id", None),
        (FACTS, "data_mart.fact_orders_items", "item_id", None),
        (FACTS, ENRICHED, "order_id", None),
        (FACTS, ORDER_ITEMS, "item_id", None),
        (ORDERS, STAGED, "order_id", [*KEYS[1:3], *AMOUNTS, *KEYS[4:]]),
        (ORDERS, ENRICHED, "order_id", [*KEYS[1:], *AMOUNTS, *SUMS]),
        (ITEMS, STAGED, "item_id", KEYS),
        (ITEMS, STAGED_ITEMS, "item_id", ["item_id", "order_id", "product_id"]),
        (ITEMS, ORDER_ITEMS, "item_id", ["product_id", *KEYS]),
        (COSTS, ORDER_ITEMS, "item_id", ["price_cents", "supply_cost_cents", "perishable_cost_cents"]),
        (COSTS, ORDER_ITEMS, "item_id", ["product_id", "is_product_known"]),
    ],
)
def test_fault_in_any_column_of_the_oldest_row_is_named(
    warehouse: duckdb.DuckDBPyConnection,
    compiled: dict[str, str],
    test: str,
    table: str,
    id_column: str,
    columns: list[str] | None,
) -> None:
    assert ask(warehouse, compiled[test]) == []
    for column in columns or columns_of(warehouse, table):
        found = name_faults(warehouse, compiled[test], change_column(warehouse, table, column))
        assert OLDEST[id_column] in [row[0] for row in found], column


@pytest.mark.parametrize(
    ("test", "change", "named"),
    [
        (FACTS, "delete from data_mart.fact_orders where order_id = 'o5'", ["o5"]),
        (FACTS, "delete from intermediate.int_order_items where item_id = 'i6'", ["i6"]),
        (FACTS, "update data_mart.fact_orders set customer_id = case order_id when 'o3' then 'c3' else 'c2' end "
         "where order_id in ('o3', 'o5')", ["o3", "o5"]),
        (FACTS, "update data_mart.fact_orders_items set is_dated_after_delivery = is_dated_after_delivery <> true "
         "where item_id in ('i4', 'i6')", ["i4", "i6"]),
        (ORDERS, "update staging.stg_orders set customer_id = null where order_id = 'o5'", ["o5"]),
        (ORDERS, "update intermediate.int_orders_enriched set discount_cents = -1, "
         "unexplained_cents = unexplained_cents - 1 - discount_cents where order_id = 'o5'", ["o5"]),
        (ITEMS, "delete from staging.stg_orders where order_id = 'o5'", ["i6"]),
        (ITEMS, "delete from staging.stg_items where item_id = 'i6'", ["i6"]),
        (ITEMS, "update intermediate.int_order_items set store_id = 's2' where item_id = 'i6'", ["i6"]),
        (COSTS, "update intermediate.int_order_items set price_cents = null where item_id = 'i6'", ["i6"]),
        (COSTS, "update intermediate.int_order_items set price_cents = 0 where item_id = 'i10'", ["i10"]),
    ],
)  # fmt: skip
def test_rows_lost_exchanged_or_empty_are_named(
    warehouse: duckdb.DuckDBPyConnection, compiled: dict[str, str], test: str, change: str, named: list[str]
) -> None:
    assert [row[0] for row in name_faults(warehouse, compiled[test], change)] == named


@pytest.mark.parametrize(
    ("table", "column"),
    [(STAGED, "order_id"), (STAGED_ITEMS, "item_id"), (ENRICHED, "order_id"), (ORDER_ITEMS, "item_id")],
)
def test_key_that_is_there_twice_is_named_with_its_number(
    warehouse: duckdb.DuckDBPyConnection, compiled: dict[str, str], table: str, column: str
) -> None:
    key, sql = OLDEST[column], compiled[f"unique_{table.split('.')[1]}_{column}"]
    assert ask(warehouse, sql) == []
    warehouse.execute(f"insert into {table} select * from {table} where {column} = '{key}'")
    assert ask(warehouse, sql) == [(key, 2)]


def test_items_of_unknown_orders_are_named_and_those_without_an_order_are_not(
    warehouse: duckdb.DuckDBPyConnection, compiled: dict[str, str]
) -> None:
    warehouse.execute("update staging.stg_items set order_id = null where item_id = 'i1'")
    warehouse.execute("update staging.stg_orders set order_id = null where order_id = 'o1'")
    found = ask(warehouse, compiled["warn_items_of_unknown_orders"])
    assert found == [("nowhere",), ("o1",)]


def test_counts_of_items_and_orders_are_those_staged(
    warehouse: duckdb.DuckDBPyConnection, compiled: dict[str, str]
) -> None:
    sql = compiled[COUNTS]
    assert ask(warehouse, sql) == []
    warehouse.execute("delete from intermediate.int_order_items where item_id = 'i6'")
    warehouse.execute("delete from intermediate.int_orders_enriched where order_id = 'o7'")
    assert ask(warehouse, sql) == [
        ("cost", 240, 245),
        ("items", 9, 8),
        ("net sales", 254750, 4750),
        ("orders", 7, 6),
        ("perishable cost", 170, 175),
    ]


@pytest.mark.parametrize(
    ("stand_in", "named_by", "name"),
    [
        ("select * replace ('i9' as item_id, 'nowhere' as order_id) from {0} where item_id = 'i6'", ITEMS, ("i9",)),
        ("select * from {0} where item_id = 'i4'", f"unique_{ORDER_ITEMS.split('.')[1]}_item_id", ("i4", 2)),
    ],
)
def test_item_that_stands_in_for_one_of_an_unknown_order_is_named(
    warehouse: duckdb.DuckDBPyConnection, compiled: dict[str, str], stand_in: str, named_by: str, name: tuple[Any, ...]
) -> None:
    """Where there are as many items in orders as in all, the counts say nothing, and other tests hold them."""
    warehouse.execute(f"insert into {ORDER_ITEMS} {stand_in.format(ORDER_ITEMS)}")
    assert [row for row in ask(warehouse, compiled[COUNTS]) if row[0] == "items"] == []
    assert ask(warehouse, compiled[named_by]) == [name]


def test_items_are_not_looked_at_one_by_one_where_every_price_is_right(
    warehouse: duckdb.DuckDBPyConnection, compiled: dict[str, str]
) -> None:
    sold = "select distinct product_id, order_date from " + ORDER_ITEMS
    ((days,), (items,)) = (
        warehouse.execute(f"select count(*) from {relation}").fetchall()[0] for relation in (f"({sold})", ORDER_ITEMS)
    )
    joined = [
        operator["operator_cardinality"]
        for operator in list_operators(warehouse, compiled[COSTS])
        if operator["extra_info"].get("Join Type") in ("LEFT", "RIGHT")
    ]
    assert max(joined) <= days < items


@pytest.mark.parametrize("test", [FACTS, ORDERS, ITEMS])
def test_tables_without_a_fault_are_not_joined_row_by_row(
    warehouse: duckdb.DuckDBPyConnection, compiled: dict[str, str], test: str
) -> None:
    by_id = [
        operator["operator_cardinality"]
        for operator in list_operators(warehouse, compiled[test])
        if operator["extra_info"].get("Join Type") in ("FULL", "LEFT", "INNER")
        and "_id" in str(operator["extra_info"].get("Conditions"))
    ]
    assert by_id, "the joins that name rows are still in the plan"
    assert max(by_id) == 0


@pytest.mark.parametrize(
    "node",
    [
        *(FACTS, ORDERS, ITEMS, COSTS, COUNTS, "dim_customers"),
        *("warn_orders_far_after_the_others", "warn_days_of_unusual_volume"),
    ],
)
def test_no_table_is_kept_in_memory_whole(
    warehouse: duckdb.DuckDBPyConnection, compiled: dict[str, str], node: str
) -> None:
    """DuckDB does so, with all columns, where a CTE that only selects from a table is read twice."""
    kept = [
        operator["extra_info"]["CTE Name"]
        for operator in list_operators(warehouse, compiled[node])
        if operator["operator_type"] == "CTE" and is_table(operator["children"][0])
    ]
    assert kept == []


def is_table(operator: dict[str, Any]) -> bool:
    """Whether it reads a table of sales, at most leaving out rows and columns."""
    if operator["operator_type"] in ("PROJECTION", "FILTER"):
        return is_table(operator["children"][0])
    table = operator["extra_info"].get("Table", "").rpartition(".")[2]
    return "orders" in table or "items" in table


def list_operators(warehouse: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """The plan of a query that has run."""
    ((_, plan),) = warehouse.execute(f"explain (analyze, format json) {sql}").fetchall()

    def walk(operator: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield operator
        for child in operator["children"]:
            yield from walk(child)

    return [operator for child in json.loads(plan)["children"] for operator in walk(child)]
