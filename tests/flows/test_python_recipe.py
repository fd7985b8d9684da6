"""The recipe of docs/python-models.md, pasted into a copy of the project: how many lines it takes, what it brings."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from reports.kpis.kpi import Kpi, check_frame
from reports.page import build_section
from reports.render import render_svg
from tests.conftest import PROJECT, Finished
from tests.redshift_python.runs import Outcome, on_duckdb

DOC = (PROJECT / "docs" / "python-models.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", DOC, re.MULTILINE | re.DOTALL)
PLACES = re.findall(r"`((?:dbt|reports)/[\w/]+\.(?:py|sql|yml))`", DOC.split("## One more")[1])
ENDS = {"plain.py": ")\n"}  # what a block stands before, where a file does not end with its list


@dataclass(frozen=True)
class Recipe:
    """What dbt made of the model and its tests, the mart, and the KPI with its checked frame."""

    outcomes: dict[str, Outcome]
    mart: pl.DataFrame
    orders: pl.DataFrame
    kpi: Kpi
    frame: pl.DataFrame


def paste(project: Path) -> None:
    """Put each block where the line before it says: a file of its own, or the end of one that is there."""
    for place, (_, text) in zip(PLACES, BLOCKS, strict=False):
        path = project / place
        end = ENDS.get(path.name, "")
        held = path.read_text(encoding="utf-8") if path.exists() else ""
        assert held.endswith(end)
        path.write_text(held.removesuffix(end) + text + end, encoding="utf-8")


@pytest.fixture(scope="module")
def recipe(tiny_run: Finished, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    project = tmp_path_factory.mktemp("recipe")
    made = shutil.ignore_patterns("target", "logs", "__pycache__")
    shutil.copytree(PROJECT / "dbt", project / "dbt", ignore=made)
    shutil.copytree(PROJECT / "reports" / "kpis", project / "reports" / "kpis", ignore=made)
    warehouse = Path(shutil.copy(tiny_run.work_dir / "warehouse.duckdb", project))
    paste(project)
    with on_duckdb(project / "dbt", warehouse) as dbt:
        outcomes = dbt.run("build", "--select", "typical_orders")
        dbt.run("compile", "--select", "typical_order_by_weekday")
    sql = (project / "dbt/target/compiled/retail/analysis/typical_order_by_weekday.sql").read_text(encoding="utf-8")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        mart = connection.sql("from data_mart.typical_orders").pl()
        orders = connection.sql("select order_date, item_count from data_mart.fact_orders").pl()
        frame = connection.sql(sql).pl()
    names: dict[str, Any] = {}
    exec((project / "reports/kpis/plain.py").read_text(encoding="utf-8"), names)
    kpi = names["PLAIN"][-1]
    return Recipe(outcomes, mart, orders, kpi, check_frame(kpi, frame))


def test_recipe_takes_less_than_25_lines_from_idea_to_page() -> None:
    lines = [line for _, text in BLOCKS for line in text.splitlines() if line]
    assert [kind for kind, _ in BLOCKS] == ["python", "yaml", "sql", "yaml", "python"]
    assert len(lines) == int(re.search(r"in (\d+) lines", DOC)[1]) < 25  # type: ignore[index]


def test_pasted_model_is_built_and_tested(recipe: Recipe) -> None:
    assert {outcome.status for outcome in recipe.outcomes.values()} <= {"success", "pass"}, recipe.outcomes
    nodes = {name for name in recipe.outcomes if not name.startswith("retail-on-run-")}
    assert nodes == {"typical_orders", "not_null_typical_orders_weekday_number"}
    assert dict(recipe.mart.schema) == {"weekday_number": pl.Int64, "median_item_count": pl.Int64}


def test_pasted_model_says_what_its_orders_say(recipe: Recipe) -> None:
    weekdays: dict[int, list[int]] = {}
    for day, count in recipe.orders.iter_rows():
        weekdays.setdefault(day.isoweekday(), []).append(count)
    expected = {day: float(pl.Series(counts).median()) for day, counts in weekdays.items()}  # type: ignore[arg-type]
    assert {day: pytest.approx(expected[day], abs=0.5) for day, _ in recipe.mart.iter_rows()} == dict(
        recipe.mart.iter_rows()
    )
    assert set(expected) == set(recipe.mart["weekday_number"])


def test_pasted_kpi_is_a_section_of_the_page(recipe: Recipe, tmp_path: Path) -> None:
    render_svg(recipe.kpi, recipe.frame, tmp_path)
    section = build_section(recipe.kpi, recipe.frame, tmp_path)
    assert recipe.frame["weekday_number"].is_sorted()
    assert recipe.frame.sort("weekday_number").equals(recipe.mart.sort("weekday_number"))
    assert recipe.kpi.headline(recipe.frame).startswith(("Monday: Items", "Tuesday: Items", "Wednesday: Items"))
    assert [row.cells[0].text for row in section.rows] == [str(n) for n in recipe.frame["median_item_count"]]
