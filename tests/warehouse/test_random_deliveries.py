"""Whatever is delivered, corrected, overwritten or taken away: a build of the changes equals a whole build.

Few ids, so that records collide. An example takes some 20 seconds; `RANDOM_SHOPS=50` tries as many, each time
others.
"""

from __future__ import annotations

import os
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.built_state import assert_equal_states
from tests.warehouse.changing_shop import ChangingShop

SHOPS = int(os.environ.get("RANDOM_SHOPS", "0"))
FIRST_DAY = date(2025, 1, 1)
HEADERS = {
    "raw_customers": "id,name",
    "raw_stores": "id,name,opened_at,tax_rate",
    "raw_products": "sku,name,type,price,description",
    "raw_supplies": "id,name,cost,perishable,sku",
    "raw_orders": "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total",
    "raw_items": "id,order_id,sku",
    "raw_refunds": "id,order_id,item_id,refunded_at,amount,tax_amount,reason",
}
DAYS = st.integers(0, 12).map(lambda day: FIRST_DAY + timedelta(days=day))


def ids(letter: str, count: int) -> st.SearchStrategy[str]:
    return st.integers(1, count).map(lambda number: f"{letter}{number}")


def record(table: str) -> st.SearchStrategy[str]:
    """One line of the table."""
    moments = DAYS.map(lambda day: f"{day}T10:00:00")
    cents = st.sampled_from([0, 100, 250, 1000])
    values: dict[str, list[st.SearchStrategy[Any]]] = {
        "raw_customers": [ids("c", 3), st.sampled_from(["Ada", "Bo"])],
        "raw_stores": [ids("s", 2), st.just("Town"), moments, st.sampled_from(["0.05", "0.06"])],
        "raw_products": [ids("p", 3), st.sampled_from(["Tea", "Bun"]), ids("t", 2), cents, st.just("")],
        "raw_supplies": [ids("u", 3), st.just("leaf"), cents, st.sampled_from(["True", "False"]), ids("p", 3)],
        "raw_orders": [ids("o", 6), ids("c", 3), moments, ids("s", 2), cents.map(lambda c: f"{c},5,{c + 5}")],
        "raw_items": [ids("i", 8), ids("o", 6), ids("p", 3)],
        "raw_refunds": [ids("r", 3), ids("o", 6), st.sampled_from(["", "i1"]), moments, cents, st.just(1), st.just("")],
    }
    return st.tuples(*values[table]).map(lambda fields: ",".join(map(str, fields)))


def file_of(table: str) -> st.SearchStrategy[tuple[str, str]]:
    """A name, dated or not, and the text."""
    names = st.one_of(st.sampled_from(["", "-fix"]), DAYS.map(lambda day: f"_{day}"))
    lines = st.lists(record(table), min_size=0, max_size=6)
    return st.tuples(names.map(lambda end: table + end), lines.map(lambda rows: "\n".join([HEADERS[table], *rows, ""])))


DELIVERY = st.lists(st.sampled_from(sorted(HEADERS)).flatmap(file_of), min_size=1, max_size=4).map(dict)
STEPS = st.lists(st.one_of(DELIVERY, DELIVERY, st.just("forget")), min_size=2, max_size=3)


@settings(
    max_examples=SHOPS or 2,
    deadline=None,
    derandomize=not SHOPS,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(first=st.tuples(*map(file_of, sorted(HEADERS))).map(dict), steps=STEPS)
def test_build_after_random_deliveries_equals_a_whole_build(first: dict[str, str], steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = ChangingShop(Path(folder) / "shop")
        moment = datetime(2025, 1, 14, 6)
        shop.deliver(moment.isoformat(), **({name: f"{header}\n" for name, header in HEADERS.items()} | first))
        shop.must_build(tests=False)
        for step in steps:
            moment += timedelta(days=1)
            if step == "forget":
                shop.forget(max(path.stem for path in shop.source.iterdir()))
            else:
                shop.deliver(moment.isoformat(), **step)
            shop.must_build(tests=False)
        whole = shop.copy(Path(folder) / "whole")
        whole.must_build("--full-refresh", tests=False)
        assert_equal_states(shop.state(), whole.state())
