"""Who reads and who owns the marts, as the YAML says it: held to what the SQL does. Runs no dbt."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

DBT = Path(__file__).resolve().parents[2] / "dbt"
ANALYSES = sorted((DBT / "analysis").glob("*.sql"))


def read_yaml(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DBT / name).read_text(encoding="utf-8"))
    return found


def refs(text: str) -> set[str]:
    return set(re.findall(r"ref\('(\w+)'\)", text))


def read_exposures() -> dict[str, set[str]]:
    exposures = read_yaml("models/_exposures.yml")["exposures"]
    return {exposure["name"]: refs(" ".join(exposure["depends_on"])) for exposure in exposures}


def test_exposures_are_the_page_and_each_kpi_with_what_its_analysis_reads() -> None:
    kpis = {path.stem: refs(path.read_text(encoding="utf-8")) for path in ANALYSES}
    page = set().union(*kpis.values())
    assert read_exposures() == {"report_page": page, **kpis}


def test_every_layer_has_an_owner_and_only_marts_are_public() -> None:
    owned = {name: layer for name, layer in read_yaml("dbt_project.yml")["models"]["retail"].items() if name[0] != "+"}
    assert {name: (layer["+group"], layer["+access"]) for name, layer in owned.items()} == {
        "staging": ("data_platform", "protected"),
        "intermediate": ("data_platform", "protected"),
        "data_mart": ("retail_analytics", "public"),
    }
    assert {group["name"] for group in read_yaml("models/_groups.yml")["groups"]} == {
        "data_platform",
        "retail_analytics",
    }


def test_doc_blocks_are_all_used_and_used_by_several_columns() -> None:
    used = re.findall(r"doc\('(\w+)'\)", " ".join(path.read_text(encoding="utf-8") for path in DBT.rglob("_*.yml")))
    blocks = set(re.findall(r"{% docs (\w+) %}", (DBT / "models/_docs.md").read_text(encoding="utf-8")))
    assert set(used) == blocks - {"__overview__"}
    assert [name for name in sorted(set(used)) if used.count(name) < 2] == []


def test_every_metric_says_its_meaning_and_reads_a_mart() -> None:
    semantics = read_yaml("models/_semantic_models.yml")
    assert [metric["name"] for metric in semantics["metrics"] if not (metric["label"] and metric["description"])] == []
    marts = {path.stem for path in (DBT / "models/data_mart").glob("*.sql")}
    assert {name for model in semantics["semantic_models"] for name in refs(model["model"])} <= marts
