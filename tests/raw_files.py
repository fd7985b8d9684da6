"""The shipped raw files, read with csv and joined by hand: what the KPIs are checked against."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache, cached_property

from tests.conftest import DATASETS

AS_OF = date(2021, 8, 30)
YEAR_BEFORE, TWO_YEARS_BEFORE = date(2020, 8, 30), date(2019, 8, 30)
BEGINNING = date(1900, 1, 1)


@dataclass(frozen=True)
class Order:
    store: str
    customer: str
    at: datetime
    net: int
    tax: int

    @property
    def day(self) -> date:
        return self.at.date()

    @property
    def is_last_year(self) -> bool:
        return YEAR_BEFORE < self.day <= AS_OF


def read_csv(name: str) -> Iterator[dict[str, str]]:
    with (DATASETS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def versions(table: str) -> list[tuple[date, str]]:
    """The files of a table with the day from which they hold, newest first."""
    names = [path.stem for path in DATASETS.glob(f"{table}*.csv")]
    days = {name: date.fromisoformat(name[-10:]) if name != table else BEGINNING for name in names}
    return sorted(((day, name) for name, day in days.items()), reverse=True)


class Shop:
    """The raw files, joined by hand; prices, recipes and tax rates are those of a day."""

    @cached_property
    def orders(self) -> dict[str, Order]:
        return {
            row["id"]: Order(
                row["store_id"],
                row["customer"],
                datetime.fromisoformat(row["ordered_at"]),
                int(row["subtotal"]),
                int(row["tax_paid"]),
            )
            for row in read_csv("raw_orders")
        }

    @cached_property
    def items(self) -> list[tuple[Order, str]]:
        return [(self.orders[row["order_id"]], row["sku"]) for row in read_csv("raw_items")]

    @cached_property
    def stores(self) -> dict[str, str]:
        return {row["id"]: row["name"] for row in read_csv("raw_stores")}

    @cached_property
    def prices(self) -> list[tuple[date, dict[str, int]]]:
        return [
            (day, {row["sku"]: int(row["price"]) for row in read_csv(name)}) for day, name in versions("raw_products")
        ]

    @cached_property
    def tax_rates(self) -> list[tuple[date, dict[str, Decimal]]]:
        return [
            (day, {row["id"]: Decimal(row["tax_rate"]) for row in read_csv(name)})
            for day, name in versions("raw_stores")
        ]

    @cached_property
    def categories(self) -> dict[str, str]:
        return {row["sku"]: row["type"] for row in read_csv("raw_products")}

    @cached_property
    def recipes(self) -> list[tuple[date, dict[str, dict[str, tuple[int, bool]]]]]:
        found = []
        for day, name in versions("raw_supplies"):
            recipe: dict[str, dict[str, tuple[int, bool]]] = defaultdict(dict)
            for row in read_csv(name):
                recipe[row["sku"]][row["id"]] = (int(row["cost"]), row["perishable"].lower() == "true")
            found.append((day, recipe))
        return found

    @cached_property
    def refunds(self) -> list[tuple[Order, date, int]]:
        return [
            (self.orders[row["order_id"]], datetime.fromisoformat(row["refunded_at"]).date(), int(row["amount"]))
            for row in read_csv("raw_refunds")
        ]

    @cache  # noqa: B019 - there is one shop
    def price(self, sku: str, day: date) -> int:
        return next(prices[sku] for since, prices in self.prices if since <= day)

    def tax_rate(self, store: str, day: date) -> Decimal:
        return next(rates[store] for since, rates in self.tax_rates if since <= day)

    @cache  # noqa: B019
    def recipe(self, sku: str, day: date) -> dict[str, tuple[int, bool]]:
        return next(recipes[sku] for since, recipes in self.recipes if since <= day)

    def cost(self, sku: str, day: date, *, perishable: bool = False) -> int:
        return sum(cost for cost, spoils in self.recipe(sku, day).values() if spoils or not perishable)

    @cached_property
    def open_days(self) -> dict[str, list[date]]:
        days: dict[str, set[date]] = defaultdict(set)
        for order in self.orders.values():
            days[order.store].add(order.day)
        return {store: sorted(found) for store, found in days.items()}
