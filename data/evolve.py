"""Let the simulated shop change: dated price, recipe and store lists, orders that follow them, discounts.

The simulation knows one price, one cost and one tax rate for all three years. `evolve` takes its six files and leaves a
shop that changes: what the lists say from a day on stands in `raw_<table>_<date>.csv` beside the undated first state,
and every order from that day on is rung up anew. Orders before the first change stay as they are, byte for byte.
Nothing is drawn from a random generator: what looks drawn follows from a hash of the record's own id.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

Row = dict[str, str]
History = dict[date, list[Row]]  # the whole list as it stands from a day on, oldest first

THE_BEGINNING = date.min
NEW_PRICES = {  # from a day on: sku → price in cents
    date(2020, 3, 2): {"JAF-003": "1250", "BEV-004": "650"},
    date(2021, 2, 1): {"JAF-003": "1300", "BEV-002": "550"},
}
NEW_COSTS = {  # from a day on: supply → cost in cents
    date(2020, 7, 1): {"SUP-009": "31", "SUP-014": "251", "SUP-026": "58"},
    date(2021, 3, 15): {"SUP-011": "51"},
}
RECIPES_CHANGE_ON = date(2021, 3, 15)
LEAVES = ("SUP-010", "JAF-005")  # the mel-bun goes without cheese
ENTERS = ("SUP-024", "BEV-003")  # and vanilla ice gets oatmilk
NEW_TAX_RATES = {date(2021, 1, 1): {"Chicago": "0.065"}}
FIRST_CHANGE = min(*NEW_PRICES, *NEW_COSTS, *NEW_TAX_RATES)

BIRTHDAY_PERCENT = 15  # off every order on the day a store opened, in later years
PARTY_DAY, PARTY_PERCENT = date(2021, 6, 19), 20
GOODWILL_PERCENT, GOODWILL_ONE_IN = 10, 600
FREE_ONE_IN = 2200  # orders set to zero


@dataclass(frozen=True)
class Shop:
    """The evolved shop: its lists by the day they hold from, its orders and their items in the files' order."""

    products: History
    supplies: History
    stores: History
    orders: list[Row]
    skus: dict[str, list[str]]  # order id → its products
    items: list[Row]


def evolve(folder: Path) -> Shop:
    """Turn the simulated CSV files in `folder` into those of a shop that changes; write the dated lists beside them."""
    products = _change_column(_read(folder, "raw_products"), "sku", "price", NEW_PRICES)
    supplies = _change_recipes(_change_column(_read(folder, "raw_supplies"), "id", "cost", NEW_COSTS))
    stores = _change_column(_read(folder, "raw_stores"), "name", "tax_rate", NEW_TAX_RATES)
    for table, history in (("raw_products", products), ("raw_supplies", supplies), ("raw_stores", stores)):
        for day, rows in history.items():
            write_rows(folder / f"{table}{'' if day == THE_BEGINNING else f'_{day}'}.csv", rows)
    items = _read(folder, "raw_items")
    skus: dict[str, list[str]] = {}
    for item in items:
        skus.setdefault(item["order_id"], []).append(item["sku"])
    orders = list(_ring_up(_read(folder, "raw_orders"), skus, products, stores))
    write_rows(folder / "raw_orders.csv", orders)
    return Shop(products, supplies, stores, orders, skus, items)


def draw(purpose: str, record_id: str, choices: int) -> int:
    """A number from 0 to `choices` - 1 that looks drawn but is a property of the record's id."""
    return int(hashlib.sha256(f"{purpose} {record_id}".encode()).hexdigest()[:12], 16) % choices


def rows_on(history: History, day: date) -> list[Row]:
    """The list as it stands on `day`."""
    return history[max(start for start in history if start <= day)]


def prices_on(products: History, day: date) -> dict[str, int]:
    """Price in cents by sku on `day`."""
    return {row["sku"]: int(row["price"]) for row in rows_on(products, day)}


def tax_rate_on(stores: History, store_id: str, day: date) -> float:
    """Tax as a ratio of the subtotal in that store on `day`."""
    return next(float(row["tax_rate"]) for row in rows_on(stores, day) if row["id"] == store_id)


def tax_at_the_till(amount: int, rate: float) -> int:
    """Tax in cents as the simulated tills (jafgen) take it: in binary dollars, then truncated.

    So it is the exact tax rounded down, and now and then a cent below an exact tax that is whole.
    """
    return int(rate * (amount / 100) * 100)


def day_of(timestamp: str) -> date:
    """The day of a timestamp as the files spell it, `2018-09-01T14:05:00`."""
    return date.fromisoformat(timestamp[:10])


def write_rows(path: Path, rows: list[Row]) -> None:
    """Write header and records, in the spelling of the simulation's own files but with LF at the end of a line."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _read(folder: Path, table: str) -> list[Row]:
    with (folder / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _change_column(rows: list[Row], key: str, column: str, changes: dict[date, Row]) -> History:
    """The list `rows`, then one more whole list for each day of `changes`: new values of `column` by that of `key`."""
    history = {THE_BEGINNING: rows}
    for day, values in sorted(changes.items()):
        rows = [{**row, column: values.get(row[key], row[column])} for row in rows]
        history[day] = rows
    return history


def _change_recipes(history: History) -> History:
    """One product loses a supply and one gains another, at the end of its recipe, from `RECIPES_CHANGE_ON` on."""
    rows = [row for row in history[RECIPES_CHANGE_ON] if (row["id"], row["sku"]) != LEAVES]
    supply_id, sku = ENTERS
    supply = next(row for row in rows if row["id"] == supply_id)
    end = max(number for number, row in enumerate(rows, 1) if row["sku"] == sku)
    return {**history, RECIPES_CHANGE_ON: [*rows[:end], {**supply, "sku": sku}, *rows[end:]]}


def _ring_up(orders: list[Row], skus: dict[str, list[str]], products: History, stores: History) -> Iterable[Row]:
    """Yield the orders with the amounts that the lists of their day, and their discount, make of their items."""
    birthdays = {row["id"]: day_of(row["opened_at"]) for row in stores[THE_BEGINNING]}
    for order in orders:
        day = day_of(order["ordered_at"])
        if day < FIRST_CHANGE:
            yield order
            continue
        prices = prices_on(products, day)
        full = sum(prices[sku] for sku in skus.get(order["id"], ()))
        subtotal = full - full * _percent_off(order["id"], day, birthdays[order["store_id"]]) // 100
        tax = tax_at_the_till(subtotal, tax_rate_on(stores, order["store_id"], day))
        amounts = {"subtotal": str(subtotal), "tax_paid": str(tax), "order_total": str(subtotal + tax)}
        yield {**order, **amounts}


def _percent_off(order_id: str, day: date, opened: date) -> int:
    """What the order is let off: a store's birthday, a party of the whole chain, goodwill, or everything."""
    if draw("free", order_id, FREE_ONE_IN) == 0:
        return 100
    if day == PARTY_DAY:
        return PARTY_PERCENT
    if (day.month, day.day) == (opened.month, opened.day) and day.year > opened.year:
        return BIRTHDAY_PERCENT
    return GOODWILL_PERCENT if draw("goodwill", order_id, GOODWILL_ONE_IN) == 0 else 0
