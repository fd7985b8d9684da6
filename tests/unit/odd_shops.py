"""Shops whose data are odd, as the KPI frames that the warehouse would give of them; every row follows from its place.

`SHOPS` names the cases that a report has to stand: issue 10, "Where data are odd".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

import polars as pl

from reports.kpis import KPIS

AS_OF = date(2021, 8, 30)
Rows = list[tuple[object, ...]]
FIRST = 50
CLASSES = ("Gold", "Silver", "Bronze", "Inactive")


@dataclass(frozen=True)
class Shop:
    """What the shop has; `money` makes an amount of the number of its row, `name` a name of a noun and a number."""

    stores: int = 3
    customers: int = 40
    products: int = 6
    supplies: int = 4
    months: int = 25
    orders: int = 900
    has_year_before: bool = True
    money: Callable[[int], Decimal] = lambda row: Decimal(5_000_000 // (row + 3)) / 100
    name: Callable[[str, int], str] = lambda noun, number: f"{noun} {number + 1}"

    @property
    def is_open(self) -> bool:
        """Whether there are orders in the last year."""
        return self.orders > 0

    @cached_property
    def frames(self) -> dict[str, pl.DataFrame]:
        """The frame of each KPI."""
        rows = {
            "rolling_year": self._years(),
            "sales_by_month": self._months(),
            "store_performance": self._store_rows(),
            "sales_by_weekday_hour": self._hours(),
            "average_order_comparison": self._means(),
            "average_order_per_store": [
                (f"s{n}", self._store(n), 900 + n, self.money(n), self.money(n) * 9 / 10) for n in range(self.stores)
            ],
            "sales_by_category": [
                (self.name("category", n), 1000 + n, self.money(n), 1 / (n + 2)) for n in range(min(self.products, 4))
            ],
            "product_margin": self._margins(),
            "price_guide": self._prices(),
            "supply_usage": self._usage(),
            "stock_cover": self._stock(),
            "reorder_suggestions": self._suggestions(),
            "product_affinity": self._pairs(),
            "revenue_by_class": self._class_rows(),
            "customer_classes_by_month": self._class_months(),
            "repeat_purchase": self._cohorts(),
            "tax_ratio": self._taxes(),
            "tax_rounding": [
                (f"s{n}", self._store(n), 900, 500 - 10 * n, 0, Decimal("5.00")) for n in range(self.stores)
            ],
        }
        found = {name: pl.DataFrame(rows[name], schema=KPIS[name].schema, orient="row") for name in rows}
        return found | {"sales_per_customer": self._customers()}

    def _store(self, number: int) -> str:
        return self.name("store", number)

    def _days(self) -> list[date]:
        """The first day of each month of the shop, the newest last."""
        places = [AS_OF.year * 12 + AS_OF.month - 1 - back for back in reversed(range(self.months))]
        return [date(place // 12, place % 12 + 1, 1) for place in places]

    def _years(self) -> Rows:
        days = [date(2020 + (7 + month) // 12, (7 + month) % 12 + 1, 28) for month in range(13)]
        sales = [self.money(13 - n) if self.is_open else Decimal(0) for n in range(13)]
        return [
            (day, self.has_year_before, self.orders, self.customers, self.stores, net, net / 2, 0.5, 1, net * 4 / 5)
            for day, net in zip(days, sales, strict=True)
        ]

    def _months(self) -> Rows:
        days = self._days()
        rows: Rows = []
        for place, day in enumerate(days):
            is_sold = self.is_open or len(days) - place > 12
            net = self.money(len(days) - place) if is_sold else Decimal(0)
            before = self.money(len(days) - place + 12) if self.has_year_before and place >= 12 else None
            growth = None if before is None else 0.25
            rows.append((day, place < len(days) - 1, self.orders, self.orders, net, Decimal(1), before, growth))
        return rows

    def _store_rows(self) -> Rows:
        rows: Rows = []
        for n in range(self.stores):
            net = self.money(n) if self.is_open else Decimal(0)
            before = self.money(n + 2) if self.has_year_before else Decimal(0)
            growth = -0.125 if before > 0 else None
            means = (0.5, 10.5, Decimal("15.39")) if self.is_open else (None, None, None)
            counts = (date(2018, 9, 1), 364 * self.is_open, self.customers, self.orders, net, Decimal(7), net / 16)
            rows.append((f"s{n}", self._store(n), *counts, net / 2, *means, before, growth, self.has_year_before))
        return rows

    def _hours(self) -> Rows:
        places = [(n, weekday, hour) for n in range(self.stores) for weekday in range(1, 8) for hour in range(7, 20)]
        return [
            (f"s{n}", self._store(n), weekday, hour, 52, self.orders // (1 + hour - 7 + weekday), self.money(n))
            for n, weekday, hour in places
            if self.is_open
        ]

    def _means(self) -> Rows:
        if not self.is_open:
            return []
        rows: Rows = [
            (f"s{n}", self._store(n), self.customers, 900, 3, self.money(n), 0.08, 9.5) for n in range(self.stores)
        ]
        return [*rows, (None, "All stores", self.customers, 900 * self.stores, 9, self.money(1), 0.05, 20.0)]

    def _margins(self) -> Rows:
        rows: Rows = []
        for n in range(self.products if self.is_open else 0):
            margin, net = self.money(n), abs(self.money(n)) * 2
            ratio = float(margin / net) if net else None
            cost = (net, net - margin, Decimal(0), margin, ratio, None, 0.25)
            rows.append((f"p{n}", self.name("product", n), "food", self.orders, *cost))
        return rows

    def _prices(self) -> Rows:
        price = Decimal("9.50")
        cost = Decimal("2.00") if self.supplies else Decimal(0)
        numbers = (price, cost, price - cost, float(1 - cost / price), cost * 4, self.orders, None, None, None, None)
        return [(f"p{n}", self.name("product", n), "food", *numbers) for n in range(self.products)]

    def _usage(self) -> Rows:
        used = self._places() if self.is_open else []
        return [
            (f"s{n}", self._store(n), f"u{u}", self.name("supply", u), u % 2 == 0, 900, self.money(n + u), 2.5)
            for n, u in used
        ]

    def _stock(self) -> Rows:
        counted = datetime(2021, 8, 28, 20, 15)
        return [
            (
                *(f"s{n}", self._store(n), f"u{u}", self.name("supply", u), u % 2 == 0, counted, 100, 10, 90 - 40 * u),
                *(9.0, (90.0 - 40.0 * u) / 9.0, 3, None),
            )
            for n, u in self._places()
        ]

    def _suggestions(self) -> Rows:
        return [
            (
                *(f"s{n}", self._store(n), f"u{u}", self.name("supply", u), u % 2 == 0, 90 - 40 * u, 120, 100, 140, 3),
                *(14 if u % 2 == 0 else None, 50 + 40 * u, u, "mean_week", 0.125 if self.has_year_before else None),
            )
            for n, u in self._places()
        ]

    def _pairs(self) -> Rows:
        numbers = [(n, o) for n in range(self.products) for o in range(self.products) if n != o and self.is_open]
        return [
            (f"p{n}", self.name("product", n), f"p{o}", self.name("product", o), 90, 0.1, 0.25, 3 / (n + o))
            for n, o in numbers
        ]

    def _places(self) -> list[tuple[int, int]]:
        return [(n, u) for n in range(self.stores) for u in range(self.supplies)]

    def _class_rows(self) -> Rows:
        rows: Rows = []
        for n, status in enumerate(CLASSES):
            year = self.money(n) if self.is_open and status != "Inactive" else Decimal(0)
            share = 0.25 if self.is_open else None
            rows.append((status, self.customers // 4, year, self.money(n) * 3, share, Decimal(1), year - 1))
        return rows

    def _class_months(self) -> Rows:
        ends = [*(date(day.year, day.month, 28) for day in self._days()[:-1]), AS_OF]
        return [
            (
                day,
                status,
                (self.customers * (place + 1) // len(ends) + n) * (self.is_open or n == 3) * (self.customers > 0),
                self.money(n),
            )
            for place, day in enumerate(ends)
            for n, status in reversed(list(enumerate(CLASSES)))
        ]

    def _cohorts(self) -> Rows:
        days = self._days()
        return [
            (day, since, max(self.customers // (since + 1), 1), 1 / (since + 1), self.money(since))
            for place, day in enumerate(days)
            for since in range(len(days) - place)
        ]

    def _customers(self) -> pl.DataFrame:
        """As many rows as customers, the first of whom have the odd amounts and names."""
        count = self.customers if self.is_open else 0
        rows = [
            (f"c{n}", self.name("customer", n), 3, self.money(n), self.money(n) * 11 / 10, 1 / (n + 2))
            for n in range(min(count, FIRST))
        ]
        first = pl.DataFrame(rows, schema=KPIS["sales_per_customer"].schema, orient="row")
        others = pl.DataFrame({"customer_id": pl.int_range(first.height, count, eager=True).cast(pl.String)})
        return pl.concat([first, others.join(first.tail(1).drop("customer_id"), how="cross")])

    def _taxes(self) -> Rows:
        rows: Rows = [
            (f"s{n}", self._store(n), self.money(n) / 16, self.money(n), 0.0625 - n / 1000, 0.0625, -n / 1000)
            for n in range(self.stores)
        ]
        total = (None, "All stores", self.money(0) / 16, self.money(0), 0.06, 0.0625, -0.0025)
        return [*rows, total] if rows else []


def _falling(row: int) -> Decimal:
    """Amounts that go through zero to losses, with cents."""
    return Decimal(20_000 - 9_990 * row + (row // 9) * 95_000) / 100


def _huge(row: int) -> Decimal:
    return Decimal(987_654_321_012) / (row + 1)


def _long(noun: str, number: int) -> str:
    return f"{noun} {number + 1} at the corner of the long street by the market".ljust(60, "W")[:60]


def _hebrew(noun: str, number: int) -> str:
    return f"{'שלום עולם ' * 3}{len(noun)} {number + 1}"


SHOPS = {
    "usual": Shop(),
    "one store": Shop(stores=1),
    "thirty stores": Shop(stores=30, products=30, supplies=8),
    "ten customers": Shop(customers=10, orders=12),
    "a million customers": Shop(customers=1_000_000, orders=40_000_000, money=_huge),
    "one month": Shop(months=1, has_year_before=False),
    "no year before": Shop(months=9, has_year_before=False),
    "no orders in the year": Shop(months=20, orders=0),
    "names of 60 characters": Shop(name=_long),
    "names from right to left": Shop(name=_hebrew),
    "losses": Shop(money=_falling),
    "one order of cents": Shop(
        stores=1, customers=1, products=2, supplies=1, months=2, orders=1, money=lambda row: Decimal(row % 4 - 1) / 100
    ),
    "all zero": Shop(money=lambda _: Decimal(0)),
    "all losses": Shop(money=lambda row: Decimal(-100 - row)),
    "equal": Shop(money=lambda _: Decimal("12345.67")),
    "no supplies": Shop(supplies=0),
    "nothing": Shop(stores=0, customers=0, products=0, months=0, orders=0),
}
