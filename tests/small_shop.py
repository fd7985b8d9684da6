"""A shop small enough to build in seconds and rich enough that a wrong line of SQL shows: three stores, 26 months.

Every number follows from fixed rules, so the files are the same bytes each time. Beside plain sales it holds what real
shops deliver: a dated price list (one price up, one down, a new name, a product gone), a dated recipe list (costs
change, a recipe loses a supply, another gains one), a dated tax rate, discounts, an order set to zero, orders without
items, an item delivered a day late, refunds (one after the last order) and stock counts. It obeys every contract.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from tests.small_shop_lists import (
    FIRST_DAY,
    LAST_DAY,
    LATE_ITEM_ON,
    STORES,
    SUPPLIES,
    price_of,
    supplies_of,
    tax_of,
    write_csv,
    write_lists,
)

# day and time, store, customer, products: both sides of every border, and who is Gold, Silver, Bronze, Inactive
MARKED_ORDERS = [
    ("2023-05-03T07:00:00", "s1", "c2", "p6"),
    ("2023-06-17T18:30:00", "s1", "c10", "p5"),
    ("2023-06-18T09:00:00", "s1", "c10", "p1 p6"),
    ("2023-06-30T19:59:59", "s1", "c3", "p5"),
    ("2023-07-01T07:00:00", "s1", "c3", "p3"),
    ("2024-02-29T12:00:00", "s1", "c4", "p1 p4 p4"),
    ("2024-05-31T19:59:59", "s2", "c4", "p5"),
    ("2024-06-01T07:00:00", "s2", "c4", "p5"),
    ("2024-06-17T19:59:59", "s1", "c11", "p5 p5 p5 p1"),
    ("2024-06-18T07:00:00", "s1", "c5", "p5"),
    ("2024-06-30T15:00:00", "s2", "c1", "p5 p5"),
    ("2024-08-05T07:00:00", "s3", "c1", "p2 p3"),
    ("2024-10-14T19:59:59", "s1", "c1", "p1 p4"),
    ("2024-10-15T07:00:00", "s1", "c1", "p1 p4"),
    ("2024-12-31T19:59:59", "s3", "c1", "p5 p5"),
    ("2025-01-19T19:59:59", "s3", "c6", "p2 p3"),
    ("2025-01-20T07:00:00", "s3", "c6", "p2 p3"),
    ("2025-02-11T12:34:56", "s1", "c6", "p1 p2"),  # its second item comes a day late
    ("2025-02-28T19:59:59", "s2", "c5", "p1 p2 p4"),
    ("2025-03-01T07:00:00", "s2", "c5", "p1 p2 p4"),
    ("2025-05-31T19:59:59", "s2", "c5", "p5 p5"),
    ("2025-06-01T07:00:00", "s2", "c7", "p5 p5 p5"),
    ("2025-06-16T11:11:11", "s3", "c8", "p3"),
    ("2025-06-17T19:59:59", "s1", "c1", "p5 p5 p1"),
]
ORDER_COLUMNS = ["id", "customer", "ordered_at", "store_id", "subtotal", "tax_paid", "order_total"]
REFUND_COLUMNS = ["id", "order_id", "item_id", "refunded_at", "amount", "tax_amount", "reason"]
STOCK_COUNT_COLUMNS = ["store_id", "supply_id", "counted_at", "unit_count"]

PLAIN_ORDERS = 280  # spread evenly over the days

# the n-th order with items, whether the first item or the whole order, share given back in percent, days later, reason
REFUNDS = [
    (5, "item", 100, 0, "cold"),
    (40, "item", 100, 2, "wrong item"),
    (77, "order", 100, 1, "cold"),
    (120, "item", 100, 10, ""),
    (151, "order", 25, 0, "late"),
    (188, "item", 100, 3, "wrong item"),
    (215, "item", 50, 1, ""),
    (243, "order", 100, 5, "cold"),
    (260, "item", 100, 0, "cold"),
    (276, "item", 100, 4, "wrong item"),
]
UNCOUNTED = ("s3", "u6")  # never counted, though used


@dataclass(frozen=True)
class Order:
    """An order and its products; `subtotal` in cents, before tax."""

    id: str
    customer: str
    ordered_at: datetime
    store: str
    skus: tuple[str, ...]
    subtotal: int = 0

    @property
    def day(self) -> date:
        return self.ordered_at.date()

    @property
    def tax(self) -> int:
        return tax_of(self.subtotal, self.store, self.day)


def write_small_shop(folder: Path) -> Path:
    """Write the eight tables into `folder` (created if need be), those that change with a dated file beside."""
    folder.mkdir(parents=True, exist_ok=True)
    orders = list_orders()
    write_lists(folder)
    _write_sales(folder, orders)
    write_csv(folder / "raw_refunds.csv", REFUND_COLUMNS, list_refunds(orders))
    write_csv(folder / "raw_stock_counts.csv", STOCK_COUNT_COLUMNS, list_stock_counts(orders))
    return folder


def list_orders() -> list[Order]:
    """All orders by time, with the subtotals the tills took."""
    orders = [*_list_plain_orders(), *_list_marked_orders()]
    orders.sort(key=lambda order: order.ordered_at)
    return [
        replace(order, id=f"o{number:03}", subtotal=_subtotal(order, number)) for number, order in enumerate(orders, 1)
    ]


def list_refunds(orders: list[Order]) -> list[list[object]]:
    """Records of raw_refunds: items and whole orders given back, and one refund after the last order."""
    sold = [order for order in orders if order.subtotal and not _is_discounted(order)]
    days_later = [(sold[number], *rest) for number, *rest in REFUNDS]
    days_later.append((orders[-1], "item", 100, 2, "cold"))
    return [_refund(f"r{number:02}", *each) for number, each in enumerate(days_later, 1)]


def list_stock_counts(orders: list[Order]) -> list[list[object]]:
    """Records of raw_stock_counts: each eighth Sunday evening; the shelf is filled up to 40 units after each count."""
    records: list[list[object]] = []
    for store, (_, opened, _) in STORES.items():
        last_day = date(2025, 4, 27) if store == "s3" else LAST_DAY
        counted_on, since = date(2023, 5, 7), FIRST_DAY - timedelta(days=1)
        while counted_on <= last_day:
            if counted_on >= datetime.fromisoformat(opened).date():
                records += _count_shelf(store, counted_on, _usage(orders, store, since, counted_on))
            counted_on, since = counted_on + timedelta(days=56), counted_on
    return records


def _draw(purpose: str, number: int, choices: int) -> int:
    """A fixed number from 0 to `choices` - 1 that looks drawn."""
    return int(hashlib.sha256(f"{purpose} {number}".encode()).hexdigest()[:8], 16) % choices


def _list_plain_orders() -> list[Order]:
    """Orders of c1 to c9 on any day, of one to three products; each 25th has no items."""
    days = (LAST_DAY - FIRST_DAY).days
    orders = []
    for number in range(PLAIN_ORDERS):
        day = FIRST_DAY + timedelta(days=number * days // PLAIN_ORDERS)
        stores = [store for store, (_, opened, _) in STORES.items() if date.fromisoformat(opened[:10]) <= day]
        minutes = 7 * 60 + _draw("minute", number, 13 * 60)
        sellable = ["p1", "p2", "p3", "p4", "p6" if day < date(2024, 5, 1) else "p1"]
        count = 0 if number % 25 == 7 else 1 + _draw("count", number, 3)
        skus = tuple(sellable[_draw(f"sku {position}", number, 5)] for position in range(count))
        ordered_at = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
        customer = f"c{1 + _draw('customer', number, 9)}"
        orders.append(Order("", customer, ordered_at, stores[_draw("store", number, len(stores))], skus))
    return orders


def _list_marked_orders() -> list[Order]:
    return [
        Order("", customer, datetime.fromisoformat(ordered_at), store, tuple(skus.split()))
        for ordered_at, store, customer, skus in MARKED_ORDERS
    ]


def _subtotal(order: Order, number: int) -> int:
    """The prices' sum; each 31st order pays 10 to 20 % less, and order 200 nothing."""
    full = sum(price_of(sku, order.day) for sku in order.skus)
    if number == 200:
        return 0
    return full - full * (10 + _draw("discount", number, 11)) // 100 if number % 31 == 12 else full


def _is_discounted(order: Order) -> bool:
    return order.subtotal < sum(price_of(sku, order.day) for sku in order.skus)


def _item_ids(order: Order) -> list[str]:
    return [f"i{order.id[1:]}-{position}" for position, _ in enumerate(order.skus, 1)]


def _refund(refund_id: str, order: Order, what: str, percent: int, days: int, reason: str) -> list[object]:
    whole = what == "order"
    amount = (order.subtotal if whole else price_of(order.skus[0], order.day)) * percent // 100
    refunded_at = order.ordered_at + timedelta(days=days)
    item = "" if whole or percent < 100 else _item_ids(order)[0]
    tax = tax_of(amount, order.store, order.day)
    return [refund_id, order.id, item, refunded_at.isoformat(), amount, tax, reason]


def _usage(orders: list[Order], store: str, after: date, until: date) -> Counter[str]:
    """Units of each supply that went over the counter of `store` after the day `after`, up to `until`."""
    used: Counter[str] = Counter()
    for order in orders:
        if order.store == store and after < order.day <= until:
            used.update(supply for sku in order.skus for supply in supplies_of(sku, order.day))
    return used


def _count_shelf(store: str, day: date, used: Counter[str]) -> list[list[object]]:
    counted_at = f"{day}T20:15:00"
    supplies = [supply for supply in SUPPLIES if (store, supply) != UNCOUNTED]
    return [[store, supply, counted_at, max(0, 40 - used[supply])] for supply in supplies]


def _write_sales(folder: Path, orders: list[Order]) -> None:
    keys = ([each.id, each.customer, each.ordered_at.isoformat(), each.store] for each in orders)
    amounts = ([each.subtotal, each.tax, each.subtotal + each.tax] for each in orders)
    records = [key + amount for key, amount in zip(keys, amounts, strict=True)]
    write_csv(folder / "raw_orders.csv", ORDER_COLUMNS, records)
    items = [[item, each.id, sku] for each in orders for item, sku in zip(_item_ids(each), each.skus, strict=True)]
    late = next(each for each in orders if each.ordered_at == datetime(2025, 2, 11, 12, 34, 56))
    late_id = _item_ids(late)[-1]
    write_csv(folder / "raw_items.csv", ["id", "order_id", "sku"], [item for item in items if item[0] != late_id])
    late_items = [item for item in items if item[0] == late_id]
    write_csv(folder / f"raw_items_{LATE_ITEM_ON}.csv", ["id", "order_id", "sku"], late_items)
