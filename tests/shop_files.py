"""A shop read back from its CSV files, and what its lists say of an order's day; csv and Decimal alone, no pipeline."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path

Row = dict[str, str]


@dataclass(frozen=True)
class Shop:
    """The CSV files of a folder; a dated file is the whole list from that day on."""

    folder: Path

    def read(self, name: str) -> list[Row]:
        with (self.folder / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def read_all(self, table: str) -> list[Row]:
        return [row for path in sorted(self.folder.glob(f"{table}*.csv")) for row in self.read(path.name)]

    def lists(self, table: str) -> dict[date, list[Row]]:
        """The lists of `table` by the day they hold from; `date.min` for the undated first state."""
        dated = {path.stem.removeprefix(f"{table}_"): path.name for path in self.folder.glob(f"{table}_*.csv")}
        first = {date.min: self.read(f"{table}.csv")}
        return first | {date.fromisoformat(day): self.read(name) for day, name in sorted(dated.items())}

    @cached_property
    def prices(self) -> dict[date, dict[str, int]]:
        prices: dict[date, dict[str, int]] = {}
        known: dict[str, int] = {}  # a product that left the list keeps its last price
        for day, rows in self.lists("raw_products").items():
            known = known | {row["sku"]: int(row["price"]) for row in rows}
            prices[day] = known
        return prices

    @cached_property
    def tax_rates(self) -> dict[date, dict[str, Decimal]]:
        lists = self.lists("raw_stores").items()
        return {day: {row["id"]: Decimal(row["tax_rate"]) for row in rows} for day, rows in lists}

    @cached_property
    def orders(self) -> dict[str, Row]:
        return {row["id"]: row for row in self.read_all("raw_orders")}

    @cached_property
    def items(self) -> dict[str, Row]:
        return {row["id"]: row for row in self.read_all("raw_items")}

    @cached_property
    def skus(self) -> dict[str, list[str]]:
        """Order id → its products, for orders that have any."""
        skus: dict[str, list[str]] = defaultdict(list)
        for item in self.items.values():
            skus[item["order_id"]].append(item["sku"])
        return dict(skus)

    def price(self, sku: str, order: Row) -> int:
        return self.prices[in_force(self.prices, day_of(order["ordered_at"]))][sku]

    def prices_sum(self, order: Row) -> int:
        return sum(self.price(sku, order) for sku in self.skus.get(order["id"], ()))

    def exact_tax(self, amount: str, order: Row) -> Decimal:
        rates = self.tax_rates[in_force(self.tax_rates, day_of(order["ordered_at"]))]
        return int(amount) * rates[order["store_id"]]


def in_force(days: Iterable[date], day: date) -> date:
    return max(each for each in days if each <= day)


def day_of(timestamp: str) -> date:
    return date.fromisoformat(timestamp[:10])
