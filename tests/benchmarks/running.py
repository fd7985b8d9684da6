"""The whole job on the shipped data beside the least that it could cost, and a run with nothing to do beside a flow.

The floor of a whole run is a flow that says hello, with the server that Prefect starts for it, and then `dbt build` of
the same tables by dbt alone. A run with nothing to do is beside such a flow whose server has a database already.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.measure import ROOT, Cost, Section, count_rounds, run_action, run_process, spread, table

NAMES = ("run",)
DATASETS = ROOT / "data" / "datasets"
HELLO, AGAIN, DBT = "hello-world flow, new database", "hello-world flow", "dbt build alone"
WHOLE, NOTHING = "whole run", "unchanged run"
FLOOR = {WHOLE: (HELLO, DBT), NOTHING: (AGAIN,)}


def compare(folder: Path, rounds: int) -> Section:
    """Run all five in every round, each in new folders; the table, and the figures of each run."""
    runs: dict[str, list[Cost]] = {name: [] for name in (HELLO, AGAIN, DBT, WHOLE, NOTHING)}
    work = folder / "run"
    ours = [sys.executable, "-m", "flows.pipeline", "--source", str(DATASETS), "--work-dir", str(work / "ours")]
    for _ in range(rounds):
        shutil.rmtree(work, ignore_errors=True)
        (work / "dbt").mkdir(parents=True)
        runs[HELLO].append(run_action("hello", DATASETS, work))
        runs[AGAIN].append(run_action("hello", DATASETS, work))
        run_action("load_ours", DATASETS, work / "dbt")
        runs[DBT].append(run_action("build", DATASETS, work / "dbt"))
        for name in (WHOLE, NOTHING):
            runs[name].append(run_process(ours))
    shutil.rmtree(work)
    return f"### The whole job, {count_rounds(rounds)}\n\n{show(runs)}", [
        {"run": name, "round": i + 1, **vars(cost)} for name, costs in runs.items() for i, cost in enumerate(costs)
    ]


def show(runs: Mapping[str, Sequence[Cost]]) -> str:
    """The table: how many times the floor a run takes, by wall time and by processor time, a ratio a round."""
    head = ("run", "wall s", "CPU s", "peak MB", "× floor", "× CPU of floor")
    rows = []
    for name, costs in runs.items():
        floors = [runs[part] for part in FLOOR.get(name, ())]
        wall = [sum(cost.wall for cost in parts) for parts in zip(*floors, strict=True)]
        cpu = [sum(cost.cpu for cost in parts) for parts in zip(*floors, strict=True)]
        rows.append(
            (
                name,
                spread([cost.wall for cost in costs]),
                spread([cost.cpu for cost in costs]),
                spread([cost.peak_mb for cost in costs], 0),
                _ratio([cost.wall for cost in costs], wall),
                _ratio([cost.cpu for cost in costs], cpu),
            )
        )
    return table(head, rows)


def _ratio(values: Sequence[float], floors: Sequence[float]) -> str:
    if not floors:
        return "–"
    return f"**{spread([value / floor for value, floor in zip(values, floors, strict=True)])}**"
