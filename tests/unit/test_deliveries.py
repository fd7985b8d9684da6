"""Which delivery is newer: dates in names, natural order, and the text whose byte order is both."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.lake.convert import Conversion
from flows.lake.deliveries import BEGINNING, delivery_date, delivery_order, find_date, natural_order, valid_from_date
from flows.warehouse.ledger import DeliveryRow, LedgerRow, Version
from flows.warehouse.versions import find_deliveries, find_replaced, new_entries, next_moment

MOMENT = datetime(2025, 6, 1, 6)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("raw_orders_2026-03-01.csv", date(2026, 3, 1)),
        ("raw_orders_2026_03_01.csv.gz", date(2026, 3, 1)),
        ("raw_orders-20260301-fix.csv", date(2026, 3, 1)),
        ("raw_orders2026-03.csv", date(2026, 3, 1)),
        ("raw_orders_2026-03-2.csv", date(2026, 3, 1)),
        ("raw_orders_2026-03-011.csv", date(2026, 3, 1)),
        ("raw_orders_2026-03-01T06.csv", date(2026, 3, 1)),
        ("raw_orders_2024-02-29.csv", date(2024, 2, 29)),
        ("raw_orders_2025-01-01_of_2025-02-03.csv", date(2025, 2, 3)),
        ("raw_orders_2025-01-01_of_20259999.csv", date(2025, 1, 1)),
        ("raw_orders_1900-01-02.csv", date(1900, 1, 2)),
        ("raw_orders_2199-12-31.csv", date(2199, 12, 31)),
        ("raw_orders_20211301.csv", None),
        ("raw_orders_202105011200.csv", None),
        ("raw_orders_12021-05-01.csv", None),
        ("raw_orders_2023-02-29.csv", None),
        ("raw_orders_2026-03-41.csv", None),
        ("raw_orders_2026-13.csv", None),
        ("raw_orders_2026-03_01.csv", date(2026, 3, 1)),
        ("raw_orders_2026_03.csv", None),
        ("raw_orders_1899-12-31.csv", None),
        ("raw_orders_2200-01-01.csv", None),
        ("raw_orders_202603.csv", None),
        ("raw_orders_٢٠٢٦-03-01.csv", None),
        ("raw_orders.csv", None),
        ("date=2024-05-01/raw_orders.csv", date(2024, 5, 1)),
        ("date=2024-05-01/raw_orders_2024-04-30.csv", date(2024, 4, 30)),
        ("date=2024-05-01/raw_orders_20211301.csv", date(2024, 5, 1)),
        ("2024/05/01/raw_orders.csv", date(2024, 5, 1)),
        ("2024/05/32/raw_orders.csv", None),
        ("2024/05/01raw_orders.csv", None),
        ("year=2024/month=5/day=01/raw_orders.csv", date(2024, 5, 1)),
        ("year=2024/month=05/raw_orders.csv", date(2024, 5, 1)),
        ("year=2024/month=13/raw_orders.csv", None),
        ("load=20240501/2024/06/01/raw_orders.csv", date(2024, 6, 1)),
    ],
)
def test_find_date_in_a_name(name: str, expected: date | None) -> None:
    assert find_date(name) == expected


@given(st.dates(BEGINNING, date(2199, 12, 31)), st.sampled_from(["%Y-%m-%d", "%Y_%m_%d", "%Y%m%d"]))
def test_find_date_every_day_in_every_spelling(day: date, spelling: str) -> None:
    assert find_date(f"raw_orders_{day.strftime(spelling)}.csv") == day


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("raw_orders.csv", "raw_orders-fix.csv"),
        ("raw_orders.csv", "raw_orders .csv"),
        ("raw_orders.csv.gz", "raw_orders-fix.csv"),
        ("x-2.csv", "x-10.csv"),
        ("x-02.csv", "x-10.csv"),
        ("x-9.csv", "x-10-1.csv"),
        ("x-123456789.csv", "x-1234567890.csv"),
        ("x-99999999.csv", "x-100000000.csv"),
        ("x-0.csv", "x-1.csv"),
        ("x-2a.csv", "x-2b.csv"),
        ("x.CSV", "x-1.csv"),
        ("x.csv", "xa.csv"),
    ],
)
def test_delivery_order_of_names(older: str, newer: str) -> None:
    assert delivery_order(older, MOMENT, BEGINNING).encode() < delivery_order(newer, MOMENT, BEGINNING).encode()


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.CSV.GZ"])
def test_natural_order_is_without_the_extension(name: str) -> None:
    assert natural_order(name) == "x"
    assert natural_order("x.csv.old.csv") == "x.csv.old"


def order(name: str, delivered_at: datetime, *, is_first: bool = False) -> str:
    return delivery_order(name, delivered_at, valid_from_date(name, delivered_at, is_first=is_first))


def test_delivery_order_undated_file_delivered_again_is_newer_than_older_dated_ones() -> None:
    dated, undated = order("raw_orders_2025-05-30.csv", MOMENT), order("raw_orders.csv", MOMENT)
    assert dated < undated < order("raw_orders_2025-06-02.csv", MOMENT)


def test_delivery_order_undated_file_of_the_first_delivery_is_older_than_all_dated_ones() -> None:
    assert order("raw_orders.csv", MOMENT, is_first=True) < order("raw_orders_1900-01-02.csv", MOMENT - DAY)
    assert delivery_date("raw_orders.csv", MOMENT) == MOMENT.date()


def test_delivery_order_same_date_the_later_delivered_is_newer() -> None:
    name = "raw_orders_2025-05-30"
    assert order(f"{name}-fix.csv", MOMENT) < order(f"{name}.csv", MOMENT + timedelta(microseconds=1))


NAMES = st.text(
    st.one_of(st.sampled_from("019_-. ab"), st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]))
)
FILES = st.tuples(NAMES.map(lambda name: f"{name}.csv"), st.datetimes(datetime(2020, 1, 1)), st.dates(BEGINNING))


def rule(file: tuple[str, datetime, date]) -> tuple[object, ...]:
    """The rule in words of its own: the name as texts and numbers, compared bytewise and by value."""
    name, delivered_at, since = file
    parts = re.findall(r"[0-9]+|[^0-9]+", name.removesuffix(".csv"))
    # a number stands where its first digit would, among other characters: between "/" and ":"
    natural = [c for part in parts for c in ([(48, int(part))] if part[0] in "0123456789" else map(_place, part))]
    return since, delivered_at, natural, name.encode()


def _place(character: str) -> tuple[int, int]:
    return ord(character), 0


@given(FILES, FILES)
@example(("x-2.csv", MOMENT, BEGINNING), ("x-10.csv", MOMENT, BEGINNING))
@example(("x0.csv", MOMENT, BEGINNING), ("x00.csv", MOMENT, BEGINNING))
def test_delivery_order_byte_order_is_the_rule(
    one: tuple[str, datetime, date], other: tuple[str, datetime, date]
) -> None:
    texts = [delivery_order(*file).encode() for file in (one, other)]
    assert (texts[0] < texts[1]) == (rule(one) < rule(other))


@given(NAMES, NAMES)
def test_delivery_order_of_names_delivered_together_is_the_rule(one: str, other: str) -> None:
    files = [(f"{name}.csv", MOMENT, BEGINNING) for name in (one, other)]
    texts = [delivery_order(*file).encode() for file in files]
    assert (texts[0] < texts[1]) == (rule(files[0]) < rule(files[1]))


@pytest.mark.parametrize("piece", ["1", "a1", "0", "123456789a", "é"])
def test_delivery_order_of_the_longest_name_fits_its_column(piece: str) -> None:
    name = (piece * 1024)[: 1020 // len(piece.encode()) * len(piece)] + ".csv"
    assert len(delivery_order(name, MOMENT, BEGINNING).encode()) <= 4096


def seen(sha256: str, at: datetime) -> DeliveryRow:
    return DeliveryRow("raw_stores", "raw_stores.csv", sha256, at, "run-1", BEGINNING)


def loaded(sha256: str, delivered_at: datetime, loaded_at: datetime | None = None) -> LedgerRow:
    return LedgerRow(
        *("raw_stores", "raw_stores.csv", sha256, 1, 1, 0, "run-1", loaded_at or delivered_at, delivered_at),
        *(delivered_at.date(), BEGINNING, ""),
    )


def version(sha256: str) -> Version:
    return Version("raw_stores", "raw_stores.csv", sha256)


@pytest.mark.parametrize(
    ("ledger", "expected"),
    [
        ([], MOMENT),  # seen by a run that was killed before it loaded anything
        ([loaded("a", MOMENT)], MOMENT),  # loaded, but its rows were lost
        ([loaded("b", MOMENT - DAY)], MOMENT),  # seen after what is loaded, not loaded yet
        ([loaded("b", MOMENT + DAY)], None),  # what was loaded since is replaced by what was there before
    ],
    ids=["killed", "lost", "waiting", "comes back"],
)
def test_find_deliveries_version_seen_before_keeps_its_moment_unless_another_was_loaded_since(
    ledger: list[LedgerRow], expected: datetime | None
) -> None:
    known = [seen("a", MOMENT), *(seen("b", row.delivered_at) for row in ledger if row.file_sha256 == "b")]
    (found,), new = find_deliveries([version("a")], known, ledger, "run-2")
    assert (found.delivered_at == expected, len(new)) == ((True, 0) if expected else (False, 1))
    assert found.delivered_at == expected or found.delivered_at > MOMENT + DAY


def test_find_deliveries_new_versions_of_a_run_have_one_moment_later_than_all_before() -> None:
    future = datetime(2190, 1, 1)
    versions = [version("b"), Version("raw_items", "raw_items.csv", "c")]
    found, new = find_deliveries(versions, [seen("a", future)], [loaded("a", future)], "run-2")
    assert found == new
    assert {row.delivered_at for row in new} == {future + timedelta(microseconds=1)}
    assert [row.valid_from_date for row in new] == [future.date(), BEGINNING], "nothing of raw_items is loaded yet"


def test_new_entries_are_loaded_later_than_every_load_of_the_table_though_the_clock_went_back() -> None:
    future = datetime(2190, 1, 1)
    conversion = Conversion("raw_stores", "raw_stores.csv", "b", 1, 1, 0)
    (entry,) = new_entries([conversion], [seen("b", MOMENT)], "run-2", [loaded("a", MOMENT, future)])
    assert entry.loaded_at == future + timedelta(microseconds=1)
    assert next_moment(None) < future


def test_find_replaced_same_bytes_replace_nothing() -> None:
    entry = loaded("b", MOMENT)
    assert find_replaced([entry], [loaded("a", MOMENT)]) == ["raw_stores.csv"]
    assert find_replaced([entry], [entry]) == []
    assert find_replaced([entry], []) == []
