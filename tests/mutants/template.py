"""The warehouse that mutants are built in: the small shop, built, and the same one delivery behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb

from flows.lake.contracts import CONTRACTS
from flows.lake.sources import find_sources
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion
from tests.mutants.stages import GONE, SALES, write_stages
from tests.mutants.worker import BUILT, LISTS_BEHIND, LOST, SALES_BEHIND, WARNED, Verdict, Workshop
from tests.small_shop import write_small_shop

DBT = Path(__file__).resolve().parents[2] / "dbt"
WITHOUT_TESTS = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
PROFILE = """
retail:
  target: local
  outputs:
    local:
      type: duckdb
      path: warehouse.duckdb
      schema: data_mart
      threads: 1
      settings: {threads: 1, memory_limit: 2GB}
"""


def make_template(folder: Path) -> Path:
    """Ingest and build the small shop in `folder/template`, and say where that is.

    It comes in stages (`write_stages`): so a build of a warehouse that lags behind has to find what is new, changed,
    moved and gone.

    Raises:
        AssertionError: the project as it stands does not build; its mutants would all be "caught".
    """
    template = folder / "template"
    copy_project(DBT, template / "project")
    (template / "states").mkdir()
    workshop = Workshop(template)
    stages = write_stages(write_small_shop(folder / "shop"), folder)
    (template / "project" / "seeds" / "valid_from_dates.csv").write_text(stages.seed, encoding="utf-8")

    for stage in stages.lists:
        _ingest(stage, folder, workshop.warehouse, stage.name)
    _succeed(workshop, ["build", *WITHOUT_TESTS])
    _ingest(stages.last, folder, workshop.warehouse, "lists")
    _keep(workshop, LISTS_BEHIND)
    workshop.warehouse.unlink()

    for stage in stages.sales:
        _ingest(stage, folder, workshop.warehouse, stage.name)
        _succeed(workshop, ["build", *WITHOUT_TESTS])
    _withdraw(workshop.warehouse)
    _ingest(stages.last, folder, workshop.warehouse, "sales")
    _keep(workshop, SALES_BEHIND)
    _lose_a_table(_keep(workshop, LOST))
    warned = _succeed(workshop, ["build"])
    (template / WARNED).write_text(json.dumps(warned), encoding="utf-8")
    _keep(workshop, BUILT)

    _succeed(workshop, ["build", "--full-refresh", *WITHOUT_TESTS])
    verdict = workshop.build_increments()
    assert verdict == Verdict("survived"), verdict
    verdict = workshop.judge_kpis()
    assert verdict == Verdict("survived"), verdict
    workshop.warehouse.unlink()
    return template


def _keep(workshop: Workshop, state: str) -> Path:
    return Path(shutil.copyfile(workshop.warehouse, workshop.folder / "states" / f"{state}.duckdb"))


def copy_project(source: Path, target: Path) -> None:
    """A copy of a dbt project whose profile names the file warehouse.duckdb in the folder dbt is started in."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("target", "logs", "profiles.yml"))
    (target / "profiles.yml").write_text(PROFILE, encoding="utf-8")


def _lose_a_table(path: Path) -> None:
    """Take away what an increment is found by: all must then be made anew, and nothing twice."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("drop table intermediate.int_store_rates")


def _withdraw(path: Path) -> None:
    """Take the files out that the shop withdraws, as docs/exactly-once.md says."""
    with duckdb.connect(str(path)) as connection:
        for table in SALES:
            connection.execute(f"delete from raw.{table} where _file = ?", [f"{table}{GONE}"])
        connection.execute("delete from ops.load_ledger where ends_with(file_name, ?)", [GONE])


def _ingest(source: Path, folder: Path, path: Path, run_id: str) -> None:
    warehouse = DuckDBWarehouse(path)
    try:
        ingestion = Ingestion(warehouse, folder, run_id)
        ingestion.load(ingestion.convert(find_sources(source, CONTRACTS).files))
    finally:
        warehouse.close()


def _succeed(workshop: Workshop, arguments: list[str]) -> list[str]:
    """Run dbt, let nothing fail, and say which tests warned."""
    answer = workshop.invoke(arguments)
    results = answer.result.results if answer.result else []
    failed = [result for result in results if str(result.status) in ("error", "fail")]
    said = [f"{result.node.name}: {result.message}" for result in failed[:5]] or [str(answer.exception)]
    assert answer.success, f"dbt {arguments[0]} fails on the small shop, without any mutation:\n" + "\n".join(said)
    return [result.node.name for result in results if str(result.status) == "warn"]
