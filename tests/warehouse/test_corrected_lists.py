"""Lists that are corrected for a day they were delivered for already: what was wrong leaves nothing behind."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.built_state import assert_equal_states
from tests.warehouse.changing_shop import ChangingShop

SUPPLIES = "id,name,cost,perishable,sku\n"
BEGUN = {
    "raw_customers": "id,name\nc1,Ada\n",
    "raw_stores": "id,name,opened_at,tax_rate\ns1,North,2020-01-01T00:00:00,0.05\n",
    "raw_products": "sku,name,type,price,description\np1,Soup,jaffle,1000,warm\np2,Tea,beverage,250,\n",
    "raw_supplies": f"{SUPPLIES}u1,bowl,10,False,p1\nu1,bowl,7,False,p2\n",
    "raw_orders": "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total\n"
    "o1,c1,2025-08-01T10:00:00,s1,1000,50,1050\no2,c1,2025-03-01T10:00:00,s1,250,13,263\n",
    "raw_items": "id,order_id,sku\ni1,o1,p1\ni2,o2,p2\n",
}
RECIPE = "raw_supplies_2025-07-01"


def recipe(*lines: str) -> dict[str, str]:
    """The list of July: id, name, cost and whether it spoils, of the soup."""
    return {RECIPE: SUPPLIES + "".join(f"{line},p1\n" for line in lines)}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> ChangingShop:
    shop = ChangingShop(tmp_path_factory.mktemp("begun") / "shop")
    shop.deliver("2025-08-02T06:00:00", **BEGUN)
    shop.must_build(tests=False)
    return shop


@pytest.fixture
def shop(begun: ChangingShop, tmp_path: Path) -> ChangingShop:
    return begun.copy(tmp_path / "shop")


RIGHT, TOO_MANY = recipe("u1,bowl,10,False"), recipe("u1,bowl,10,False", "u2,carrot,40,True")
COST = "select supply_cost_usd from data_mart.fact_orders_items where item_id = 'i1'"
LINES = "select supply_id from data_mart.bridge_products_supplies where product_id = 'p1' and is_current order by 1"
USED = "select supply_id, is_perishable, unit_count, cost_usd from data_mart.fact_supply_usage order by all"


def test_recipe_that_is_corrected_under_its_name_loses_what_it_had_too_many(shop: ChangingShop, tmp_path: Path) -> None:
    for day, delivery, cost in ((3, RIGHT, "0.10"), (4, TOO_MANY, "0.50"), (5, RIGHT, "0.10")):
        shop.deliver(f"2025-08-0{day}T06:00:00", **delivery)
        shop.must_build()
        assert shop.one(COST) == Decimal(cost)
    assert shop.rows(LINES) == [("u1",)]
    anew = ChangingShop(tmp_path / "anew")
    anew.deliver("2025-08-09T06:00:00", **BEGUN, **RIGHT)
    anew.must_build(tests=False)
    assert (anew.one(COST), anew.rows(LINES)) == (Decimal("0.10"), [("u1",)]), "the same files, the same history"


def test_recipes_of_a_day_in_two_files_are_one_and_each_file_is_corrected_by_itself(shop: ChangingShop) -> None:
    others = {f"{RECIPE}-b": SUPPLIES + "u3,leek,5,True,p1\nu4,salt,1,False,p1\nu1,bowl,8,False,p2\n"}
    shop.deliver("2025-08-03T06:00:00", **TOO_MANY, **others)
    shop.deliver("2025-08-04T06:00:00", **{f"{RECIPE}-b": SUPPLIES + "u3,leek,6,True,p1\n"})
    shop.must_build()
    assert shop.rows(LINES) == [("u1",), ("u2",), ("u3",)]
    assert shop.one(COST) == Decimal("0.56")
    tea = "select cost_usd from data_mart.bridge_products_supplies where product_id = 'p2' and is_current"
    assert shop.rows(tea) == [(Decimal("0.08"),)], "a product that vanishes from a list is remembered"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (recipe("u1,bowl,10,False", "u5,lid,40,False"), recipe("u1,bowl,40,False", "u5,lid,10,False")),
        (recipe("u1,bowl,10,False"), recipe("u1,bowl,10,False", "u4,water,0,True")),
        (recipe("u1,bowl,10,False", "u3,leek,40,True"), recipe("u1,bowl,10,False", "u4,kale,40,True")),
        (recipe("u6,a,20,False", "u7,b,20,True"), recipe("u6,a,20,True", "u7,b,20,False")),
    ],
    ids=["costs swapped", "one of no cost comes", "another of the same cost", "another of the two spoils"],
)
def test_use_of_supplies_follows_a_recipe_whose_sums_stay(
    shop: ChangingShop, tmp_path: Path, first: dict[str, str], second: dict[str, str]
) -> None:
    shop.deliver("2025-08-03T06:00:00", **first)
    shop.must_build(tests=False)
    before = shop.rows(USED)
    shop.deliver("2025-08-04T06:00:00", **second)
    shop.must_build()
    assert shop.rows(USED) != before
    whole = shop.copy(tmp_path / "whole")
    whole.must_build("--full-refresh", tests=False)
    assert_equal_states(shop.state(), whole.state())


def test_use_that_is_not_that_of_the_recipe_fails_its_test(shop: ChangingShop) -> None:
    """Also where what the supplies of a day cost together is right."""
    shop.deliver("2025-08-03T06:00:00", **recipe("u1,bowl,10,False", "u5,lid,40,False"))
    shop.must_build(tests=False)
    for wrong in (
        "update intermediate.int_supply_usage set cost_cents = 50 - cost_cents where supply_id in ('u1', 'u5') "
        "and usage_date = '2025-08-01'",
        "update intermediate.int_supply_usage set unit_count = unit_count + 1 where supply_id = 'u5'",
        "delete from intermediate.int_supply_usage where supply_id = 'u5'",
    ):
        broken = shop.copy(shop.folder.with_name(f"broken {len(wrong)}"))
        broken.change(wrong)
        broken.build("--select", "assert_supply_usage_costs_what_the_items_cost")
        assert [line.split(":")[0] for line in broken.log] == ["assert_supply_usage_costs_what_the_items_cost"], wrong


def test_day_that_is_moved_moves_no_state_of_the_beginning(tmp_path: Path) -> None:
    """A list that is overwritten on the day of the first delivery: its first version holds from the beginning."""
    shop = ChangingShop(tmp_path / "shop")
    shop.deliver("2025-07-02T06:00:00", **BEGUN)
    shop.deliver("2025-07-02T20:00:00", raw_products=BEGUN["raw_products"].replace("1000", "1100"))
    shop.must_build(tests=False)
    moved = "insert into data_mart.valid_from_dates values ('raw_products', 'p1', '2025-07-02', '2025-07-01')"
    shop.change(moved)
    shop.must_build("--exclude", "resource_type:seed")
    dim = "select price_usd, valid_from_date from data_mart.dim_product_versions where product_id = 'p1' order by 2"
    assert [(str(price), str(day)) for price, day in shop.rows(dim)] == [
        ("10.00", "1900-01-01"),
        ("11.00", "2025-07-01"),
    ]
