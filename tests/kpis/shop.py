"""A star schema of literal rows in an embedded database, and the KPI queries run on it as dbt compiled them.

Rows are written as the marts would hold them, so that a test says in a few lines what a KPI must come to. What a test
does not say about a row has the value that disturbs least.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

Row = dict[str, Any]
FAR = date(9999, 12, 31)
BEGINNING = date(1900, 1, 1)
DEFAULT_AS_OF = re.compile(r"select max\(order_date\) as as_of_date from orders where not is_dated_after_delivery")

_ID, _TEXT, _USD, _COUNT = "varchar(64)", "varchar(256)", "decimal(18,2)", "bigint"
TABLES: dict[str, dict[str, str]] = {
    "fact_orders": {
        "order_id": _ID,
        "customer_id": _ID,
        "store_id": _ID,
        "item_count": _COUNT,
        "subtotal_usd": _USD,
        "tax_paid_usd": _USD,
        "order_total_usd": _USD,
        "margin_usd": _USD,
        "declared_tax_ratio": "decimal(9,6)",
        "is_dated_after_delivery": "boolean",
        "order_date": "date",
        "ordered_at": "timestamp",
    },
    "fact_orders_items": {
        "item_id": _ID,
        "order_id": _ID,
        "store_id": _ID,
        "product_id": _ID,
        "net_sales_usd": _USD,
        "supply_cost_usd": _USD,
        "perishable_cost_usd": _USD,
        "margin_usd": _USD,
        "is_product_known": "boolean",
        "order_date": "date",
        "ordered_at": "timestamp",
    },
    "fact_refunds": {
        "refund_id": _ID,
        "customer_id": _ID,
        "store_id": _ID,
        "refunds_usd": _USD,
        "refunded_date": "date",
    },
    "fact_supply_usage": {
        "store_id": _ID,
        "supply_id": _ID,
        "usage_date": "date",
        "unit_count": _COUNT,
        "cost_usd": _USD,
    },
    "fact_stock_counts": {
        "store_id": _ID,
        "supply_id": _ID,
        "counted_date": "date",
        "counted_at": "timestamp",
        "unit_count": _COUNT,
    },
    "dim_customers": {"customer_id": _ID, "customer_name": _TEXT},
    "dim_stores": {"store_id": _ID, "store_name": _TEXT, "opened_date": "date"},
    "dim_products": {"product_id": _ID, "product_name": _TEXT, "product_type": _ID},
    "dim_products_supplies": {"product_id": _ID, "product_name": _TEXT, "product_type": _ID},
    "dim_product_versions": {
        "product_id": _ID,
        "valid_from_date": "date",
        "valid_to_date": "date",
        "product_name": _TEXT,
        "product_type": _ID,
        "price_usd": _USD,
    },
    "dim_supplies": {
        "supply_id": _ID,
        "supply_name": _TEXT,
        "is_perishable": "boolean",
        "lead_time_days": "integer",
        "shelf_life_days": "integer",
    },
    "bridge_products_supplies": {
        "product_id": _ID,
        "supply_id": _ID,
        "valid_from_date": "date",
        "valid_to_date": "date",
        "cost_usd": _USD,
    },
    "reorder_suggestions": {
        "store_id": _ID,
        "store_name": _TEXT,
        "supply_id": _ID,
        "supply_name": _TEXT,
        "is_perishable": "boolean",
        "units_on_hand": _COUNT,
        "demand_unit_count": _COUNT,
        "demand_low_unit_count": _COUNT,
        "demand_high_unit_count": _COUNT,
        "lead_time_days": _COUNT,
        "shelf_life_days": _COUNT,
        "suggested_order_unit_count": _COUNT,
        "expected_waste_unit_count": _COUNT,
        "method": _ID,
        "backtest_error_ratio": "double precision",
        "as_of_date": "date",
    },
    "product_affinity": {
        "product_id": _ID,
        "product_name": _TEXT,
        "other_product_id": _ID,
        "other_product_name": _TEXT,
        "order_count": _COUNT,
        "support_ratio": "double precision",
        "confidence_ratio": "double precision",
        "lift": "double precision",
        "as_of_date": "date",
    },
    "dim_date": {"date_day": "date", "day_of_week_number": "integer"},
    "customers_status": {"customer_status": _ID, "min_net_sales_usd": _USD},
}
CLASSES = [
    {"customer_status": "Gold", "min_net_sales_usd": "100"},
    {"customer_status": "Silver", "min_net_sales_usd": "50"},
    {"customer_status": "Bronze", "min_net_sales_usd": "0"},
]
STORES = [
    {"store_id": "s1", "store_name": "North", "opened_date": date(2020, 1, 1)},
    {"store_id": "s2", "store_name": "South", "opened_date": date(2020, 1, 1)},
]


def usd(text: str | int) -> Decimal:
    """Dollars as the tables hold them."""
    return Decimal(text).quantize(Decimal("0.01"))


def order(order_id: str, at: str, net: str | int = 10, **more: Any) -> Row:
    """An order of customer c1 in store s1; `at` is a day or a moment."""
    moment = datetime.fromisoformat(at)
    known: Row = {
        "order_id": order_id,
        "customer_id": "c1",
        "store_id": "s1",
        "item_count": 1,
        "subtotal_usd": net,
        "tax_paid_usd": 0,
        "order_total_usd": net,
        "margin_usd": 0,
        "is_dated_after_delivery": False,
        "order_date": moment.date(),
        "ordered_at": moment,
    }
    return known | more


def item(item_id: str, at: str, product_id: str = "p1", **more: Any) -> Row:
    """An item sold in store s1 at a day or a moment."""
    moment = datetime.fromisoformat(at)
    known: Row = {"item_id": item_id, "order_id": "o1", "store_id": "s1", "product_id": product_id}
    known |= {"is_product_known": True}
    return known | {"order_date": moment.date(), "ordered_at": moment} | more


def refund(refund_id: str, day: str, amount: str | int, **more: Any) -> Row:
    """A refund to customer c1 by store s1."""
    known: Row = {"refund_id": refund_id, "customer_id": "c1", "store_id": "s1", "refunds_usd": amount}
    return known | {"refunded_date": date.fromisoformat(day)} | more


def version(product_id: str, price: str | int, since: date = BEGINNING, until: date = FAR) -> Row:
    """A product and its price from a day on, until before another."""
    known: Row = {"product_id": product_id, "product_name": f"{product_id}!", "product_type": "jaffle"}
    return known | {"price_usd": price, "valid_from_date": since, "valid_to_date": until}


def recipe(product_id: str, supply_id: str, cost: str | int, since: date = BEGINNING, until: date = FAR) -> Row:
    """A supply of a product and its cost from a day on, until before another."""
    known: Row = {"product_id": product_id, "supply_id": supply_id, "cost_usd": cost}
    return known | {"valid_from_date": since, "valid_to_date": until}


class Shop:
    """The tables of the marts with the given rows; classes and two stores are there unless they are given too."""

    def __init__(self, queries: Mapping[str, str], **rows: Iterable[Row]) -> None:
        self._queries = queries
        self._connection = duckdb.connect()
        self._connection.execute("attach ':memory:' as warehouse")
        for statement in statements(**rows):
            self._connection.execute(statement.replace("data_mart", "warehouse.data_mart"))

    def fill(self, table: str, rows: pl.DataFrame) -> None:
        """Add many rows to a table; columns that `rows` lack are null."""
        self._connection.register("rows_to_add", rows)
        self._connection.execute(f"insert into warehouse.data_mart.{table} by name select * from rows_to_add")

    def read(self, kpi: str, as_of: str | None = None) -> list[Row]:
        """The rows of a KPI, in its order; without `as_of` as of the day that the query finds itself."""
        result = self._connection.execute(at_date(self._queries[kpi], as_of))
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def pick(self, kpi: str, *columns: str, as_of: str | None = None) -> list[tuple[Any, ...]]:
        """Some columns of the rows of a KPI."""
        return [tuple(row[column] for column in columns) for row in self.read(kpi, as_of)]


def at_date(sql: str, as_of: str | None) -> str:
    """The query, compiled without the var as_of, as it is with it."""
    if as_of is None:
        return sql
    given = f"select cast('{date.fromisoformat(as_of)}' as date) as as_of_date"
    changed, count = DEFAULT_AS_OF.subn(given, sql)
    assert count == 1, sql
    return changed


def statements(**rows: Iterable[Row]) -> list[str]:
    """SQL that makes the tables and fills them; understood by both warehouses."""
    filled = {"customers_status": CLASSES, "dim_stores": STORES, **rows}
    assert set(filled) <= set(TABLES)
    if "dim_date" not in filled:
        days = {row["order_date"] for row in filled.get("fact_orders", ())}
        filled["dim_date"] = [{"date_day": day, "day_of_week_number": day.isoweekday()} for day in sorted(days)]
    made = ["create schema data_mart"]
    for table, columns in TABLES.items():
        listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        made.append(f"create table data_mart.{table} ({listed})")
        for row in filled.get(table, ()):
            assert set(row) <= set(columns), (table, row)
            values = ", ".join(_literal(row.get(name)) for name in columns)
            made.append(f"insert into data_mart.{table} values ({values})")
    return made


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool | int) else "'" + str(value).replace("'", "''") + "'"
