"""Run one process and say what it cost: wall time, CPU time of all its threads and children, peak memory.

Only the standard library is imported: a child's peak memory is at least that of the process that started it.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("polars", "pyarrow", "numpy", "duckdb", "pandas", "dbt-core", "dbt-duckdb", "prefect")
ROOT = Path(__file__).resolve().parents[2]
Section = tuple[str, list[dict[str, Any]]]  # what is shown, in Markdown, and the figures of each run


@dataclass(frozen=True)
class Cost:
    """One run. `seconds` is what the process itself measured after its imports, `report` all that it said."""

    wall: float
    cpu: float
    peak_mb: float
    report: dict[str, Any]

    @property
    def seconds(self) -> float:
        """Wall time without the start of Python and the imports, in seconds."""
        return float(self.report["seconds"])

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all threads without the start of Python and the imports, in seconds."""
        return float(self.report["cpu_seconds"])


class ContenderError(Exception):
    """A measured process failed; the message is the end of what it wrote."""


def run_action(name: str, source: Path, work: Path, settings: Mapping[str, str] | None = None) -> Cost:
    """Run one action of `tests.benchmarks.contenders` in a process of its own, with these environment variables."""
    return run_process([sys.executable, "-m", "tests.benchmarks.contenders", name, str(source), str(work)], settings)


def run_process(command: Sequence[str], settings: Mapping[str, str] | None = None) -> Cost:
    """Run a command; if the last line of its output is a JSON object, that is its report."""
    os.sync()  # what an earlier contender wrote is not to be paid for by this one
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as messages:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=messages, cwd=ROOT, env=os.environ | (settings or {}))
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        messages.seek(0)
        if process.returncode:
            raise ContenderError(messages.read().decode(errors="replace").strip()[-600:])
        last = output.read().splitlines()[-1]
        report = json.loads(last) if last.startswith(b"{") else {}
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, report)


def describe_environment() -> dict[str, str]:
    """What the figures depend on."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return {
        "CPU": f"{_cpu_model()}, {cores} cores",
        "memory": f"{memory:.0f} GiB",
        "load before": f"{os.getloadavg()[0]:.2f}",
        "system": platform.system(),
        "Python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median and, of several, the extremes: `4.10 (4.02 to 4.31)`."""
    middle = f"{statistics.median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def count_rounds(rounds: int) -> str:
    """`1 round`, `3 rounds`."""
    return f"{rounds} round{'s' * (rounds != 1)}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, the others to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown"
    return next((line.split(": ")[1] for line in text.splitlines() if line.startswith("model name")), "unknown")
