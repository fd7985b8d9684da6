"""The lineage of a published report in Prefect's assets: marts → KPI tables → page.

prefect-dbt makes an asset of each dbt node as it builds it; these follow on from those, under the keys that it gives.
Events are emitted as Prefect's own materializing tasks do, without a task run for each table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from prefect.assets import Asset, AssetProperties
from prefect.context import AssetContext
from prefect.states import Completed
from prefect_dbt.utilities import format_resource_id

from flows.run.settings import Settings
from reports.kpis import KPIS
from reports.languages import join_sentences


def emit_lineage(manifest: Mapping[str, Any], settings: Settings) -> None:
    """Tell Prefect that each KPI table was made from its marts, and the page from all KPI tables."""
    marts = find_marts(manifest)
    tables = {name: _table(name, settings) for name in KPIS}
    for name, table in tables.items():
        _emit(table, [Asset(key=key) for key in marts[name]], by="dbt")
    _emit(_page(settings), tables.values(), by="retail-report")


def read_manifest(settings: Settings) -> dict[str, Any]:
    """What dbt knows of the project since it compiled the KPI queries."""
    manifest: dict[str, Any] = json.loads((settings.dbt_target_dir / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def find_marts(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """KPI → the asset keys of the relations that its analysis selects from."""
    adapter, nodes = manifest["metadata"]["adapter_type"], manifest["nodes"]
    analyses = {node["name"]: node for node in nodes.values() if node["resource_type"] == "analysis"}
    return {
        name: [
            format_resource_id(adapter, nodes[parent]["relation_name"])
            for parent in sorted(analyses[name]["depends_on"]["nodes"])
            if nodes.get(parent, {}).get("relation_name")
        ]
        for name in KPIS
    }


def _table(name: str, settings: Settings) -> Asset:
    kpi = KPIS[name]
    said = join_sentences(kpi.say(kpi.question), kpi.say(kpi.definition))
    properties = AssetProperties(name=name, description=said[:2500])
    return Asset(key=f"{_root(settings)}/kpi/{name}", properties=properties)


def _page(settings: Settings) -> Asset:
    properties = AssetProperties(name="report", description="The report page, which shows every KPI table.")
    return Asset(key=f"{_root(settings)}/report", properties=properties)


def _root(settings: Settings) -> str:
    """One for each warehouse that a team has; no host, no folder."""
    return f"retail://{settings.target}/{settings.active_prefix or 'default'}"


def _emit(asset: Asset, parents: Iterable[Asset], by: str) -> None:
    context = AssetContext(direct_asset_dependencies=set(parents), downstream_assets={asset}, materialized_by=by)
    context.emit_events(Completed())
