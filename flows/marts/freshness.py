"""How old the newest load of each source is, as `dbt source freshness` found it by the thresholds of the project."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from flows.marts.runner import invoke_dbt
from flows.run.settings import Settings

_NEVER = datetime(1, 1, 1, tzinfo=UTC)  # of a source without rows (dbt BaseAdapter._create_freshness_response)


@dataclass(frozen=True)
class Freshness:
    """The newest load of one source: `max_loaded_at` is naive UTC, None without any; `status` pass, warn or error.

    The status of a source that dbt could not ask is `runtime error`; `message` says why.
    """

    source: str
    status: str
    max_loaded_at: datetime | None
    age_hours: float | None
    message: str | None = None

    def summarise(self) -> dict[str, Any]:
        """As it stands in the run summary."""
        return asdict(self) | {"max_loaded_at": self.max_loaded_at.isoformat() if self.max_loaded_at else None}

    def describe(self) -> str:
        """A line on a source that is not fresh."""
        if self.message:
            return f"{self.source}: its age is unknown: {self.message}"
        if self.max_loaded_at is None:
            return f"{self.source}: nothing was ever loaded ({self.status})"
        return f"{self.source}: last loaded {self.max_loaded_at:%Y-%m-%d %H:%M} UTC, {self.age_hours:,} hours ago"


def measure_freshness(settings: Settings) -> list[Freshness]:
    """Run `dbt source freshness`; every source of the project that has a threshold, by name.

    Raises:
        ValueError: dbt could not run at all.
    """
    found = settings.dbt_target_dir / "sources.json"
    found.unlink(missing_ok=True)  # that of an older run says nothing
    invoke_dbt(["source", "freshness"], settings)
    results = json.loads(found.read_text(encoding="utf-8"))["results"] if found.exists() else []
    measured = {result["unique_id"]: _read_result(result) for result in results if "max_loaded_at" in result}
    unknown = f"dbt could not ask it; see {settings.dbt_target_dir / 'logs'}"  # and leaves it out of what it found
    return [
        measured.get(source) or Freshness(_name(source), "runtime error", None, None, unknown)
        for source in sorted(_expected_sources(settings) | measured.keys())
    ]


def _expected_sources(settings: Settings) -> set[str]:
    """The ids of the sources that have a threshold, by the manifest."""
    manifest = json.loads((settings.dbt_target_dir / "manifest.json").read_text(encoding="utf-8"))
    limits = {source_id: source.get("freshness") or {} for source_id, source in manifest["sources"].items()}
    return {
        source_id
        for source_id, limit in limits.items()
        if any((limit.get(after) or {}).get("count") for after in ("warn_after", "error_after"))
    }


def _read_result(result: dict[str, Any]) -> Freshness:
    newest = datetime.fromisoformat(result["max_loaded_at"])
    if newest == _NEVER:
        return Freshness(_name(result["unique_id"]), result["status"], None, None)
    age_hours = round(result["max_loaded_at_time_ago_in_s"] / 3600, 1)
    return Freshness(
        _name(result["unique_id"]), result["status"], newest.astimezone(UTC).replace(tzinfo=None), age_hours
    )


def _name(source_id: str) -> str:
    return ".".join(source_id.split(".")[2:])
