"""The page's title sentence, tiles, tables and CSV: what they say, also where there is little to say."""

from __future__ import annotations

import base64
import csv
import io
from decimal import Decimal

import polars as pl
import pytest

from reports.kpis import KPIS
from reports.summary import build_tiles, draw_spark, name_later_stores, write_title
from reports.tables import MAX_CSV_ROWS, build_rows, csv_link
from tests.unit.test_reports import empty_frames, hostile_frames, usual_frames, zero_frames


def stores(*rows: tuple[str, str, str, bool]) -> dict[str, pl.DataFrame]:
    """The usual frames with stores of a name, net sales of both years, and whether they are comparable."""
    first = usual_frames()["store_performance"].row(0, named=True)
    frame = pl.DataFrame(
        [
            first
            | {
                "store_name": name,
                "net_sales_usd": Decimal(now),
                "net_sales_previous_year_usd": Decimal(before),
                "is_comparable": is_comparable,
            }
            for name, now, before, is_comparable in rows
        ],
        schema=KPIS["store_performance"].schema,
    )
    return usual_frames() | {"store_performance": frame}


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        (
            [("Old", "106.00", "100.00", True), ("New", "94.00", "0.00", False)],
            "Net sales rose 100.0% to $200: 94.0% of the rise comes from newer stores; in stores open in all of both "
            "years they rose 6.0%",
        ),
        (
            [("Old", "90.00", "100.00", True), ("New", "60.00", "0.00", False)],
            "Net sales rose 50.0% to $150; in stores open in all of both years they fell 10.0%",
        ),
        ([("Old", "150.00", "200.00", True)], "Net sales fell 25.0% to $150"),
        ([("Old", "200.00", "200.00", True)], "Net sales stayed at $200"),
        (
            [("New", "150.00", "100.00", False)],
            "Net sales rose 50.0% to $150; no store was open in all of both years",
        ),
        (
            [("New", "150.00", "0.00", False)],
            "Net sales of the last year: $150; there is no year before to compare with",
        ),
        ([("Old", "0.00", "10.00", True)], "No sales in the last year"),
    ],
)
def test_title_says_the_change_and_what_is_behind_it(rows: list[tuple[str, str, str, bool]], title: str) -> None:
    assert write_title(stores(*rows)) == title


def test_title_and_tiles_of_nothing_claim_nothing() -> None:
    for frames in (empty_frames(), zero_frames()):
        assert write_title(frames) == "No sales in the last year"
        tiles = build_tiles(frames)
        assert tiles[0].value == "$0"
        assert all(tile.spark == "" for tile in tiles)


def test_tiles_are_the_sums_of_the_tables() -> None:
    assert [(tile.name, tile.value, tile.note) for tile in build_tiles(usual_frames())] == [
        ("Net sales", "$60,000", "+20.0% on the year before"),
        ("Stores open in both years", "+20.0%", "1 of 2 stores; net sales on the year before"),
        ("Gross margin", "$36,000", "60.0% of net sales"),
        ("Orders", "3,899", "on up to 364 open days a store"),
        ("Customers", "2", "who ordered in the last year"),
    ]


def test_spark_goes_from_left_to_right_with_zero_at_the_bottom() -> None:
    assert draw_spark([0, 10, 5]) == "2.0,26.0 50.0,3.0 98.0,14.5"
    assert draw_spark([5]) == ""


def test_stores_without_an_order_are_named() -> None:
    assert name_later_stores(usual_frames()) == "Without an order in the last year: Nice."
    assert name_later_stores(stores(("Old", "1.00", "1.00", True))) == ""


def test_totals_row_is_the_sum_of_the_columns_that_may_be_summed() -> None:
    total = build_rows(KPIS["product_margin"], usual_frames()["product_margin"])[-1]
    assert total.is_total
    assert [total.name.text, *(cell.text for cell in total.cells)] == [
        *("All", "", "901", "9,500.00", "4,700.00", "1,500.00", "4,800.00", "", "", "")
    ]


def test_csv_holds_all_columns_and_rows_and_no_formula() -> None:
    kpi = KPIS["sales_per_customer"]
    names = ["=cmd()", "+1", "-1", "@x", "\tx", 'a,"b"\nc']
    frame = pl.concat([usual_frames()["sales_per_customer"].head(1)] * len(names)).with_columns(
        customer_name=pl.Series(names), net_sales_usd=pl.lit(Decimal("-5.00"), dtype=pl.Decimal(18, 2))
    )
    link = csv_link(kpi, frame)
    assert link is not None
    text = base64.b64decode(link.removeprefix("data:text/csv;charset=utf-8;base64,")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(rows[0]) == list(kpi.schema)
    assert [row["customer_name"] for row in rows] == ["'=cmd()", "'+1", "'-1", "'@x", "'\tx", 'a,"b"\nc']
    assert {row["net_sales_usd"] for row in rows} == {"-5.00"}  # a number stays a number


def test_csv_of_very_many_rows_is_left_to_the_parquet_file() -> None:
    frame = usual_frames()["sales_per_customer"].head(1)
    assert csv_link(KPIS["sales_per_customer"], pl.concat([frame] * (MAX_CSV_ROWS + 1))) is None


def test_tables_show_no_ids() -> None:
    for name, frame in hostile_frames().items():
        texts = [cell.text for row in build_rows(KPIS[name], frame) for cell in (row.name, *row.cells)]
        assert not any(text.startswith("id-") for text in texts), name
