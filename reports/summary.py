"""KPI frames in; the page's title sentence and its tiles out: figures of the last year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from reports.formats import count_of, format_growth, format_integer, format_money, format_share, sentence_text

SPARK_MONTHS = 13
SPARK_WIDTH, SPARK_HEIGHT = 100, 28


@dataclass(frozen=True)
class Tile:
    """A figure with its name and a note; `spark` are the points of a line in a box of 100 by 28, empty without one."""

    name: str
    value: str
    note: str
    spark: str = ""


@dataclass(frozen=True)
class Year:
    """Net sales of some stores in the last year and in the year before."""

    now: Decimal
    before: Decimal

    @property
    def growth(self) -> float | None:
        """The change as a ratio; None without sales in the year before."""
        return float(self.now / self.before) - 1 if self.before > 0 else None


def write_title(frames: Mapping[str, pl.DataFrame]) -> str:
    """What the year brought, and how much of the change comes from stores that were not open in all of both years."""
    stores = frames["store_performance"]
    every, old, new = _year(stores), _year(_comparable(stores)), _year(stores.filter(~pl.col("is_comparable")))
    if every.now <= 0:
        return "No sales in the last year"
    if every.growth is None:
        return f"Net sales of the last year: {format_money(every.now)}; there is no year before to compare with"
    verb = "rose" if every.now > every.before else "fell"
    lead = f"Net sales {verb} {_size(every.growth)} to {format_money(every.now)}"
    if every.now == every.before:
        lead = f"Net sales stayed at {format_money(every.now)}"
    if old.growth is None:
        return f"{lead}; no store was open in all of both years"
    if new.now == new.before:
        return lead
    rest = f"in stores open in all of both years they {_moved(old.growth)}"
    rise, new_rise = every.now - every.before, new.now - new.before
    if not 0 < new_rise <= rise:
        return f"{lead}; {rest}"
    return f"{lead}: {format_share(float(new_rise / rise))} of the rise comes from newer stores; {rest}"


def build_tiles(frames: Mapping[str, pl.DataFrame]) -> tuple[Tile, ...]:
    """Net sales, comparable stores, gross margin, orders and customers."""
    stores, months = frames["store_performance"], frames["sales_by_month"].sort("month_start_date").tail(SPARK_MONTHS)
    every, old = _year(stores), _year(_comparable(stores))
    margin = Decimal(stores["margin_usd"].sum() or 0)
    margin_note = f"{format_share(float(margin / every.now))} of net sales" if every.now > 0 else "no net sales"
    orders = sum(stores["order_count"].to_list())  # polars would wrap around
    days = max(stores["open_day_count"].to_list(), default=0)
    return (
        Tile("Net sales", format_money(every.now), _change(every), draw_spark(months["net_sales_usd"].to_list())),
        Tile(
            "Stores open in both years",
            format_growth(old.growth) if old.growth is not None else "none",
            f"{_comparable(stores).height} of {count_of(stores.height, 'store')}; net sales on the year before",
        ),
        Tile("Gross margin", format_money(margin), margin_note),
        Tile(
            "Orders",
            format_integer(orders),
            f"on up to {count_of(days, 'open day')} a store",
            draw_spark(months["order_count"].to_list()),
        ),
        Tile("Customers", format_integer(frames["sales_per_customer"].height), "who ordered in the last year"),
    )


def draw_spark(values: Sequence[Decimal | int]) -> str:
    """The points of a line from the left edge to the right, zero at the bottom; nothing below two values."""
    top = max(map(float, values), default=0.0)
    if len(values) < 2 or top <= 0:  # noqa: PLR2004 - a line has two ends
        return ""
    step = (SPARK_WIDTH - 4) / (len(values) - 1)
    heights = (SPARK_HEIGHT - 2 - (SPARK_HEIGHT - 5) * max(float(value), 0.0) / top for value in values)
    return " ".join(f"{2 + step * position:.1f},{height:.1f}" for position, height in enumerate(heights))


def name_later_stores(frames: Mapping[str, pl.DataFrame]) -> str:
    """A sentence on the stores that are known and had no order in the last year; empty where there are none."""
    silent = frames["store_performance"].filter(pl.col("order_count") == 0)["store_name"].to_list()
    if not silent:
        return ""
    named = ", ".join(sentence_text(name) for name in silent[:5])
    more = f" and {format_integer(len(silent) - 5)} more" if len(silent) > 5 else ""  # noqa: PLR2004
    return f"Without an order in the last year: {named}{more}."


def _comparable(stores: pl.DataFrame) -> pl.DataFrame:
    return stores.filter("is_comparable")


def _year(stores: pl.DataFrame) -> Year:
    return Year(Decimal(stores["net_sales_usd"].sum() or 0), Decimal(stores["net_sales_previous_year_usd"].sum() or 0))


def _change(year: Year) -> str:
    return f"{format_growth(year.growth)} on the year before" if year.growth is not None else "no year before"


def _size(growth: float) -> str:
    return format_share(abs(growth))


def _moved(growth: float) -> str:
    if _size(growth) == format_share(0.0):
        return "stayed the same"
    return f"{'rose' if growth > 0 else 'fell'} {_size(growth)}"
