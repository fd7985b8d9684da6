"""Orders, items and refunds that bear the id of another one: found apart from corrections, with count and amount."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_shop import FILES
from tests.warehouse.changing_shop import ChangingShop

ORDERS = "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total\n"
ITEMS = "id,order_id,sku\n"
REFUNDS = "id,order_id,item_id,refunded_at,amount,tax_amount,reason\n"
BASE: dict[str, str | None] = {name.removesuffix(".csv"): text for name, text in FILES.items()} | {
    "raw_orders": ORDERS + "a,c1,2025-06-01T08:00:00,s1,1000,50,1050\n" + "b,c2,2025-06-01T09:00:00,s1,200,10,210\n",
    "raw_items": f"{ITEMS}1,a,p1\n2,b,p2\n",
    "raw_refunds": f"{REFUNDS}x,a,,2025-06-02T08:00:00,100,5,\n",
}
Found = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> ChangingShop:
    """Two orders, an item of each, and a refund of the first; dbt has run the tests, and nothing was found."""
    shop = ChangingShop(tmp_path_factory.mktemp("reused"))
    shop.deliver("2025-07-01T06:00:00", **BASE)
    outcomes = shop.build("--select", "test_name:reused_keys", "test_name:superseded_versions")
    assert {status for name, status in outcomes.items() if name.startswith("warn_")} == {"pass"}
    return shop


@pytest.fixture(scope="module")
def queries(begun: ChangingShop) -> dict[str, str]:
    """Finding → the query of its test, as dbt compiled it."""
    results = json.loads((begun.work_dir / "dbt" / "run_results.json").read_text(encoding="utf-8"))["results"]
    names = [(result["unique_id"].split("."), result["compiled_code"]) for result in results]
    return {name[2].removeprefix("warn_"): code for name, code in names if name[0] == "test"}


@pytest.fixture
def find(begun: ChangingShop, queries: dict[str, str], tmp_path: Path) -> Callable[..., Found]:
    """Deliver files one after the other; finding → the rows that its test then finds, if any."""

    def deliver(*deliveries: dict[str, str]) -> Found:
        shop = begun.copy(tmp_path / "shop")
        for i, files in enumerate(deliveries, start=2):
            shop.deliver(f"2025-07-{i:02}T06:00:00", **files)
        rows = {name: shop.rows(f"select to_json(found) from ({query}) as found") for name, query in queries.items()}
        return {name: [json.loads(text) for (text,) in found] for name, found in rows.items() if found}

    return deliver


@pytest.mark.parametrize(
    "changed",
    [
        "c2,2025-06-01T08:00:00,s1",
        "c1,2025-06-01T08:00:00,s2",
        "c1,2025-06-02T08:00:00,s1",
        "c9,2025-05-05T00:00:00,s9",
    ],
)
def test_an_order_with_another_customer_store_or_time_is_another_order(
    find: Callable[..., Found], changed: str
) -> None:
    found = find({"raw_orders_2": f"{ORDERS}a,{changed},70,0,70\n"})
    assert found.keys() == {"orders_of_reused_ids"}
    (row,) = found["orders_of_reused_ids"]
    assert (row["id"], row["customer"], row["amount_usd"]) == ("a", "c1", 10.0), "the older one counts nowhere"
    assert (row["file_name"], row["record_number"]) == ("raw_orders.csv", 1)
    assert (row["counted_file_name"], row["counted_record_number"]) == ("raw_orders_2.csv", 1)


def test_an_order_of_another_amount_is_corrected_and_no_other_order(find: Callable[..., Found]) -> None:
    found = find({"raw_orders_2": f"{ORDERS}a,c1,2025-06-01T08:00:00,s1,70,0,70\n"})
    assert found.keys() == {"superseded_orders"}
    assert [row["superseded_count"] for row in found["superseded_orders"]] == [1]


def test_each_order_of_an_id_is_found_once_with_the_newest_of_its_amounts(find: Callable[..., Found]) -> None:
    found = find(
        {"raw_orders_2": f"{ORDERS}a,c1,2025-06-01T08:00:00,s1,900,0,900\nb,c3,2025-06-01T09:00:00,s1,1,0,1\n"},
        {"raw_orders_3": f"{ORDERS}a,c2,2025-06-03T08:00:00,s1,70,0,70\na,c4,2025-06-03T08:00:00,s1,80,0,80\n"},
    )
    assert sorted((row["id"], row["customer"], row["amount_usd"]) for row in found["orders_of_reused_ids"]) == [
        ("a", "c1", 9.0),
        ("a", "c2", 0.7),
        ("b", "c2", 2.0),
    ]
    assert [row["customer"] for row in found["superseded_orders"]] == ["c1"], (
        "c1's order was corrected before its id was given away"
    )


def test_an_order_whose_own_file_gives_its_id_away_is_found(find: Callable[..., Found]) -> None:
    again = f"{ORDERS}a,c2,2025-06-05T08:00:00,s1,70,0,70\n"
    (row,) = find({"raw_orders": again})["orders_of_reused_ids"]
    assert (row["customer"], row["amount_usd"], row["counted_record_number"]) == ("c1", 10.0, 1)


def test_an_order_that_comes_back_under_its_id_counts_and_the_other_is_found(find: Callable[..., Found]) -> None:
    again = f"{ORDERS}a,c2,2025-06-05T08:00:00,s1,70,0,70\n"
    (row,) = find({"raw_orders": again}, {"raw_orders": str(BASE["raw_orders"])})["orders_of_reused_ids"]
    assert (row["customer"], row["amount_usd"]) == ("c2", 0.7)


def test_an_id_that_nobody_has_any_more_is_no_collision(find: Callable[..., Found]) -> None:
    again = f"{ORDERS}a,c2,2025-06-05T08:00:00,s1,70,0,70\n"
    assert find({"raw_orders": again}, {"raw_orders": ORDERS}) == {}


def test_what_counts_is_what_is_loaded_also_where_the_replaced_row_was_newer(find: Callable[..., Found]) -> None:
    dated = "raw_orders_2025-07-02"
    found = find(
        {dated: f"{ORDERS}a,c2,2025-06-05T08:00:00,s1,70,0,70\n"},
        {dated: f"{ORDERS}a,c3,2025-06-06T08:00:00,s1,80,0,80\n"},
        {dated: f"{ORDERS}z,c3,2025-06-06T08:00:00,s1,80,0,80\n"},
    )
    (row,) = found["orders_of_reused_ids"]
    assert (row["customer"], row["counted_file_name"]) == ("c2", "raw_orders.csv")


def test_items_and_refunds_that_move_to_another_order_are_found(find: Callable[..., Found]) -> None:
    found = find(
        {
            "raw_items_2": f"{ITEMS}1,b,p1\n2,b,p1\n",
            "raw_refunds_2": f"{REFUNDS}x,b,,2025-06-02T08:00:00,100,5,\n",
        }
    )
    assert found.keys() == {"items_of_reused_ids", "superseded_items", "refunds_of_reused_ids"}
    assert [row["id"] for row in found["items_of_reused_ids"]] == ["1"]
    assert [row["id"] for row in found["superseded_items"]] == ["2"], "its product was corrected"
    (refund,) = found["refunds_of_reused_ids"]
    assert (refund["order_id"], refund["amount_usd"]) == ("a", 1.0)
