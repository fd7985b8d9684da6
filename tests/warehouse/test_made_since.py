"""An incremental model reads of another one only what was made there since its own newest row, and misses nothing."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from tests.tiny_shop import FILES
from tests.warehouse.changing_shop import ChangingShop

MODELS = ("int_order_items", "int_orders_enriched", "fact_orders", "fact_orders_items")
ORDERS, ITEMS = (FILES[f"raw_{name}.csv"].splitlines(keepends=True) for name in ("orders", "items"))
FACTS = ("fact_orders", "fact_orders_items")


def day_of(number: int) -> dict[str, str | None]:
    """The delivery of one order with an item: the first of the tiny shop, under another id."""
    order, item = ORDERS[1].split(",", 1)[1], ITEMS[1].split(",")[2]
    return {
        f"raw_orders_2025-07-0{number}": f"{ORDERS[0]}late{number},{order}",
        f"raw_items_2025-07-0{number}": f"{ITEMS[0]}item{number},late{number},{item}",
    }


@pytest.fixture(scope="module")
def of_two_days(tmp_path_factory: pytest.TempPathFactory) -> ChangingShop:
    """A shop of two days; on the second, facts were not made."""
    made = ChangingShop(tmp_path_factory.mktemp("two-days") / "shop")
    made.deliver("2025-07-02T06:00:00", **{name.removesuffix(".csv"): text for name, text in FILES.items()})
    made.must_build(tests=False)
    made.deliver("2025-07-03T06:00:00", **day_of(3))
    made.build("--exclude", *(f"{fact}+" for fact in FACTS), tests=False)
    return made


@pytest.fixture(scope="module")
def built(of_two_days: ChangingShop, tmp_path_factory: pytest.TempPathFactory) -> ChangingShop:
    """The same, built whole afterwards; to be read alone."""
    made = of_two_days.copy(tmp_path_factory.mktemp("built") / "shop")
    made.must_build(tests=False)
    return made


@pytest.fixture
def shop(of_two_days: ChangingShop, tmp_path: Path) -> ChangingShop:
    """A shop of two days to go on with."""
    return of_two_days.copy(tmp_path / "shop")


def test_facts_follow_the_days_on_which_they_were_not_made(shop: ChangingShop) -> None:
    shop.deliver("2025-07-04T06:00:00", **day_of(4))
    shop.must_build(tests=False)
    with duckdb.connect(shop.database, read_only=True) as warehouse:
        for fact in FACTS:
            found = warehouse.execute(f"select order_id from data_mart.{fact} where order_id like 'late%' order by 1")
            assert found.fetchall() == [("late3",), ("late4",)], fact


def test_rows_made_before_are_left_out_by_a_number_known_beforehand(built: ChangingShop) -> None:
    """What the query itself says lets DuckDB leave blocks of older rows unread; what a subquery finds does not."""
    results = json.loads((built.work_dir / "dbt" / "run_results.json").read_text(encoding="utf-8"))["results"]
    compiled = {result["unique_id"].split(".")[2]: result["compiled_code"] for result in results}
    with duckdb.connect(built.database, read_only=True) as warehouse:
        ((first, second),) = warehouse.execute(
            "select min(touch_number), max(touch_number) from staging.stg_orders"
        ).fetchall()
    assert first < second
    for model in MODELS:
        assert f"touch_number > {first if model in FACTS else second}\n" in compiled[model], model


@pytest.mark.parametrize("left_out", ["stg_orders", "stg_items", "stg_refunds"])
def test_a_build_by_hand_without_a_staging_model_keeps_the_rows_that_it_has(
    built: ChangingShop, tmp_path: Path, left_out: str
) -> None:
    shop = built.copy(tmp_path / "shop")
    known = ORDERS[1].split(",")[0]
    shop.deliver(
        "2025-07-05T06:00:00",
        **{"raw_items_2025-07-05": f"{ITEMS[0]}another,{known},{ITEMS[1].split(',')[2]}"},
    )
    rows = "select '{0}', * exclude (touch_number) from data_mart.{0} where order_id = ? order by all"

    def read() -> list[list[tuple[object, ...]]]:
        with duckdb.connect(shop.database, read_only=True) as warehouse:
            return [warehouse.execute(rows.format(fact), [known]).fetchall() for fact in FACTS]

    def count_twice() -> dict[str, int]:
        """Ids that stand there more than once, of every model."""
        keys = {model: "item_id" if "items" in model else "order_id" for model in MODELS}
        with duckdb.connect(shop.database, read_only=True) as warehouse:
            counts = {
                model: warehouse.execute(
                    f"select count(*) - count(distinct {key}) from "
                    f"{'data_mart' if model in FACTS else 'intermediate'}.{model}"
                ).fetchall()[0][0]
                for model, key in keys.items()
            }
        return {model: count for model, count in counts.items() if count}

    before = read()
    shop.build("--exclude", left_out, tests=False)
    assert not count_twice()
    orders, items = read()
    assert [len(orders), len(items)] == [len(before[0]), len(before[1]) + (left_out != "stg_items")]
    if left_out == "stg_items":
        assert [orders, items] == before
    shop.must_build(tests=False)
    orders, items = read()
    assert [len(orders), len(items)] == [len(before[0]), len(before[1]) + 1]
