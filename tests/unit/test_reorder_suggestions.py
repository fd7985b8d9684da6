"""What to order: by hand, against a reckoning of one pair at a time, and the pairs of which something is not known."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.formats import METHODS, Format, format_value
from reports.languages import LANGUAGES, speaking
from tests.python_models import load_python_model

reorder = load_python_model("reorder_suggestions")
AS_OF = date(2024, 6, 30)
STORES = pl.DataFrame({"store_id": ["s1"], "store_name": ["North"]})


def forecast(daily: float = 2.0, width: float = 0.5, store_id: str = "s1", supply_id: str = "milk") -> pl.DataFrame:
    """The same units each day; the interval to a day is as wide as `width` of what it says, above and below."""
    days = pl.DataFrame({"days_ahead": range(28, 0, -1)})
    total = pl.col("days_ahead") * daily
    return days.select(
        pl.lit(store_id).alias("store_id"),
        pl.lit(supply_id).alias("supply_id"),
        "days_ahead",
        total.alias("expected_units_until_day"),
        (total * (1 - width)).alias("low_units_until_day"),
        (total * (1 + width)).alias("high_units_until_day"),
        pl.lit("mean_week").alias("method"),
        pl.lit(0.1).alias("backtest_error_ratio"),
    )


def counted(units: int, ago: int = 0, store_id: str = "s1", supply_id: str = "milk") -> pl.DataFrame:
    day = AS_OF - timedelta(days=ago)
    row = {"store_id": store_id, "supply_id": supply_id, "on_hand_unit_count": units, "counted_date": day}
    return pl.DataFrame([row])


def supply(keeps: int | None = 14, lead: int | None = 3, spoils: bool = True, supply_id: str = "milk") -> pl.DataFrame:
    schema = {"supply_id": pl.String, "supply_name": pl.String, "is_perishable": pl.Boolean}
    terms = {"lead_time_days": pl.Int32, "shelf_life_days": pl.Int32}
    return pl.DataFrame([(supply_id, "Milk", spoils, lead, keeps)], schema=schema | terms, orient="row")


def suggest(forecasts: pl.DataFrame, stock: pl.DataFrame, terms: pl.DataFrame) -> dict[str, Any]:
    found = reorder.suggest_orders(forecasts, stock, STORES, terms, AS_OF)
    assert found.height == 1
    return found.row(0, named=True)


def order_and_waste(*given: Any) -> tuple[int | None, int | None]:
    row = suggest(*given)
    return row["suggested_order_unit_count"], row["expected_waste_unit_count"]


KEEPS = {"keeps": None, "spoils": False}


def test_suggestion_has_the_names_the_terms_and_the_whole_numbers_of_the_interval() -> None:
    found = suggest(forecast(0.3, 0.5), counted(4), supply())
    assert found == {
        "store_id": "s1",
        "store_name": "North",
        "supply_id": "milk",
        "supply_name": "Milk",
        "is_perishable": True,
        "units_on_hand": 4,
        "demand_unit_count": 8,  # 8.4
        "demand_low_unit_count": 5,  # 4.2
        "demand_high_unit_count": 12,  # 12.6
        "lead_time_days": 3,
        "shelf_life_days": 14,
        "suggested_order_unit_count": found["suggested_order_unit_count"],
        "expected_waste_unit_count": found["expected_waste_unit_count"],
        "method": "mean_week",
        "backtest_error_ratio": 0.1,
        "as_of_date": AS_OF,
    }


def test_interval_without_a_whole_number_holds_the_demand() -> None:
    found = suggest(forecast(5.2 / 28, 0.01), counted(4), supply())
    assert [found[f"demand_{which}unit_count"] for which in ("low_", "", "high_")] == [5, 5, 5]


def test_order_of_what_keeps_fills_up_to_the_upper_demand_of_28_days() -> None:
    assert order_and_waste(forecast(2), counted(30), supply(**KEEPS)) == (54, 0)  # 84 less 30
    assert order_and_waste(forecast(2), counted(84), supply(**KEEPS)) == (0, 0)
    assert order_and_waste(forecast(2), counted(500), supply(**KEEPS)) == (0, 0)


def test_order_does_not_bring_what_is_asked_for_before_it_comes() -> None:
    assert order_and_waste(forecast(2), counted(0), supply(lead=3, **KEEPS)) == (78, 0)  # 84 less 3 days of 2
    assert order_and_waste(forecast(2), counted(5), supply(lead=3, **KEEPS)) == (78, 0)
    assert order_and_waste(forecast(2), counted(7), supply(lead=3, **KEEPS)) == (77, 0)
    assert order_and_waste(forecast(2), counted(0), supply(lead=0, **KEEPS)) == (84, 0)


def test_order_that_comes_after_the_28_days_is_not_given() -> None:
    assert order_and_waste(forecast(2), counted(0), supply(lead=27, **KEEPS)) == (30, 0)
    assert order_and_waste(forecast(2), counted(0), supply(lead=28, **KEEPS)) == (0, 0)
    assert order_and_waste(forecast(2), counted(0), supply(lead=90, **KEEPS)) == (0, 0)


def test_stock_below_nothing_counts_as_none_and_is_shown_as_it_is() -> None:
    found = suggest(forecast(2), counted(-9), supply(**KEEPS))
    assert (found["units_on_hand"], found["suggested_order_unit_count"]) == (-9, 78)
    assert order_and_waste(forecast(2, width=0), counted(-9), supply(keeps=14, lead=3)) == (28, 0)


def test_order_of_what_spoils_lasts_until_it_spoils() -> None:
    certain = forecast(2, width=0)
    assert order_and_waste(certain, counted(0), supply(keeps=14, lead=3)) == (28, 0)  # days 4 to 17
    assert order_and_waste(certain, counted(0), supply(keeps=90, lead=3)) == (50, 0)  # days 4 to 28
    assert order_and_waste(certain, counted(0), supply(keeps=0, lead=3)) == (0, 0)


def test_stock_spoils_by_its_count_at_the_latest_and_what_spoils_serves_nobody() -> None:
    certain = forecast(2, width=0)
    assert order_and_waste(certain, counted(20), supply(keeps=14, lead=3)) == (14, 0)  # 34 less 20
    assert order_and_waste(certain, counted(40), supply(keeps=14, lead=3)) == (6, 12)  # of 40, 28 are used in 14 days
    assert order_and_waste(certain, counted(20, ago=10), supply(keeps=14, lead=3)) == (26, 12)
    assert order_and_waste(certain, counted(20, ago=14), supply(keeps=14, lead=3)) == (28, 20)
    assert order_and_waste(certain, counted(20, ago=40), supply(keeps=14, lead=3)) == (28, 20)


def test_waste_after_the_28th_day_is_not_of_these_days() -> None:
    certain = forecast(2, width=0)
    assert order_and_waste(certain, counted(100), supply(keeps=28, lead=3)) == (0, 44)
    assert order_and_waste(certain, counted(100), supply(keeps=29, lead=3)) == (0, 0)


def test_order_of_what_spoils_may_waste_some_of_itself() -> None:
    ordered, wasted = order_and_waste(forecast(2), counted(0), supply(keeps=14, lead=3))
    scale = 34 / (2 * math.log(9))
    assert ordered == 45  # 51 less 6
    assert wasted == round(17 + scale * math.log(1 + math.exp(-17 / scale)))


def test_waste_of_an_order_that_spoils_on_the_28th_day_is_of_these_days() -> None:
    left = 28 + 56 / (2 * math.log(9)) * math.log1p(1 / 9)
    assert order_and_waste(forecast(2), counted(0), supply(keeps=25, lead=3)) == (78, round(left))
    assert order_and_waste(forecast(2), counted(0), supply(keeps=26, lead=3)) == (78, 0)


def test_waste_of_an_order_is_no_more_than_the_order() -> None:
    scale = 28 / (2 * math.log(9))
    spoilt = 32 + scale * math.log1p(math.exp(-32 / scale))  # of 60, after 14 days of 2
    order = math.ceil(42 - (60 - spoilt))
    assert order + 60 - spoilt - 28 + scale * math.log1p(math.exp(-14.96 / scale)) > order
    assert order_and_waste(forecast(2), counted(60), supply(keeps=14, lead=0)) == (order, round(spoilt + order))


def test_surplus_is_the_mean_of_what_simulated_demand_leaves() -> None:
    scale, draws = 3.0, [i / 20_000 for i in range(1, 20_000)]
    demand = [40 + scale * math.log(p / (1 - p)) for p in draws]
    bounds = {"x_expected": 40.0, "x_low": 40 - scale * math.log(9), "x_high": 40 + scale * math.log(9)}
    assert pl.DataFrame([bounds]).select(reorder.expect_surplus(pl.lit(0.0), "x")).item() == 0
    for units in (30.0, 40.0, 47.0):
        found = pl.DataFrame([bounds | {"units": units}]).select(reorder.expect_surplus(pl.col("units"), "x")).item()
        assert found == pytest.approx(sum(max(units - each, 0) for each in demand) / len(demand), rel=0.01)


@pytest.mark.parametrize(
    ("forecasts", "stock", "terms", "known"),
    [
        (forecast(2), counted(1).clear(), supply(), (None, 56, "mean_week")),  # a store without a count
        (forecast(2).clear(), counted(7), supply(), (7, None, "no_history")),  # counted, but never used
        (forecast(2), counted(7), supply().clear(), (7, 56, "mean_week")),  # a supply never delivered
        (forecast(2), counted(7), supply(lead=None), (7, 56, "mean_week")),
        (forecast(2), counted(7), supply(keeps=None), (7, 56, "mean_week")),
    ],
)
def test_pair_of_which_something_is_not_known_has_no_suggestion_and_no_waste(
    forecasts: pl.DataFrame, stock: pl.DataFrame, terms: pl.DataFrame, known: tuple[Any, ...]
) -> None:
    found = suggest(forecasts, stock, terms)
    assert (found["units_on_hand"], found["demand_unit_count"], found["method"]) == known
    assert (found["suggested_order_unit_count"], found["expected_waste_unit_count"]) == (None, None)


def test_unknown_store_and_supply_are_named_so() -> None:
    found = suggest(forecast(store_id="s9"), counted(1, store_id="s9"), supply().clear())
    assert (found["store_name"], found["supply_name"]) == ("(unknown store)", "(unknown supply)")


def test_suggestion_of_what_nobody_will_use_is_none_and_all_of_it_spoils() -> None:
    assert order_and_waste(forecast(0), counted(12), supply(keeps=14)) == (0, 12)
    assert order_and_waste(forecast(0), counted(12), supply(**KEEPS)) == (0, 0)


def test_suggestions_stand_by_store_and_supply_and_each_has_its_own_figures() -> None:
    pairs = [("s2", "tea", 1.0, 3), ("s1", "tea", 2.0, 5), ("s1", "milk", 3.0, 7), ("s2", "milk", 0.5, 1)]
    forecasts = pl.concat([forecast(daily, 0.0, store, name) for store, name, daily, _ in pairs])
    stock = pl.concat([counted(units, 0, store, name) for store, name, _, units in reversed(pairs)])
    terms = pl.concat([supply(supply_id="tea", **KEEPS), supply(supply_id="milk", lead=0, **KEEPS)])
    found = reorder.suggest_orders(forecasts, stock, STORES, terms, AS_OF)
    columns = ("store_id", "supply_id", "units_on_hand", "demand_unit_count", "suggested_order_unit_count")
    assert found.select(columns).rows() == [
        ("s1", "milk", 7, 84, 77),
        ("s1", "tea", 5, 56, 50),
        ("s2", "milk", 1, 14, 13),
        ("s2", "tea", 3, 28, 25),
    ]


def test_suggestions_of_nothing_have_the_columns_of_the_table() -> None:
    full = reorder.suggest_orders(forecast(), counted(1), STORES, supply(), AS_OF)
    empty = reorder.suggest_orders(forecast().clear(), counted(1).clear(), STORES, supply(), None)
    assert (empty.height, empty.schema) == (0, full.schema)


def reckon(daily: float, width: float, units: int, ago: int, keeps: int | None, lead: int) -> tuple[int, float]:
    """Order and waste of one pair, step by step."""

    def left(of: float, day: int) -> float:
        scale, over = 2 * width * daily * day / (2 * math.log(9)), of - daily * day
        return max(over, 0) if scale == 0 else min(max(over, 0) + scale * math.log1p(math.exp(-abs(over) / scale)), of)

    stock, end, spoilt = max(units, 0), 28, 0.0
    if keeps is not None:
        end = min(lead + keeps, 28)
        good = max(keeps - ago, 0)
        spoilt = left(stock, good) if good <= 28 else 0
    covered = max(stock - spoilt, daily * min(lead, 28))
    order = math.ceil(max(math.floor(daily * end * (1 + width)) - covered, 0)) if end > lead else 0
    of_order = min(left(order + covered, end), order) if keeps is not None and lead + keeps <= 28 else 0
    return order, spoilt + of_order


@settings(max_examples=80, deadline=None)
@given(
    daily=st.sampled_from([0.0, 0.125, 1.0, 3.5]),
    width=st.sampled_from([0.0, 0.25, 0.5]),
    units=st.integers(-5, 120),
    ago=st.integers(0, 20),
    keeps=st.one_of(st.none(), st.integers(0, 35)),
    lead=st.integers(0, 32),
)
def test_order_and_waste_are_those_reckoned_step_by_step(
    daily: float, width: float, units: int, ago: int, keeps: int | None, lead: int
) -> None:
    terms = supply(keeps=keeps, lead=lead, spoils=keeps is not None)
    ordered, wasted = order_and_waste(forecast(daily, width), counted(units, ago), terms)
    order, waste = reckon(daily, width, units, ago, keeps, lead)
    assert ordered == order
    assert wasted == pytest.approx(waste, abs=0.5000001)


def test_every_method_of_the_forecasts_has_words_on_the_page_in_both_languages() -> None:
    codes = [*load_python_model("demand_forecasts").METHODS, "not_in_recipe", "no_history"]
    assert codes == list(METHODS)
    shown: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    for language, words in shown.items():
        with speaking(language):
            words += [format_value(code, Format.METHOD) for code in codes]
    assert shown["en"] == ["last week", "mean week", "damped trend", "in no recipe", "never used"]
    assert shown["fr"][:3] == ["dernière semaine", "semaine moyenne", "tendance amortie"]
    assert "_" not in "".join(shown["fr"])


def test_method_without_words_stands_by_its_code_in_one_line() -> None:
    assert format_value("own\nmethod", Format.METHOD) == "own method"
