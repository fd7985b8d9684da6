"""Values on their way into Redshift: each arrives exactly, and one that does not is never committed."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from flows.errors import LoadError
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion, convert_csv
from flows.warehouse.redshift.warehouse import RedshiftWarehouse
from tests.warehouse.redshift import Redshift
from tests.warehouse.redshift_standin import RedshiftStandin
from tests.warehouse.redshift_standin.wrong_casts import store_wrongly

MULTI_BYTE = "é" * 30 + "日" + "a"  # 64 bytes, 32 characters
ORDERS = f"""id,customer,ordered_at,store_id,subtotal,tax_paid,order_total
o1,c1,1678-01-01T00:00:00.000001,s1,2000,100,2100
o2,c1,1969-12-31T23:59:59.999999,s1,0,0,0
o3,c2,2038-01-19T03:14:08.000001,s2,1000000000000000,0,1000000000000000
{MULTI_BYTE},c2,2200-02-28T12:00:00.123456,s2,1,0,1
"""
STORES = """id,name,opened_at,tax_rate,time_zone
s1,North,1970-01-01T00:00:00,0.000001,America/New_York
s2,South,1969-12-31T23:59:59.999999,1,
"""
SUPPLIES = "id,name,cost,perishable,sku\nu1,bowl,10,False,p1\nu2,'x',0,True,p1\n"
PRODUCTS = (
    'sku,name,type,price,description\np1,Soup,jaffle,1,\np2," ",b,2," "\np3,"a\\N",b,3,"\\N"\np4,null,b,4,"a,""b\nc"\n'
)


def converted(folder: Path, table: str, text: str) -> Conversion:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{table}.csv"
    path.write_text(text, encoding="utf-8")
    return convert_csv(path, CONTRACTS[table], folder)


def load(warehouse: RedshiftWarehouse, folder: Path, table: str, text: str) -> None:
    conversion = converted(folder, table, text)
    assert conversion.rows_quarantined == 0, conversion.examples
    warehouse.load_files(CONTRACTS[table], [conversion], "run-1")


@pytest.mark.redshift
def test_timestamps_and_amounts_at_the_ends_of_their_range_arrive_exactly(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse
) -> None:
    load(warehouse, tmp_path, "raw_orders", ORDERS)
    found = redshift.run('select id, ordered_at, subtotal, order_total from "{p}raw".raw_orders order by ordered_at')
    assert found == [
        ("o1", datetime(1678, 1, 1, 0, 0, 0, 1), 2000, 2100),
        ("o2", datetime(1969, 12, 31, 23, 59, 59, 999999), 0, 0),
        ("o3", datetime(2038, 1, 19, 3, 14, 8, 1), 10**15, 10**15),
        (MULTI_BYTE, datetime(2200, 2, 28, 12, 0, 0, 123456), 1, 1),
    ]


@pytest.mark.redshift
def test_decimals_booleans_and_nulls_arrive_exactly(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse
) -> None:
    load(warehouse, tmp_path, "raw_stores", STORES)
    load(warehouse, tmp_path, "raw_supplies", SUPPLIES)
    stores = 'select id, opened_at, tax_rate, time_zone from "{p}raw".raw_stores order by id'
    assert redshift.run(stores) == [
        ("s1", datetime(1970, 1, 1), Decimal("0.000001"), "America/New_York"),
        ("s2", datetime(1969, 12, 31, 23, 59, 59, 999999), Decimal("1.000000"), None),
    ]
    assert redshift.run('select id, cost, perishable, name from "{p}raw".raw_supplies order by id') == [
        ("u1", 10, False, "bowl"),
        ("u2", 0, True, "'x'"),
    ]


@pytest.mark.redshift
def test_texts_that_look_like_nulls_stay_texts_and_nulls_stay_nulls(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse
) -> None:
    load(warehouse, tmp_path, "raw_products", PRODUCTS)
    assert redshift.run('select sku, name, description from "{p}raw".raw_products order by sku') == [
        ("p1", "Soup", None),
        ("p2", " ", " "),
        ("p3", "a\\N", "\\N"),
        ("p4", "null", 'a,"b\nc'),
    ]


WRONG = {
    "years like 161065": (
        "raw_orders",
        "ordered_at",
        "new.ordered_at + interval '159000 years'",
        "greatest ordered_at",
    ),
    "milliseconds for microseconds": (
        "raw_orders",
        "ordered_at",
        "date_trunc('milliseconds', new.ordered_at)",
        "least ordered_at",
    ),
    "a time zone": ("raw_stores", "opened_at", "new.opened_at + interval '1 hour'", "least opened_at"),
    "a rate that is rounded": ("raw_stores", "tax_rate", "round(new.tax_rate, 4)", "sum of tax_rate"),
    "dollars for cents": ("raw_orders", "subtotal", "new.subtotal / 100", "sum of subtotal"),
    "a boolean turned around": ("raw_supplies", "perishable", "new.sku = 'p2'", "rows with a true perishable"),
    "a null for a text": ("raw_products", "description", "nullif(new.description, ' ')", "rows with a description"),
}
TEXTS = {"raw_orders": ORDERS, "raw_stores": STORES, "raw_supplies": SUPPLIES, "raw_products": PRODUCTS}


@pytest.mark.parametrize(("table", "column", "value", "told"), WRONG.values(), ids=WRONG)
def test_value_that_is_stored_wrongly_is_never_committed(
    tmp_path: Path,
    redshift: Redshift,
    warehouse: RedshiftWarehouse,
    standin: RedshiftStandin,
    table: str,
    column: str,
    value: str,
    told: str,
) -> None:
    store_wrongly(standin, table, column, value)
    with pytest.raises(LoadError) as error:
        load(warehouse, tmp_path, table, TEXTS[table])
    assert re.search(rf"- {table}\.csv: {told}: the parts hold .*, the table ", str(error.value))
    assert "please report" in str(error.value)
    assert redshift.run(f'select count(*) from "raw".{table}') == [(0,)]
    assert warehouse.read_ledger() == []


def test_values_of_several_files_are_told_apart(
    tmp_path: Path, redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin
) -> None:
    """What one file gains another one loses: only the sum of both is right."""
    header = ORDERS.splitlines()[0]
    conversions = []
    for number in range(2):
        path = tmp_path / f"raw_orders_{number}.csv"
        path.write_text(f"{header}\no{number},c1,2025-01-01T00:00:00,s1,100,0,100\n")
        conversions.append(convert_csv(path, CONTRACTS["raw_orders"], tmp_path))
    store_wrongly(standin, "raw_orders", "subtotal", "case when new.id = 'o1' then 101 else 99 end")
    with pytest.raises(LoadError, match="sum of subtotal") as error:
        warehouse.load_files(CONTRACTS["raw_orders"], conversions, "run-1")
    assert "raw_orders_0.csv: sum of subtotal: the parts hold 100, the table 99" in str(error.value)
    assert "raw_orders_1.csv: sum of subtotal: the parts hold 100, the table 101" in str(error.value)
