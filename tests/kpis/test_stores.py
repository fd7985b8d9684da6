"""The KPIs of stores and hours, of money given back and of tax: figures computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from tests.kpis.shop import STORES, Shop, order, refund, usd

Open = Callable[..., Shop]


def test_sales_by_weekday_hour_counts_orders_and_the_days_that_had_any(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2024-01-01 07:00:00", 10),  # a Monday
            order("b", "2024-01-08 07:59:59", 5),
            order("c", "2024-01-15 23:00:00", 1),
            order("g", "2024-01-08 23:59:59", 4),  # the same Monday as b
            order("d", "2024-01-14 00:00:00", 2),  # a Sunday
            order("e", "2024-01-01 07:00:00", 3, store_id="s9"),
            order("f", "2023-01-15 07:00:00", 100),  # the day before the last year
        ]
    )
    assert [tuple(row.values()) for row in shop.read("sales_by_weekday_hour", "2024-01-15")] == [
        ("s1", "North", 1, 7, 3, 2, usd(15)),
        ("s1", "North", 1, 23, 3, 2, usd(5)),
        ("s1", "North", 7, 0, 1, 1, usd(2)),
        ("s9", "(unknown store)", 1, 7, 1, 1, usd(3)),
    ]


def test_store_performance_every_known_store_has_a_row_the_biggest_first(open_shop: Open) -> None:
    shop = open_shop(
        dim_stores=[*STORES, {"store_id": "s3", "store_name": "Closed", "opened_date": date(2019, 1, 1)}],
        fact_orders=[
            order("a", "2024-06-30", 10, tax_paid_usd="0.60", margin_usd=6),
            order("b", "2024-06-30", 20, tax_paid_usd="1.20", margin_usd=9, customer_id="c2"),
            order("c", "2023-07-01", "10.01", tax_paid_usd=0, margin_usd=5),
            order("d", "2023-06-30", 25),  # the previous year's last day
            order("e", "2022-07-01", 5),  # and its first
            order("f", "2022-06-30", 1000),  # before it
            order("g", "2024-06-01", 500, store_id="s2", margin_usd=-50),
            order("h", "2024-07-01", 9999, store_id="s3"),
        ],
        fact_refunds=[
            refund("r", "2024-06-30", 3),
            refund("s", "2023-07-01", 2),
            refund("t", "2023-06-30", 100),
            refund("u", "2024-07-01", 100),
            refund("v", "2024-01-01", 100, store_id=None, customer_id=None),
        ],
    )
    south, north, closed = [tuple(row.values()) for row in shop.read("store_performance", "2024-06-30")]
    assert south == (
        *("s2", "South", date(2020, 1, 1), 1, 1, 1, usd(500), usd(0), usd(0), usd(-50), -0.1, 1.0, usd(500)),
        *(usd(0), None, False),
    )
    assert north[:10] == (*("s1", "North", date(2020, 1, 1), 2, 2, 3, usd("40.01"), usd(5), usd("1.80"), usd(20)),)
    assert north[10:12] == (pytest.approx(20 / 40.01, abs=1e-9), 1.5)
    assert north[12:] == (usd("13.34"), usd(30), pytest.approx(40.01 / 30 - 1, abs=1e-9), True)
    assert closed == (
        *("s3", "Closed", date(2019, 1, 1), 0, 0, 0, usd(0), usd(0), usd(0), usd(0), None, None, None),
        *(usd(0), None, False),
    )


def test_store_performance_open_days_are_no_customers_and_equal_sales_stand_by_store(open_shop: Open) -> None:
    shop = open_shop(
        dim_stores=[*reversed(STORES)],
        fact_orders=[
            *(order(f"a{day}", f"2024-06-{day}", 10, store_id="s2") for day in (11, 12, 13)),
            order("b", "2024-06-01", 30),
        ],
    )
    columns = ("store_id", "open_day_count", "customer_count", "orders_per_open_day")
    assert shop.pick("store_performance", *columns) == [("s1", 1, 1, 1.0), ("s2", 3, 1, 1.0)]


@pytest.mark.parametrize(("first", "is_comparable"), [("2022-06-30", True), ("2022-07-01", False)])
def test_store_performance_is_comparable_if_opened_before_the_previous_year(
    open_shop: Open, first: str, is_comparable: bool
) -> None:
    shop = open_shop(fact_orders=[order("a", first), order("b", "2024-06-30")])
    found = shop.pick("store_performance", "store_id", "is_comparable", as_of="2024-06-30")
    assert found == [("s1", is_comparable), ("s2", False)]


@pytest.mark.parametrize(
    ("as_of", "last_year", "previous_year"),
    [("2024-02-29", 7, 24), ("2025-02-28", 32, 6), ("2024-02-28", 6, 24)],
)
def test_store_performance_years_around_a_leap_day_end_on_the_28th(
    open_shop: Open, as_of: str, last_year: int, previous_year: int
) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2022-03-01", 8),
            order("b", "2023-02-28", 16),
            order("c", "2023-03-01", 2),
            order("d", "2024-02-28", 4),
            order("e", "2024-02-29", 1),
            order("f", "2025-02-28", 31),
        ]
    )
    columns = ("net_sales_usd", "net_sales_previous_year_usd")
    north = shop.pick("store_performance", *columns, as_of=as_of)[0]
    assert north == (usd(last_year), usd(previous_year))


def test_revenue_by_class_refunds_stand_beside_the_sales_of_the_last_year(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2024-06-30", 100),
            order("b", "2022-06-30", 500, customer_id="c2"),
        ],
        fact_refunds=[
            refund("r", "2024-06-30", "30.50"),
            refund("s", "2024-06-01", 10),
            refund("t", "2023-06-30", 10),
            refund("u", "2024-07-01", 10),
            refund("v", "2023-07-01", 7, customer_id="c2"),
            refund("w", "2023-07-01", 7, customer_id=None),
        ],
    )
    columns = ("customer_status", "net_sales_last_year_usd", "refunds_usd", "net_sales_after_refunds_usd")
    assert shop.pick("revenue_by_class", *columns, as_of="2024-06-30") == [
        ("Gold", usd(100), usd("40.50"), usd("59.50")),
        ("Silver", usd(0), usd(0), usd(0)),
        ("Bronze", usd(0), usd(0), usd(0)),
        ("Inactive", usd(0), usd(7), usd(-7)),
    ]


def test_tax_ratio_declared_rate_is_what_should_have_been_paid_on_average(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2024-01-01", 100, tax_paid_usd=4, declared_tax_ratio="0.04"),
            order("b", "2024-02-01", 300, tax_paid_usd=24, declared_tax_ratio="0.08"),
            order("c", "2024-02-01", 100, tax_paid_usd=5, declared_tax_ratio="0.05", store_id="s2"),
            order("d", "2024-02-02", 900, tax_paid_usd=0, declared_tax_ratio="0.5"),
        ]
    )
    rows = [tuple(row.values())[2:] for row in shop.read("tax_ratio", "2024-02-01")]
    assert rows == [
        (usd(28), usd(400), 0.07, 0.07, 0.0),
        (usd(5), usd(100), 0.05, 0.05, 0.0),
        (usd(33), usd(500), 0.066, 0.066, 0.0),
    ]


def test_tax_ratio_difference_is_paid_less_declared_exact_to_the_tenth_digit(open_shop: Open) -> None:
    shop = open_shop(
        dim_stores=[
            {"store_id": f"s{number}", "store_name": "Twin", "opened_date": date(2020, 1, 1)} for number in (2, 1)
        ],
        fact_orders=[
            order("a", "2024-01-01", 300, tax_paid_usd=1, declared_tax_ratio="0.01"),
            order("b", "2024-01-01", 100, tax_paid_usd=9, declared_tax_ratio="0.02", store_id="s2"),
        ],
    )
    columns = ("store_id", "net_sales_usd", "effective_tax_ratio", "declared_tax_ratio", "difference_ratio")
    assert shop.pick("tax_ratio", *columns) == [
        ("s1", usd(300), pytest.approx(1 / 300, abs=1e-10), 0.01, -0.0066666667),
        ("s2", usd(100), 0.09, 0.02, 0.07),
        (None, usd(400), 0.025, 0.0125, 0.0125),
    ]


def test_tax_ratio_a_rate_that_is_not_known_leaves_no_declared_rate(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2024-01-01", 100, tax_paid_usd=4, declared_tax_ratio="0.04"),
            order("b", "2024-01-01", 100, tax_paid_usd=4, store_id="s9"),
        ]
    )
    found = shop.pick("tax_ratio", "store_name", "declared_tax_ratio", "difference_ratio")
    assert found == [("(unknown store)", None, None), ("North", 0.04, 0.0), ("All stores", None, None)]


def test_default_as_of_is_the_last_order_date_not_after_its_delivery(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2024-01-05", 10),
            order("b", "2031-01-01", 1, is_dated_after_delivery=True),
        ]
    )
    assert shop.pick("store_performance", "store_id", "net_sales_usd") == [("s1", usd(10)), ("s2", usd(0))]
    assert shop.pick("revenue_by_class", "customer_status", "customer_count")[2] == ("Bronze", 1)


def test_yearly_kpis_of_a_shop_without_orders_are_empty_or_zero(open_shop: Open) -> None:
    shop = open_shop()
    assert shop.read("sales_by_weekday_hour") == []
    assert shop.pick("store_performance", "order_count", "growth_ratio") == [(0, None), (0, None)]


def test_tax_rounding_counts_orders_below_and_above_the_rounded_exact_tax(open_shop: Open) -> None:
    def taxed(order_id: str, net: str, tax: str, rate: str | None = "0.0625", **more: str) -> dict[str, object]:
        return order(order_id, "2024-06-30", net, tax_paid_usd=tax, declared_tax_ratio=rate, **more)

    shop = open_shop(
        fact_orders=[
            taxed("a", "8.00", "0.50"),  # exact
            taxed("b", "1.00", "0.06"),  # 6.25 cents are rounded down
            taxed("c", "1.20", "0.07"),  # 7.5 cents were cut off
            taxed("d", "1.20", "0.08"),  # and were rounded here
            taxed("e", "1.00", "0.07"),  # one above
            taxed("f", "9.99", "0.00", None),  # of no known rate
            taxed("g", "8.00", "0.49", store_id="s2"),  # whole, and still a cent short
            taxed("h", "8.00", "0.48", store_id="s2"),
            taxed("i", "8.00", "0.50", store_id="s9"),
            order("j", "2024-07-01", 8, tax_paid_usd=0, declared_tax_ratio="0.0625"),
        ]
    )
    assert [tuple(row.values()) for row in shop.read("tax_rounding", "2024-06-30")] == [
        ("s2", "South", 2, 2, 0, usd("0.03")),
        ("s1", "North", 5, 1, 1, usd("0.00")),
        ("s9", "(unknown store)", 1, 0, 0, usd("0.00")),
    ]


def test_rolling_year_first_row_is_the_year_before_and_last_row_the_last_year(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2022-06-30", 1),  # s1 was open before the year before began
            order("b", "2022-07-01", 5, margin_usd=2),  # first day of the year before
            order("c", "2023-06-30", 20, margin_usd=3, customer_id="c2"),  # and its last
            order("d", "2023-07-01", 7, margin_usd=1),
            order("e", "2024-06-30", 30, margin_usd=9, customer_id="c2"),
            order("f", "2024-05-30", 100, margin_usd=50, store_id="s2"),
            order("g", "2024-06-01", 4, store_id="s9", customer_id="c3"),  # a store nobody knows
            order("h", "2024-07-01", 9999),
        ],
    )
    rows = [tuple(row.values()) for row in shop.read("rolling_year", "2024-06-30")]
    assert len(rows) == 13
    assert rows[0] == (date(2023, 6, 30), True, 2, 2, 1, usd(25), usd(5), 0.2, 1, usd(25))
    assert rows[1] == (date(2023, 7, 30), True, 2, 2, 1, usd(27), usd(4), near(4 / 27), 1, usd(27))
    assert rows[11] == (date(2024, 5, 30), True, 3, 2, 2, usd(127), usd(54), near(54 / 127), 1, usd(27))
    assert rows[12] == (date(2024, 6, 30), True, 4, 3, 3, usd(141), usd(60), near(60 / 141), 1, usd(37))


def test_rolling_year_is_whole_from_the_day_that_the_first_order_is_its_first_day(open_shop: Open) -> None:
    shop = open_shop(fact_orders=[order("a", "2022-07-02", 10), order("b", "2024-01-01", 5, store_id="s2")])
    found = {as_of: shop.pick("rolling_year", "is_whole_year", as_of=as_of) for as_of in ("2024-06-30", "2024-07-01")}
    assert [row[0] for row in found["2024-06-30"]] == [False, *[True] * 12]
    assert [row[0] for row in found["2024-07-01"]] == [True] * 13
    assert shop.pick("rolling_year", "comparable_store_count", as_of="2024-07-01")[0] == (0,)
    assert shop.pick("rolling_year", "comparable_store_count", as_of="2024-07-02")[0] == (1,)


def test_rolling_year_on_a_leap_day_begins_the_day_after_28_february(open_shop: Open) -> None:
    shop = open_shop(
        fact_orders=[
            order("a", "2022-02-28", 1),
            order("b", "2023-02-28", 2),
            order("c", "2023-03-01", 4),
            order("d", "2024-02-29", 8),
        ]
    )
    figures = shop.pick("rolling_year", "as_of_date", "net_sales_usd", as_of="2024-02-29")
    assert (figures[0], figures[12]) == ((date(2023, 2, 28), usd(2)), (date(2024, 2, 29), usd(12)))


def test_rolling_year_without_orders_has_no_rows(open_shop: Open) -> None:
    assert open_shop().read("rolling_year") == []


def near(value: float) -> object:
    return pytest.approx(value, abs=1e-9)
