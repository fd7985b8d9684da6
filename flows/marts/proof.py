"""Whether a build may be shown: everything the project holds ran and is well, and the marts are those of this run.

What the proof says is written into the warehouse, beside the marts (docs/adr/0010).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.errors import LoadError
from flows.marts.hashes import folder_sha256
from flows.marts.results import NodeResult, node_name, read_invocations
from flows.run.settings import Settings
from flows.warehouse.base import Warehouse
from flows.warehouse.builds import Build, ledger_sha256, ledger_tables, ledger_totals

# Kinds of nodes that `dbt build` runs, and how each ends well: a model that dbt had nothing to do for was not built
GOOD_OF = {
    "model": ("success",),
    "seed": ("success",),
    "snapshot": ("success",),
    "test": ("pass", "warn"),
    "unit_test": ("pass", "success"),
}
RUNS = tuple(GOOD_OF)
MADE_BY_DBT = ("target", "logs", "dbt_packages")


def check_complete(results: Sequence[NodeResult], settings: Settings, leave_out: Collection[str] = ()) -> None:
    """Compare what ran, over all attempts, with what the project holds but for the kinds of nodes to `leave_out`.

    Raises:
        LoadError: names what did not run or did not end well.
    """
    well = {result.node for result in results if result.status in GOOD_OF.get(result.node.partition(".")[0], ())}
    expected = {node for node in expected_nodes(settings) if node.partition(".")[0] not in leave_out}
    missing = sorted(expected - well)
    if missing:
        shown = "".join(f"\n- {node_name(node)}" for node in missing[:10])
        raise LoadError(
            f"dbt left out {len(missing)} nodes and tests of the project; the report was not renewed.{shown}\n"
            f"Look for options or variables that select nodes, and into {settings.dbt_target_dir / 'logs'}; then run "
            "again: python -m flows.transform"
        )


def expected_nodes(settings: Settings) -> set[str]:
    """The ids of everything that `dbt build` runs, by the manifest, which holds no node that is disabled."""
    manifest = json.loads((settings.dbt_target_dir / "manifest.json").read_text(encoding="utf-8"))
    nodes: dict[str, Any] = manifest["nodes"] | manifest.get("unit_tests", {})
    return {
        node_id
        for node_id, node in nodes.items()
        if node["resource_type"] in RUNS and node["config"].get("materialized") != "ephemeral"
    }


def prove_build(warehouse: Warehouse, settings: Settings, run_id: str, findings: Mapping[str, Any]) -> Build:
    """Record that the marts are those of this run's build, which passed.

    Raises:
        LoadError: another program built the marts or loaded files meanwhile.
    """
    gate, ledger = warehouse.read_gate(), warehouse.read_ledger()
    if gate is None or gate.build_id not in read_invocations(settings):
        raise LoadError(
            "another program ran dbt in this warehouse while the star schema was built, so the marts are not those "
            "that were tested. Let it end, then run again: python -m flows.transform"
        )
    if gate.ledger_sha256 != ledger_sha256(ledger):
        raise LoadError(
            "files were loaded while the star schema was built, so the marts may hold a part of them. Run again: "
            "python -m flows.transform"
        )
    build = Build(
        build_id=gate.build_id,
        run_id=run_id,
        ledger_sha256=gate.ledger_sha256,
        project_sha256=built_from_sha256(settings),
        as_of=gate.as_of,
        passed=True,
        findings={**findings, "totals": ledger_totals(ledger), "tables": ledger_tables(ledger)},
        built_at=datetime.now(UTC).replace(tzinfo=None),
    )
    warehouse.record_build(build)
    return build


def built_from_sha256(settings: Settings) -> str:
    """A hash of what makes the marts beside what is loaded: the project, and a profile's classes where it has any."""
    project, classes = project_sha256(settings.dbt_project_dir), settings.customer_classes()
    return hashlib.sha256(f"{project} {json.dumps(classes)}".encode()).hexdigest() if classes else project


def check_classes(build: Build, settings: Settings) -> None:
    """Raise LoadError if the marts have other customer classes than the profile of now, or none says any."""
    if build.findings.get("classes") != settings.customer_classes():
        raise LoadError(
            "the star schema was built with other customer classes than those of now; the last report stands. Build it "
            "with the same --profile or RETAIL_PROFILE: python -m flows.transform"
        )


def project_sha256(folder: Path) -> str:
    """A hash of the dbt project: of every file that is not made by dbt itself."""
    return folder_sha256(folder, leave_out=MADE_BY_DBT)
