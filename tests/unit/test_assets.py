"""The asset lineage: every KPI table stands on the marts of its query, the page on every KPI table."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from flows.run.assets import emit_lineage, find_marts
from flows.run.settings import Settings
from reports.kpis import KPIS


def manifest() -> dict[str, Any]:
    """Two marts; the first KPI selects from both, the others from one."""
    nodes: dict[str, Any] = {
        f"model.retail.{name}": {"resource_type": "model", "name": name, "relation_name": f'"w"."data_mart"."{name}"'}
        for name in ("fact_orders", "dim_stores")
    }
    nodes["model.retail.cte"] = {"resource_type": "model", "name": "cte", "relation_name": None}
    for number, name in enumerate(KPIS):
        parents = ["model.retail.fact_orders", "model.retail.cte"] + ["model.retail.dim_stores"] * (number == 0)
        nodes[f"analysis.retail.{name}"] = {
            "resource_type": "analysis",
            "name": name,
            "depends_on": {"nodes": parents},
        }
    return {"metadata": {"adapter_type": "duckdb"}, "nodes": nodes}


def edges(settings: Settings) -> dict[str, set[str]]:
    """Asset made → the assets it was made from, as Prefect's server is told."""
    with patch("prefect.events.emit_event") as emit:
        emit_lineage(manifest(), settings)
    calls = [call.kwargs for call in emit.call_args_list]
    return {
        call["resource"]["prefect.resource.id"]: {
            each["prefect.resource.id"] for each in call["related"] if each["prefect.resource.role"] == "asset"
        }
        for call in calls
        if call["event"] == "prefect.asset.materialization.succeeded"
    }


def test_each_kpi_stands_on_its_marts_and_the_page_on_each_kpi() -> None:
    found = edges(Settings())
    first, *others = [f"retail://local/default/kpi/{name}" for name in KPIS]
    orders, stores = "duckdb://w/data_mart/fact_orders", "duckdb://w/data_mart/dim_stores"
    assert found.pop("retail://local/default/report") == {first, *others}
    assert found.pop(first) == {orders, stores}
    assert found == {key: {orders} for key in others}


def test_descriptions_are_sentences_with_their_numbers_filled_in() -> None:
    with patch("prefect.events.emit_event") as emit:
        emit_lineage(manifest(), Settings())
    told = [call.kwargs["resource"].get("prefect.asset.description") for call in emit.call_args_list]
    assert any("Of fewer than 15 customers the interval is rough" in (text or "") for text in told)
    assert not [text for text in told if "{" in (text or "")]


def test_keys_tell_warehouses_apart_and_name_no_host_or_folder() -> None:
    settings = Settings(target="redshift", schema_prefix="ann_", redshift_host="secret.example.com")
    assert "retail://redshift/ann_/report" in edges(settings)
    assert not [key for key in edges(settings) if "secret" in key]


def test_what_is_no_relation_of_the_warehouse_is_no_asset() -> None:
    assert all("cte" not in "".join(keys) for keys in find_marts(manifest()).values())
