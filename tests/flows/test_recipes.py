"""The recipes of the docs, done word for word in one copy of the project, and one run of a shop that shows both."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from tests.checkouts import copy_checkout, plain_environment, read_blocks, run_command
from tests.tiny_shop import AS_OF, FILES, write_shop

CATALOGUE = Path("reports/locale/fr/LC_MESSAGES/reports.po")
BRANDS = {"p1": "Maison", "p2": "Thé & Co <Paris>", "p3": ""}
PAGES = ("index.html", "index.fr.html")


pytestmark = pytest.mark.timeout(1500)  # the first test waits for a whole run


@dataclass(frozen=True)
class Recipes:
    """The project with both recipes done: its report, and how many lines the one of the KPI took."""

    report: Path
    lines_of_kpi: int

    def section(self, page: str, kpi: str) -> str:
        html = (self.report / page).read_text(encoding="utf-8")
        return html.split(f'<section id="{kpi}"')[1].split("</section>")[0]


def git(checkout: Path, *arguments: str, given: str | None = None) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", *arguments],
        cwd=checkout,
        input=given,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def call(checkout: Path, command: str) -> str:
    done = run_command(command, checkout, plain_environment())
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


def append(path: Path, text: str, before: str = "") -> None:
    """Put the text at the end of a file, or before what it ends in."""
    held = path.read_text(encoding="utf-8")
    assert held.endswith(before)
    path.write_text(held.removesuffix(before) + text + before, encoding="utf-8")


def translate(checkout: Path, entries: str) -> None:
    """Write the translations of a recipe where `make words` left room for them."""
    assert "without a translation" in call(checkout, "make words")
    path = checkout / CATALOGUE
    held = path.read_text(encoding="utf-8")
    for message, translation in re.findall(r'^msgid "(.*)"\nmsgstr "(.*)"', entries, re.MULTILINE):
        empty = f'msgid "{message}"\nmsgstr ""\n'
        assert held.count(empty) == 1, message
        held = held.replace(empty, f'msgid "{message}"\nmsgstr "{translation}"\n')
    path.write_text(held, encoding="utf-8")
    assert " 0 without a translation" in call(checkout, "make words")


def add_column(checkout: Path) -> None:
    for change in read_blocks("docs/adding-a-column.md", "diff"):
        git(checkout, "apply", given=change)
    call(checkout, "make sources")
    translate(checkout, read_blocks("docs/adding-a-column.md", "po")[0])


def add_kpi(checkout: Path) -> None:
    [sql], [yaml], [python], [po] = (
        read_blocks("docs/adding-a-kpi.md", kind) for kind in ("sql", "yaml", "python", "po")
    )
    (checkout / "dbt/analysis/customers_by_month.sql").write_text(sql, encoding="utf-8")
    append(checkout / "dbt/analysis/_analysis.yml", yaml)
    append(checkout / "reports/kpis/plain.py", python, before=")\n")
    translate(checkout, po)


def count_changed_lines(checkout: Path) -> int:
    """Added and removed lines, but for the places of words, which a program notes."""
    git(checkout, "add", ".")
    changed = git(checkout, "diff", "--cached")
    return len(re.findall(r"^[+-](?![+-]{2} )(?!#: ).*$", changed, re.MULTILINE))


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Recipes:
    folder = tmp_path_factory.mktemp("recipes")
    checkout = copy_checkout(folder / "project")
    git(checkout, "init", "--quiet")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "before")
    add_kpi(checkout)
    lines = count_changed_lines(checkout)
    add_column(checkout)
    source = write_shop(folder / "source", raw_products=with_brands(FILES["raw_products.csv"]))
    run = f".venv/bin/python -m flows.pipeline --source {source} --work-dir {folder}/work --as-of {AS_OF}"
    call(checkout, run)
    return Recipes(folder / "work" / "reports" / "latest", lines)


def with_brands(products: str) -> str:
    header, *records = products.splitlines()
    return "\n".join([f"{header},brand", *(f"{each},{BRANDS[each.split(',')[0]]}" for each in records), ""])


def test_recipe_of_a_kpi_takes_thirty_lines(recipes: Recipes) -> None:
    assert recipes.lines_of_kpi <= 30


def test_recipe_of_a_kpi_brings_it_from_sql_to_the_page_in_both_languages(recipes: Recipes) -> None:
    frame = pl.read_parquet(recipes.report / "customers_by_month.parquet")
    orders = pl.read_parquet(recipes.report / "sales_by_month.parquet").filter(pl.col("order_count") > 0)
    assert frame["month_start_date"].to_list() == orders["month_start_date"].to_list()
    last = frame["customer_count"][-1]
    assert 0 < last <= orders["order_count"][-1]
    for page, title, month in zip(PAGES, ("Customers by month", "Clients par mois"), ("Month", "Mois"), strict=True):
        section = recipes.section(page, "customers_by_month")
        assert title in section
        assert section.count("<svg") == 2
        assert month in section
        assert f">{last}</td>" in section


def test_recipe_of_a_column_brings_it_from_the_file_to_the_page_in_both_languages(recipes: Recipes) -> None:
    frame = pl.read_parquet(recipes.report / "product_margin.parquet")
    sold = dict(frame.select("product_id", "brand").iter_rows())
    assert len(sold) == 3
    assert sold == {product: BRANDS[product] or "(none)" for product in sold}
    for page, heading in zip(PAGES, ("Brand", "Marque"), strict=True):
        section = recipes.section(page, "product_margin")
        assert f">{heading}<" in section
        assert "Thé &amp; Co &lt;Paris&gt;" in section
