"""The report page in a real Chromium: it shows its charts, runs nothing, and fits each screen.

A script of a host page measures it under the page's own Content-Security-Policy; axe-core judges a copy without it.
"""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import axe_core_python
import polars as pl
import pytest
from PIL import Image

from reports.kpis import KPIS
from reports.languages import Language, speaking
from reports.page import PageContext, Totals, render_page
from reports.render import render_svg
from reports.theme import NET
from tests.browser.browsing import run_chromium
from tests.unit.odd_shops import SHOPS

pytestmark = pytest.mark.browser

ATTACK = "<img src=x onerror=\"document.title='attacked'\"><script>document.title='attacked'</script>"
WIDTHS = (320, 375, 390, 768, 1280)
CHECKED_BY_AXE = (390, 768, 1280)
FAULTY = 200  # the width of a frame whose faults axe must find
SCHEMES = {"dark": 0, "light": 1}  # Blink's mojom::PreferredColorScheme
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
HOST = """<!doctype html><meta charset="utf-8"><body style="margin:0"><pre id="found"></pre>
<script>
const measure = (page) => {{
  const root = page.documentElement, view = page.defaultView;
  const texts = [...page.querySelectorAll("figure svg text")].filter((text) => text.getBoundingClientRect().width);
  return {{
    title: page.title,
    dark: view.matchMedia("(prefers-color-scheme: dark)").matches,
    drawings: [...page.querySelectorAll("figure svg")].map((svg) => svg.getBoundingClientRect().width).filter(Boolean),
    smallest: Math.min(...texts.map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)),
    outside: texts.filter((text) => {{
      const box = text.getBoundingClientRect(), svg = text.ownerSVGElement.getBoundingClientRect();
      const isBeside = box.left < svg.left - 1 || box.right > svg.right + 1;
      return isBeside || box.top < svg.top - 1 || box.bottom > svg.bottom + 1;
    }}).map((text) => text.textContent),
    beyond: [...page.querySelectorAll("h1, h2, h3, p, li, dt, dd, figure, summary, caption")].filter((each) => {{
      const box = each.getBoundingClientRect();
      return box.width && !each.closest("table") && (box.left < -1 || box.right > root.clientWidth + 1);
    }}).map((each) => each.textContent.slice(0, 60)),
    scrolled: [...page.querySelectorAll(".scroll")].filter((box) => box.scrollWidth > box.clientWidth + 1)
      .map((box) => `${{box.querySelector("table").className}} ${{box.scrollWidth}}`),
    sorted: (() => {{
      const table = page.querySelector("table.sales_per_customer"), button = table.querySelector("thead button");
      button.click();
      button.click();
      return [button.parentNode.getAttribute("aria-sort"), table.tBodies[0].rows[0].cells[0].textContent];
    }})(),
    rows: page.querySelectorAll("tbody tr").length,
    width: root.clientWidth,
    needed: root.scrollWidth,
    requests: view.performance.getEntriesByType("resource").map((each) => each.name)
      .filter((name) => !name.startsWith("data:")),
    scripts: page.querySelectorAll("script:not(:last-child), [onerror]").length,
    broken: [...page.querySelectorAll("nav a")].filter((a) => !page.getElementById(a.hash.slice(1))).length,
    text: Math.min(...[...page.querySelectorAll("p, td, dd")].map((e) => parseFloat(getComputedStyle(e).fontSize))),
  }};
}};
const check = async (frame) => {{
  const done = await frame.contentWindow.axe.run({{resultTypes: ["violations"]}});
  return done.violations.filter((each) => ["serious", "critical"].includes(each.impact))
    .map((each) => `${{each.id}}: ${{each.help}}: ${{each.nodes.slice(0, 3).map((node) => node.html).join(" ")}}`);
}};
addEventListener("load", async () => {{
  const found = {{}};
  for (const frame of document.querySelectorAll("iframe.seen")) {{
    found[frame.width] = measure(frame.contentDocument);
  }}
  for (const frame of document.querySelectorAll("iframe.checked")) {{
    found[frame.width] = {{...found[frame.width], axe: await check(frame)}};
  }}
  document.getElementById("found").textContent = JSON.stringify(found);
}});
</script>
{frames}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of hostile names in English, and one of an ordinary shop in French."""
    hostile = {name: make_frame(name) for name in KPIS}
    return {
        "hostile": write_page(hostile, tmp_path_factory.mktemp("hostile"), "en"),
        "french": write_page(SHOPS["usual"].frames, tmp_path_factory.mktemp("french"), "fr"),
    }


def write_page(frames: dict[str, pl.DataFrame], folder: Path, language: Language) -> Path:
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
    with speaking(language):
        for name, frame in frames.items():
            render_svg(KPIS[name], frame, folder)
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


def measure_page(chromium: str, page: Path, folder: Path, scheme: str) -> dict[int, Any]:
    """What is seen of the page at each width, and what axe finds serious or critical in a copy that admits its script.

    The page stands in frames, because Chromium's window cannot be narrower than about 500 pixels.
    """
    text = page.read_text(encoding="utf-8")
    axe = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    admitting = POLICY.sub("", text, count=1).replace("<head>", f"<head><script>{axe}</script>", 1)
    assert admitting.count("Content-Security-Policy") == 0
    faulty = (
        f'<html lang="en"><title>Faulty</title><script>{axe}</script><p style="color:#ccc">Pale</p><img src="data:,">'
    )
    frame = '<iframe class="{kind}" width="{width}" style="border:0;height:3000px" srcdoc="{page}"></iframe>'
    frames = [frame.format(kind="seen", width=width, page=html.escape(text)) for width in WIDTHS]
    frames += [frame.format(kind="checked", width=width, page=html.escape(admitting)) for width in CHECKED_BY_AXE]
    frames.append(frame.format(kind="checked", width=FAULTY, page=html.escape(faulty)))
    host = folder / "host.html"
    host.write_text(HOST.format(frames="\n".join(frames)), encoding="utf-8")
    settings = f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}"
    dom = run_chromium(chromium, folder / "profile", host.as_uri(), settings, "--dump-dom")
    found = re.search(r'<pre id="found">(.+?)</pre>', dom)
    assert found, dom[:500]
    return {int(width): seen for width, seen in json.loads(html.unescape(found[1])).items()}


@pytest.fixture(scope="module")
def seen(chromium: str, pages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The hostile page on a light screen and the French page of an ordinary shop on a dark one, at each width."""
    return {
        name: measure_page(chromium, pages[name], tmp_path_factory.mktemp(name), scheme)
        for name, scheme in (("hostile", "light"), ("french", "dark"))
    }


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["hostile", "french"])
def test_report_page_at_any_width_shows_all_and_does_not_overflow(seen: dict[str, Any], name: str, width: int) -> None:
    found = seen[name][width]
    assert (found["width"], found["needed"]) == (width, width)
    assert found["dark"] is (name == "french")
    assert len(found["drawings"]) == len(KPIS)  # the wide or the narrow one of each
    assert all(0.8 * min(width, 960) <= shown <= width for shown in found["drawings"])  # no sideways scrolling
    assert found["smallest"] >= (32 / 3 if width >= 375 else 9)  # 8 points are 10.67 pixels
    assert found["outside"] == []
    assert found["beyond"] == []
    assert found["requests"] == []
    assert found["text"] >= 13
    assert found["broken"] == 0


@pytest.mark.parametrize("width", CHECKED_BY_AXE)
@pytest.mark.parametrize("name", ["hostile", "french"])
def test_axe_finds_nothing_serious_on_a_light_or_dark_screen(seen: dict[str, Any], name: str, width: int) -> None:
    assert seen[name][width]["axe"] == []


def test_axe_is_at_work(seen: dict[str, Any]) -> None:
    assert [fault.partition(":")[0] for fault in seen["hostile"][FAULTY]["axe"]] == ["color-contrast", "image-alt"]


def test_no_table_of_the_page_needs_sideways_scrolling_on_a_desk(seen: dict[str, Any]) -> None:
    assert seen["french"][1280]["scrolled"] == [], seen["french"][1280]["scrolled"]


def test_report_page_hostile_text_runs_nothing(seen: dict[str, Any]) -> None:
    found = seen["hostile"][1280]
    assert found["title"] == "Retail report, 30 August 2021"
    assert found["scripts"] == 0
    assert found["rows"] == 30 * len(KPIS)


def test_report_page_opened_as_a_file_is_painted(chromium: str, pages: dict[str, Path], tmp_path: Path) -> None:
    shot = tmp_path / "page.png"
    url = pages["hostile"].as_uri()
    run_chromium(chromium, tmp_path / "profile", url, f"--screenshot={shot}", "--window-size=1280,2400")
    with Image.open(shot) as image:
        assert image.size == (1280, 2400)
        colors = {color for _, color in image.convert("RGB").getcolors(maxcolors=2**24) or []}
    assert tuple(bytes.fromhex(NET[1:])) in colors  # bars
    assert (27, 39, 51) in colors  # text


def test_report_page_tables_are_sorted_by_the_script_that_the_policy_admits(seen: dict[str, Any]) -> None:
    how, first = seen["hostile"][1280]["sorted"]
    assert how == "ascending"
    assert first.startswith("<img")  # "<" comes before all letters
