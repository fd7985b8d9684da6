"""Reports: number and text formats, frame checks, headlines, charts, Markdown sections and the page."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image
from polars.testing import assert_frame_equal

from flows.run.artifacts import escape
from reports import formats, names
from reports.doubts import Finding
from reports.kpis import KPIS, MONEY, check_frame, last_year_start
from reports.languages import speaking, tr_many
from reports.page import PageContext, Totals, render_page
from reports.quality import Quality, TableRows
from reports.render import markdown_section, render_chart
from reports.sections import CHANGES_WITH, FIVE
from reports.summary import write_title
from reports.tables import MAX_ROWS, build_rows

HOSTILE = [
    "x" * 200,
    "costs $x^2$ and $\\frac{1}{0}$",
    '<script>alert("1")</script><img src=x onerror=alert(1)>',
    "two\nlines | a `tick` and [a link](http://evil.example)",
    "שלום עולם",
    "مرحبا بالعالم",
    "👩‍🚀🚀",
    "王小明",
    "\u202eturned\u202c\x00\x1b[31m",
    "{{ 7 * 7 }} {0} %s \\",
    "",
    None,
    "Same Name",
    "Same Name",
    "'\"&amp;",
]
CONTEXT = PageContext(
    as_of=date(2021, 8, 30),
    first_order_date=date(2018, 9, 1),
    last_order_date=date(2021, 8, 30),
    generated_at=datetime(2021, 8, 31, 6, 15, tzinfo=UTC),
    run_id="run-1",
    target="local",
    rows=Totals(files=6, rows_in=1205, rows_loaded=1204, rows_quarantined=1),
)


def make_frame(name: str, rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=KPIS[name].schema, orient="row")


def usual_frames() -> dict[str, pl.DataFrame]:
    rows: dict[str, list[tuple[object, ...]]] = {
        "sales_per_customer": [
            ("c1", "Ava Cole", 12, Decimal("4210.50"), Decimal("4463.13"), 0.7015),
            ("c2", "Bo Diaz", 1, Decimal("1791.49"), Decimal("1898.98"), 0.2985),
        ],
        "average_order_per_store": [
            ("s1", "Lyon", 3899, Decimal("15.43"), Decimal("14.36")),
            ("s2", "Nice", 1, Decimal("8.56"), Decimal("8.23")),
        ],
        "average_order_comparison": [
            ("s1", "Lyon", 30, 3800, 99, Decimal("14.80"), 0.05, 25.5),
            ("s2", "Nice", 14, 900, 0, Decimal("8.23"), 0.06, 10.1),
            (None, "All stores", 44, 4700, 99, Decimal("13.54"), 0.04, 38.0),
        ],
        "sales_by_category": [
            ("beverage", 42763, Decimal("239528.00"), 0.60014),
            ("jaffle", 1, Decimal("159592.00"), 0.39986),
        ],
        "tax_rounding": [
            ("s1", "Lyon", 3899, 1200, 0, Decimal("12.00")),
            ("s2", "Nice", 1, 0, 0, Decimal("0.00")),
        ],
        "tax_ratio": [
            ("s1", "Lyon", Decimal("59.95"), Decimal("1000.00"), 0.05995, 0.06, -0.00005),
            ("s2", "Nice", Decimal("39.50"), Decimal("1000.00"), 0.0395, 0.04, -0.0005),
            (None, "All stores", Decimal("99.45"), Decimal("2000.00"), 0.049725, 0.05, -0.000275),
        ],
        "revenue_by_class": [
            ("Gold", 1, Decimal("4210.50"), Decimal("9000.00"), 0.4, Decimal("10.00"), Decimal("4200.50")),
            ("Silver", 65, Decimal("6300.00"), Decimal("7000.00"), 0.6, Decimal("0.00"), Decimal("6300.00")),
            ("Bronze", 0, Decimal("0.00"), Decimal("0.00"), 0.0, Decimal("0.00"), Decimal("0.00")),
            ("Inactive", 3, Decimal("0.00"), Decimal("12.00"), 0.0, Decimal("1.00"), Decimal("-1.00")),
        ],
        "rolling_year": [
            (
                *(date(2020, 8, 30), True, 3000, 3, 1, Decimal("50000.00"), Decimal("30000.00"), 0.6),
                *(1, Decimal("50000.00")),
            ),
            (
                *(date(2021, 7, 30), True, 3800, 4, 1, Decimal("58000.00"), Decimal("35000.00"), 0.6034),
                *(1, Decimal("58000.00")),
            ),
            (
                *(date(2021, 8, 30), True, 3899, 2, 2, Decimal("60000.00"), Decimal("36000.00"), 0.6),
                *(1, Decimal("55000.00")),
            ),
        ],
        "sales_by_month": [
            (date(2020, 7, 1), True, 900, 1200, Decimal("8000.00"), Decimal("0.00"), None, None),
            (date(2020, 8, 1), True, 0, 0, Decimal("0.00"), Decimal("1.50"), None, None),
            (date(2021, 8, 1), False, 1000, 1500, Decimal("9000.00"), Decimal("20.00"), Decimal("8000.00"), 0.125),
        ],
        "sales_by_weekday_hour": [
            ("s1", "Lyon", 1, 8, 52, 520, Decimal("5000.00")),
            ("s1", "Lyon", 7, 19, 50, 50, Decimal("400.00")),
            ("s2", "Nice", 1, 7, 1, 1, Decimal("5.00")),
        ],
        "store_performance": [
            (
                *("s1", "Lyon", date(2018, 9, 1), 364, 130, 3899, Decimal("60000.00"), Decimal("70.00")),
                *(Decimal("3600.00"), Decimal("36000.00"), 0.6, 10.7, Decimal("15.39"), Decimal("50000.00"), 0.2, True),
            ),
            (
                *("s2", "Nice", None, 0, 0, 0, Decimal("0.00"), Decimal("0.00")),
                *(Decimal("0.00"), Decimal("0.00"), None, None, None, Decimal("0.00"), None, False),
            ),
        ],
        "product_margin": [
            (
                *("p1", "Soup", "jaffle", 900, Decimal("9000.00"), Decimal("3000.00"), Decimal("1500.00")),
                *(Decimal("6000.00"), 0.6667, 0.5, 1.25),
            ),
            (
                *("p2", "Tea", "beverage", 1, Decimal("500.00"), Decimal("1700.00"), Decimal("0.00")),
                *(Decimal("-1200.00"), -2.4, 0.0, -0.25),
            ),
        ],
        "supply_usage": [
            ("s1", "Lyon", "u1", "bowl", False, 900, Decimal("90.00"), 2.5),
            ("s2", "Nice", "u2", "milk", True, 1, Decimal("700.25"), 0.02),
        ],
        "price_guide": [
            (
                *("p1", "Soup", "jaffle", Decimal("10.00"), Decimal("2.00"), Decimal("8.00"), 0.8, Decimal("8.00")),
                *(900, date(2021, 3, 15), Decimal("9.00"), 2.75, 2.5),
            ),
            (
                *("p2", "Tea", "beverage", Decimal("3.00"), Decimal("1.00"), Decimal("2.00"), 0.6667, Decimal("4.00")),
                *(0, None, None, None, None),
            ),
        ],
        "customer_classes_by_month": [
            (date(2021, 7, 31), "Bronze", 70, Decimal("3000.00")),
            (date(2021, 7, 31), "Gold", 1, Decimal("4000.00")),
            (date(2021, 8, 30), "Inactive", 3, Decimal("0.00")),
            (date(2021, 8, 30), "Bronze", 68, Decimal("2900.00")),
            (date(2021, 8, 30), "Gold", 2, Decimal("8000.00")),
        ],
        "repeat_purchase": [
            (date(2021, 6, 1), 0, 10, 1.0, Decimal("100.00")),
            (date(2021, 6, 1), 1, 4, 0.4, Decimal("50.00")),
            (date(2021, 6, 1), 2, 0, 0.0, Decimal("0.00")),
            (date(2021, 7, 1), 0, 1, 1.0, Decimal("9.00")),
            (date(2021, 7, 1), 1, 1, 1.0, Decimal("9.00")),
        ],
        "stock_cover": [
            ("s1", "Lyon", "u1", "bowl", False, datetime(2021, 8, 28, 20, 15), 100, 10, 90, 45.0, 2.0, 14, None),
            ("s2", "Nice", "u2", "milk", True, datetime(2021, 8, 30, 7), 50, 0, 50, 2.0, 25.0, 2, 7),
            ("s2", "Nice", "u9", "spoon", None, datetime(2021, 8, 30, 7), 5, 0, 5, None, None, None, None),
        ],
        "reorder_suggestions": [
            ("s1", "Lyon", "u1", "bowl", False, 90, 1260, 1200, 1320, 14, None, 1230, 0, "mean_week", 0.05),
            ("s2", "Nice", "u2", "milk", True, 50, 56, 50, 62, 2, 7, 0, 32, "damped_trend", 0.125),
            ("s2", "Nice", "u9", "spoon", None, None, 3, 1, 5, None, None, None, None, "last_week", None),
        ],
        "product_affinity": [
            ("p1", "Soup", "p2", "Tea", 120, 0.12, 0.4, 2.0),
            ("p2", "Tea", "p1", "Soup", 120, 0.12, 0.6, 2.0),
            ("p1", "Soup", "p3", "Jam", 30, 0.03, 0.1, 0.5),
        ],
    }
    return {name: make_frame(name, found) for name, found in rows.items()}


def empty_frames() -> dict[str, pl.DataFrame]:
    return {name: kpi_frame.clear() for name, kpi_frame in usual_frames().items()}


def single_frames() -> dict[str, pl.DataFrame]:
    return {name: kpi_frame.head(1) for name, kpi_frame in usual_frames().items()}


def zero_frames() -> dict[str, pl.DataFrame]:
    """Sums of nothing: amounts and counts are zero, ratios have no value."""
    return {name: _fill(frame, Decimal("0.00"), 0, None) for name, frame in usual_frames().items()}


def huge_frames() -> dict[str, pl.DataFrame]:
    """One row as large as the dtypes hold, the others usual."""
    largest = Decimal("9999999999999999.99")
    return {
        name: pl.concat([_fill(frame.head(1), largest, 2**63 - 1, 1.0), frame[1:]])
        for name, frame in usual_frames().items()
    }


def _fill(frame: pl.DataFrame, amount: Decimal, count: int, ratio: float | None) -> pl.DataFrame:
    values = {MONEY: amount, pl.Int64(): count, pl.Float64(): ratio}
    return frame.with_columns(
        pl.lit(values[dtype], dtype=dtype).alias(name) for name, dtype in frame.schema.items() if dtype in values
    )


def hostile_frames() -> dict[str, pl.DataFrame]:
    """Every KPI with 200-letter, formula, markup, right-to-left, emoji, empty, missing and equal names."""
    frames = {}
    for name, frame in usual_frames().items():
        labels = [column.name for column in KPIS[name].columns if column.format is formats.Format.NAME]
        keys = [column.name for column in KPIS[name].columns if column.format is formats.Format.ID]
        rows = pl.concat([frame.head(1)] * len(HOSTILE))
        numbered = [pl.format("id-{}", pl.int_range(pl.len())).alias(key) for key in keys]
        hostile = [pl.Series(label, HOSTILE, dtype=pl.String) for label in labels]
        frames[name] = rows.with_columns(*hostile, *numbered)
    return frames


ODD = {
    "usual": usual_frames,
    "empty": empty_frames,
    "single": single_frames,
    "zero": zero_frames,
    "huge": huge_frames,
    "hostile": hostile_frames,
}


class PageText(HTMLParser):
    """Cells, row heads, headlines and the addresses and tags of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.text: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.alts: list[str] = []
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._inside = tag
        for name, value in attrs:
            self.attributes.add(name)
            if name in ("src", "href", "srcset", "action", "data", "poster"):
                self.addresses.append(value or "")
            if name == "alt":
                self.alts.append(value or "")
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("style", "script"):
            self.text.append(data)
        if self._inside == "td":
            self.cells[-1] += data


def write_page(frames: dict[str, pl.DataFrame], folder: Path, context: PageContext = CONTEXT) -> str:
    for name in KPIS:
        for kind in ("svg", "narrow.svg"):
            (folder / f"{name}.{kind}").write_text(f'<svg role="img" aria-label="{name}"></svg>', encoding="utf-8")
    return render_page(frames, folder / "index.html", context).read_text(encoding="utf-8")


# Numbers and texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (formats.format_usd(Decimal("1234.50")), "1,234.50"),
        (formats.format_money(Decimal("0.00")), "$0"),
        (formats.format_money(Decimal("8.56")), "$8.56"),
        (formats.format_money(Decimal("4210.50")), "$4,211"),
        (formats.format_money(Decimal("12345678.90")), "$12.35M"),
        (formats.format_money(Decimal("-99.50")), "\N{MINUS SIGN}$99.50"),
        (formats.format_compact(2500.0), "$2.5K"),
        (formats.format_compact(0.5), "$0.5"),
        (formats.format_share(0.0243), "2.4%"),
        (formats.format_rate(0.0625), "6.250%"),
        (formats.format_points(-0.0005), "\N{MINUS SIGN}0.050"),
        (formats.format_points(-0.000002), "0.000"),
        (formats.format_points(0.0005), "+0.050"),
        (formats.format_date(date(2021, 8, 3)), "3 August 2021"),
        (formats.format_month(date(2021, 8, 1)), "August 2021"),
        (formats.format_local_moment(datetime(2021, 8, 3, 7, 5)), "2021-08-03 07:05"),
        (formats.format_growth(0.1234), "+12.3%"),
        (formats.format_growth(-0.1234), "\N{MINUS SIGN}12.3%"),
        (formats.format_growth(0.0), "0.0%"),
        (formats.format_quantity(1234.56), "1,234.6"),
        (formats.format_quantity(0.04), "0.04"),
        (formats.format_quantity(-0.5), "\N{MINUS SIGN}0.50"),
        (formats.format_weekday(7), "Sunday"),
        (formats.format_hour(7), "07:00"),
        (formats.format_value(True, formats.Format.FLAG), "yes"),
        (tr_many("{count} order", "{count} orders", 1), "1 order"),
        (tr_many("{count} order", "{count} orders", 1200), "1,200 orders"),
    ],
)
def test_format_known_value_reads_as_expected(text: str, expected: str) -> None:
    assert text == expected


def test_format_moment_other_zone_is_shown_in_utc() -> None:
    assert formats.format_moment(datetime.fromisoformat("2021-08-31T08:15:00+02:00")) == "2021-08-31 06:15 UTC"


def test_sentence_text_right_to_left_name_is_isolated() -> None:
    name = "\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED}"
    assert names.sentence_text(name) == f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"
    assert names.sentence_text("Ava") == "Ava"
    assert names.sentence_text(None) == "(no name)"


def test_chart_name_without_drawable_letters_is_the_key() -> None:
    assert names.chart_name("王小明", "c-7") == "c-7"
    assert names.chart_name("Ava 🚀", "c-7") == "Ava □"


@given(st.text(), st.integers(min_value=1, max_value=90))
def test_clean_text_any_text_is_one_short_line(text: str, limit: int) -> None:
    cleaned = names.clean_text(text, limit)
    assert len(cleaned) <= limit
    assert len(cleaned.splitlines()) <= 1
    assert not set(cleaned) & set("\x00\x1b\u202e\u2066\u200e")


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("|`[]()<>&*_~#!\\\n:/@$"), min_size=1))
def test_markdown_text_any_text_shows_as_it_is(text: str) -> None:
    line = names.clean_text(text, 80)
    rendered = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = rendered.parse(f"| head | next |\n| --- | --- |\n| {names.markdown_text(line)} | end |\n")
    cells = [token for token in tokens if token.type == "inline"]
    assert [token.content for token in cells[:2]] == ["head", "next"]
    assert len(cells) == 4
    assert _plain(cells[2]).strip() == line.strip()


def _plain(cell: Token) -> str:
    kinds = {child.type for child in cell.children or []}
    assert kinds <= {"text", "text_special"}, kinds
    return "".join(child.content for child in cell.children or [])


def test_markdown_text_addresses_become_no_links() -> None:
    text = names.markdown_text("see http://evil.example, www.evil.example or me@evil.example")
    assert text == "see http\\://evil.example, www\\.evil.example or me\\@evil.example"


# Frames


def test_kpis_names_and_columns_are_those_of_the_design() -> None:
    assert {name: list(kpi.schema) for name, kpi in KPIS.items()} == {
        "sales_per_customer": [
            "customer_id",
            "customer_name",
            "order_count",
            "net_sales_usd",
            "gross_sales_usd",
            "share_of_net_sales_ratio",
        ],
        "average_order_per_store": [
            "store_id",
            "store_name",
            "order_count",
            "average_order_gross_usd",
            "average_order_net_usd",
        ],
        "average_order_comparison": [
            "store_id",
            "store_name",
            "customer_count",
            "order_count",
            "order_without_items_count",
            "average_order_net_usd",
            "standard_error_ratio",
            "degrees_of_freedom",
        ],
        "sales_by_category": ["category", "item_count", "net_sales_usd", "share_of_net_sales_ratio"],
        "tax_rounding": [
            "store_id",
            "store_name",
            "order_count",
            "order_below_count",
            "order_above_count",
            "missing_tax_usd",
        ],
        "tax_ratio": [
            "store_id",
            "store_name",
            "tax_usd",
            "net_sales_usd",
            "effective_tax_ratio",
            "declared_tax_ratio",
            "difference_ratio",
        ],
        "revenue_by_class": [
            "customer_status",
            "customer_count",
            "net_sales_last_year_usd",
            "net_sales_all_time_usd",
            "share_of_net_sales_ratio",
            "refunds_usd",
            "net_sales_after_refunds_usd",
        ],
        "sales_by_month": [
            "month_start_date",
            "is_complete",
            "order_count",
            "item_count",
            "net_sales_usd",
            "refunds_usd",
            "net_sales_previous_year_usd",
            "growth_ratio",
        ],
        "sales_by_weekday_hour": [
            "store_id",
            "store_name",
            "weekday_number",
            "hour_number",
            "open_day_count",
            "order_count",
            "net_sales_usd",
        ],
        "store_performance": [
            "store_id",
            "store_name",
            "opened_date",
            "open_day_count",
            "customer_count",
            "order_count",
            "net_sales_usd",
            "refunds_usd",
            "tax_usd",
            "margin_usd",
            "margin_ratio",
            "orders_per_open_day",
            "average_order_net_usd",
            "net_sales_previous_year_usd",
            "growth_ratio",
            "is_comparable",
        ],
        "product_margin": [
            "product_id",
            "product_name",
            "category",
            "item_count",
            "net_sales_usd",
            "supply_cost_usd",
            "perishable_cost_usd",
            "margin_usd",
            "margin_ratio",
            "perishable_cost_ratio",
            "share_of_margin_ratio",
        ],
        "supply_usage": [
            "store_id",
            "store_name",
            "supply_id",
            "supply_name",
            "is_perishable",
            "unit_count",
            "cost_usd",
            "units_per_open_day",
        ],
        "price_guide": [
            "product_id",
            "product_name",
            "category",
            "price_usd",
            "unit_supply_cost_usd",
            "unit_margin_usd",
            "unit_margin_ratio",
            "target_price_usd",
            "item_count_last_year",
            "last_price_change_date",
            "price_before_usd",
            "items_per_day_before",
            "items_per_day_after",
        ],
        "customer_classes_by_month": ["as_of_date", "customer_status", "customer_count", "net_sales_last_year_usd"],
        "rolling_year": [
            "as_of_date",
            "is_whole_year",
            "order_count",
            "customer_count",
            "store_count",
            "net_sales_usd",
            "margin_usd",
            "margin_ratio",
            "comparable_store_count",
            "comparable_net_sales_usd",
        ],
        "repeat_purchase": [
            "cohort_month_start_date",
            "months_since_first_count",
            "customer_count",
            "share_of_cohort_ratio",
            "net_sales_usd",
        ],
        "stock_cover": [
            "store_id",
            "store_name",
            "supply_id",
            "supply_name",
            "is_perishable",
            "counted_at",
            "unit_count",
            "used_since_count",
            "units_on_hand",
            "units_per_open_day",
            "days_of_supply",
            "lead_time_days",
            "shelf_life_days",
        ],
        "reorder_suggestions": [
            "store_id",
            "store_name",
            "supply_id",
            "supply_name",
            "is_perishable",
            "units_on_hand",
            "demand_unit_count",
            "demand_low_unit_count",
            "demand_high_unit_count",
            "lead_time_days",
            "shelf_life_days",
            "suggested_order_unit_count",
            "expected_waste_unit_count",
            "method",
            "backtest_error_ratio",
        ],
        "product_affinity": [
            "product_id",
            "product_name",
            "other_product_id",
            "other_product_name",
            "order_count",
            "support_ratio",
            "confidence_ratio",
            "lift",
        ],
    }


def test_check_frame_wider_driver_types_are_cast_exactly() -> None:
    kpi, frame = KPIS["sales_by_category"], usual_frames()["sales_by_category"]
    wide = frame.select(
        pl.col("share_of_net_sales_ratio").cast(pl.Decimal(38, 10)),
        pl.col("net_sales_usd").cast(pl.Decimal(38, 4)),
        pl.col("item_count").cast(pl.Decimal(38, 0)),
        pl.col("category").cast(pl.Categorical),
    )
    assert_frame_equal(check_frame(kpi, wide), frame)


def test_check_frame_no_rows_of_null_dtype_is_the_empty_table() -> None:
    kpi = KPIS["tax_ratio"]
    checked = check_frame(kpi, pl.DataFrame({name: [] for name in kpi.schema}))
    assert checked.is_empty()
    assert dict(checked.schema) == kpi.schema


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (pl.col("net_sales_usd").cast(pl.Float64), "net_sales_usd: expected Decimal"),
        (pl.col("net_sales_usd").cast(pl.Decimal(38, 4)) + Decimal("0.0010"), "2 of 2 values of Decimal"),
        (pl.lit(Decimal(10) ** 20, dtype=pl.Decimal(38, 0)).alias("net_sales_usd"), "does not fit Decimal"),
        (pl.col("item_count") + 0.5, "2 of 2 values of Float64 do not fit Int64 exactly"),
        (pl.lit(None, dtype=pl.Int64).alias("item_count"), "item_count: 2 of 2 values are null"),
        (pl.lit(7).alias("category"), "category: expected String, found Int32"),
        (pl.lit(float("nan")).alias("share_of_net_sales_ratio"), "2 of 2 values are not finite numbers"),
        (pl.lit(1).alias("extra"), "unexpected column: extra"),
    ],
)
def test_check_frame_wrong_column_raises(change: pl.Expr, message: str) -> None:
    frame = usual_frames()["sales_by_category"].with_columns(change)
    with pytest.raises(ValueError, match=message):
        check_frame(KPIS["sales_by_category"], frame)


def test_check_frame_several_faults_are_all_named() -> None:
    frame = usual_frames()["sales_by_category"].rename({"item_count": "items"})
    with pytest.raises(ValueError, match="sales_by_category") as caught:
        check_frame(KPIS["sales_by_category"], frame)
    assert "missing column: item_count" in str(caught.value)
    assert "unexpected column: items" in str(caught.value)


@pytest.mark.parametrize(
    ("as_of", "first_day"),
    [
        (date(2021, 8, 30), date(2020, 8, 31)),
        (date(2021, 12, 31), date(2021, 1, 1)),
        (date(2020, 2, 29), date(2019, 3, 1)),
        (date(2021, 2, 28), date(2020, 2, 29)),
    ],
)
def test_last_year_start_is_the_day_after_the_same_date(as_of: date, first_day: date) -> None:
    assert last_year_start(as_of) == first_day


# Headlines


def test_headlines_usual_frames_say_what_the_tables_say() -> None:
    assert {name: KPIS[name].headline(frame) for name, frame in usual_frames().items()} == {
        "sales_per_customer": "Ava Cole bought most: $4,211 net in 12 orders, 70.2% of the last year's net sales.",
        "average_order_comparison": "Lyon clearly has the highest average order: $14.80 net. 99 orders without items "
        "are left out.",
        "average_order_per_store": "Of all orders so far, the average goes from $8.56 in Nice to $15.43 gross ($14.36 "
        "net) in Lyon. Orders without items count as 0.",
        "sales_by_category": "The biggest category so far is beverage: $239,528 net for 42,763 items, 60.0% of all "
        "items' net sales.",
        "tax_ratio": "So far customers paid $99.45 tax on $2,000 net sales, 4.973%. "
        "Furthest from its declared rate is Nice: \N{MINUS SIGN}0.050 percentage points.",
        "tax_rounding": "Of 3,900 orders so far, 1,200 are taxed below the rounded exact tax and none above it: the "
        "tills cut off parts of a cent, they do not round. Together: $12.00.",
        "revenue_by_class": "The class that brings most in the last year is Silver: $6,300 (60.0%) from 65 customers; "
        "Gold: $4,211 (40.0%) from 1 customer.",
        "rolling_year": "The year to 30 August 2021 compared with the year before: orders +30.0%, customers "
        "\N{MINUS SIGN}33.3%, gross margin +20.0%.",
        "sales_by_month": "August 2021 so far: $9,000 net in 1,000 orders, +12.5% on the same days of the year before. "
        "No month brought more.",
        "sales_by_weekday_hour": "The busiest hour is Monday from 08:00 in Lyon: 520 orders on 52 days of the last "
        "year, $5,000 net.",
        "store_performance": "Lyon sells most: $60,000 net, 60.0% of it margin. Of the stores that were open both "
        "years, Lyon did best: +20.0% on the year before.",
        "product_margin": "Soup earns most: $6,000, 125.0% of all margin. The least of its price is left of Tea: "
        "\N{MINUS SIGN}240.0%.",
        "supply_usage": "The supply that costs most is milk in Nice: $700 for 1 unit, 0.02 per open day.",
        "price_guide": "1 of 2 products costs less than the margin asks for; furthest is Tea: $3.00, and $4.00 "
        "would do.",
        "customer_classes_by_month": "Customers on 30 August 2021: Gold 2, Bronze 68, Inactive 3.",
        "repeat_purchase": "Of those who first ordered in June 2021, 40.0% ordered again in the month after: "
        "4 customers.",
        "stock_cover": "1 of 3 counts would not last until a delivery ordered now; first to run out is bowl in Lyon: "
        "2.0 open days.",
        "reorder_suggestions": "1 of 3 supplies in stores should be ordered now, 1,230 units together. Half of such "
        "forecasts were off by 8.8% or less in the past half year.",
        "product_affinity": "Soup and Tea go together best: 40.0% of the orders with the first have the second too, "
        "2.0 times its share of all orders; 120 orders.",
    }


@pytest.mark.parametrize("case", ["empty", "zero"])
def test_headlines_nothing_sold_claim_nothing(case: str) -> None:
    headlines = {name: KPIS[name].headline(frame) for name, frame in ODD[case]().items()}
    assert headlines["sales_per_customer"] == "No customer bought anything in the last year."
    assert headlines["average_order_comparison"] in (
        "No store has orders with items in the last year.",
        "The average order goes from $0.00 in Lyon to $0.00 in Nice. No difference between stores is clear.",
    )
    assert headlines["sales_by_category"] == "No category has sales."
    assert headlines["revenue_by_class"] == "No class of customers has sales in the last year."
    assert headlines["rolling_year"] == "There are no orders in the last year."
    assert headlines["sales_by_month"] == "No month has sales."
    assert headlines["sales_by_weekday_hour"] == "No hour of the last year has orders."
    assert headlines["store_performance"] == "No store has sales in the last year."
    assert headlines["product_margin"] == "No product has a margin in the last year."
    assert headlines["supply_usage"] == "No supplies were used in the last year."
    assert headlines["customer_classes_by_month"] == "No month has customers."
    assert headlines["repeat_purchase"] == "No customer's second month is over yet."
    assert "most" not in headlines["average_order_per_store"] + headlines["tax_ratio"]


def test_headlines_row_order_matters_only_where_it_ranks_the_classes() -> None:
    frames = usual_frames()
    for name in set(frames) - {"revenue_by_class", "customer_classes_by_month"}:
        frame = frames[name]
        assert KPIS[name].headline(frame.reverse()) == KPIS[name].headline(frame)


def test_headlines_tie_names_no_single_winner() -> None:
    tied = {name: pl.concat([frame.head(1)] * 2 + [frame.tail(1)]) for name, frame in usual_frames().items()}
    assert "is among those who bought most" in KPIS["sales_per_customer"].headline(tied["sales_per_customer"])
    assert "No difference between stores is clear" in KPIS["average_order_comparison"].headline(
        tied["average_order_comparison"].head(2)
    )
    assert "Among the biggest categories so far" in KPIS["sales_by_category"].headline(tied["sales_by_category"])


# Charts


@pytest.mark.parametrize("name", list(KPIS))
@pytest.mark.parametrize("case", list(ODD))
def test_render_chart_any_frame_draws_without_warning(name: str, case: str, tmp_path: Path) -> None:
    png = tmp_path / "chart.png"
    render_chart(KPIS[name], ODD[case]()[name], png)
    with Image.open(png) as image:
        assert image.format == "PNG"
        assert image.width == 900
        assert len(image.convert("L").getcolors() or []) > 20  # letters and bars, not an empty sheet


def test_render_chart_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, frame in usual_frames().items():
        first, second = tmp_path / "first.png", tmp_path / "second.png"
        render_chart(KPIS[name], frame, first)
        render_chart(KPIS[name], frame, second)
        assert first.read_bytes() == second.read_bytes()
        with Image.open(first) as image:
            assert not {"Software", "Creation Time"} & set(image.info)


def test_render_chart_many_rows_is_no_higher_than_a_page(tmp_path: Path) -> None:
    frame = pl.concat([usual_frames()["sales_per_customer"]] * 500)
    render_chart(KPIS["sales_per_customer"], frame, tmp_path / "chart.png")
    with Image.open(tmp_path / "chart.png") as image:
        assert image.height < 700


@pytest.mark.parametrize("case", list(ODD))
def test_chart_labels_stay_within_the_panel(case: str) -> None:
    for name, frame in ODD[case]().items():
        canvas = FigureCanvasAgg(KPIS[name].chart(frame).draw())
        canvas.draw()
        for axes in canvas.figure.axes:
            edge = axes.get_window_extent(canvas.get_renderer()).x1
            widest = max(text.get_window_extent(canvas.get_renderer()).x1 for text in axes.texts)
            assert widest <= edge + 1, name


def test_chart_dollar_signs_in_names_and_amounts_are_no_formula() -> None:
    for name, frame in hostile_frames().items():
        figure = KPIS[name].chart(frame).draw()
        texts = [*figure.axes[0].get_yticklabels(), *figure.axes[0].texts]
        has_names = any(column.format is formats.Format.NAME for column in KPIS[name].columns)
        assert not has_names or any("$" in text.get_text() for text in texts), name
        assert not any(text.get_parse_math() for text in texts), name


def test_render_chart_wrong_frame_raises(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="tax_ratio"):
        render_chart(KPIS["tax_ratio"], usual_frames()["sales_by_category"], tmp_path / "chart.png")


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_render_chart_any_customer_name_draws_without_warning(name: str) -> None:
    frame = usual_frames()["sales_per_customer"].with_columns(customer_name=pl.lit(name))
    with TemporaryDirectory() as folder:
        render_chart(KPIS["sales_per_customer"], frame, Path(folder) / "chart.png")


# Markdown


def write_drawing(folder: Path) -> Path:
    drawing = folder / "chart.svg"
    drawing.write_text('<svg viewBox="0 0 1 1"><path class="f-net"/></svg>', encoding="utf-8")
    return drawing


def test_markdown_section_usual_frame_has_headline_chart_table_and_period(tmp_path: Path) -> None:
    drawing = write_drawing(tmp_path)
    text = markdown_section(KPIS["tax_ratio"], usual_frames()["tax_ratio"], drawing, date(2021, 8, 30))
    assert "**So far customers paid $99.45 tax on $2,000 net sales, 4.973%. " in text
    assert text.count("](data:image/svg+xml;base64,") == 1
    assert "| :--- | ---: | ---: | ---: | ---: | ---: |\n" in text
    assert "| Nice | 39.50 | 1,000.00 | 3.950% | 4.000% | \N{MINUS SIGN}0.050 |\n" in text
    assert "| All stores | 99.45 | 2,000.00 | 4.973% | 5.000% | \N{MINUS SIGN}0.028 |\n" in text
    assert "All 3 rows. As of 30 August 2021." in text


def test_markdown_section_long_frame_shows_the_first_rows_and_says_so(tmp_path: Path) -> None:
    drawing = write_drawing(tmp_path)
    frame = pl.concat([usual_frames()["sales_per_customer"]] * 700)
    text = markdown_section(KPIS["sales_per_customer"], frame, drawing, date(2021, 8, 30))
    rows = re.findall(r"^\| (?!:---|Customer).*\|$", text, flags=re.MULTILINE)
    assert len(rows) == 20
    assert not any(re.search(r"\| c\d+ \|", row) for row in rows)
    assert "20 of 1,400 rows; all are in sales\\_per\\_customer.parquet." in text


def test_markdown_section_begins_with_the_newest_month_as_the_page_does(tmp_path: Path) -> None:
    drawing = write_drawing(tmp_path)
    text = markdown_section(KPIS["sales_by_month"], usual_frames()["sales_by_month"], drawing, date(2021, 8, 30), 2)
    months = re.findall(r"^\| (\w+ \d{4}) \|", text, flags=re.MULTILINE)
    assert months == ["August 2021", "August 2020"]


@pytest.mark.parametrize("name", KPIS)
def test_markdown_section_has_the_order_and_the_names_of_the_page_and_no_id(tmp_path: Path, name: str) -> None:
    kpi, frame = KPIS[name], usual_frames()[name]
    text = markdown_section(kpi, frame, write_drawing(tmp_path), date(2021, 8, 30))
    table = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    assert len(table[0]) == sum(column.format is not formats.Format.ID for column in kpi.columns)
    on_page = [row.name.text for row in build_rows(kpi, frame)][: frame.height]
    assert [row[0] for row in table[2:]] == [names.markdown_text(text) for text in on_page[: len(table) - 2]]


def test_artifacts_keep_the_spaces_at_which_french_does_not_break() -> None:
    assert escape("+91,4\u00a0% :\n225\u202f942\u00a0$") == "\\+91,4\u00a0% : 225\u202f942\u00a0\\$"


def test_markdown_section_hostile_names_stay_text(tmp_path: Path) -> None:
    drawing = write_drawing(tmp_path)
    for name, frame in hostile_frames().items():
        text = markdown_section(KPIS[name], frame, drawing, date(2021, 8, 30))
        html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
        page = PageText(html)
        assert page.tags <= {"h2", "p", "strong", "img", "table", "thead", "tbody", "tr", "th", "td"}
        assert html.count("<tr>") == 1 + len(HOSTILE)
        assert page.attributes <= {"src", "alt", "style"}


# Page


def test_render_page_every_number_of_the_tables_is_on_it(tmp_path: Path) -> None:
    frames = usual_frames()
    page = PageText(write_page(frames, tmp_path))
    expected = []
    for name, kpi in KPIS.items():
        frame = frames[name].reverse() if kpi.newest_first else kpi.rank(frames[name])
        shown = [column for column in kpi.columns if column.on_page and column.format is not formats.Format.ID][1:]
        for row in frame.iter_rows(named=True):
            expected += [formats.format_value(row[column.name], column.format) for column in shown]
        if kpi.totals:
            sums = {total: sum(frame[total].to_list()) for total in kpi.totals}
            expected += [
                formats.format_value(sums[column.name], column.format) if column.name in sums else ""
                for column in shown
            ]
    assert page.cells == expected
    text = "".join(page.text)
    assert write_title(frames) in text
    for name, kpi in KPIS.items():
        assert text.count(kpi.headline(frames[name])) == 1 + (name in FIVE)
        assert kpi.say(kpi.definition) in text
        assert f"What would change it: {CHANGES_WITH[name]}" in text


def test_render_page_says_periods_accounting_and_origin(tmp_path: Path) -> None:
    text = "".join(PageText(write_page(usual_frames(), tmp_path)).text)
    assert "The last year is the 12 months from 31 August 2020 to 30 August 2021, both days included" in text
    assert (
        "Records in: 1,205 = 1,204 loaded + 1 set aside; every blocking test of the star schema passed. Data quality."
        in text
    )
    assert "Made 2021-08-31 06:15 UTC · run run-1 · target local" in text
    assert "Read with care" not in text
    assert "not complete" not in text
    assert "Later orders" not in text


def test_render_page_unknown_counts_short_data_and_notes_are_said(tmp_path: Path) -> None:
    context = PageContext(
        as_of=date(2021, 8, 30),
        first_order_date=date(2021, 1, 1),
        last_order_date=date(2021, 9, 5),
        generated_at=CONTEXT.generated_at,
        run_id="<run>",
        target="local",
        rows=Totals(files=None, rows_in=None, rows_loaded=0, rows_quarantined=None),
        notes=("dbt warned: <b>late</b>",),
    )
    html = write_page(usual_frames(), tmp_path, context)
    text = "".join(PageText(html).text)
    assert "Records in: not known = 0 loaded + not known set aside; " in text
    assert "so that year is not complete. Later orders are not counted." in text
    assert "dbt warned: <b>late</b>" in text
    assert "<b>late" not in html


def test_render_page_tells_a_finding_at_the_number_it_touches_and_in_the_section_on_quality(tmp_path: Path) -> None:
    quality = Quality(
        tables=(TableRows("raw_stock_counts", 2, 1205, 1204, 1, datetime(2021, 8, 31, 6)),),
        tests_passed=124,
        tests_warned=2,
        findings=(
            Finding("orders of unexplained tax", 3, Decimal("12.50")),
            Finding("superseded orders", 7),
            Finding("<b>cats</b>", 1),
        ),
    )
    html = write_page(usual_frames(), tmp_path, replace(CONTEXT, quality=quality))
    text = {part.split('"')[0]: part for part in html.split('<section id="')[1:]}
    assert "Orders of unexplained tax: 3 ($12.50)." in text["store_performance"]
    under_tax = html[html.index('<h2 class="heading" id="tax"') : html.index('<h2 class="heading">Data quality')]
    assert under_tax.count("Orders of unexplained tax: 3 ($12.50).") == 1, "once for both KPIs under the heading"
    assert under_tax.index("Orders of unexplained tax") < under_tax.index('<section id="tax_ratio"')
    assert "Orders of unexplained tax" not in text["sales_by_month"]
    assert "1 record of raw_stock_counts set aside." in text["stock_cover"]
    assert "set aside" not in text["tax_ratio"]
    assert "Superseded orders: 7." in text["quality"]
    assert html.count("Superseded orders") == 1
    assert "by more than a cent; the effective rate moves with them." in text["quality"]
    assert "<td>1,205</td><td>1,204</td><td>1</td><td>2021-08-31 06:00 UTC</td>" in text["quality"]
    assert "124 tests passed, 2 found something" in html.split("<main>")[0]
    assert "3 ($12.50). &lt;b&gt;cats&lt;/b&gt;: 1. 1 record set aside." in html.split("<main>")[0]
    assert "<b>cats" not in html


def test_render_page_says_the_currency(tmp_path: Path) -> None:
    text = "".join(PageText(write_page(usual_frames(), tmp_path)).text)
    assert "All amounts are in US dollars." in text
    with speaking("en", "EUR"):
        html = write_page(usual_frames(), tmp_path)
    text = "".join(PageText(html).text)
    assert "All amounts are in euros." in text
    assert "Net sales (EUR)" in text
    assert "€" in text
    assert "$" not in text
    assert "USD" not in text


def test_render_page_hostile_names_stay_text_and_nothing_is_external(tmp_path: Path) -> None:
    html = write_page(hostile_frames(), tmp_path)
    page = PageText(html)
    assert all(address.startswith(("data:text/csv;charset=utf-8;base64,", "#")) for address in page.addresses)
    assert not {"iframe", "object", "link", "form", "img"} & page.tags
    assert html.count("<script>") == 1
    assert hashlib.sha256(html.split("<script>")[1].split("</script>")[0].encode()).digest() == base64.b64decode(
        re.findall(r"script-src 'sha256-([^']+)'", html)[0]
    )
    assert not any(name.startswith("on") for name in page.attributes)
    assert html.count("&lt;script&gt;") >= len(KPIS)
    assert "@import" not in html
    assert html.count("url(") == html.count("url(data:font/woff;base64,") == 2
    assert "default-src 'none'; font-src data:; style-src 'unsafe-inline'; script-src 'sha256-" in html


def test_render_page_usual_frames_hold_no_address_at_all(tmp_path: Path) -> None:
    html = write_page(usual_frames(), tmp_path)
    assert "http:" not in html
    assert "https:" not in html


def test_render_page_has_its_parts_in_order_and_a_link_to_each(tmp_path: Path) -> None:
    html = write_page(usual_frames(), tmp_path)
    parts = ["Sales over time", "Stores", "Hours", "Average order", "Categories, products and margin"]
    parts += ["Perishables and supply use", "What to order", "Bought together", "Customers and classes", "Tax"]
    parts += ["Data quality", "Definitions"]
    assert re.findall(r"<h2[^>]*>([^<]+)", html) == ["The five questions", *parts]
    nav = html.split("<nav")[1].split("</nav>")[0]
    assert re.findall(r'<a href="#[^"]+">([^<]+)', nav) == parts
    five = html.split('<section class="five"')[1].split("</section>")[0]
    assert re.findall(r'<a href="#([^"]+)"', five) == list(FIVE)


def test_render_page_is_accessible(tmp_path: Path) -> None:
    html = write_page(usual_frames(), tmp_path)
    page = PageText(html)
    assert '<html lang="en">' in html
    assert "<title>Retail report, 30 August 2021</title>" in html
    assert html.count("<caption") == html.count("<table") == len(KPIS)
    assert html.count("<h1>") == 1
    assert html.count('<svg role="img"') == 2 * len(KPIS)
    assert html.count("<th ") == html.count('<th scope="col"') + html.count('<th scope="row"')
    ids = [address[1:] for address in page.addresses if address.startswith("#")]
    assert all(f'id="{name}"' in html for name in ids)


def test_render_page_long_table_folds_and_is_capped(tmp_path: Path) -> None:
    frames = usual_frames()
    frames["sales_per_customer"] = pl.concat([frames["sales_per_customer"]] * 500)
    html = write_page(frames, tmp_path)
    text = "".join(PageText(html).text)
    assert html.count("<details>") == 1
    assert "the first 10 of 1,000 rows" in text
    assert "Show rows 11 to 200" in text
    assert "The page shows 200 of 1,000 rows; all are in sales_per_customer.parquet." in text
    assert (
        text.count("Ava Cole") == MAX_ROWS // 2 + 2
    )  # the rows, and the sentence in its section and among the five questions


@pytest.mark.parametrize("case", list(ODD))
def test_render_page_any_frames_render_the_same_twice(case: str, tmp_path: Path) -> None:
    assert write_page(ODD[case](), tmp_path) == write_page(ODD[case](), tmp_path)


def test_render_page_missing_kpi_raises(tmp_path: Path) -> None:
    frames = usual_frames()
    del frames["tax_ratio"]
    with pytest.raises(ValueError, match="missing or unknown: tax_ratio"):
        render_page(frames, tmp_path / "index.html", CONTEXT)


def test_render_page_missing_chart_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=rf"{next(iter(KPIS))}\.svg"):
        render_page(usual_frames(), tmp_path / "index.html", CONTEXT)
