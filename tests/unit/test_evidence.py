"""A build has passed only if every node and test that the manifest expects is in its results and ended well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.errors import LoadError
from flows.marts.proof import check_complete
from flows.marts.results import NodeResult
from flows.run.settings import Settings, load_settings

ENDS = {
    "model.retail.fact": "success",
    "seed.retail.classes": "success",
    "snapshot.retail.past": "success",
    "test.retail.unique_fact.0123456789": "pass",
    "test.retail.warn_far.0123456789": "warn",
    "unit_test.retail.fact.rule": "pass",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A work folder in which dbt has parsed a project of these nodes, and of others that no build runs."""
    found = load_settings(work_dir=str(tmp_path))
    kinds = {node: {"resource_type": node.partition(".")[0], "config": {"materialized": "table"}} for node in ENDS}
    kinds["model.retail.inline"] = {"resource_type": "model", "config": {"materialized": "ephemeral"}}
    kinds["analysis.retail.kpi"] = {"resource_type": "analysis", "config": {}}
    units = {node: kinds.pop(node) for node in list(kinds) if node.startswith("unit_test.")}
    found.dbt_target_dir.mkdir(parents=True)
    manifest = json.dumps({"nodes": kinds, "unit_tests": units})
    (found.dbt_target_dir / "manifest.json").write_text(manifest, encoding="utf-8")
    return found


def results_of(ends: dict[str, str]) -> list[NodeResult]:
    return [NodeResult(node, status, "", 1) for node, status in ends.items()]


def test_build_of_which_everything_ended_well_is_complete(settings: Settings) -> None:
    check_complete(results_of(ENDS | {"exposure.retail.page": "no-op"}), settings)


@pytest.mark.parametrize("node", ENDS)
@pytest.mark.parametrize(
    "status", [None, "skipped", "error", "fail", "runtime error", "partial success", "no-op", "reused", "", "SUCCESS"]
)
def test_build_lacks_what_is_missing_or_ended_in_any_other_way(
    settings: Settings, node: str, status: str | None
) -> None:
    ends = {name: end for name, end in (ENDS | {node: str(status)}).items() if name != node or status is not None}
    with pytest.raises(LoadError, match=r"left out 1 nodes and tests"):
        check_complete(results_of(ends), settings)


@pytest.mark.parametrize(
    ("node", "status"), [("model.retail.fact", "warn"), ("test.retail.warn_far.0123456789", "success")]
)
def test_status_that_is_good_for_another_kind_is_no_evidence(settings: Settings, node: str, status: str) -> None:
    with pytest.raises(LoadError, match=r"left out 1 nodes"):
        check_complete(results_of(ENDS | {node: status}), settings)


def test_build_without_any_result_is_not_complete(settings: Settings) -> None:
    with pytest.raises(LoadError, match=rf"left out {len(ENDS)} nodes"):
        check_complete([], settings)


def test_examples_that_an_earlier_build_proved_may_be_left_out_and_nothing_else(settings: Settings) -> None:
    ran = {node: status for node, status in ENDS.items() if not node.startswith("unit_test.")}
    check_complete(results_of(ran), settings, leave_out=("unit_test",))
    with pytest.raises(LoadError, match=r"left out 1 nodes.*\n- unit_test\.fact"):
        check_complete(results_of(ran), settings)
    del ran["test.retail.unique_fact.0123456789"]
    with pytest.raises(LoadError, match=r"left out 1 nodes.*\n- test\.unique_fact"):
        check_complete(results_of(ran), settings, leave_out=("unit_test",))
