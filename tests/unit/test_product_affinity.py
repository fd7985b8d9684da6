"""Which products are bought together, by hand and against a count that goes through the orders one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from itertools import permutations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.python_models import load_python_model

affinity = load_python_model("product_affinity")
PRODUCTS = pl.DataFrame({"product_id": ["A", "B", "C"], "product_name": ["tea", "jam", "bread"]})


def bought(*rows: tuple[str | None, str | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"order_id": pl.String, "product_id": pl.String}, orient="row")


def test_find_pairs_of_four_orders_gives_the_measures_counted_by_hand() -> None:
    items = bought(("1", "A"), ("1", "B"), ("2", "A"), ("2", "B"), ("3", "A"), ("4", "C"))
    rows = affinity.find_pairs(items, PRODUCTS, 1).rows()
    assert rows == [
        ("A", "tea", "B", "jam", 2, 0.5, pytest.approx(2 / 3), pytest.approx(4 / 3)),
        ("B", "jam", "A", "tea", 2, 0.5, 1.0, pytest.approx(4 / 3)),
    ]


def test_find_pairs_of_an_order_with_a_product_twice_counts_it_once() -> None:
    once = bought(("1", "A"), ("1", "B"), ("2", "A"))
    twice = bought(("1", "A"), ("1", "A"), ("1", "B"), ("1", "B"), ("2", "A"), ("2", "A"))
    assert affinity.find_pairs(twice, PRODUCTS, 1).equals(affinity.find_pairs(once, PRODUCTS, 1))


def test_find_pairs_leaves_out_pairs_in_fewer_orders_than_asked_for() -> None:
    items = bought(("1", "A"), ("1", "B"), ("2", "A"), ("2", "B"), ("3", "A"), ("3", "C"))
    assert affinity.find_pairs(items, PRODUCTS, 2)["order_count"].to_list() == [2, 2]
    assert affinity.find_pairs(items, PRODUCTS, 3).is_empty()


def test_find_pairs_of_seventy_thousand_orders_multiplies_without_overflow() -> None:
    orders = [str(number) for number in range(70_000)]
    items = pl.DataFrame(
        {"order_id": [*orders, *orders, "70000"], "product_id": ["A"] * 70_000 + ["B"] * 70_000 + ["C"]}
    )
    assert affinity.find_pairs(items, PRODUCTS, 30)["lift"].to_list() == [pytest.approx(70_001 / 70_000, rel=1e-9)] * 2


def test_find_pairs_of_nothing_has_the_columns_of_the_table() -> None:
    empty = affinity.find_pairs(bought(), PRODUCTS, 1)
    full = affinity.find_pairs(bought(("1", "A"), ("1", "B")), PRODUCTS, 1)
    assert (empty.height, empty.schema) == (0, full.schema)


def test_find_pairs_names_an_unknown_product_and_passes_over_nulls() -> None:
    items = bought(("1", "A"), ("1", "new"), (None, "A"), (None, "B"), ("2", None))
    found = affinity.find_pairs(items, PRODUCTS, 1)
    assert found["other_product_name"].to_list() == ["(unknown product)", "tea"]
    assert found["support_ratio"].to_list() == [1.0, 1.0]


def test_find_pairs_with_a_threshold_below_one_says_the_cure() -> None:
    with pytest.raises(ValueError, match="min_affinity_orders is 0; it counts orders, so give 1 or more"):
        affinity.find_pairs(bought(("1", "A")), PRODUCTS, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("12345678"), st.sampled_from("ABCD")), max_size=40))
def test_find_pairs_says_what_a_count_order_by_order_says(rows: list[tuple[str, str]]) -> None:
    baskets: dict[str, set[str]] = defaultdict(set)
    for order, product in rows:
        baskets[order].add(product)
    single = Counter(product for basket in baskets.values() for product in basket)
    both = Counter(pair for basket in baskets.values() for pair in permutations(sorted(basket), 2))
    expected = {
        pair: (n, n / len(baskets), n / single[pair[0]], n * len(baskets) / single[pair[0]] / single[pair[1]])
        for pair, n in both.items()
    }
    found = affinity.find_pairs(bought(*rows), PRODUCTS, 1).drop("product_name", "other_product_name")
    assert {row[:2]: pytest.approx(expected[row[:2]]) for row in found.iter_rows()} == {
        row[:2]: row[2:] for row in found.iter_rows()
    }
    assert found.height == len(expected)
    assert found["lift"].is_sorted(descending=True)
    assert set(Counter(found["lift"].to_list()).values()) <= set(range(0, 13, 2))


@pytest.mark.parametrize(
    ("as_of", "kept"),
    [
        (date(2024, 2, 29), [date(2023, 3, 1), date(2024, 2, 29)]),
        (date(2024, 2, 28), [date(2023, 3, 1)]),
        (None, []),
    ],
)
def test_last_year_ends_on_as_of_and_begins_the_day_after_a_year_before(as_of: date | None, kept: list[date]) -> None:
    days = [date(2023, 2, 28), date(2023, 3, 1), date(2024, 2, 29), date(2024, 3, 1)]
    items = pl.DataFrame({"order_date": days})
    assert affinity.keep_last_year(items, as_of)["order_date"].to_list() == kept


def test_find_pairs_counts_in_shares_what_it_counts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    items = bought(*((str(order), product) for order in range(40) for product in "ABC"[: order % 4]), ("7", "A"))
    at_once = affinity.find_pairs(items, PRODUCTS, 1)
    monkeypatch.setattr(affinity, "SHARE_ROWS", 7)
    assert affinity.find_pairs(items, PRODUCTS, 1).equals(at_once)
    assert at_once["order_count"].to_list() != []


def test_read_orders_keeps_the_last_year_of_all_batches_and_needs_none() -> None:
    days = pl.Series("order_date", [date(2024, 2, 28), date(2024, 2, 29), date(2025, 2, 28), date(2025, 3, 1)])
    batches = [bought((str(i), "A"), (str(i), "B")).with_columns(order_date=pl.lit(day)) for i, day in enumerate(days)]
    kept = affinity.read_orders(iter(batches), date(2025, 2, 28))
    assert affinity.find_pairs(kept, PRODUCTS, 1)["order_count"].to_list() == [2, 2]
    for nothing in ([], [batches[0]]):
        assert affinity.find_pairs(affinity.read_orders(nothing, date(2025, 2, 28)), PRODUCTS, 1).is_empty()
    assert affinity.read_orders(batches, None).is_empty()
