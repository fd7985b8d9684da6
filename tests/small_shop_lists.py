"""What the small shop sells, of what it is made and at which price, cost and tax rate, before and after each change.

The undated lists are the shop's first state; `raw_<table>_<date>.csv` is the whole list as it stood from that day on.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

FIRST_DAY = date(2023, 5, 3)
LAST_DAY = date(2025, 6, 17)  # the default as_of: the last year begins on 2024-06-18, the last closed month is May
PRICES_CHANGE_ON = date(2024, 10, 15)
COSTS_CHANGE_ON = date(2025, 1, 20)
TAX_CHANGES_ON = date(2025, 3, 1)
LATE_ITEM_ON = date(2025, 2, 12)

CUSTOMERS = [
    "Ada",
    "Bo",
    "Cy",
    "Di",
    'Eve, the "best" one',
    "Flo",
    "Gus",
    "Hal",
    "Ivy",
    "Jo",
    "Kai",
    "Lu never ordered",
]
STORES = {  # id → name, opened, tax rate
    "s1": ("North", "2023-05-01T00:00:00", "0.0625"),
    "s2": ("South", "2023-09-15T00:00:00", "0.04"),
    "s3": ("Quay", "2024-08-05T00:00:00", "0.075"),
}
PRODUCTS = {  # sku → name, type, price in cents, description
    "p1": ("Cheese jaffle", "jaffle", 900, "bread and cheese"),
    "p2": ("Hot one", "jaffle", 1100, 'with chili, "hot"'),
    "p3": ("Tea", "beverage", 300, ""),
    "p4": ("Coffee", "beverage", 450, "with milk"),
    "p5": ("Party tower", "catering", 45000, "forty jaffles"),
    "p6": ("Mug", "retail", 1250, ""),
}
SUPPLIES = {  # id → name, cost in cents, perishable
    "u1": ("box", 11, False),
    "u2": ("cup", 13, False),
    "u3": ("bread", 33, True),
    "u4": ("cheese", 120, True),
    "u5": ("chili", 46, True),
    "u6": ("tea leaves", 17, False),
    "u7": ("coffee beans", 52, True),
    "u8": ("milk", 21, True),
}
RECIPES = {"p1": "u1 u3 u4", "p2": "u1 u3 u4 u5", "p3": "u2 u6", "p4": "u2 u7 u8", "p5": "u1 u3 u4 u5", "p6": "u1"}

NEW_PRODUCTS = PRODUCTS | {
    "p1": ("Cheese jaffle", "jaffle", 950, "bread and cheese"),
    "p2": ("Dragon", "jaffle", 1100, 'with chili, "hot"'),
    "p4": ("Coffee", "beverage", 425, "with milk"),
}
del NEW_PRODUCTS["p6"]
NEW_SUPPLIES = SUPPLIES | {"u4": ("cheese", 135, True), "u7": ("coffee beans", 48, True)}
NEW_RECIPES = RECIPES | {"p2": "u1 u3 u5", "p3": "u2 u6 u8"}
NEW_STORES = STORES | {"s2": ("South", "2023-09-15T00:00:00", "0.055")}


def tax_of(amount: int, store: str, day: date) -> int:
    """Tax in cents by the store's rate of that day, truncated as the tills do."""
    stores = NEW_STORES if day >= TAX_CHANGES_ON else STORES
    return int(amount * Decimal(stores[store][2]))


def price_of(sku: str, day: date) -> int:
    """Price in cents on that day; a product that is gone keeps its last one."""
    products = NEW_PRODUCTS if day >= PRICES_CHANGE_ON else PRODUCTS
    return int(products.get(sku, PRODUCTS[sku])[2])


def supplies_of(sku: str, day: date) -> list[str]:
    """Ids of the supplies that one piece takes on that day."""
    return (NEW_RECIPES if day >= COSTS_CHANGE_ON else RECIPES)[sku].split()


def write_lists(folder: Path) -> None:
    """Write customers, stores, products and supplies, first state and dated lists, into `folder`."""
    write_csv(folder / "raw_customers.csv", ["id", "name"], [[f"c{n}", name] for n, name in enumerate(CUSTOMERS, 1)])
    for suffix, stores in (("", STORES), (f"_{TAX_CHANGES_ON}", NEW_STORES)):
        header = ["id", "name", "opened_at", "tax_rate"]
        write_csv(folder / f"raw_stores{suffix}.csv", header, [[key, *rest] for key, rest in stores.items()])
    for suffix, products in (("", PRODUCTS), (f"_{PRICES_CHANGE_ON}", NEW_PRODUCTS)):
        header = ["sku", "name", "type", "price", "description"]
        write_csv(folder / f"raw_products{suffix}.csv", header, [[key, *rest] for key, rest in products.items()])
    for suffix, recipes, supplies in (("", RECIPES, SUPPLIES), (f"_{COSTS_CHANGE_ON}", NEW_RECIPES, NEW_SUPPLIES)):
        records = [[key, *supplies[key], sku] for sku, keys in recipes.items() for key in keys.split()]
        write_csv(folder / f"raw_supplies{suffix}.csv", ["id", "name", "cost", "perishable", "sku"], records)


def write_csv(path: Path, header: list[str], records: Iterable[Sequence[object]]) -> None:
    """Write header and records in the spelling of the shipped files: LF at the end of a line, quotes where needed."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(records)
