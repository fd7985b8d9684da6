"""What large files take: conversion of two sizes, a load, and load and build as on machines of two and four GiB.

DuckDB has its share of such a machine, as a run sets it where the machine or its group is that small; the process,
whose peak is shown, must stay within the whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.run.machine import share_of_duckdb
from tests.benchmarks import conversion
from tests.benchmarks.loading import make_years
from tests.benchmarks.measure import ContenderError, Cost, Section, run_action, spread, table

NAMES = ("memory",)
LOADED, BUILT = 40_000_000, 20_000_000
LOAD_GOAL_MB, MACHINES_GIB = 700, (4, 2)
FREE_GB = 25


@dataclass(frozen=True)
class Line:
    """A measured step, what it was given, and the most that it may take, in MB."""

    step: str
    given: str
    cost: Cost
    goal_mb: int

    @property
    def verdict(self) -> str:
        """Whether it stayed within its goal."""
        return "within" if self.cost.peak_mb <= self.goal_mb else "**ABOVE**"


def compare(folder: Path, rows: int) -> Section:
    """Measure each once: the tables, and the figures of each run.

    Raises:
        ContenderError: the disk has no room for the files, or a step failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(folder).free / 1e9) < FREE_GB:
        raise ContenderError(
            f"{folder}: memory is measured with {FREE_GB} GB of files, and {free:.0f} GB are free. "
            "Free space there, or name another folder with --folder."
        )
    converted, figures = conversion.scale(folder, rows)
    lines = [_load(folder), *_build(folder)]
    figures += [{"run": f"{line.step}: {line.given}", "goal_mb": line.goal_mb, **vars(line.cost)} for line in lines]
    return f"{converted}\n\n{show(lines)}", figures


def show(lines: list[Line]) -> str:
    """The table of loads and builds."""
    head = ("step", "of", "wall s", "CPU s", "peak MB", "goal MB", "result")
    rows = [
        (
            line.step,
            line.given,
            *(spread([value]) for value in (line.cost.wall, line.cost.cpu)),
            spread([line.cost.peak_mb], 0),
            f"{line.goal_mb:,}",
            line.verdict,
        )
        for line in lines
    ]
    return f"### Memory of loads and builds\n\n{table(head, rows)}"


def _load(folder: Path) -> Line:
    """Load one large file of orders as the machine is."""
    source, work = folder / "large", folder / "work"
    _renew(work)
    run_action("make_orders", source / f"raw_orders_{LOADED}_clean.csv", work)
    cost = run_action("load_ours", source, work)
    _expect(cost.report["rows"], {"raw_orders": LOADED})
    shutil.rmtree(source)
    shutil.rmtree(work)
    return Line("load", f"{LOADED:,} orders", cost, LOAD_GOAL_MB)


def _build(folder: Path) -> list[Line]:
    """Load and build orders of one item each, all from an empty work folder, as on a machine of each size."""
    source, work = folder / f"single-{BUILT}", folder / "work"
    run_action("make_single_items", source, make_years(folder / "three_years"))
    given, lines = f"{BUILT:,} orders and as many items", list[Line]()
    for gib in MACHINES_GIB:
        _renew(work)
        limit = {"RETAIL_DUCKDB_MEMORY_MB": str(share_of_duckdb(gib * 1024))}
        load = run_action("load_ours", source, work, limit)
        _expect(load.report["rows"], {"raw_orders": BUILT, "raw_items": BUILT})
        shutil.rmtree(work / "lake")
        build = run_action("build", source, work, limit)
        _expect({"new": build.report["orders_new"]}, {"new": BUILT})
        lines += [
            Line(f"{step}, {gib} GiB", given, cost, gib * 1024) for step, cost in (("load", load), ("build", build))
        ]
    for path in (source, work):
        shutil.rmtree(path)
    source.with_suffix(".done").unlink()
    return lines


def _renew(work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)


def _expect(found: Mapping[str, Any], expected: Mapping[str, int]) -> None:
    if any(found[name] != rows for name, rows in expected.items()):
        raise ContenderError(f"loaded {found} instead of {expected}")
