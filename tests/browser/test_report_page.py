"""The report page in a real Chromium: it shows its charts, runs nothing and fits narrow screens.

The page stands in a frame of the wanted width, because Chromium's window cannot be narrower than about 500 pixels; a
script of the frame's host measures it, under the page's own Content-Security-Policy.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from reports.kpis import KPIS
from reports.page import PageContext, Totals, render_page
from reports.render import render_svg
from reports.theme import NET

pytestmark = pytest.mark.browser

ATTACK = "<img src=x onerror=\"document.title='attacked'\"><script>document.title='attacked'</script>"
HOST = """<!doctype html><meta charset="utf-8"><body style="margin:0"><pre id="found"></pre>
<iframe id="page" style="border:0;width:{width}px;height:3000px" srcdoc="{page}"></iframe>
<script>
document.getElementById("page").addEventListener("load", (event) => {{
  const page = event.target.contentDocument, root = page.documentElement;
  document.getElementById("found").textContent = JSON.stringify({{
    title: page.title,
    drawings: [...page.querySelectorAll("figure svg")].map((svg) => svg.getBoundingClientRect().width).filter(Boolean),
    smallest: Math.min(...[...page.querySelectorAll("figure svg text")]
      .filter((text) => text.getBoundingClientRect().width)
      .map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)),
    outside: [...page.querySelectorAll("figure svg text")].filter((text) => {{
      const box = text.getBoundingClientRect(), svg = text.ownerSVGElement.getBoundingClientRect();
      return box.width && (box.left < svg.left - 1 || box.right > svg.right + 1);
    }}).map((text) => text.textContent),
    sorted: (() => {{
      const table = page.querySelector("table.sales_per_customer"), button = table.querySelector("thead button");
      button.click();
      button.click();
      return [button.parentNode.getAttribute("aria-sort"), table.tBodies[0].rows[0].cells[0].textContent];
    }})(),
    rows: page.querySelectorAll("tbody tr").length,
    width: root.clientWidth,
    needed: root.scrollWidth,
    scripts: page.querySelectorAll("script:not(:last-child), [onerror]").length,
    broken: [...page.querySelectorAll("nav a")].filter((a) => !page.getElementById(a.hash.slice(1))).length,
    text: Math.min(...[...page.querySelectorAll("p, td, dd")].map((e) => parseFloat(getComputedStyle(e).fontSize))),
  }});
}});
</script>"""


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and os.environ.get("RETAIL_SKIP_BROWSER") == "1":
        pytest.skip("no Chromium on the PATH, and RETAIL_SKIP_BROWSER=1 allows to go without")
    if found is None:
        pytest.fail(
            "no Chromium on the PATH: apt-get install chromium, or set RETAIL_SKIP_BROWSER=1 to skip these tests"
        )
    return found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    frames = {name: make_frame(name) for name in KPIS}
    for name, frame in frames.items():
        render_svg(KPIS[name], frame, folder)
    context = PageContext(
        as_of=date(2021, 8, 30),
        first_order_date=date(2018, 9, 1),
        last_order_date=date(2021, 8, 30),
        generated_at=datetime(2021, 8, 31, 6, 15, tzinfo=UTC),
        run_id="run-1",
        target="local",
        rows=Totals(files=6, rows_in=1205, rows_loaded=1204, rows_quarantined=1),
        notes=(ATTACK, "w" * 400),
    )
    return render_page(frames, folder / "index.html", context)


def make_frame(name: str) -> pl.DataFrame:
    """30 rows of large numbers under names that try to run, to overflow and to turn the line."""
    names = [ATTACK, "W" * 200, "\N{HEBREW LETTER SHIN}" * 20, *(f"Name {number}" for number in range(27))]
    values: dict[Any, list[Any]] = {
        pl.Int64(): [1234567] * 30,
        pl.Decimal(18, 2): [Decimal("1234567890.12")] * 30,
        pl.Float64(): [0.12345] * 30,
        pl.String(): names,
        pl.Date(): [date(2021, 8, 30)] * 30,
        pl.Datetime("us"): [datetime(2021, 8, 30, 7)] * 30,
        pl.Boolean(): [True] * 30,
    }
    return pl.DataFrame(
        {column: values[dtype] for column, dtype in KPIS[name].schema.items()}, schema=KPIS[name].schema
    )


def run_chromium(chromium: str, profile: Path, url: str, *options: str) -> str:
    command = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--virtual-time-budget=5000",
        f"--user-data-dir={profile}",
        *options,
        url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def measure_page(chromium: str, page: Path, folder: Path, width: int) -> dict[str, Any]:
    host = folder / "host.html"
    host.write_text(HOST.format(width=width, page=html.escape(page.read_text(encoding="utf-8"))), encoding="utf-8")
    dom = run_chromium(chromium, folder / "profile", host.as_uri(), "--dump-dom")
    found = re.search(r'<pre id="found">(.+?)</pre>', dom)
    assert found, dom[:500]
    measured: dict[str, Any] = json.loads(html.unescape(found[1]))
    return measured


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_report_page_at_any_width_shows_all_and_does_not_overflow(
    chromium: str, page: Path, tmp_path: Path, width: int
) -> None:
    found = measure_page(chromium, page, tmp_path, width)
    assert found["width"] == width
    assert found["needed"] == width
    assert len(found["drawings"]) == len(KPIS)  # the wide or the narrow one of each
    assert all(0.8 * min(width, 960) <= shown <= width for shown in found["drawings"])  # no sideways scrolling
    assert found["smallest"] >= (32 / 3 if width >= 375 else 9)  # 8 points are 10.67 pixels
    assert found["outside"] == []
    assert found["rows"] == 30 * len(KPIS)
    assert found["text"] >= 13
    assert found["broken"] == 0


def test_report_page_hostile_text_runs_nothing(chromium: str, page: Path, tmp_path: Path) -> None:
    found = measure_page(chromium, page, tmp_path, 1280)
    assert found["title"] == "Retail report, 30 August 2021"
    assert found["scripts"] == 0


def test_report_page_opened_as_a_file_is_painted(chromium: str, page: Path, tmp_path: Path) -> None:
    shot = tmp_path / "page.png"
    run_chromium(chromium, tmp_path / "profile", page.as_uri(), f"--screenshot={shot}", "--window-size=1280,2400")
    with Image.open(shot) as image:
        assert image.size == (1280, 2400)
        colors = {color for _, color in image.convert("RGB").getcolors(maxcolors=2**24) or []}
    assert tuple(bytes.fromhex(NET[1:])) in colors  # bars
    assert (27, 39, 51) in colors  # text


def test_report_page_tables_are_sorted_by_the_script_that_the_policy_admits(
    chromium: str, page: Path, tmp_path: Path
) -> None:
    how, first = measure_page(chromium, page, tmp_path, 1280)["sorted"]
    assert how == "ascending"
    assert first.startswith("<img")  # "<" comes before all letters
