"""The dbt project read as text: what dbt itself does not complain about. Runs no dbt."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.compare import dbt_relations
from reports.kpis import KPIS

DBT = Path(__file__).resolve().parents[2] / "dbt"
LAYERS = ("staging", "intermediate", "data_mart")
MODELS = sorted(path for layer in LAYERS for path in (DBT / "models" / layer).glob("*.sql"))
ANALYSES = sorted((DBT / "analysis").glob("*.sql"))
SQL_FILES = sorted(
    path for folder in ("models", "analysis", "tests", "macros") for path in (DBT / folder).rglob("*.sql")
)

FOREIGN_SQL = r"::|\bqualify\b|\bfilter\s*\(|\bconcat\s*\(|\bisodow\b|\bgenerate_series\b|\bvarchar\b(?!\()"

MART_TABLES = {
    "bridge_products_supplies",
    "dim_customers",
    "dim_date",
    "dim_product_versions",
    "dim_products",
    "dim_products_supplies",
    "dim_stores",
    "dim_supplies",
    "fact_orders",
    "fact_orders_items",
    "fact_refunds",
    "fact_stock_counts",
    "fact_stock_on_hand",
    "fact_supply_usage",
}
PYTHON_MARTS = {path.stem for path in (DBT / "models/data_mart").glob("*.py")}
# views of marts and marts built from them: the others wait for the gate, so that nothing is published untested
BEHIND_OTHER_MARTS = {"dim_customers", "dim_products_supplies"}
KPI_COLUMNS = {name: list(kpi.schema) for name, kpi in KPIS.items()}
READS_SOURCES = r"\b(source|loaded_records|delivered_records|raw_table|new_or_gone_keys)\("
LOOKS_AT_WHAT_CAME = {"int_touched_orders"}  # before staging is built: it says what of staging must be


@cache
def read_properties(kind: str) -> dict[str, dict[str, Any]]:
    """The entries of one kind (`models`, `analyses`, …) of all property files, by name."""
    documents = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in DBT.rglob("_*.yml"))
    return {entry["name"]: entry for document in documents for entry in document.get(kind) or []}


def read_code(path: Path) -> str:
    """The text without comments."""
    return re.sub(r"\{#.*?#\}|--[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def read_sql(path: Path) -> str:
    """The SQL without Jinja: statements are gone, each expression is the word `jinja`."""
    return re.sub(r"\{\{.*?\}\}", "jinja", re.sub(r"\{%.*?%\}", "", read_code(path), flags=re.DOTALL), flags=re.DOTALL)


def column_names(properties: dict[str, Any]) -> list[str]:
    """The documented columns, in order."""
    return [column["name"] for column in properties["columns"]]


def selected_columns(select: str) -> list[str]:
    """The names of the columns that a select list gives, from its last `select` to the `from` after it."""
    body = re.split(r"\bfrom\b", re.split(r"\bselect\b", select)[-1])[0]
    while "(" in body:
        body = re.sub(r"\([^()]*\)", "", body)
    return [re.findall(r"\w+", column)[-1] for column in body.split(",")]


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_model_documents_exactly_the_columns_it_gives(path: Path) -> None:
    last_cte = read_sql(path).rsplit("select * from", 1)[0]
    assert column_names(read_properties("models")[path.stem]) == selected_columns(last_cte)


@pytest.mark.parametrize("kind", ["models", "analyses", "seeds"])
def test_every_description_says_the_grain_and_every_column_its_meaning(kind: str) -> None:
    entries = read_properties(kind)
    assert entries
    undescribed = [
        f"{name}.{column['name']}"
        for name, entry in entries.items()
        for column in entry["columns"]
        if not column.get("description")
    ]
    assert undescribed == []
    assert [name for name, entry in entries.items() if not entry["description"].startswith("One row per ")] == []


def test_mart_columns_declare_a_type_with_its_length() -> None:
    bare = ("varchar", "decimal", "numeric", "text", "string")
    wrong = [
        f"{path.stem}.{column['name']}"
        for path in MODELS
        if path.parent.name == "data_mart"
        for column in read_properties("models")[path.stem]["columns"]
        if column.get("data_type", "string") in bare
    ]
    assert wrong == []


def test_mart_has_the_tables_of_the_star_schema() -> None:
    assert {path.stem for path in MODELS if path.parent.name == "data_mart"} == MART_TABLES


def test_every_mart_waits_for_the_gate() -> None:
    gate = "depends_on: {{ ref('int_build_gate') }}"
    marts = {path.stem: path.read_text(encoding="utf-8") for path in MODELS if path.parent.name == "data_mart"}
    assert {name for name, sql in marts.items() if gate not in sql} == BEHIND_OTHER_MARTS


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_model_ends_with_its_last_cte_and_only_staging_reads_sources(path: Path) -> None:
    sql = path.read_text(encoding="utf-8")
    is_staging = path.parent.name == "staging"
    assert sql.rstrip().endswith("select * from renamed" if is_staging else "select * from final")
    reads_sources = re.search(READS_SOURCES, sql) is not None
    assert reads_sources is (is_staging or path.stem in LOOKS_AT_WHAT_CAME)


@pytest.mark.parametrize("path", SQL_FILES, ids=lambda path: path.stem)
def test_sql_keeps_to_what_both_warehouses_understand(path: Path) -> None:
    assert re.findall(FOREIGN_SQL, read_sql(path).lower()) == []


def test_only_the_money_macros_divide() -> None:
    """1 / 2 is 0.5 on DuckDB and 0 on Redshift; the macros cast to double precision first."""
    assert [path.name for path in SQL_FILES if "/" in read_code(path)] == ["money.sql"]


def test_analyses_are_the_kpis() -> None:
    assert {path.stem for path in ANALYSES} == set(KPI_COLUMNS) == set(read_properties("analyses"))


@pytest.mark.parametrize("path", ANALYSES, ids=lambda path: path.stem)
def test_analysis_gives_the_columns_of_its_kpi_in_order(path: Path) -> None:
    assert selected_columns(read_sql(path)) == KPI_COLUMNS[path.stem]
    assert column_names(read_properties("analyses")[path.stem]) == KPI_COLUMNS[path.stem]


@pytest.mark.parametrize("path", ANALYSES, ids=lambda path: path.stem)
def test_analysis_reads_only_the_marts_in_a_fixed_order(path: Path) -> None:
    sql = path.read_text(encoding="utf-8")
    assert set(re.findall(r"ref\('(\w+)'\)", sql)) <= MART_TABLES | PYTHON_MARTS | {"customers_status"}
    assert "source(" not in sql
    assert re.search(r"from final\norder by .+\n\Z", sql)


@pytest.mark.parametrize("path", ANALYSES, ids=lambda path: path.stem)
def test_analysis_has_no_sign_that_a_database_driver_takes_for_a_parameter(path: Path) -> None:
    assert re.findall(r"[:%?]", read_sql(path)) == []


def test_two_warehouses_are_compared_by_every_model_of_sql_or_python() -> None:
    compared = {relation.table for relation in dbt_relations(DBT)}
    models = {path.stem for kind in ("sql", "py") for path in (DBT / "models").rglob(f"*.{kind}")}
    assert models - compared == {"int_build_gate"}
    assert {"product_affinity", "demand_forecasts", "reorder_suggestions"} < compared


def test_dbt_folder_is_no_python_package_that_would_hide_dbt() -> None:
    packages = {path.parent.relative_to(DBT).as_posix() for path in DBT.rglob("__init__.py")}
    assert packages == {"plugins/dbt_redshift_python", "plugins/demand"}


def test_gate_depends_on_everything_before_the_marts() -> None:
    """So every blocking test there is run before the first mart, and every mart is built after the gate."""
    gate = (DBT / "models/intermediate/int_build_gate.sql").read_text(encoding="utf-8")
    gated = set(re.findall(r"^    '(\w+)',$", gate, flags=re.MULTILINE))
    before = {path.stem for path in MODELS if path.parent.name != "data_mart"} - {"int_build_gate"}
    assert gated == before | {path.stem for path in (DBT / "seeds").glob("*.csv")}
    for path in MODELS:
        refs = set(re.findall(r"ref\('(\w+)'\)", path.read_text(encoding="utf-8")))
        if path.parent.name == "data_mart":
            assert refs & ({"int_build_gate"} | MART_TABLES), path.stem


def test_dates_move_by_months_and_never_by_years() -> None:
    """Redshift's DATEADD puts a year after 29 February on 1 March (r_DATEADD_function), DuckDB on 28 February."""
    by_years = re.compile(r"dateadd\s*\(\s*[\"']?y(?:ea)?r?s?\b|interval\s+'?-?\d*\s*years?\b", re.IGNORECASE)
    assert by_years.search("{{ dbt.dateadd('year', -1, 'd') }}")
    assert by_years.search("dateadd(yr, 1, d)")
    assert by_years.search("d - interval '1 year'")
    found = [path.name for path in SQL_FILES if by_years.search(path.read_text(encoding="utf-8"))]
    assert found == []


def test_default_of_unexplained_sales_is_half_a_percent() -> None:
    """A promise to users: above it a build fails (docs/history.md)."""
    project = yaml.safe_load((DBT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["vars"]["max_unexplained_ratio"] == 0.005
