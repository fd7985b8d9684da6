"""The shipped report on paper, in both languages: few sheets, letters that can be read, nothing cut in two."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from reports.chromium import print_pdf
from reports.kpis import KPIS
from tests.browser.browsing import run_chromium
from tests.browser.printed import Text, read_sheets
from tests.conftest import Finished

pytestmark = pytest.mark.browser

PAGES = ("index.html", "index.fr.html")
SHEETS = (6, 7)
SMALLEST = 7.95  # points: what a page calls 8 comes out as 7.99
HEADING = 12.0  # points
MIDDLE = 297.5  # points from the left edge of A4
SHEET_PIXELS = (192 / 25.4 * 96, 281 / 25.4 * 96)  # what the margins leave of a sheet
HOST = """<!doctype html><meta charset="utf-8"><pre id="found"></pre>
<script>
addEventListener("load", () => {{
  const frame = document.querySelector("iframe"), page = frame.contentDocument, view = frame.contentWindow;
  const seen = (kind) => [...page.querySelectorAll(kind)].filter((each) => each.getBoundingClientRect().height);
  const breaks = (kind) => [...new Set(seen(kind).map((each) => view.getComputedStyle(each).breakInside))];
  const after = (kind) => [...new Set(seen(kind).map((each) => view.getComputedStyle(each).breakAfter))];
  document.getElementById("found").textContent = JSON.stringify({{
    whole: [...breaks("figure"), ...breaks("tr"), ...breaks("table")],
    held: [...after(".heading"), ...after("h3"), ...after(".headline"), ...after("caption")],
    highest: Math.max(...seen("figure, table").map((each) => each.getBoundingClientRect().height)),
    drawings: seen("figure svg").length,
    wide: seen("table").filter((each) => each.offsetWidth > each.parentNode.clientWidth + 1).map((t) => t.className),
    rows: Object.fromEntries(seen("main section table").map((t) =>
      [t.className.split(" ")[1] || t.className, [...t.tBodies[0].rows].filter((row) => row.offsetHeight).length])),
    needed: page.documentElement.scrollWidth - page.documentElement.clientWidth,
  }});
}});
</script>
<iframe style="border:0;width:{width}px;height:3000px" srcdoc="{page}"></iframe>"""


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest, shipped_run: Finished) -> Path:
    return shipped_run.work_dir / "reports" / "latest" / str(request.param)


@pytest.fixture(scope="module")
def sheets(page: Path, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> list[list[Text]]:
    pdf = tmp_path_factory.mktemp("printed") / "report.pdf"
    print_pdf(page, pdf, chromium)
    return read_sheets(pdf.read_bytes())


def test_shipped_report_prints_on_six_or_seven_sheets(sheets: list[list[Text]]) -> None:
    assert SHEETS[0] <= len(sheets) <= SHEETS[1]
    assert all(len(texts) > 200 for texts in sheets)


def test_every_printed_text_is_at_least_eight_points_high(sheets: list[list[Text]]) -> None:
    """Chromium prints a page smaller as a whole where one of its tables is too wide for the sheet."""
    assert min(text.size for texts in sheets for text in texts) >= SMALLEST


def test_no_heading_stands_alone_at_the_foot_of_a_column(sheets: list[list[Text]]) -> None:
    headings = 0
    for texts in sheets:
        for column in ([each for each in texts if each.left < MIDDLE], [each for each in texts if each.left >= MIDDLE]):
            found = [each.up for each in column if each.size == pytest.approx(HEADING, abs=0.05)]
            headings += len(set(found))
            below = [len({round(each.up) for each in column if each.up < up - 2}) for up in found]
            assert all(lines > 5 for lines in below), below
    assert headings >= 10


def test_charts_tables_and_rows_are_printed_whole(page: Path, chromium: str, tmp_path: Path) -> None:
    """The page under its own rules for print, in a frame as wide as a sheet."""
    text = page.read_text(encoding="utf-8")
    assert text.count("@media print") == 2
    host = tmp_path / "host.html"
    as_printed = text.replace("@media print", "@media all").replace("@media (max-width: 47.9rem)", "@media not all")
    host.write_text(HOST.format(width=SHEET_PIXELS[0], page=html.escape(as_printed)), encoding="utf-8")
    found = re.search(
        r'<pre id="found">(.+?)</pre>', run_chromium(chromium, tmp_path / "profile", host.as_uri(), "--dump-dom")
    )
    assert found
    seen: dict[str, Any] = json.loads(html.unescape(found[1]))
    assert set(seen["whole"]) == {"avoid"}
    assert set(seen["held"]) == {"avoid"}
    assert seen["highest"] < SHEET_PIXELS[1] / 2
    assert seen["drawings"] == len(KPIS)
    assert seen["wide"] == []
    assert seen["needed"] == 0
    assert max(seen["rows"][name] for name in KPIS if name in seen["rows"]) <= 6
    assert set(KPIS) - set(seen["rows"]) == {"sales_by_weekday_hour", "repeat_purchase"}
