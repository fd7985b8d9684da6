"""A shop's own customer classes, from its source profile through dbt to the words and colours of the page."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import jinja2
import polars as pl
import pytest

from flows.run.settings import load_settings
from reports.kpis import KPIS, check_frame
from reports.kpis.classes import color_classes
from reports.languages import Language, speaking
from reports.render import render_svg
from reports.theme import CLASSES, PALETTE
from tests.conftest import PROJECT
from tests.kpis.shop import Shop, order, usd
from tests.unit.test_reports import usual_frames, write_page

FIVE = {"Platine": 1000, "Étoile d'or": 500, "Argent": 100, "Cuivre": 10, "Ami": 0}
PROFILE = """
[shop]
classes = { Cuivre = 10, Platine = 1000.00, Ami = 0, "Étoile d'or" = 500, Argent = 100 }
"""
NAMES = ("revenue_by_class", "customer_classes_by_month")
SALES = {"a": "1000", "b": "999.99", "c": "500", "d": "100", "e": "9.99", "f": "0.01", "g": "0"}


@pytest.fixture
def shop(queries: dict[str, str], tmp_path: Path) -> Shop:
    """Seven customers, and the KPI queries with the classes of a profile in place of those of the seed."""
    (tmp_path / "shop.toml").write_text(PROFILE, encoding="utf-8")
    settings = load_settings(work_dir=str(tmp_path), profile=str(tmp_path / "shop.toml"))
    theirs = render_classes(settings.dbt_variables()["customer_classes"])
    changed = {name: queries[name].replace(render_classes(None), theirs) for name in NAMES}
    assert all(queries[name].count(render_classes(None)) == 1 for name in NAMES)
    return Shop(changed, fact_orders=[order(who, "2024-05-05", net, customer_id=who) for who, net in SALES.items()])


def render_classes(classes: list[list[str]] | None) -> str:
    """What dbt's macro writes into a query; dbt's own start and parsing would take half a minute."""
    macros = jinja2.Environment().from_string(
        (PROJECT / "dbt/macros/customer_sales.sql").read_text(encoding="utf-8"),
        globals={"var": lambda name, default: classes if name == "customer_classes" else default},
    )
    return str(macros.module.customer_classes('"warehouse"."data_mart"."customers_status"'))  # type: ignore[attr-defined]


def read_frame(shop: Shop, name: str) -> pl.DataFrame:
    return check_frame(KPIS[name], pl.DataFrame(shop.read(name), infer_schema_length=None))


def test_classes_of_a_profile_take_the_place_of_the_seed_the_highest_threshold_first(shop: Shop) -> None:
    columns = ("customer_status", "customer_count", "net_sales_last_year_usd")
    assert shop.pick("revenue_by_class", *columns) == [
        ("Platine", 1, usd("1000")),
        ("Étoile d'or", 2, usd("1499.99")),
        ("Argent", 1, usd("100")),
        ("Cuivre", 0, usd("0")),
        ("Ami", 2, usd("10")),
        ("Inactive", 1, usd("0")),
    ]


def test_classes_of_a_month_are_in_the_order_of_their_thresholds(shop: Shop) -> None:
    found = shop.pick("customer_classes_by_month", "customer_status", "customer_count")
    assert found == [("Inactive", 1), ("Ami", 2), ("Cuivre", 0), ("Argent", 1), ("Étoile d'or", 2), ("Platine", 1)]


@pytest.mark.parametrize(
    ("language", "question", "headline", "counts"),
    [
        (
            "en",
            "How much do the Platine, Étoile d'or, Argent, Cuivre and Ami customers bring?",
            "The class that brings most in the last year is Étoile d'or: $1,500 (57.5%) from 2 customers; "
            "Platine: $1,000 (38.3%) from 1 customer.",
            "Platine 1, Étoile d'or 2, Argent 1, Cuivre 0, Ami 2, Inactive 1.",
        ),
        (
            "fr",
            "Combien rapportent les clients Platine, Étoile d'or, Argent, Cuivre et Ami ?",
            "La classe qui rapporte le plus sur les 12 derniers mois",
            "Platine 1, Étoile d'or 2, Argent 1, Cuivre 0, Ami 2, Inactive 1.",
        ),
    ],
)
def test_words_of_the_page_name_the_classes_of_the_data(
    shop: Shop, language: Language, question: str, headline: str, counts: str
) -> None:
    revenue, by_month = KPIS["revenue_by_class"], KPIS["customer_classes_by_month"]
    frames = {kpi.name: read_frame(shop, kpi.name) for kpi in (revenue, by_month)}
    with speaking(language):
        assert revenue.ask(frames[revenue.name]).replace("\u00a0", " ").replace("\u202f", " ") == question
        assert revenue.headline(frames[revenue.name]).startswith(headline)
        assert by_month.headline(frames[by_month.name]).endswith(counts)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 6])
def test_question_names_few_classes_and_asks_of_each_where_they_are_one_or_many(count: int) -> None:
    names = [f"class {number}" for number in range(count)]
    rows = [(name, 1, Decimal(1), Decimal(1), 0.5, Decimal(0), Decimal(1)) for name in [*names, "Inactive"]]
    frame = pl.DataFrame(rows, schema=KPIS["revenue_by_class"].schema, orient="row")
    asked = KPIS["revenue_by_class"].ask(frame)
    assert all(name in asked for name in names) == (count in (0, 2, 5))
    assert (asked == "How much does each class of customers bring?") == (count not in (2, 5))
    assert "Inactive" not in asked


def test_lines_and_bars_of_other_classes_have_colours_of_their_own() -> None:
    colors = color_classes([*FIVE, "Inactive"])
    assert len(set(colors.values())) == 6
    assert [colors[name] for name in list(FIVE)[:3]] == [CLASSES[name] for name in ("Gold", "Silver", "Bronze")]
    assert color_classes(list(CLASSES)) == CLASSES
    assert color_classes(["Top", "Gold"]) == {"Top": CLASSES["Silver"], "Gold": CLASSES["Gold"]}
    assert list(color_classes([None, *FIVE])) == [None, *FIVE]
    assert len(color_classes([f"class {number}" for number in range(40)])) == 40


def test_chart_draws_each_class_in_its_colour(shop: Shop, tmp_path: Path) -> None:
    slots = {color: slot for slot, (color, _) in PALETTE.items()}
    render_svg(KPIS["customer_classes_by_month"], read_frame(shop, "customer_classes_by_month"), tmp_path)
    drawn = (tmp_path / "customer_classes_by_month.svg").read_text(encoding="utf-8")
    wanted = [slots[color] for color in color_classes([*FIVE, "Inactive"]).values()]
    assert [slot for slot in wanted if f'"f-{slot}' not in drawn] == []


@pytest.mark.parametrize(
    ("language", "asked"),
    [("en", "How much do the Or &amp; &lt;i&gt; and Ami customers bring?"), ("fr", "Or &amp; &lt;i&gt; et Ami")],
)
def test_page_asks_for_the_classes_of_the_data_as_text(tmp_path: Path, language: Language, asked: str) -> None:
    frames = usual_frames()
    status = pl.col("customer_status")
    for name in NAMES:
        two = frames[name].filter(status != ("Bronze" if name == "revenue_by_class" else "Silver"))
        frames[name] = two.with_columns(status.replace({"Gold": "Or & <i>", "Silver": "Ami", "Bronze": "Ami"}))
    with speaking(language):
        html = write_page(frames, tmp_path)
    assert html.count(asked) == 2  # among the five questions, and at its chart
    assert "<i>" not in html
    assert all(name not in html for name in ("Gold", "Silver", "Bronze"))
