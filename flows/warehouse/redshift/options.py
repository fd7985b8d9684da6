"""How loading into Redshift behaves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LoadOptions:
    """How loading behaves; `prefix` stands before the name of every schema."""

    copy_role: str
    work_dir: Path
    prefix: str = ""
    parallel_loads: int = 2
    lease_seconds: int = 300
    attempts: int = 5
    pause_seconds: float = 2
