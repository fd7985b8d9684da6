"""What the notebook's cells show: tables, charts and texts that nothing in the data can turn into markup."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO

import polars as pl
import pytest
from IPython.display import HTML, Markdown
from PIL import Image

from infra import showing
from reports.kpis import KPIS

ATTACK = '<script>alert("1")</script> ![x](http://example.org) $x$'


def tax_ratio(name: str) -> pl.DataFrame:
    """The KPI with one store, and the row of all stores."""
    rows = [("s1", name, Decimal("1.25"), Decimal("25.00"), 0.05, 0.05, 0.0)]
    total = (None, "All stores", *rows[0][2:])
    return pl.DataFrame([*rows, total], schema=KPIS["tax_ratio"].schema, orient="row")


def test_rows_show_numbers_at_the_right_and_texts_as_they_are() -> None:
    frame = pl.DataFrame({"name": [ATTACK, None], "count": [1234567, 1], "usd": [Decimal("1234.50"), None]})
    shown = showing.show_rows(frame).data
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown
    assert '<td style="text-align: right">1,234,567</td><td style="text-align: right">1,234.50</td>' in shown
    assert shown.count("<tr>") == 3


def test_columns_are_a_small_picture_with_its_title_for_who_cannot_see_it() -> None:
    picture = showing.show_columns(
        pl.DataFrame({"hour_number": [7, 8, 10], "order_count": [3, 2, 1]}), "Orders by hour"
    )
    assert Image.open(BytesIO(picture.data)).size == (700, 260)
    assert picture.alt == "Orders by hour"
    assert len(picture.data) < 30_000


def test_kpi_shows_question_answer_chart_rows_and_query_and_no_live_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    monkeypatch.setattr(showing, "display", shown.append)
    kpi = KPIS["tax_ratio"]
    showing.show_kpi(kpi, "select 1", tax_ratio(ATTACK))
    words, picture, table, definition = shown
    assert isinstance(words, Markdown)
    assert kpi.question in words.data
    assert picture.data.startswith(b"\x89PNG")  # type: ignore[attr-defined]
    assert isinstance(table, HTML)
    assert table.data.count("<tr>") == 3
    assert "s1" not in table.data
    assert isinstance(definition, Markdown)
    assert "```sql\nselect 1\n```" in definition.data
    assert "&lt;script&gt;" in table.data
    for text in (words.data, table.data, definition.data):
        assert "<script" not in text
    assert "![x](http" not in words.data


def test_dollar_signs_are_no_formulas() -> None:
    shown = showing.show_headlines({"tax_ratio": KPIS["tax_ratio"]}, {"tax_ratio": tax_ratio("North")}).data
    assert shown.startswith("- **Tax")
    assert "\\$" in shown
    assert "$" not in shown.replace("\\$", "")
