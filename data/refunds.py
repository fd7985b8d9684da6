"""Invent `raw_refunds.csv`: a few orders come back, whole, in part, or by one item; after `evolve`.

Which orders, what of them and why follows from hashes of their ids. A refund gives back what was paid: an item of a
discounted order at its share of the discount, and the tax at the rate of the order's day, truncated as at the till.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta
from pathlib import Path

from evolve import Row, Shop, day_of, draw, prices_on, tax_at_the_till, tax_rate_on, write_rows

REFUNDS, WHOLE_ORDERS, PARTIAL = 120, 5, 16  # the others give back one item
REASONS = ("cold", "cold", "wrong item", "wrong item", "late", "spilled", "")
DAYS_LATER = (0, 0, 0, 0, 0, 1, 1, 2, 3, 5, 7, 10)  # mostly at once
SATURDAY = 5
OPEN_HOURS = {True: (8, 15), False: (7, 20)}  # is weekend → first and last hour, as the simulated stores trade


def write_refunds(shop: Shop, folder: Path) -> None:
    """Write the refunds of `shop` into `folder`, oldest first; none is later than the last order's day."""
    sold = [order for order in shop.orders if int(order["subtotal"])]
    returned = sorted(sold, key=lambda order: hashlib.sha256(f"refund {order['id']}".encode()).digest())[:REFUNDS]
    last_day = max(order["ordered_at"] for order in shop.orders)[:10]
    item_ids: dict[str, list[Row]] = {order["id"]: [] for order in returned}
    for item in shop.items:
        if item["order_id"] in item_ids:
            item_ids[item["order_id"]].append(item)
    refunds = []
    for number, order in enumerate(returned):
        item_id, amount = _give_back(number, order, item_ids[order["id"]], shop)
        refunds.append(_refund(order, item_id, amount, last_day, shop))
    write_rows(folder / "raw_refunds.csv", sorted(refunds, key=lambda row: (row["refunded_at"], row["id"])))


def _give_back(number: int, order: Row, items: list[Row], shop: Shop) -> tuple[str, int]:
    """Id of the item given back, empty if it is not one item, and the amount in cents before tax."""
    paid = int(order["subtotal"])
    if number < WHOLE_ORDERS:
        return "", paid
    if number < WHOLE_ORDERS + PARTIAL:
        return "", paid * (20 + 10 * draw("part", order["id"], 4)) // 100
    prices = prices_on(shop.products, day_of(order["ordered_at"]))
    item = items[draw("item", order["id"], len(items))]
    return item["id"], prices[item["sku"]] * paid // sum(prices[each["sku"]] for each in items)


def _refund(order: Row, item_id: str, amount: int, last_day: str, shop: Shop) -> Row:
    rate = tax_rate_on(shop.stores, order["store_id"], day_of(order["ordered_at"]))
    seed = hashlib.sha256(f"refund id {order['id']}".encode()).digest()
    return {
        "id": str(uuid.UUID(bytes=seed[:16], version=4)),
        "order_id": order["id"],
        "item_id": item_id,
        "refunded_at": _refund_time(order, last_day).isoformat(),
        "amount": str(amount),
        "tax_amount": str(tax_at_the_till(amount, rate)),
        "reason": REASONS[draw("reason", order["id"], len(REASONS))],
    }


def _refund_time(order: Row, last_day: str) -> datetime:
    """The same day to ten days after the order, while the store is open and after the order was placed."""
    ordered_at = datetime.fromisoformat(order["ordered_at"])
    days = DAYS_LATER[draw("days later", order["id"], len(DAYS_LATER))]
    while days and (ordered_at + timedelta(days=days)).date().isoformat() > last_day:
        days -= 1
    day = ordered_at.replace(hour=0, minute=0) + timedelta(days=days)
    opens, closes = (day.replace(hour=hour) for hour in OPEN_HOURS[day.weekday() >= SATURDAY])
    last_minute = closes - timedelta(minutes=1)
    if days == 0:
        return min(ordered_at + timedelta(minutes=5 + draw("minute", order["id"], 35)), last_minute)
    return opens + timedelta(minutes=draw("minute", order["id"], int((closes - opens).total_seconds()) // 60))
