"""Every KPI query gives the same rows on Redshift, where dates, ratios and series are computed by other functions."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from flows.compare import compile_kpis
from flows.run.settings import load_settings
from flows.run.target import open_warehouse
from reports.kpis import KPIS
from tests.kpis.shop import Row, Shop, at_date, item, order, recipe, refund, statements, version
from tests.kpis.test_python_marts import pair, suggestion
from tests.warehouse.redshift import Redshift

pytestmark = pytest.mark.redshift
CHANGE = date(2024, 2, 1)
# the default, and the days around which years are of different length
AS_OF = (None, "2024-02-28", "2024-02-29", "2024-03-01", "2024-12-31", "2023-02-28", "2021-01-01")


def rich_shop() -> dict[str, list[Row]]:
    """Rows for every branch of the queries: leap days, refunds, changes of price and recipe, counts, unknown things."""
    days = ["2022-02-28", "2023-02-28 07:30", "2023-03-01 12:00", "2024-01-31 08:15", "2024-02-28 23:59", "2024-02-29"]
    orders = [
        order(f"o{i}", day, f"{i * 7}.35", customer_id=f"c{i % 3}", store_id="s1" if i % 4 else "s2", margin_usd=i)
        | {"tax_paid_usd": "0.11", "declared_tax_ratio": "0.0625" if i else None}
        for i, day in enumerate(days * 2)
    ]
    money = {"net_sales_usd": "5.55", "supply_cost_usd": "1.25", "perishable_cost_usd": "0.75", "margin_usd": "4.30"}
    supplies = [
        {"supply_id": "u1", "supply_name": "bowl", "is_perishable": False, "lead_time_days": 9},
        {"supply_id": "u2", "supply_name": "milk", "is_perishable": True, "lead_time_days": 2, "shelf_life_days": 7},
    ]
    counted = {"store_id": "s1", "supply_id": "u1", "counted_date": date(2024, 2, 28), "unit_count": 50}
    return {
        "fact_orders": orders,
        "fact_orders_items": [
            *(item(f"i{i}", str(row["ordered_at"]), store_id=row["store_id"], **money) for i, row in enumerate(orders)),
            item("unknown", "2024-02-29 10:00", "p9", is_product_known=False),
        ],
        "fact_refunds": [refund("r1", "2024-02-29", "1.05"), refund("r2", "2023-02-28", 2, store_id=None)],
        "fact_supply_usage": [
            {"store_id": store, "supply_id": "u1", "usage_date": row["order_date"], "unit_count": 3, "cost_usd": "0.30"}
            for row in orders[:6]
            for store in ("s1", "s2")
        ],
        "fact_stock_counts": [
            counted | {"counted_at": "2024-02-28 08:00:00"},
            counted | {"counted_at": "2024-02-27 08:00:00", "counted_date": date(2024, 2, 27)},
            counted | {"counted_at": "2024-02-28 08:00:00", "supply_id": "u9"},
        ],
        "reorder_suggestions": [suggestion("s1", "u1") | {"as_of_date": date(2024, 2, 29)}],
        "product_affinity": [pair("p1", "p2", 1.5) | {"as_of_date": date(2024, 2, 29)}],
        "dim_customers": [{"customer_id": "c0", "customer_name": "Ada"}, {"customer_id": "c1", "customer_name": "Bo"}],
        "dim_products": [{"product_id": "p1", "product_name": "Soup", "product_type": "jaffle"}],
        "dim_products_supplies": [{"product_id": "p1", "product_name": "Soup", "product_type": "jaffle"}],
        "dim_product_versions": [version("p1", "5.00", until=CHANGE), version("p1", "5.55", since=CHANGE)],
        "dim_supplies": supplies,
        "bridge_products_supplies": [recipe("p1", "u1", "0.33"), recipe("p1", "u2", "0.75", since=CHANGE)],
    }


def test_kpi_queries_give_the_same_rows_on_redshift(queries: dict[str, str], redshift: Redshift) -> None:
    rows = rich_shop()
    for statement in statements(**rows):
        redshift.run(statement.replace("data_mart", f'"{redshift.prefix}data_mart"'))
    settings = load_settings(target="redshift")
    compiled, local = compile_kpis(settings), Shop(queries, **rows)
    warehouse = open_warehouse(settings)
    try:
        with warehouse.engine().connect() as connection:
            for kpi, sql in compiled.items():
                for as_of in AS_OF:
                    found: list[Any] = list(connection.exec_driver_sql(at_date(sql, as_of)).mappings())
                    assert [dict(row) for row in found] == local.read(kpi, as_of), (kpi, as_of)
                assert set(local.read(kpi, "2024-02-29")[0]) == set(KPIS[kpi].schema)
    finally:
        warehouse.close()
