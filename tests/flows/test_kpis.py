"""The KPI tables against figures computed another way: by hand (tiny shop), with csv and Decimal (shipped data)."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest

from tests.conftest import DATASETS, Finished
from tests.raw_files import Shop

CENT = Decimal("0.01")
AS_OF = date(2021, 8, 30)
LAST_YEAR = (date(2020, 8, 31), AS_OF)


def read_kpi(run: Finished, name: str) -> pl.DataFrame:
    return pl.read_parquet(run.report / f"{name}.parquet")


def usd(cents: int) -> Decimal:
    return Decimal(cents) * CENT


def mean_usd(cents: int, count: int) -> Decimal:
    return (usd(cents) / count).quantize(CENT, ROUND_HALF_UP)


def read_csv(table: str) -> Iterator[dict[str, str]]:
    with (DATASETS / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def is_last_year(order: dict[str, str]) -> bool:
    return LAST_YEAR[0] <= datetime.fromisoformat(order["ordered_at"]).date() <= LAST_YEAR[1]


def test_sales_per_customer_tiny_shop_is_as_computed_by_hand(tiny_run: Finished) -> None:
    rows = read_kpi(tiny_run, "sales_per_customer").rows()
    assert [row[:5] for row in rows] == [
        ("c5", 'Eve, the "best" one', 1, Decimal("2500.00"), Decimal("2750.00")),
        ("c1", "Ada", 2, Decimal("22.50"), Decimal("23.62")),
        ("c2", "Bo", 1, Decimal("0.00"), Decimal("0.00")),
    ]
    assert [row[5] for row in rows] == pytest.approx([2500 / 2522.5, 22.5 / 2522.5, 0], abs=1e-9)


def test_average_order_per_store_tiny_shop_is_as_computed_by_hand(tiny_run: Finished) -> None:
    assert read_kpi(tiny_run, "average_order_per_store").rows() == [
        ("s2", "South", 3, Decimal("921.25"), Decimal("837.50")),
        ("s1", "North", 3, Decimal("8.75"), Decimal("8.33")),
    ]


def test_sales_by_category_tiny_shop_is_as_computed_by_hand(tiny_run: Finished) -> None:
    rows = read_kpi(tiny_run, "sales_by_category").rows()
    assert [row[:3] for row in rows] == [("jaffle", 4, Decimal("2530.00")), ("beverage", 3, Decimal("7.50"))]
    assert [row[3] for row in rows] == pytest.approx([2530 / 2537.5, 7.5 / 2537.5], abs=1e-9)


def test_tax_ratio_tiny_shop_is_as_computed_by_hand(tiny_run: Finished) -> None:
    rows = read_kpi(tiny_run, "tax_ratio").rows()
    assert [row[:4] for row in rows[:-1]] == [
        ("s1", "North", Decimal("1.25"), Decimal("25.00")),
        ("s2", "South", Decimal("251.25"), Decimal("2512.50")),
    ]
    assert (rows[-1][0], rows[-1][2], rows[-1][3]) == (None, Decimal("252.50"), Decimal("2537.50"))
    ratios = [ratio for row in rows for ratio in row[4:]]
    total = 252.5 / 2537.5
    assert ratios == pytest.approx([0.05, 0.05, 0, 0.1, 0.1, 0, total, total, 0], abs=1e-9)


def test_revenue_by_class_tiny_shop_is_as_computed_by_hand(tiny_run: Finished) -> None:
    rows = read_kpi(tiny_run, "revenue_by_class").rows()
    assert [row[:4] for row in rows] == [
        ("Gold", 1, Decimal("2500.00"), Decimal("2500.00")),
        ("Silver", 0, Decimal("0.00"), Decimal("0.00")),
        ("Bronze", 1, Decimal("22.50"), Decimal("22.50")),
        ("Inactive", 3, Decimal("0.00"), Decimal("15.00")),
    ]
    assert [row[4] for row in rows] == pytest.approx([2500 / 2522.5, 0, 22.5 / 2522.5, 0], abs=1e-9)
    assert [row[5:] for row in rows] == [(Decimal("0.00"), row[2]) for row in rows]  # no refunds were delivered


def test_stock_cover_tiny_shop_without_counts_is_empty(tiny_run: Finished) -> None:
    assert read_kpi(tiny_run, "stock_cover").is_empty()
    assert (tiny_run.report / "stock_cover.png").is_file()


def test_sales_per_customer_shipped_data_equals_the_raw_files(shipped_run: Finished) -> None:
    names = {row["id"]: row["name"] for row in read_csv("raw_customers")}
    orders: Counter[str] = Counter()
    net: Counter[str] = Counter()
    gross: Counter[str] = Counter()
    for order in filter(is_last_year, read_csv("raw_orders")):
        orders[order["customer"]] += 1
        net[order["customer"]] += int(order["subtotal"])
        gross[order["customer"]] += int(order["order_total"])
    total = sum(net.values())
    expected = [
        (key, names[key], orders[key], usd(net[key]), usd(gross[key]))
        for key in sorted(orders, key=lambda key: (-net[key], key))
    ]
    frame = read_kpi(shipped_run, "sales_per_customer")
    assert [row[:5] for row in frame.rows()] == expected
    shares = [net[row[0]] / total for row in expected]
    assert frame["share_of_net_sales_ratio"].to_list() == pytest.approx(shares, abs=1e-9)


def test_average_order_per_store_shipped_data_equals_the_raw_files(shipped_run: Finished) -> None:
    stores = {row["id"]: row["name"] for row in read_csv("raw_stores")}
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for order in read_csv("raw_orders"):
        for i, value in enumerate((1, int(order["order_total"]), int(order["subtotal"]))):
            sums[order["store_id"]][i] += value
    expected = {
        (store, stores[store], count, mean_usd(gross, count), mean_usd(net, count))
        for store, (count, gross, net) in sums.items()
    }
    frame = read_kpi(shipped_run, "average_order_per_store")
    assert set(frame.rows()) == expected
    assert frame.height == 5
    assert frame["average_order_gross_usd"].is_sorted(descending=True)


def test_sales_by_category_shipped_data_equals_the_raw_files(shipped_run: Finished) -> None:
    shop = Shop()
    count: Counter[str] = Counter()
    net: Counter[str] = Counter()
    for order, sku in shop.items:
        count[shop.categories[sku]] += 1
        net[shop.categories[sku]] += shop.price(sku, order.day)
    frame = read_kpi(shipped_run, "sales_by_category")
    assert frame.rows() == [
        (category, count[category], usd(cents), pytest.approx(cents / net.total(), abs=1e-9))
        for category, cents in net.most_common()
    ]


def test_tax_ratio_shipped_data_equals_the_raw_files(shipped_run: Finished) -> None:
    shop = Shop()
    tax: Counter[str] = Counter()
    net: Counter[str] = Counter()
    due: dict[str, Decimal] = defaultdict(Decimal)
    for order in shop.orders.values():
        tax[order.store] += order.tax
        net[order.store] += order.net
        due[order.store] += order.net * shop.tax_rate(order.store, order.day)
    rows = read_kpi(shipped_run, "tax_ratio").rows()
    assert {row[:4] for row in rows[:-1]} == {(key, shop.stores[key], usd(tax[key]), usd(net[key])) for key in tax}
    for row in rows[:-1]:
        effective, declared = tax[row[0]] / net[row[0]], float(due[row[0]] / net[row[0]])
        assert row[4:] == pytest.approx((effective, declared, effective - declared), abs=1e-9)
    assert (rows[-1][0], *rows[-1][2:4]) == (None, usd(tax.total()), usd(net.total()))
    effective, declared = tax.total() / net.total(), float(sum(due.values()) / net.total())
    assert rows[-1][4:] == pytest.approx((effective, declared, effective - declared), abs=1e-9)


def test_revenue_by_class_shipped_data_equals_the_raw_files(shipped_run: Finished) -> None:
    last_year: Counter[str] = Counter()
    all_time: Counter[str] = Counter()
    for order in read_csv("raw_orders"):
        all_time[order["customer"]] += int(order["subtotal"])
        last_year[order["customer"]] += int(order["subtotal"]) if is_last_year(order) else 0
    expected: dict[str, list[int]] = {name: [0, 0, 0] for name in ("Gold", "Silver", "Bronze", "Inactive")}
    for customer in read_csv("raw_customers"):
        sales = last_year[customer["id"]]
        name = next(
            (name for name, least in (("Gold", 250_000), ("Silver", 120_000), ("Bronze", 1)) if sales >= least), ""
        )
        for i, value in enumerate((1, sales, all_time[customer["id"]])):
            expected[name or "Inactive"][i] += value
    frame = read_kpi(shipped_run, "revenue_by_class")
    assert [row[:4] for row in frame.rows()] == [
        (name, count, usd(last), usd(ever)) for name, (count, last, ever) in expected.items()
    ]
    shares = [last / last_year.total() for _, last, _ in expected.values()]
    assert frame["share_of_net_sales_ratio"].to_list() == pytest.approx(shares, abs=1e-9)
