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


def years(now: str, before: str, old_now: str, old_before: str, **more: object) -> dict[str, pl.DataFrame]:
    """The usual frames with net sales of both years, of all stores and of those open in both."""
    first, _, last = usual_frames()["rolling_year"].rows(named=True)
    first |= {"net_sales_usd": Decimal(before), "comparable_net_sales_usd": Decimal(old_before)} | more
    last |= {"net_sales_usd": Decimal(now), "comparable_net_sales_usd": Decimal(old_now)}
    frame = pl.DataFrame([first, last], schema=KPIS["rolling_year"].schema)
    return usual_frames() | {"rolling_year": frame}


@pytest.mark.parametrize(
    ("sales", "title"),
    [
        (
            ("200.00", "100.00", "106.00", "100.00"),
            "Net sales rose 100.0% to $200: 94.0% of the rise comes from newer stores; in stores open in all of both "
            "years they rose 6.0%",
        ),
        (
            ("150.00", "100.00", "90.00", "100.00"),
            "Net sales rose 50.0% to $150; in stores open in all of both years they fell 10.0%",
        ),
        (("150.00", "200.00", "150.00", "200.00"), "Net sales fell 25.0% to $150"),
        (("200.00", "200.00", "200.00", "200.00"), "Net sales stayed at $200"),
        (
            ("150.00", "100.00", "0.00", "0.00"),
            "Net sales rose 50.0% to $150; no store was open in all of both years",
        ),
        (
            ("150.00", "0.00", "0.00", "0.00"),
            "Net sales of the last year: $150; there is no whole year before to compare with",
        ),
        (("0.00", "10.00", "0.00", "10.00"), "No sales in the last year"),
    ],
)
def test_title_says_the_change_and_what_is_behind_it(sales: tuple[str, str, str, str], title: str) -> None:
    assert write_title(years(*sales)) == title


def test_a_year_before_that_orders_cover_only_in_part_is_no_base_for_a_change() -> None:
    frames = years("150.00", "10.00", "100.00", "10.00", is_whole_year=False)
    assert write_title(frames) == "Net sales of the last year: $150; there is no whole year before to compare with"
    assert build_tiles(frames)[0].note == "no whole year before"
    headline = KPIS["rolling_year"].headline(frames["rolling_year"])
    assert headline == "The year to 30 August 2021 brought $150 net; there is no whole year before."


def test_title_and_tiles_of_nothing_claim_nothing() -> None:
    for frames in (empty_frames(), zero_frames()):
        assert write_title(frames) == "No sales in the last year"
        assert build_tiles(frames) == ()


def test_tiles_are_figures_of_the_last_year_with_their_change_on_the_year_before() -> None:
    tiles = build_tiles(usual_frames())
    assert [(tile.name, tile.value, tile.note) for tile in tiles] == [
        ("Net sales", "$60,000", "+20.0% on the year before"),
        ("Net sales, stores open in both years", "$55,000", "+10.0% on the year before; 1 of 2 stores"),
        ("Gross margin", "$36,000", "+20.0% on the year before; 60.0% of net sales"),
        ("Orders", "3,899", "+30.0% on the year before; 99 without items"),
        ("Customers", "2", "\N{MINUS SIGN}33.3% on the year before; who ordered"),
    ]
    assert [tile.spark for tile in tiles] == [
        "2.0,6.8 50.0,3.8 98.0,3.0",
        "2.0,6.2 50.0,3.0 98.0,4.2",
        "2.0,6.8 50.0,3.6 98.0,3.0",
        "2.0,8.3 50.0,3.6 98.0,3.0",
        "2.0,8.8 50.0,3.0 98.0,14.5",
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


def test_tile_of_orders_tells_those_without_items_of_all_stores_only_where_there_are_some() -> None:
    frames = usual_frames()
    compared = frames["average_order_comparison"]
    for empty, note in ((0, "+30.0% on the year before"), (1, "+30.0% on the year before; 1 without items")):
        total = compared.filter(pl.col("store_id").is_null()).with_columns(
            order_without_items_count=pl.lit(empty, pl.Int64)
        )
        frames["average_order_comparison"] = pl.concat([compared.head(2), total])
        assert [tile.note for tile in build_tiles(frames) if tile.name == "Orders"] == [note]
    assert build_tiles(frames | {"average_order_comparison": compared.clear()})[3].note == "+30.0% on the year before"
