"""Whether the newest report still says what there is to say: what it was made from, against what there is now.

Nothing is looked at by its time. A report records a fingerprint of all that made it and the hash of each of its files;
where both are as they were, and the marts are those of the build it shows, it would be made again as it stands.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flows.marts.hashes import folder_sha256
from flows.marts.proof import built_from_sha256
from flows.run.settings import PROJECT, Settings
from flows.warehouse.base import Warehouse
from flows.warehouse.builds import Build, ledger_sha256
from reports.archive import find_whole_report
from reports.facts import Facts

CODE = ("flows", "reports")
# What numbers and drawings are made with: a newer one may make others
MAKERS = ("babel", "dbt-core", "dbt-duckdb", "dbt-redshift", "duckdb", "jinja2", "matplotlib", "plotnine", "polars")
MADE_BY = ("target", "currency", "language", "pdf", "schema_prefix")


@dataclass(frozen=True)
class Standing:
    """A report that stands, in its folder, and the build that it shows."""

    folder: Path
    facts: Facts
    build: Build


def find_standing(warehouse: Warehouse, settings: Settings) -> Standing | None:
    """The report that a run would make again as it is; None if anything differs, was lost, or is not proven."""
    folder = settings.reports_dir / (settings.as_of.isoformat() if settings.as_of else "latest")
    facts = find_whole_report(folder)
    made = [settings.dbt_target_dir / "manifest.json", *([folder / "report.pdf"] if settings.pdf else [])]
    if facts is None or not all(path.is_file() for path in made):
        return None
    try:
        build, ledger = warehouse.read_build(), warehouse.read_ledger()
    finally:
        warehouse.close()
    is_same = (
        build is not None
        and facts.build_id == build.build_id
        and build.ledger_sha256 == ledger_sha256(ledger)
        and build.project_sha256 == built_from_sha256(settings)
        and facts.made_from == made_from_sha256(build, settings)
    )
    return Standing(folder, facts, build) if build and is_same else None


def made_from_sha256(build: Build, settings: Settings) -> str:
    """A hash of all that makes a report: the build, the day asked for, the settings, our code and what it runs on."""
    made_from = {
        "build_id": build.build_id,
        "as_of": str(settings.as_of),
        "settings": {name: str(getattr(settings, name)) for name in MADE_BY},
        "classes": settings.customer_classes(),
        "code": {name: folder_sha256(PROJECT / name) for name in CODE},
        "python": list(sys.version_info[:3]),
        "packages": {name: version(name) for name in MAKERS},
    }
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()


def summarise_standing(standing: Standing, settings: Settings, now: datetime | None = None) -> dict[str, Any]:
    """The `dbt` of the summary of a run that built nothing: what the build found, and how old the sources are."""
    found = standing.build.findings
    return {
        "nodes": 0,
        "success": 0,
        "error": 0,
        "skipped": 0,
        "warned": 0,
        "retried": 0,
        "seconds": 0.0,
        "findings": found["counts"],
        "amounts_usd": found.get("amounts_usd", {}),
        "freshness": age_sources(found.get("freshness", ()), _read_limits(settings), now or datetime.now(UTC)),
    }


def age_sources(measured: Any, limits: Mapping[str, Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """What dbt measured of each source when the build was made, as of now: nothing was loaded since.

    `limits` are the manifest's thresholds by source; a source that dbt could not ask stays as it was; `now` is UTC.
    """
    return [_age(each, limits.get(each["source"], {}), now.replace(tzinfo=None)) for each in measured]


def _age(measured: Mapping[str, Any], limits: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    if not measured["max_loaded_at"]:
        return dict(measured)
    age = now - datetime.fromisoformat(measured["max_loaded_at"])
    status = next((status for status in ("error", "warn") if _exceeds(age, limits.get(f"{status}_after"))), "pass")
    return {**measured, "status": status, "age_hours": round(age / timedelta(hours=1), 1)}


def _exceeds(age: timedelta, limit: Mapping[str, Any] | None) -> bool:
    """By dbt's own rule, dbt/artifacts/resources/v1/components.py: older than so many minutes, hours or days."""
    return bool(limit and limit.get("count")) and age > timedelta(**{f"{limit['period']}s": limit["count"]})


def _read_limits(settings: Settings) -> dict[str, dict[str, Any]]:
    manifest = json.loads((settings.dbt_target_dir / "manifest.json").read_text(encoding="utf-8"))
    return {
        ".".join(name.split(".")[2:]): source.get("freshness") or {} for name, source in manifest["sources"].items()
    }
