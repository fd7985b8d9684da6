"""Which products are bought together: one row an ordered pair of products that share an order of the last year.

Reads the items and products of the marts and the day of int_build_gate; leaves the table product_affinity. The measures
are those of Agrawal, Imielinski and Swami, "Mining Association Rules" (SIGMOD 1993), lift that of Brin et al. (SIGMOD
1997).
`find_pairs` is a plain function of frames; dbt calls `model`, which reads in batches: of an item it keeps 12 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import polars as pl

BATCH_ROWS = 250_000
SHARE_ROWS = 1_000_000  # items that are counted at once


def find_pairs(items: pl.DataFrame, products: pl.DataFrame, min_orders: int) -> pl.DataFrame:
    """Count the orders that hold both products of each pair, and what that says of the second, given the first.

    `items` has order_id and product_id, `products` product_id and product_name. An order with the same product twice
    counts once. Pairs in fewer than `min_orders` orders are left out. With n orders that hold an item at all:
    support_ratio = both / n, confidence_ratio = both / first, lift = confidence_ratio / (other / n), above 1 if the two
    are together more often than by chance. Highest lift first, then by ids.

    An order_id may be what `number_orders` made of it. Raises ValueError if `min_orders` is below 1.
    """
    if min_orders < 1:
        raise ValueError(f"min_affinity_orders is {min_orders}; it counts orders, so give 1 or more")
    bought = items if items["order_id"].dtype == pl.UInt64 else number_orders(items)
    total, counts, pairs = _count(bought)
    names = products.select("product_id", "product_name").unique("product_id", keep="first", maintain_order=True)
    named = counts.join(names, on="product_id", how="left").with_columns(
        pl.col("product_name").fill_null("(unknown product)")
    )
    pairs = pairs.filter(pl.col("order_count") >= min_orders)
    both, first, other = (pl.col(f"{name}_count").cast(pl.Float64) for name in ("order", "product", "other_product"))
    return (
        pairs.join(named, on="product_id")
        .join(named.select(pl.all().name.prefix("other_")), on="other_product_id")
        .select(
            "product_id",
            "product_name",
            "other_product_id",
            "other_product_name",
            pl.col("order_count").cast(pl.Int64),
            (both / total).alias("support_ratio"),
            (both / first).alias("confidence_ratio"),
            (both * total / (first * other)).alias(
                "lift"
            ),  # floats: counts multiplied overflow, and both sides must agree
        )
        .sort(["lift", "product_id", "other_product_id"], descending=[True, False, False])
    )


def number_orders(items: pl.DataFrame) -> pl.DataFrame:
    """The orders and products of items, without those that lack either, as numbers instead of texts.

    An order is its 64-bit hash. That two of n orders have the same one has a chance of n² / 2⁶⁵: of a hundred million
    orders 1 in 3,700, and then they count as one.
    """
    return (
        items.select("order_id", "product_id")
        .drop_nulls()
        .with_columns(pl.col("order_id").hash(), pl.col("product_id").cast(pl.Categorical))
    )


def _count(bought: pl.DataFrame) -> tuple[int, pl.DataFrame, pl.DataFrame]:
    """How many orders there are, those of each product, and those of each ordered pair.

    They are counted in shares, which bound the memory; all items of an order are in the same share.
    """
    shares = bought.height // SHARE_ROWS + 1
    total, products, pairs = 0, [], []
    for share in range(shares):
        orders = bought.filter(pl.col("order_id") % shares == share).unique()
        total += orders["order_id"].n_unique()
        products.append(orders.group_by("product_id").agg(pl.len().alias("product_count")))
        pairs.append(_pair(orders))
    counts = pl.concat(products).group_by(pl.col("product_id").cast(pl.String)).agg(pl.col("product_count").sum())
    once = pl.concat(pairs).group_by("product_id", "other_product_id").agg(pl.col("order_count").sum())
    turned = once.select(
        pl.col("other_product_id").alias("product_id"), pl.col("product_id").alias("other_product_id"), "order_count"
    )
    return total, counts, pl.concat([once, turned])


def _pair(orders: pl.DataFrame) -> pl.DataFrame:
    """The orders of each unordered pair, which is counted once."""
    code = pl.col("product_id").to_physical()
    return (
        orders.join(orders.rename({"product_id": "other_product_id"}), on="order_id")
        .filter(code < pl.col("other_product_id").to_physical())
        .group_by("product_id", "other_product_id")
        .agg(pl.len().cast(pl.Int64).alias("order_count"))
        .with_columns(pl.col("product_id", "other_product_id").cast(pl.String))
    )


def keep_last_year(items: pl.DataFrame, as_of: date | None) -> pl.DataFrame:
    """The items of the 12 months that end on `as_of`, that day included; none without a day.

    A year back from 29 February is 28 February, as in the macro months_before.
    """
    if as_of is None:
        return items.clear()
    before = pl.lit(as_of).dt.offset_by("-12mo")
    return items.filter((pl.col("order_date") > before) & (pl.col("order_date") <= as_of))


def read_orders(batches: Iterable[pl.DataFrame], as_of: date | None) -> pl.DataFrame:
    """The items of the last year out of batches of all of them, as `number_orders` makes them."""
    empty = pl.DataFrame(schema={"order_id": pl.UInt64, "product_id": pl.Categorical})
    return pl.concat([empty, *(number_orders(keep_last_year(batch, as_of)) for batch in batches)])


def model(dbt: Any, session: Any) -> pl.DataFrame:  # noqa: ARG001  (dbt calls it with both)
    """The model as dbt calls it; int_build_gate says the day, and that everything before the marts has passed."""
    gate = dbt.ref("int_build_gate")  # dbt sees a ref only where it stands by itself
    items = dbt.ref("fact_orders_items")
    products = dbt.ref("dim_products")
    as_of = gate.select("as_of_date").pl()["as_of_date"].max()
    reader = items.select("order_id, product_id, order_date").to_arrow_reader(BATCH_ROWS)
    bought = read_orders((pl.DataFrame(batch) for batch in reader), as_of)
    pairs = find_pairs(bought, products.pl(), int(dbt.config.meta_get("min_affinity_orders")))
    return pairs.with_columns(pl.lit(as_of, dtype=pl.Date).alias("as_of_date"))
