"""Which products are bought together: one row an ordered pair of products that share an order of the last year.

Reads the items and products of the marts and the day of int_build_gate; leaves the table product_affinity. The measures
are those of Agrawal, Imielinski and Swami, "Mining Association Rules" (SIGMOD 1993), lift that of Brin et al. (SIGMOD
1997).
`find_pairs` is a plain function of frames; dbt calls `model`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl


def find_pairs(items: pl.DataFrame, products: pl.DataFrame, min_orders: int) -> pl.DataFrame:
    """Count the orders that hold both products of each pair, and what that says of the second, given the first.

    `items` has order_id and product_id, `products` product_id and product_name. An order with the same product twice
    counts once. Pairs in fewer than `min_orders` orders are left out. With n orders that hold an item at all:
    support_ratio = both / n, confidence_ratio = both / first, lift = confidence_ratio / (other / n), above 1 if the two
    are together more often than by chance. Highest lift first, then by ids.

    Raises ValueError if `min_orders` is below 1.
    """
    if min_orders < 1:
        raise ValueError(f"min_affinity_orders is {min_orders}; it counts orders, so give 1 or more")
    # as numbers, which are joined several times as fast as texts
    orders = pl.col("order_id").cast(pl.Categorical).to_physical()
    bought = items.select("order_id", "product_id").drop_nulls().with_columns(orders).unique()
    total = bought["order_id"].n_unique()
    counts = bought.group_by("product_id").len("product_count")
    names = products.select("product_id", "product_name").unique("product_id", keep="first", maintain_order=True)
    named = counts.join(names, on="product_id", how="left").with_columns(
        pl.col("product_name").fill_null("(unknown product)")
    )
    pairs = _count_pairs(bought).filter(pl.col("order_count") >= min_orders)
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


def _count_pairs(bought: pl.DataFrame) -> pl.DataFrame:
    """Orders of each ordered pair; each unordered pair is counted once and then turned round."""
    once = (
        bought.join(bought.rename({"product_id": "other_product_id"}), on="order_id")
        .filter(pl.col("product_id") < pl.col("other_product_id"))
        .group_by("product_id", "other_product_id")
        .len("order_count")
    )
    turned = once.select(
        pl.col("other_product_id").alias("product_id"), pl.col("product_id").alias("other_product_id"), "order_count"
    )
    return pl.concat([once, turned])


def keep_last_year(items: pl.DataFrame, as_of: date | None) -> pl.DataFrame:
    """The items of the 12 months that end on `as_of`, that day included; none without a day.

    A year back from 29 February is 28 February, as in the macro months_before.
    """
    if as_of is None:
        return items.clear()
    before = pl.lit(as_of).dt.offset_by("-12mo")
    return items.filter((pl.col("order_date") > before) & (pl.col("order_date") <= as_of))


def model(dbt: Any, session: Any) -> pl.DataFrame:  # noqa: ARG001  (dbt calls it with both)
    """The model as dbt calls it; int_build_gate says the day, and that everything before the marts has passed."""
    gate = dbt.ref("int_build_gate")  # dbt sees a ref only where it stands by itself
    items = dbt.ref("fact_orders_items")
    products = dbt.ref("dim_products")
    bought = items.select("order_id, product_id, order_date").pl()
    as_of = gate.pl()["as_of_date"].max()
    pairs = find_pairs(keep_last_year(bought, as_of), products.pl(), int(dbt.config.meta_get("min_affinity_orders")))
    return pairs.with_columns(pl.lit(as_of, dtype=pl.Date).alias("as_of_date"))
