"""The small shop as it was delivered: in stages, so that a build finds new, changed, moved and withdrawn records.

What is loaded in the end is the small shop itself, with an order dated after its delivery, one older than its store, a
refund of an order that nobody knows, and a supply whose cost changed late. Sales come in several undated files of few
records, so that each way of finding what changed is needed; lists come five days late, and the seed valid_from_dates
says since when they were true.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from tests.small_shop_lists import COSTS_CHANGE_ON, LATE_ITEM_ON, PRICES_CHANGE_ON, TAX_CHANGES_ON, write_csv

Record = dict[str, str]
Change = Callable[[Record], Record]

LATE = timedelta(days=5)
LISTS = {  # table → the day its dated list was true from, and the column of the id that a line of the seed names
    "raw_products": (PRICES_CHANGE_ON, "sku"),
    "raw_supplies": (COSTS_CHANGE_ON, "sku"),
    "raw_stores": (TAX_CHANGES_ON, "id"),
}
SALES = ("raw_orders", "raw_items", "raw_refunds")
GONE = "-gone.csv"  # files that are withdrawn in the end
STRAYS = {
    "raw_orders-3.csv": "z1,c1,2190-01-01T10:00:00,s1,0,0,0\nz2,c1,2023-05-04T10:00:00,s2,0,0,0\n",
    "raw_refunds-3.csv": "z3,nowhere,,2025-06-20T10:00:00,1,0,\n",
}
RECOSTED = "raw_supplies_2025-06-16.csv"  # of p3 alone, which is all that one order of that day holds
RECIPE = [["u2", "cup", 14, False, "p3"], ["u6", "tea leaves", 19, False, "p3"]]


@dataclass(frozen=True)
class Stages:
    """Folders, each a whole source as it lay there one day: up to `last` on two ways, and the seed that goes with them.

    On the way of the sales the lists are known and sales come, change and go; on the way of the lists it is a cost and
    a tax rate that come late.
    """

    sales: tuple[Path, Path]
    lists: tuple[Path, Path]
    last: Path
    seed: str


def write_stages(shop: Path, folder: Path) -> Stages:
    """Divide the files of `shop`, a folder that `write_small_shop` has filled, into stages below `folder`."""
    last = folder / "last"
    shutil.copytree(shop, last)
    lines = [line for table, (day, column) in LISTS.items() for line in _delay(last, table, day, column)]
    for table in SALES:
        _divide(last, table)
    for name, text in STRAYS.items():
        with (last / name).open("a", encoding="utf-8") as file:
            file.write(text)
    _, late = _find_orders_without_items(last)
    with (last / "raw_items-3.csv").open("a", encoding="utf-8") as file:
        file.write(f"z4,{late},p6\n")
    write_csv(last / RECOSTED, ["id", "name", "cost", "perishable", "sku"], RECIPE)
    seed = "".join(["table_name,record_id,delivery_date,valid_from_date\n", *lines])
    return Stages(_write_sales(last, folder), _write_lists(last, folder), last, seed)


def _write_sales(last: Path, folder: Path) -> tuple[Path, Path]:
    second = folder / "second"
    shutil.copytree(last, second)
    for name in (*(f"{table}-3.csv" for table in SALES), f"raw_items_{LATE_ITEM_ON}.csv"):
        (second / name).unlink()
    _rewrite(second / "raw_orders-2.csv", lambda order: order | {"customer": "c9"} | _earlier(order))
    _rewrite(second / "raw_items-2.csv", lambda item: item | {"order_id": "o002"})
    _rewrite(second / "raw_refunds-2.csv", lambda refund: refund | {"order_id": "o003", "amount": "1"})
    _write_one(second / f"raw_orders{GONE}", last / "raw_orders-1.csv", "y1,c2,2024-12-24T10:00:00,s1,0,0,0\n")
    withdrawn, _ = _find_orders_without_items(last)
    _write_one(second / f"raw_items{GONE}", last / "raw_items-1.csv", f"y2,{withdrawn},p3\n")
    _write_one(second / f"raw_refunds{GONE}", last / "raw_refunds-1.csv", "y3,o005,,2024-12-24T10:00:00,1,0,\n")

    first = folder / "first"
    shutil.copytree(second, first)
    for path in (*(first / f"{table}-2.csv" for table in SALES), *first.glob("raw_refunds*.csv")):
        path.unlink(missing_ok=True)  # no refund yet, which is not the same as none lately
    _shout(first)
    return first, second


def _find_orders_without_items(folder: Path) -> tuple[str, str]:
    """The first two: one has an item that is withdrawn, the other gets one late; no other item tells of them."""
    filled = {item["order_id"] for number in (1, 2) for item in _read(folder / f"raw_items-{number}.csv")}
    first, second, *_ = (order["id"] for order in _read(folder / "raw_orders-1.csv") if order["id"] not in filled)
    return first, second


def _write_lists(last: Path, folder: Path) -> tuple[Path, Path]:
    without, shouted = folder / "without-lists", folder / "shouted"
    shutil.copytree(last, without)
    (without / RECOSTED).unlink()
    next(without.glob("raw_stores_*.csv")).unlink()
    shutil.copytree(without, shouted)
    _shout(shouted)
    return shouted, without


def _shout(folder: Path) -> None:
    """Other names of the products: both ways begin with them, as history is part of what is compared."""
    _rewrite(folder / "raw_products.csv", lambda product: product | {"name": product["name"].upper()})


def _earlier(order: Record) -> Record:
    moved = datetime.fromisoformat(order["ordered_at"]) - timedelta(days=40)
    return {"ordered_at": moved.isoformat(), "store_id": "s1"}


def _delay(folder: Path, table: str, day: date, column: str) -> Iterable[str]:
    """Let the dated list come late; the lines of the seed that make up for it."""
    came = day + LATE
    path = (folder / f"{table}_{day}.csv").rename(folder / f"{table}_{came}.csv")
    keys = sorted({record[column] for record in _read(path)})
    return [f"{table},{key},{came},{day}\n" for key in keys]


def _divide(folder: Path, table: str) -> None:
    """One file becomes three: nearly all of it, three records, and the last three."""
    path = folder / f"{table}.csv"
    records = _read(path)
    for number, chosen in enumerate((records[:-6], records[-6:-3], records[-3:]), 1):
        write_csv(folder / f"{table}-{number}.csv", list(records[0]), [list(record.values()) for record in chosen])
    path.unlink()


def _rewrite(path: Path, change: Change) -> None:
    records = [change(record) for record in _read(path)]
    write_csv(path, list(records[0]), [list(record.values()) for record in records])


def _write_one(path: Path, like: Path, line: str) -> None:
    header = like.read_text(encoding="utf-8").splitlines(keepends=True)[0]
    path.write_text(header + line, encoding="utf-8")


def _read(path: Path) -> list[Record]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
