"""Invent `raw_stock_counts.csv`: what each store finds on its shelves every second week; after `evolve`.

Usage is real: one unit of a supply for each item sold whose recipe of that day holds it. Shelves are filled up to so
many days' usage, perishables three days before each count, the rest after each of its counts, which are half as many.
A count is that level less the usage since, less a little waste. Half of the stores count on Sundays, the others on
Wednesdays, after the last order of the day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from evolve import THE_BEGINNING, Row, Shop, day_of, draw, rows_on, write_rows

SUNDAY, WEDNESDAY = 6, 2
WEEKS_APART = {True: 2, False: 4}  # perishable → between two counts
LEVEL_DAYS = {True: 15, False: 50}  # perishable → days of usage on a full shelf, a quarter more or less by store
FILLED_DAYS_BEFORE = {True: 3, False: 28}
USAGE_WINDOW_DAYS = 28  # a level follows the daily usage of the four weeks before

Usage = dict[tuple[str, str], Counter[date]]  # store and supply → units used by day


def write_stock_counts(shop: Shop, folder: Path) -> None:
    """Write one record per store, supply and count, oldest first; a store counts from its first fortnight on."""
    usage = _daily_usage(shop)
    last_day = max(day_of(order["ordered_at"]) for order in shop.orders)
    counts = []
    for number, store in enumerate(shop.stores[THE_BEGINNING]):
        opened = day_of(store["opened_at"])
        for weeks_back, day in _count_days(opened, last_day, WEDNESDAY if number % 2 else SUNDAY):
            keys = {"store_id": store["id"], "supply_id": "", "counted_at": _count_time(day, store["id"])}
            for supply_id, perishable in _supplies_on(shop, day).items():
                if weeks_back % WEEKS_APART[perishable] == 0:
                    used = usage.get((store["id"], supply_id), Counter())
                    level_days = LEVEL_DAYS[perishable] * (75 + draw("level", store["id"] + supply_id, 51)) / 100
                    level = round(_usage_per_day(used, day, opened) * level_days) + 2
                    units = _count_units(used, day, level, FILLED_DAYS_BEFORE[perishable], supply_id)
                    counts.append({**keys, "supply_id": supply_id, "unit_count": str(units)})
    write_rows(folder / "raw_stock_counts.csv", sorted(counts, key=lambda row: row["counted_at"]))


def _count_days(opened: date, last_day: date, weekday: int) -> Iterator[tuple[int, date]]:
    """That weekday every second week from the opening to `last_day`, with its distance in weeks from the last one."""
    last = last_day - timedelta(days=(last_day.weekday() - weekday) % 7)
    weeks = (last - opened).days // 7
    for back in range(weeks - weeks % 2, -1, -2):
        yield back, last - timedelta(weeks=back)


def _supplies_on(shop: Shop, day: date) -> dict[str, bool]:
    """Supply → whether it spoils, for those that any recipe of that day holds."""
    return {row["id"]: row["perishable"] == "True" for row in rows_on(shop.supplies, day)}


def _daily_usage(shop: Shop) -> Usage:
    recipes = {start: _recipes(rows) for start, rows in shop.supplies.items()}
    usage: Usage = {}
    for order in shop.orders:
        day = day_of(order["ordered_at"])
        recipe = recipes[max(start for start in recipes if start <= day)]
        for sku in shop.skus.get(order["id"], ()):
            for supply_id in recipe[sku]:
                usage.setdefault((order["store_id"], supply_id), Counter())[day] += 1
    return usage


def _recipes(supplies: list[Row]) -> dict[str, list[str]]:
    recipes: dict[str, list[str]] = {}
    for row in supplies:
        recipes.setdefault(row["sku"], []).append(row["id"])
    return recipes


def _usage_per_day(used: Counter[date], day: date, opened: date) -> float:
    """Units a day in the four weeks up to `day`, or since the opening."""
    days = min(USAGE_WINDOW_DAYS, (day - opened).days + 1)
    return _used_in(used, day, days) / days


def _count_units(used: Counter[date], day: date, level: int, filled_days_before: int, supply_id: str) -> int:
    """Units on the shelf after the last order of `day`; never below 0, for then the shelf was empty."""
    wasted = draw(f"waste {day}", supply_id, 1 + level // 12)
    return max(0, level - _used_in(used, day, filled_days_before + 1) - wasted)


def _used_in(used: Counter[date], last_day: date, days: int) -> int:
    """Units used in the `days` days that end on `last_day`."""
    return sum(used[last_day - timedelta(days=back)] for back in range(days))


def _count_time(day: date, store_id: str) -> str:
    """Within the hour after the shop has closed: at 15 h on a Sunday, at 20 h on a Wednesday."""
    hour = 15 if day.weekday() == SUNDAY else 20
    return f"{day}T{hour}:{5 + draw(f'count {day}', store_id, 55):02}:00"
