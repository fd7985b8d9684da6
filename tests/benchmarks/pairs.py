"""The model product_affinity on a million orders, beside the same counts by a self-join in DuckDB."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.measure import Cost, Section, count_rounds, run_action, spread, table

NAMES = ("pairs",)
ORDERS, PRODUCTS, MOST_ITEMS = 1_000_000, 40, 5
TITLES = {"pairs_by_model": "product_affinity (polars)", "pairs_by_sql": "self-join in DuckDB, counts alone"}


def compare(folder: Path, rounds: int) -> Section:
    """Count the pairs of the same items in both ways in every round; return the table and the figures of each run."""
    source, work = folder / f"bought_{ORDERS}.parquet", folder / "work"
    run_action("make_bought", source, folder)
    runs: dict[str, list[Cost]] = {name: [] for name in TITLES}
    for _ in range(rounds):
        for name, costs in runs.items():
            shutil.rmtree(work, ignore_errors=True)
            costs.append(run_action(name, source, work))
    found = {name: {str(cost.report["counts"]) for cost in costs} for name, costs in runs.items()}
    verdict = "the same" if len(set().union(*found.values())) == 1 else "**DIFFERENT**"
    head = ("how", "after imports s", "CPU after imports s", "peak MB", "× self-join", "pairs, and orders in them")
    lines = [
        (
            TITLES[name],
            spread([cost.seconds for cost in costs]),
            spread([cost.cpu_seconds for cost in costs]),
            spread([cost.peak_mb for cost in costs], 0),
            _ratio(costs, runs["pairs_by_sql"]),
            verdict,
        )
        for name, costs in runs.items()
    ]
    figures = [
        {"how": name, "round": number + 1, **vars(cost)}
        for name, costs in runs.items()
        for number, cost in enumerate(costs)
    ]
    return f"### Products bought together, {ORDERS:,} orders, {count_rounds(rounds)}\n\n{table(head, lines)}", figures


def make_bought(path: Path) -> None:
    """Write order_id and product_id of one to five items an order, from a seed, unless the file is there."""
    import numpy as np
    import polars as pl

    if path.exists():
        return
    random = np.random.default_rng(7)
    orders = np.repeat(np.arange(ORDERS), random.integers(1, MOST_ITEMS + 1, ORDERS))
    items = pl.DataFrame({"order_id": orders, "product_id": random.integers(0, PRODUCTS, orders.size)})
    path.parent.mkdir(parents=True, exist_ok=True)
    named = pl.format("SKU-{}", "product_id").alias("product_id")
    items.select(pl.col("order_id").cast(pl.String).str.zfill(36), named).write_parquet(path)


def count_by_model(path: Path) -> list[int]:
    """The pairs and the sum of their orders, as the model finds them; both directions of a pair count."""
    import polars as pl

    from tests.python_models import load_python_model

    items = pl.read_parquet(path, glob=False)
    products = items.select("product_id", product_name="product_id").unique()
    found = load_python_model("product_affinity").find_pairs(items, products, 1)
    return [found.height, int(found["order_count"].sum())]


def count_by_sql(path: Path) -> list[int]:
    """The same by DuckDB."""
    import duckdb

    found = duckdb.execute(
        "with bought as (select distinct order_id, product_id from read_parquet(?)), pairs as (select count(*) as n "
        "from bought join bought as other using (order_id) where bought.product_id <> other.product_id "
        "group by bought.product_id, other.product_id) select count(*), sum(n) from pairs",
        [str(path)],
    ).fetchone()
    assert found
    return [int(value) for value in found]


def _ratio(runs: Sequence[Cost], reference: Sequence[Cost]) -> str:
    return f"**{spread([run.seconds / other.seconds for run, other in zip(runs, reference, strict=True)])}**"
