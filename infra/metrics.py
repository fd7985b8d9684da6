"""The retailer's questions, answered by MetricFlow from the marts: the metrics of dbt/models/_semantic_models.yml.

`python infra/metrics.py` prints a table for each question; `--csv FOLDER` writes them as files instead. What is asked
here is also in the KPI tables of the report, and a test holds the two equal; another question takes one line.
"""

from __future__ import annotations

import argparse
import atexit
import csv
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flows.marts.environment import hold_environment
from flows.marts.runner import release_warehouse
from flows.run.settings import Settings, load_settings
from flows.run.target import dbt_environment

if TYPE_CHECKING:
    from metricflow.engine.metricflow_engine import MetricFlowEngine

SHOWN_ROWS = 12


@dataclass(frozen=True)
class Question:
    """Metrics and what they are split by, in MetricFlow's words; `years` back from as_of, or everything up to it."""

    name: str
    text: str
    metrics: tuple[str, ...]
    by: tuple[str, ...]
    order: str
    years: int | None = None


STORE = ("store", "store__store_name")
QUESTIONS = (
    Question("customers", "Who bought most in the last year?", ("order_count", "net_sales", "gross_sales"),
             ("customer", "customer__customer_name"), "-net_sales", years=1),
    Question("average_orders", "What does an order bring in, store by store?",
             ("order_count", "average_order_gross", "average_order_net"), STORE, "-average_order_gross"),
    Question("categories", "Which kinds of product sell?", ("item_count", "item_sales"),
             ("product__product_type",), "-item_sales"),
    Question("taxes", "Does the tax fit the sales?", ("tax", "net_sales", "tax_ratio"), STORE, "store__store_name"),
    Question("classes", "What did each class of customers bring in, in the last year?",
             ("customer_count", "net_sales"), ("customer__customer_status",), "-net_sales", years=1),
    Question("stores", "How did the stores do in the last year?",
             ("customer_count", "order_count", "net_sales", "tax", "margin", "margin_ratio"),
             STORE, "-net_sales", years=1),
    Question("refunds", "What was given back in the last year?", ("refunds",), STORE, "-refunds", years=1),
    Question("months", "How do sales grow on the year before?", ("order_count", "net_sales", "net_sales_growth"),
             ("metric_time__month",), "metric_time__month"),
)  # fmt: skip

Answer = tuple[Question, Sequence[str], Sequence[Sequence[Any]]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--csv", type=Path, help="write one CSV file for each question into this folder")
    options = parser.parse_args()
    settings = load_settings()
    if settings.target == "local" and not settings.duckdb_path.is_file():
        print("There is no warehouse yet. Make one first: make run", file=sys.stderr)
        return 1
    try:
        for answer in ask(settings, QUESTIONS):
            write_csv(options.csv, answer) if options.csv else print_table(answer)
    finally:
        release_warehouse(settings)
    return 0


def ask(settings: Settings, questions: Sequence[Question]) -> Iterator[Answer]:
    """The answers to the questions, each with the names of its columns and its rows."""
    engine = open_engine(settings)
    as_of = settings.as_of or last_order_date(engine, settings)
    for question in questions:
        yield question, *_query(engine, question, as_of)


def open_engine(settings: Settings) -> MetricFlowEngine:
    """MetricFlow on the warehouse of the settings, through dbt's own adapter.

    Raises:
        RuntimeError: dbt cannot read its project.
    """
    held = ExitStack()
    atexit.register(held.close)  # the adapter reads its environment as long as it is used
    variables = held.enter_context(dbt_environment(settings))
    held.enter_context(hold_environment(variables | {"DBT_LOG_PATH": str(settings.dbt_target_dir / "logs")}))
    from dbt.adapters.factory import get_adapter_by_type
    from dbt.cli.main import dbtRunner
    from dbt_metricflow.cli.dbt_connectors.adapter_backed_client import AdapterBackedSqlClient
    from metricflow.engine.metricflow_engine import MetricFlowEngine
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    project, target = str(settings.dbt_project_dir), settings.dbt_target_dir.parent / "metrics"
    folders = ["--project-dir", project, "--profiles-dir", project, "--target-path", str(target)]
    parsed = dbtRunner().invoke(["parse", "--quiet", "--target", settings.target, *folders])
    if not parsed.success:
        raise RuntimeError(f"dbt cannot read its project: {parsed.exception}")
    manifest = parse_manifest_from_dbt_generated_manifest(
        (target / "semantic_manifest.json").read_text(encoding="utf-8")
    )
    client = AdapterBackedSqlClient(get_adapter_by_type({"local": "duckdb"}.get(settings.target, settings.target)))
    return MetricFlowEngine(SemanticManifestLookup(manifest), client)


def last_order_date(engine: MetricFlowEngine, settings: Settings) -> date:
    """The default as_of: the last order date that is not after the day its file was delivered."""
    table = f'"{settings.active_prefix}data_mart".fact_orders'
    found = engine._sql_client.query(f"select max(order_date) from {table} where not is_dated_after_delivery")  # noqa: S608, SLF001
    return _day(found.rows[0][0])


def print_table(answer: Answer) -> None:
    """The first rows, columns padded to their widest value."""
    question, columns, rows = answer
    shown = [columns, *([_spell(value) for value in row] for row in rows[:SHOWN_ROWS])]
    widths = [max(len(row[position]) for row in shown) for position in range(len(columns))]
    print(f"\n{question.text}")
    for row in shown:
        print("  " + "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip())
    if len(rows) > SHOWN_ROWS:
        print(f"  … {len(rows) - SHOWN_ROWS} more")


def write_csv(folder: Path, answer: Answer) -> None:
    """All rows as `<name of the question>.csv`."""
    question, columns, rows = answer
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{question.name}.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])


def _query(engine: MetricFlowEngine, question: Question, as_of: date) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

    start = _years_before(as_of, question.years) if question.years else None
    request = MetricFlowQueryRequest.create(
        metric_names=question.metrics,
        group_by_names=question.by,
        order_by_names=[question.order],
        time_constraint_start=datetime.combine(start, datetime.min.time()) if start else None,
        time_constraint_end=datetime.combine(as_of, datetime.min.time()),
    )
    table = engine.query(request).result_df
    if table is None:
        raise RuntimeError(f"MetricFlow has no answer to: {question.text}")
    return list(table.column_names), list(table.rows)


def _years_before(as_of: date, years: int) -> date:
    """The first day of the years that end on as_of; after 29 February that is 1 March."""
    try:
        before = as_of.replace(year=as_of.year - years)
    except ValueError:
        before = date(as_of.year - years, 2, 28)
    return date.fromordinal(before.toordinal() + 1)


def _day(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else value


def _spell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    return f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
