"""How much memory this process may have: that of the machine, or less where a container or a service is bounded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

MIN_DUCKDB_MEMORY_MB = 256
BESIDE_DUCKDB_MB = 1280  # what a build of 20 million orders and items took besides what DuckDB was allowed, and some
UNKNOWN_MACHINE_BYTES = 4 << 30
LIMIT_FILES = {"": "memory.max", "memory": "memory/memory.limit_in_bytes"}  # of version 2 and 1, by controller


def memory_bytes(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """The least of the memory of the machine and the limits of the control groups that this process is in.

    A group's limit holds for the groups within it too (Linux: "Control Group v2", "Memory Interface Files"). In a
    container the path that the kernel names may be that outside; then the container's own root has the limit.
    """
    return min([_machine_bytes(), *_group_limits(proc, cgroups)])


def share_of_duckdb(machine_mb: int) -> int:
    """MiB that DuckDB may take of so many: half, or where that leaves too little for all else, less."""
    return max(min(machine_mb // 2, machine_mb - BESIDE_DUCKDB_MB), MIN_DUCKDB_MEMORY_MB)


def _machine_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return UNKNOWN_MACHINE_BYTES


def _group_limits(proc: Path, cgroups: Path) -> Iterator[int]:
    try:
        lines = (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller, file in LIMIT_FILES.items():
            if controller in controllers.split(","):
                yield from _limits_along(cgroups, PurePosixPath(file), PurePosixPath(path))


def _limits_along(cgroups: Path, file: PurePosixPath, path: PurePosixPath) -> Iterator[int]:
    """The limits of a group and of those that it lies in; `max` and version 1's huge number are none."""
    inside = path.relative_to("/") if path.is_absolute() else path
    for group in (inside, *inside.parents):
        try:
            text = (cgroups / file.parent / group / file.name).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue
        if text.isdigit():
            yield int(text)
