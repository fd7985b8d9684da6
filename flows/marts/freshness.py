"""How old the newest load of each source is, by the thresholds that the dbt project declares.

What `dbt source freshness` says, by the same thresholds and columns of the manifest: that command would parse the
project once more and make a task run a source, to ask one maximum of each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from flows.run.settings import Settings


@dataclass(frozen=True)
class Freshness:
    """The newest load of one source: `max_loaded_at` is naive UTC, None without any; `status` pass, warn or error."""

    source: str
    status: str
    max_loaded_at: datetime | None
    age_hours: float | None

    def summarise(self) -> dict[str, Any]:
        """As it stands in the run summary."""
        return asdict(self) | {"max_loaded_at": self.max_loaded_at.isoformat() if self.max_loaded_at else None}


def measure_freshness(engine: Engine, settings: Settings, now_utc: datetime) -> list[Freshness]:
    """Every source of the project that has a threshold, in the order of the manifest; `now_utc` is naive."""
    manifest = json.loads((settings.dbt_target_dir / "manifest.json").read_text(encoding="utf-8"))
    found = []
    with engine.connect() as connection:
        for source in manifest["sources"].values():
            limits = _limits(source.get("freshness") or {})
            if limits:
                field, table = source["loaded_at_field"], f'"{source["schema"]}"."{source["identifier"]}"'
                newest = connection.exec_driver_sql(f"select max({field}) from {table}").scalar()  # noqa: S608
                found.append(_judge(f"{source['source_name']}.{source['name']}", newest, limits, now_utc))
    return found


def _limits(freshness: Mapping[str, Any]) -> dict[str, timedelta]:
    """Status → the age from which it holds, mildest first."""
    declared = {status: freshness.get(f"{status}_after") or {} for status in ("warn", "error")}
    known = {status: limit for status, limit in declared.items() if limit.get("count")}
    return {status: timedelta(**{f"{limit['period']}s": limit["count"]}) for status, limit in known.items()}


def _judge(source: str, newest: datetime | None, limits: Mapping[str, timedelta], now_utc: datetime) -> Freshness:
    if newest is None:
        return Freshness(source, list(limits)[-1], None, None)
    age = now_utc - newest
    passed = [status for status, limit in limits.items() if age > limit]
    return Freshness(source, passed[-1] if passed else "pass", newest, round(age / timedelta(hours=1), 1))
