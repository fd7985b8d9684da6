"""The figures of the shipped files: their changes, discounts, refunds and counts, and that they can be made again."""

from __future__ import annotations

import hashlib
import importlib
import itertools
import shutil
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.conftest import DATASETS, PROJECT
from tests.shop_files import Shop, day_of

LAST_ORDER_DATE = date(2021, 8, 30)
FIRST_CHANGE = "2020-03-02"
AS_SIMULATED = "6952428383419542c713ee3be3add018fbfbcd314d043ee365672cfa8e71b9e3"  # the orders before the first change


@pytest.fixture(scope="module")
def shipped() -> Shop:
    return Shop(DATASETS)


def test_shipped_orders_before_the_first_change_are_as_simulated() -> None:
    lines = (DATASETS / "raw_orders.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    before = [line for line in lines[1:] if line.split(",")[2] < FIRST_CHANGE]

    assert len(before) == 10_290
    assert hashlib.sha256("".join(before).encode()).hexdigest() == AS_SIMULATED


def test_shipped_lists_change_once_or_twice(shipped: Shop) -> None:
    assert changes(shipped, "raw_products", "price", "sku") == [
        (FIRST_CHANGE, "BEV-004", "700", "650"),
        (FIRST_CHANGE, "JAF-003", "1200", "1250"),
        ("2021-02-01", "BEV-002", "500", "550"),
        ("2021-02-01", "JAF-003", "1250", "1300"),
    ]
    assert changes(shipped, "raw_stores", "tax_rate", "name") == [("2021-01-01", "Chicago", "0.0625", "0.065")]
    assert changes(shipped, "raw_supplies", "cost", "id") == [
        ("2020-07-01", "SUP-009", "33", "31"),
        ("2020-07-01", "SUP-014", "234", "251"),
        ("2020-07-01", "SUP-026", "52", "58"),
        ("2021-03-15", "SUP-011", "46", "51"),
    ]


def test_shipped_recipes_one_loses_a_supply_and_one_gains_another(shipped: Shop) -> None:
    first, second, third = (
        {(row["id"], row["sku"]) for row in rows} for rows in shipped.lists("raw_supplies").values()
    )

    assert first == second
    assert second - third == {("SUP-010", "JAF-005")}
    assert third - second == {("SUP-024", "BEV-003")}


def test_shipped_orders_few_are_discounted_and_fewer_free(shipped: Shop) -> None:
    percents = Counter[int]()
    for order in shipped.orders.values():
        full = shipped.prices_sum(order)
        if full != int(order["subtotal"]):
            percents[round(100 * (full - int(order["subtotal"])) / full)] += 1
            assert order["ordered_at"] >= FIRST_CHANGE

    assert percents == {10: 43, 15: 82, 20: 20, 100: 13}


def test_shipped_orders_without_items_are_as_many_as_simulated(shipped: Shop) -> None:
    assert sum(key not in shipped.skus for key in shipped.orders) == 353


def test_shipped_refunds_are_of_every_kind(shipped: Shop) -> None:
    refunds = shipped.read("raw_refunds.csv")
    without_item = [row for row in refunds if not row["item_id"]]
    whole = [row for row in without_item if row["amount"] == shipped.orders[row["order_id"]]["subtotal"]]
    reasons = Counter(row["reason"] for row in refunds)

    assert (len(refunds), len(without_item), len(whole)) == (120, 21, 5)
    assert reasons == {"wrong item": 34, "cold": 31, "spilled": 19, "late": 17, "": 19}
    assert max(day_of(row["refunded_at"]) for row in refunds) <= LAST_ORDER_DATE


def test_shipped_stock_counts_come_every_two_or_four_weeks_until_the_last_week(shipped: Shop) -> None:
    days: dict[tuple[str, str], list[date]] = defaultdict(list)
    for row in shipped.read("raw_stock_counts.csv"):
        days[row["store_id"], row["supply_id"]].append(day_of(row["counted_at"]))
    spoils = {row["id"]: row["perishable"] == "True" for row in shipped.read("raw_supplies.csv")}

    assert len(days) == 5 * 29  # Los Angeles is not open yet
    for (_, supply_id), counted in days.items():
        gaps = {later - earlier for earlier, later in itertools.pairwise(counted)}
        assert gaps == {timedelta(weeks=2 if spoils[supply_id] else 4)}
        assert timedelta(0) <= LAST_ORDER_DATE - counted[-1] < timedelta(days=7)


def test_shipped_stock_counts_stay_below_two_busy_months_of_usage_and_are_rarely_zero(shipped: Shop) -> None:
    busiest: dict[tuple[str, str], int] = defaultdict(int)
    for (store_id, supply_id, _), units in monthly_usage(shipped).items():
        busiest[store_id, supply_id] = max(busiest[store_id, supply_id], units)
    counts = shipped.read("raw_stock_counts.csv")

    assert [row for row in counts if int(row["unit_count"]) > 2 * busiest[row["store_id"], row["supply_id"]] + 5] == []
    assert sum(row["unit_count"] == "0" for row in counts) < len(counts) / 100


def test_shipped_files_stay_small() -> None:
    assert (DATASETS / "raw_stock_counts.csv").stat().st_size < 400_000
    assert sum(path.stat().st_size for path in DATASETS.glob("*.csv")) < 10_500_000


def test_shipped_files_evolved_again_are_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`evolve` reads no amount of an order that it writes, so the shipped files come out of it as they went in."""
    for name in ("customers", "orders", "items", "products", "stores", "supplies"):
        shutil.copy(DATASETS / f"raw_{name}.csv", tmp_path)
    monkeypatch.syspath_prepend(str(PROJECT / "data"))
    shop = importlib.import_module("evolve").evolve(tmp_path)
    importlib.import_module("refunds").write_refunds(shop, tmp_path)
    importlib.import_module("stock_counts").write_stock_counts(shop, tmp_path)

    assert {path.name: digest(path) for path in tmp_path.iterdir()} == {
        path.name: digest(path) for path in DATASETS.glob("*.csv")
    }


def changes(shop: Shop, table: str, column: str, key: str) -> list[tuple[str, str, str, str]]:
    """Day, key, value before and after, of what each list changes in the one before it."""
    found, before = set(), shop.lists(table)[date.min]
    for day, rows in shop.lists(table).items():
        old = {row[key]: row[column] for row in before}
        found |= {(str(day), row[key], old[row[key]], row[column]) for row in rows if row[column] != old[row[key]]}
        before = rows
    return sorted(found)


def monthly_usage(shop: Shop) -> Counter[tuple[str, str, str]]:
    """Units by store, supply and month, by the newest recipes: near enough for an upper bound."""
    lists = shop.lists("raw_supplies")
    recipes: dict[str, list[str]] = defaultdict(list)
    for row in lists[max(lists)]:
        recipes[row["sku"]].append(row["id"])
    used = Counter[tuple[str, str, str]]()
    for order in shop.orders.values():
        for sku in shop.skus.get(order["id"], ()):
            used.update((order["store_id"], supply_id, order["ordered_at"][:7]) for supply_id in recipes[sku])
    return used


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
