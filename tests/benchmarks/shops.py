"""Shops of any age and size from three simulated years: the same last day ends each of them.

An older shop is the three years again, 157 weeks earlier each time, so that weekdays and seasons stay, with customers
and ids of their own; its stores open before its first day. The last day is a delivery of its own, the same for all.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path

import polars as pl

WEEKS, YEARS, COPIES = 157, 3, 4  # lists of four copies for every shop, so that only sales make the difference
BEGIN = date(2018, 9, 1)  # jafgen's first day
OPENED = "2000-01-01T00:00:00"
SECONDS = "%Y-%m-%dT%H:%M:%S"
IDS = {
    "raw_customers": ("id",),
    "raw_orders": ("id", "customer"),
    "raw_items": ("id", "order_id"),
    "raw_refunds": ("id", "order_id", "item_id"),
    "raw_stock_counts": (),
}
TIMES = {"raw_orders": "ordered_at", "raw_refunds": "refunded_at", "raw_stock_counts": "counted_at"}
SALES = tuple(IDS)


def make_shop(three_years: Path, years: int, folder: Path) -> None:
    """Write `years` years of the shop but for its last day into `folder`/history, and that day into `folder`/day."""
    tables = {name: _read(three_years / f"{name}.csv") for name in SALES}
    last = str(tables["raw_orders"]["ordered_at"].str.slice(0, 10).max())
    first = f"{int(last[:4]) - years}{last[4:]}~"  # after every moment of that day
    copies = math.ceil(years / YEARS) + (
        years % YEARS == 1
    )  # the gaps of three days leave a little less than whole years
    older = {name: pl.concat(_shift(table, name, copy) for copy in range(copies)) for name, table in tables.items()}
    orders = older["raw_orders"].filter(pl.col("ordered_at") > first)
    kept = {
        "raw_customers": older["raw_customers"].join(orders, left_on="id", right_on="customer", how="semi"),
        "raw_orders": orders,
        **{
            name: older[name].join(orders, left_on="order_id", right_on="id", how="semi", maintain_order="left")
            for name in ("raw_items", "raw_refunds")
        },
        "raw_stock_counts": older["raw_stock_counts"].filter(pl.col("counted_at") > first),
    }
    ordered = orders.filter(pl.col("ordered_at").str.starts_with(last))["id"].implode()
    is_new = {name: pl.col(time) >= last for name, time in TIMES.items()}
    is_new |= {"raw_items": pl.col("order_id").is_in(ordered), "raw_customers": pl.lit(value=False)}
    _write_lists(three_years, folder / "history", COPIES)
    (folder / "day").mkdir(parents=True, exist_ok=True)
    for name, records in kept.items():
        records.filter(~is_new[name]).write_csv(folder / "history" / f"{name}.csv")
        if name != "raw_customers":
            records.filter(is_new[name]).write_csv(folder / "day" / f"{name}_{last}.csv")


def make_single_items(three_years: Path, orders: int, folder: Path) -> None:
    """Write `orders` orders of one item each into `folder`, and the lists; every hundred thousand have customers of
    their own."""
    items, known = _read(three_years / "raw_items.csv"), _read(three_years / "raw_orders.csv")
    single = items.filter(pl.len().over("order_id") == 1)
    known = known.join(single, left_on="id", right_on="order_id", how="semi")
    tables = {"raw_orders": known, "raw_items": single, "raw_customers": _read(three_years / "raw_customers.csv")}
    _write_lists(three_years, folder)
    for name, table in tables.items():
        with (folder / f"{name}.csv").open("wb") as file:
            for copy in range(math.ceil(orders / known.height)):
                many = _rename(table, name, copy)
                if name != "raw_customers":  # orders and their items are cut at the same order
                    key = "id" if name == "raw_orders" else "order_id"
                    wanted = known["id"].head(orders - copy * known.height) + (f"-{copy}" if copy else "")
                    many = many.filter(pl.col(key).is_in(wanted.implode()))
                many.write_csv(file, include_header=not copy)


def _read(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


def _write_lists(source: Path, folder: Path, copies: int = 1) -> None:
    """Products, stores and supplies, but that the stores have been open for long; each copy begins with the first state
    and changes on the days that are as much earlier, so that every sale meets the prices of its simulated day."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("raw_*.csv")):
        if path.stem in SALES:
            continue
        table, (name, _, day) = _read(path), path.stem.partition("_2")
        if "opened_at" in table.columns:
            table = table.with_columns(opened_at=pl.lit(OPENED))
        if not day:
            table.write_csv(folder / path.name)
        for copy in range(copies):
            starts = date.fromisoformat(f"2{day}") if day else BEGIN
            if day or copies > 1:
                table.write_csv(folder / f"{name}_{starts - timedelta(weeks=WEEKS * copy)}.csv")


def _shift(table: pl.DataFrame, name: str, copy: int) -> pl.DataFrame:
    """The records `copy` times 157 weeks earlier, under ids of their own."""
    table = _rename(table, name, copy)
    if name not in TIMES or not copy:
        return table
    moment = pl.col(TIMES[name]).str.to_datetime(SECONDS) - timedelta(weeks=WEEKS * copy)
    return table.with_columns(moment.dt.to_string(SECONDS).alias(TIMES[name]))


def _rename(table: pl.DataFrame, name: str, copy: int) -> pl.DataFrame:
    return table.with_columns(pl.col(IDS[name]) + f"-{copy}") if copy and IDS[name] else table
