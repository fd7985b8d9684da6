"""Shops of any age end with the same day, and what is older has ids of its own."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.benchmarks.shops import make_shop, make_single_items

FILES = {
    "raw_customers": "id,name\nann,Ann\nbob,Bob\n",
    "raw_orders": "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total\n"
    "a,ann,2018-09-03T08:00:00,s,1,0,1\nb,bob,2021-08-30T08:00:00,s,1,0,1\nc,bob,2021-08-31T09:00:00,s,2,0,2\n",
    "raw_items": "id,order_id,sku\n1,a,X\n2,b,X\n3,c,X\n4,c,X\n",
    "raw_refunds": "id,order_id,item_id,refunded_at,amount,tax_amount,reason\nr,a,1,2018-09-04T08:00:00,1,0,cold\n",
    "raw_stock_counts": "store_id,supply_id,counted_at,unit_count\ns,u,2021-08-30T08:00:00,1\n"
    "s,u,2021-08-31T08:00:00,2\n",
    "raw_stores": "id,name,opened_at,tax_rate\ns,Store,2018-09-01T00:00:00,0.0\n",
    "raw_products": "sku,name,type,price,description\nX,X,jaffle,1,x\n",
    "raw_products_2020-03-02": "sku,name,type,price,description\nX,X,jaffle,2,x\n",
}


@pytest.fixture(scope="module")
def three_years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("three_years")
    for name, text in FILES.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


@pytest.mark.parametrize(("years", "orders"), [(1, ["b"]), (3, ["a", "b"]), (6, ["a", "b", "b-1", "c-1"])])
def test_a_shop_has_the_orders_of_its_years_and_its_last_day_apart(
    three_years: Path, tmp_path: Path, years: int, orders: list[str]
) -> None:
    make_shop(three_years, years, tmp_path)
    history, day = tmp_path / "history", tmp_path / "day"
    assert pl.read_csv(history / "raw_orders.csv")["id"].to_list() == orders
    assert set(pl.read_csv(history / "raw_items.csv")["order_id"]) == set(orders)
    assert (day / "raw_orders_2021-08-31.csv").read_text().splitlines()[1:] == ["c,bob,2021-08-31T09:00:00,s,2,0,2"]
    assert (day / "raw_items_2021-08-31.csv").read_text().splitlines()[1:] == ["3,c,X", "4,c,X"]


def test_what_is_older_has_customers_prices_and_a_weekday_of_its_own(three_years: Path, tmp_path: Path) -> None:
    make_shop(three_years, 6, tmp_path)
    older = pl.read_csv(tmp_path / "history" / "raw_orders.csv").row(-1, named=True)
    assert older["customer"] == "bob-1"
    assert older["ordered_at"] == "2018-08-28T09:00:00"  # a Tuesday, as 2021-08-31
    names = {path.stem for path in (tmp_path / "history").glob("raw_products*")}
    assert {"raw_products", "raw_products_2018-09-01", "raw_products_2017-02-27", "raw_products_2015-08-29"} < names


def test_orders_of_one_item_are_as_many_as_are_asked_for_and_each_has_its_item(
    three_years: Path, tmp_path: Path
) -> None:
    make_single_items(three_years, 5, tmp_path)
    orders, items = pl.read_csv(tmp_path / "raw_orders.csv"), pl.read_csv(tmp_path / "raw_items.csv")
    assert orders["id"].to_list() == items["order_id"].to_list() == ["a", "b", "a-1", "b-1", "a-2"]
    assert items["id"].n_unique() == 5
