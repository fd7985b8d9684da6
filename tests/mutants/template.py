"""The warehouse that mutants are built in: the small shop, built, and the same one delivery behind."""

from __future__ import annotations

import shutil
from pathlib import Path

from flows.lake.contracts import CONTRACTS
from flows.lake.sources import find_sources
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion
from tests.built_state import assert_equal_states, read_state
from tests.mutants.worker import BEHIND, BUILT, Workshop
from tests.small_shop import write_small_shop

DBT = Path(__file__).resolve().parents[2] / "dbt"
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

    First the shop as it was before its dated lists and before an order was corrected, then all of it: so a build of the
    warehouse that lags behind has to find new, changed and late records.

    Raises:
        AssertionError: the project as it stands does not build; its mutants would all be "caught".
    """
    template = folder / "template"
    copy_project(DBT, template / "project")
    (template / "states").mkdir()
    workshop = Workshop(template)
    full = write_small_shop(folder / "full")
    early = _write_early_shop(full, folder / "early")
    _ingest(early, folder, workshop.warehouse, "early")
    _succeed(workshop, ["build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"])
    _ingest(full, folder, workshop.warehouse, "full")
    shutil.copyfile(workshop.warehouse, template / "states" / f"{BEHIND}.duckdb")
    _succeed(workshop, ["build"])
    shutil.copyfile(workshop.warehouse, template / "states" / f"{BUILT}.duckdb")
    increment = read_state(workshop.warehouse)
    _succeed(workshop, ["build", "--full-refresh", "--exclude-resource-type", "test", "unit_test"])
    assert_equal_states(increment, read_state(workshop.warehouse))
    workshop.warehouse.unlink()
    return template


def copy_project(source: Path, target: Path) -> None:
    """A copy of a dbt project whose profile names the file warehouse.duckdb in the folder dbt is started in."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("target", "logs", "profiles.yml"))
    (target / "profiles.yml").write_text(PROFILE, encoding="utf-8")


def _write_early_shop(full: Path, early: Path) -> Path:
    """Without the dated files; the last order is not there yet, and the one before is another customer's."""
    early.mkdir()
    for path in full.glob("raw_*.csv"):
        if not any(sign.isdigit() for sign in path.stem):
            shutil.copyfile(path, early / path.name)
    orders = (full / "raw_orders.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    order_id, _customer, rest = orders[-2].split(",", 2)
    (early / "raw_orders.csv").write_text("".join([*orders[:-2], f"{order_id},c9,{rest}"]), encoding="utf-8")
    return early


def _ingest(source: Path, folder: Path, path: Path, run_id: str) -> None:
    warehouse = DuckDBWarehouse(path)
    try:
        ingestion = Ingestion(warehouse, folder, run_id)
        ingestion.load(ingestion.convert(find_sources(source, CONTRACTS).files))
    finally:
        warehouse.close()


def _succeed(workshop: Workshop, arguments: list[str]) -> None:
    answer = workshop.invoke(arguments)
    failed = (
        [result for result in answer.result.results if str(result.status) in ("error", "fail")] if answer.result else []
    )
    said = [f"{result.node.name}: {result.message}" for result in failed[:5]] or [str(answer.exception)]
    assert answer.success, f"dbt {arguments[0]} fails on the small shop, without any mutation:\n" + "\n".join(said)
