"""MetricFlow's answers beside the KPI tables of the same run: one meaning, told twice."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.conftest import PROJECT, Finished

CENT, RATIO = 2, 7


@pytest.fixture(scope="module")
def answers(shipped_run: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`make metrics` on the warehouse of the shipped data, as files."""
    folder = tmp_path_factory.mktemp("metrics")
    environment = os.environ | {"RETAIL_WORK_DIR": str(shipped_run.work_dir), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "infra/metrics.py", "--csv", str(folder)]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def told(answers: Path, question: str, columns: dict[str, tuple[str, int]]) -> set[tuple[object, ...]]:
    """An answer of MetricFlow: its columns by the KPI's names, rounded; a split without a name is unknown there."""
    frame = pl.read_csv(answers / f"{question}.csv")
    return rounded(frame.select(pl.col(theirs).alias(ours) for theirs, (ours, _) in columns.items()), columns)


def shown(run: Finished, kpi: str, columns: dict[str, tuple[str, int]]) -> set[tuple[object, ...]]:
    frame = pl.read_parquet(run.report / f"{kpi}.parquet")
    if "store_id" in frame.columns:
        frame = frame.filter(pl.col("store_id").is_not_null())  # the row of all stores
    return rounded(frame.select(ours for ours, _ in columns.values()), columns)


def rounded(frame: pl.DataFrame, columns: dict[str, tuple[str, int]]) -> set[tuple[object, ...]]:
    """The rows with their numbers to the cent, or to so many digits."""
    places = [digits for _, digits in columns.values()]
    rows = {tuple(map(_rounded, row, places)) for row in frame.rows()}
    assert len(rows) == frame.height > 0
    return rows


def _rounded(value: Any, digits: int) -> object:
    return round(float(value), digits) if digits and value is not None else value


@pytest.mark.parametrize(
    ("question", "kpi", "columns"),
    [
        (
            "customers",
            "sales_per_customer",
            {
                "customer": ("customer_id", 0),
                "order_count": ("order_count", 1),
                "net_sales": ("net_sales_usd", CENT),
                "gross_sales": ("gross_sales_usd", CENT),
            },
        ),
        ("average_orders", "average_order_per_store", {"store": ("store_id", 0), "order_count": ("order_count", 1)}),
        (
            "categories",
            "sales_by_category",
            {
                "product__product_type": ("category", 0),
                "item_count": ("item_count", 1),
                "item_sales": ("net_sales_usd", CENT),
            },
        ),
        (
            "taxes",
            "tax_ratio",
            {
                "store": ("store_id", 0),
                "tax": ("tax_usd", CENT),
                "net_sales": ("net_sales_usd", CENT),
                "tax_ratio": ("effective_tax_ratio", RATIO),
            },
        ),
    ],
    ids=["customers", "average_orders", "categories", "taxes"],
)
def test_metrics_are_the_kpis_to_the_cent(
    answers: Path, shipped_run: Finished, question: str, kpi: str, columns: dict[str, tuple[str, int]]
) -> None:
    assert told(answers, question, columns) == shown(shipped_run, kpi, columns)


def test_metrics_average_order_is_the_kpis_mean_of_half_cents(answers: Path, shipped_run: Finished) -> None:
    """The KPI rounds half up to the cent, MetricFlow not at all."""
    means = pl.read_csv(answers / "average_orders.csv").select("store", "average_order_gross", "average_order_net")
    kpi = pl.read_parquet(shipped_run.report / "average_order_per_store.parquet")
    found = {store: values for store, *values in means.rows()}
    assert set(found) == set(kpi["store_id"])
    for store, gross, net in kpi.select("store_id", "average_order_gross_usd", "average_order_net_usd").rows():
        assert found[store] == pytest.approx([float(gross), float(net)], abs=0.00501)


def test_metrics_of_stores_are_the_kpis_to_the_cent(answers: Path, shipped_run: Finished) -> None:
    kpi = pl.read_parquet(shipped_run.report / "store_performance.parquet").filter(pl.col("order_count") > 0)
    columns = ["customer_count", "order_count", "net_sales_usd", "tax_usd", "margin_usd"]
    expected = {
        store: [round(float(value), 2) for value in values]
        for store, *values in kpi.select("store_id", *columns).rows()
    }
    metrics = ["customer_count", "order_count", "net_sales", "tax", "margin"]
    rows = pl.read_csv(answers / "stores.csv").select("store", *metrics).rows()
    assert {store: [round(float(value), 2) for value in values] for store, *values in rows} == expected

    refunds = kpi.filter(pl.col("refunds_usd") > 0).select("store_id", pl.col("refunds_usd").cast(float).round(2))
    assert dict(pl.read_csv(answers / "refunds.csv").select("store", pl.col("refunds").round(2)).rows()) == dict(
        refunds.rows()
    )


def test_metrics_growth_of_whole_months_is_the_kpis(answers: Path, shipped_run: Finished) -> None:
    """The KPI compares the same days, MetricFlow the whole month: they differ in progress, and after a leap day."""
    kpi = pl.read_parquet(shipped_run.report / "sales_by_month.parquet").filter("is_complete")
    expected = dict(kpi.filter(pl.col("growth_ratio").is_not_null()).select("month_start_date", "growth_ratio").rows())
    months = pl.read_csv(answers / "months.csv").select("metric_time__month", "net_sales_growth").rows()
    found = {date.fromisoformat(month[:10]): growth for month, growth in months if growth is not None}
    expected = {month: growth for month, growth in expected.items() if (month.month, month.year % 4) != (2, 1)}
    assert {month: found[month] for month in expected} == pytest.approx(expected, abs=1e-9)
    assert expected
