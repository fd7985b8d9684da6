"""The nine later KPIs on the shipped data, against the raw files: read with csv, counted in Python, day by day."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

import polars as pl
import pytest

from tests.conftest import Finished
from tests.raw_files import AS_OF, TWO_YEARS_BEFORE, YEAR_BEFORE, Shop, read_csv

CLASSES = {"Gold": 250_000, "Silver": 120_000, "Bronze": 1}


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


def read_kpi(run: Finished, name: str) -> list[dict[str, Any]]:
    return pl.read_parquet(run.report / f"{name}.parquet").rows(named=True)


def usd(cents: int) -> Decimal:
    return Decimal(cents) / 100


def near(value: float) -> Any:
    return pytest.approx(value, abs=1e-9)


def months() -> list[date]:
    return [date(2018 + number // 12, number % 12 + 1, 1) for number in range(8, 44)]


def test_sales_by_month_equals_the_raw_files(shipped_run: Finished, shop: Shop) -> None:
    net: Counter[date] = Counter()
    until_30th: Counter[date] = Counter()
    orders: Counter[date] = Counter()
    for order in shop.orders.values():
        month = order.day.replace(day=1)
        net[month] += order.net
        until_30th[month] += order.net if order.day.day <= 30 else 0
        orders[month] += 1
    items = Counter(order.day.replace(day=1) for order, _ in shop.items)
    refunds: Counter[date] = Counter()
    for _, day, cents in shop.refunds:
        refunds[day.replace(day=1)] += cents
    rows = read_kpi(shipped_run, "sales_by_month")
    assert [row["month_start_date"] for row in rows] == months()
    for row in rows:
        month = row["month_start_date"]
        assert row["is_complete"] is (month != date(2021, 8, 1))
        assert (row["order_count"], row["item_count"]) == (orders[month], items[month])
        assert (row["net_sales_usd"], row["refunds_usd"]) == (usd(net[month]), usd(refunds[month]))
        before = month.replace(year=month.year - 1)
        sales = (until_30th if month == date(2021, 8, 1) else net)[before]
        if month == date(2021, 2, 1):
            sales -= sum(order.net for order in shop.orders.values() if order.day == date(2020, 2, 29))
        assert row["net_sales_previous_year_usd"] == (usd(sales) if before >= date(2018, 9, 1) else None)
        assert row["growth_ratio"] == (near(net[month] / sales - 1) if sales else None)


def test_sales_by_weekday_hour_equals_the_raw_files(shipped_run: Finished, shop: Shop) -> None:
    orders: dict[tuple[str, int, int], list[int]] = defaultdict(lambda: [0, 0])
    days: dict[tuple[str, int], set[date]] = defaultdict(set)
    for order in shop.orders.values():
        if order.is_last_year:
            weekday = order.day.isoweekday()
            days[order.store, weekday].add(order.day)
            orders[order.store, weekday, order.at.hour][0] += 1
            orders[order.store, weekday, order.at.hour][1] += order.net
    assert [tuple(row.values()) for row in read_kpi(shipped_run, "sales_by_weekday_hour")] == [
        (store, shop.stores[store], weekday, hour, len(days[store, weekday]), count, usd(cents))
        for (store, weekday, hour), (count, cents) in sorted(orders.items())
    ]


def test_store_performance_equals_the_raw_files(shipped_run: Finished, shop: Shop) -> None:
    cost: Counter[str] = Counter()
    for order, sku in shop.items:
        cost[order.store] += shop.cost(sku, order.day) if order.is_last_year else 0
    rows = read_kpi(shipped_run, "store_performance")
    assert {row["store_id"] for row in rows} == set(shop.stores)
    assert [row["net_sales_usd"] for row in rows] == sorted((row["net_sales_usd"] for row in rows), reverse=True)
    for row in rows:
        store = row["store_id"]
        every = [order for order in shop.orders.values() if order.store == store]
        year = [order for order in every if order.is_last_year]
        before = sum(order.net for order in every if TWO_YEARS_BEFORE < order.day <= YEAR_BEFORE)
        net = sum(order.net for order in year)
        refunds = sum(cents for order, day, cents in shop.refunds if order.store == store and day > YEAR_BEFORE)
        assert row["net_sales_usd"] == usd(net)
        assert row["refunds_usd"] == usd(refunds)
        assert row["tax_usd"] == usd(sum(order.tax for order in year))
        assert row["margin_usd"] == usd(net - cost[store])
        assert row["open_day_count"] == len({order.day for order in year})
        assert row["customer_count"] == len({order.customer for order in year})
        assert row["net_sales_previous_year_usd"] == usd(before)
        assert row["growth_ratio"] == (near(net / before - 1) if before else None)
        assert row["is_comparable"] is any(order.day <= TWO_YEARS_BEFORE for order in every)


def test_rolling_year_equals_the_raw_files(shipped_run: Finished, shop: Shop) -> None:
    rows = read_kpi(shipped_run, "rolling_year")
    assert len(rows) == 13
    old = {order.store for order in shop.orders.values() if order.day <= TWO_YEARS_BEFORE}
    for row, (start, end) in ((rows[0], (TWO_YEARS_BEFORE, YEAR_BEFORE)), (rows[-1], (YEAR_BEFORE, AS_OF))):
        orders = [order for order in shop.orders.values() if start < order.day <= end]
        cost = sum(shop.cost(sku, order.day) for order, sku in shop.items if start < order.day <= end)
        net = sum(order.net for order in orders)
        assert tuple(row.values()) == (
            *(
                end,
                True,
                len(orders),
                len({order.customer for order in orders}),
                len({order.store for order in orders}),
            ),
            *(usd(net), usd(net - cost), near(1 - cost / net), len(old)),
            usd(sum(order.net for order in orders if order.store in old)),
        )


def test_product_margin_equals_the_raw_files(shipped_run: Finished, shop: Shop) -> None:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for order, sku in shop.items:
        if order.is_last_year:
            of_day = (1, shop.price(sku, order.day), shop.cost(sku, order.day))
            for i, value in enumerate((*of_day, shop.cost(sku, order.day, perishable=True))):
                sums[sku][i] += value
    rows = read_kpi(shipped_run, "product_margin")
    assert [row["product_id"] for row in rows] == sorted(sums, key=lambda sku: (sums[sku][2] - sums[sku][1], sku))
    total = sum(price - cost for _, price, cost, _ in sums.values())
    for row in rows:
        count, price, cost, perishable = sums[row["product_id"]]
        found = tuple(row.values())[3:]
        assert found[:5] == (count, usd(price), usd(cost), usd(perishable), usd(price - cost))
        assert found[5:] == (near((price - cost) / price), near(perishable / cost), near((price - cost) / total))


def test_supply_usage_equals_the_raw_files(shipped_run: Finished, shop: Shop) -> None:
    used: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for order, sku in shop.items:
        for supply, (cost, _) in shop.recipe(sku, order.day).items() if order.is_last_year else ():
            used[order.store, supply][0] += 1
            used[order.store, supply][1] += cost
    rows = read_kpi(shipped_run, "supply_usage")
    assert [(row["store_id"], row["supply_id"]) for row in rows] == sorted(used)
    for row in rows:
        units, cents = used[row["store_id"], row["supply_id"]]
        days = sum(day > YEAR_BEFORE for day in shop.open_days[row["store_id"]])
        assert (row["unit_count"], row["cost_usd"]) == (units, usd(cents))
        assert row["units_per_open_day"] == near(units / days)


def test_price_guide_equals_the_raw_files(shipped_run: Finished, shop: Shop) -> None:
    per_day: dict[str, Counter[date]] = defaultdict(Counter)
    for order, sku in shop.items:
        per_day[sku][order.day] += 1
    rows = read_kpi(shipped_run, "price_guide")
    assert [row["product_id"] for row in rows] == sorted(shop.prices[0][1])
    assert any(row["last_price_change_date"] for row in rows)
    for row in rows:
        sku, sold = row["product_id"], per_day[row["product_id"]]
        price, cost = shop.price(sku, AS_OF), shop.cost(sku, AS_OF)
        target = (Decimal(cost) / Decimal("0.25")).to_integral_value(ROUND_CEILING)
        assert (row["price_usd"], row["unit_supply_cost_usd"]) == (usd(price), usd(cost))
        assert row["target_price_usd"] == usd(int(target))
        assert row["item_count_last_year"] == sum(sold[day] for day in sold if day > YEAR_BEFORE)
        changes = [day for day, prices in shop.prices[:-1] if prices[sku] != shop.price(sku, day - timedelta(days=1))]
        last = max(changes, default=None)
        assert row["last_price_change_date"] == last
        if last:
            window = [timedelta(days=number) for number in range(28)]
            assert row["items_per_day_before"] == near(sum(sold[last - timedelta(1) - step] for step in window) / 28)
            assert row["items_per_day_after"] == near(sum(sold[last + step] for step in window) / 28)


def test_customer_classes_and_cohorts_equal_the_raw_files(shipped_run: Finished, shop: Shop) -> None:
    first: dict[str, date] = {}
    active: dict[tuple[date, date], set[str]] = defaultdict(set)
    for order in sorted(shop.orders.values(), key=lambda order: order.at):
        first.setdefault(order.customer, order.day)
        active[first[order.customer].replace(day=1), order.day.replace(day=1)].add(order.customer)
    expected: dict[tuple[date, str], list[int]] = {}
    for month in months():
        end = min((month + timedelta(days=31)).replace(day=1) - timedelta(days=1), AS_OF)
        start = end.replace(year=end.year - 1, day=28 if (end.month, end.day) == (2, 29) else end.day)
        sales: Counter[str] = Counter()
        for order in shop.orders.values():
            sales[order.customer] += order.net if start < order.day <= end else 0
        expected |= {(end, name): [0, 0] for name in (*CLASSES, "Inactive")}
        for customer in (customer for customer, day in first.items() if day <= end):
            name = next((name for name, least in CLASSES.items() if sales[customer] >= least), "Inactive")
            expected[end, name][0] += 1
            expected[end, name][1] += sales[customer]
    assert [tuple(row.values()) for row in read_kpi(shipped_run, "customer_classes_by_month")] == [
        (day, name, expected[day, name][0], usd(expected[day, name][1]))
        for day in sorted({day for day, _ in expected})
        for name in ("Inactive", *reversed(CLASSES))
    ]
    size = Counter(day.replace(day=1) for day in first.values())
    assert [tuple(row.values())[:4] for row in read_kpi(shipped_run, "repeat_purchase")] == [
        (cohort, since, len(active[cohort, month]), near(len(active[cohort, month]) / size[cohort]))
        for cohort in sorted(size)
        for since, month in enumerate(month for month in months() if month >= cohort)
    ]


def test_stock_cover_equals_the_raw_files(shipped_run: Finished, shop: Shop) -> None:
    newest: dict[tuple[str, str], tuple[datetime, int]] = {}
    for row in read_csv("raw_stock_counts"):
        at = datetime.fromisoformat(row["counted_at"])
        key = row["store_id"], row["supply_id"]
        newest[key] = max(newest.get(key, (at, 0)), (at, int(row["unit_count"])))
    uses: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for order, sku in shop.items:
        for supply in shop.recipe(sku, order.day):
            uses[order.store, supply].append(order.at)
    rows = read_kpi(shipped_run, "stock_cover")
    assert [(row["store_id"], row["supply_id"]) for row in rows] == sorted(newest)
    for row in rows:
        store, supply = key = row["store_id"], row["supply_id"]
        at, units = newest[key]
        used = sum(moment > at for moment in uses[key])
        days = shop.open_days[store][-28:]
        lately = sum(moment.date() >= days[0] for moment in uses[key])
        assert (row["counted_at"], row["unit_count"], row["used_since_count"]) == (at, units, used)
        assert row["units_on_hand"] == units - used
        assert row["units_per_open_day"] == near(lately / len(days)), supply
        assert row["days_of_supply"] == (near((units - used) * len(days) / lately) if lately else None)
