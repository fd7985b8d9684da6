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
from tests.built_state import assert_equal_states, read_state
from tests.mutants.stages import GONE, SALES, write_stages
from tests.mutants.worker import BEHIND, BUILT, LOST, WARNED, Verdict, Workshop
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

    It comes in three stages (`write_stages`), built twice before the last has come: so a build of the warehouse that
    lags behind has to find what is new, changed, moved and gone.

    Raises:
        AssertionError: the project as it stands does not build; its mutants would all be "caught".
    """
    template = folder / "template"
    copy_project(DBT, template / "project")
    (template / "states").mkdir()
    workshop = Workshop(template)
    stages = write_stages(write_small_shop(folder / "shop"), folder)
    first, second, last = stages.folders
    for stage in (first, second):
        _ingest(stage, folder, workshop.warehouse, stage.name)
        _succeed(workshop, ["build", *WITHOUT_TESTS])
    _withdraw(workshop.warehouse)
    _ingest(last, folder, workshop.warehouse, last.name)
    (template / "project" / "seeds" / "valid_from_dates.csv").write_text(stages.seed, encoding="utf-8")
    shutil.copyfile(workshop.warehouse, template / "states" / f"{BEHIND}.duckdb")
    lose_a_table(workshop.warehouse, template / "states" / f"{LOST}.duckdb")
    warned = _succeed(workshop, ["build"])
    (template / WARNED).write_text(json.dumps(warned), encoding="utf-8")
    shutil.copyfile(workshop.warehouse, template / "states" / f"{BUILT}.duckdb")
    increment = read_state(workshop.warehouse)
    _succeed(workshop, ["build", "--full-refresh", *WITHOUT_TESTS])
    assert_equal_states(increment, read_state(workshop.warehouse))
    assert workshop.judge_kpis() == Verdict("survived")
    workshop.warehouse.unlink()
    return template


def copy_project(source: Path, target: Path) -> None:
    """A copy of a dbt project whose profile names the file warehouse.duckdb in the folder dbt is started in."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("target", "logs", "profiles.yml"))
    (target / "profiles.yml").write_text(PROFILE, encoding="utf-8")


def lose_a_table(source: Path, path: Path) -> None:
    """A copy of the warehouse without what an increment is found by: all must then be made anew, and nothing twice."""
    shutil.copyfile(source, path)
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
