"""A shop of one, three and ten years: its first load and build, then the same day's drop on top of each."""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.loading import make_years
from tests.benchmarks.measure import Cost, Section, count_rounds, run_action, spread, table

NAMES = ("growth",)
YEARS = (1, 3, 10)
GOAL, SLOWEST = 1.3, 5
STEPS = ("first load", "first build", "a day's load", "a day's build")
DAY = STEPS[2:]
Runs = Mapping[int, Mapping[str, Sequence[Cost]]]


def compare(folder: Path, rounds: int) -> Section:
    """Load and build each shop in every round, then its last day; the tables, and the figures of each run."""
    three_years, work = make_years(folder / "three_years"), folder / "work"
    runs: dict[int, dict[str, list[Cost]]] = {years: {step: [] for step in STEPS} for years in YEARS}
    for years in YEARS:
        run_action("make_shop", folder / f"shop-{years}", three_years)
    for _ in range(rounds):
        for years, steps in runs.items():
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            source = folder / f"shop-{years}"
            for step, (action, delivery) in zip(STEPS, _list_actions(source), strict=True):
                cost = run_action(action, delivery, work)
                steps[step].append(cost)
                said = f"{cost.wall:.1f} s, {cost.cpu:.1f} s of processors, {cost.peak_mb:.0f} MB"
                print(f"years {years}, {step}: {said}", file=sys.stderr, flush=True)  # it all takes long
            shutil.rmtree(work)
    figures = [
        {"years": years, "run": step, "round": i + 1, **vars(cost)}
        for years, steps in runs.items()
        for step, costs in steps.items()
        for i, cost in enumerate(costs)
    ]
    shown = f"{show(runs)}\n\n{show_ratios(runs)}\n\n{show_nodes(runs)}"
    return f"### A shop that grows, {count_rounds(rounds)}\n\n{shown}", figures


def show(runs: Runs) -> str:
    """What each step costs at each age."""
    head = ("years", "orders", "step", "wall s", "CPU s", "peak MB")
    lines = [
        (
            str(years),
            f"{steps[STEPS[1]][0].report['orders_new']:,}",
            step,
            spread([cost.wall for cost in costs]),
            spread([cost.cpu for cost in costs]),
            spread([cost.peak_mb for cost in costs], 0),
        )
        for years, steps in runs.items()
        for step, costs in steps.items()
    ]
    return table(head, lines)


def show_ratios(runs: Runs) -> str:
    """A day's drop, loaded and built, over that of the youngest shop in the same round."""
    measures: dict[str, Callable[[Sequence[Cost]], float]] = {
        "× wall": lambda costs: sum(cost.wall for cost in costs),
        "× CPU": lambda costs: sum(cost.cpu for cost in costs),
        "× peak memory": lambda costs: max(cost.peak_mb for cost in costs),
    }
    youngest = min(runs)
    lines = []
    for years, steps in runs.items():
        cells = []
        for measure in measures.values():
            day, base = (
                [measure(costs) for costs in zip(*(age[step] for step in DAY), strict=True)]
                for age in (steps, runs[youngest])
            )
            cells.append(f"**{spread([one / other for one, other in zip(day, base, strict=True)])}**")
        lines.append((str(years), *cells))
    title = (
        f"A day's drop, loaded and built, over the same drop on {youngest} year; the goal is {GOAL} at the most.\n\n"
    )
    return title + table(("years", *measures), lines)


def show_nodes(runs: Runs) -> str:
    """The nodes of a day's build whose time grows most from the youngest shop to the oldest."""
    by_age = {years: _median_nodes(steps[STEPS[3]]) for years, steps in runs.items()}
    youngest, oldest = by_age[min(runs)], by_age[max(runs)]
    growing = sorted(oldest, key=lambda node: oldest[node] - youngest.get(node, 0.0), reverse=True)[:SLOWEST]
    head = ("node of a day's build", *(f"s at {years} years" if years > 1 else "s at 1 year" for years in by_age))
    lines = [(f"`{node}`", *(f"{nodes.get(node, 0.0):.2f}" for nodes in by_age.values())) for node in growing]
    return table(head, lines)


def _list_actions(source: Path) -> list[tuple[str, Path]]:
    return [(action, source / name) for name in ("history", "day") for action in ("load_ours", "build")]


def _median_nodes(costs: Sequence[Cost]) -> dict[str, float]:
    reports: list[dict[str, Any]] = [cost.report["nodes"] for cost in costs]
    return {node: statistics.median(nodes[node] for nodes in reports) for node in reports[0]}
