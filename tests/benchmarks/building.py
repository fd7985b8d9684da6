"""dbt's build after a day's drop, beside a build with nothing new and beside a whole one, in the same warehouse."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import Cost, count_rounds, run_action, spread, table

NAMES = ("build",)
WHOLE, NOTHING, DAY = "whole", "nothing new", "a day's drop"


def compare(folder: Path, copies: int, rounds: int) -> tuple[str, list[dict[str, Any]]]:
    """Build `copies` times the sales of the shipped shop but for their last day, then nothing, then that day.

    Returns:
        the table, and the figures of each run. The last column is taken within a round, after the build with nothing
        new was taken off both: what is left is what the records cost.
    """
    source = folder / f"history-{copies}"
    run_action("make_history", source, folder)
    runs: dict[str, list[Cost]] = {WHOLE: [], NOTHING: [], DAY: []}
    work = folder / "work"
    for _ in range(rounds):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        run_action("load_ours", source / "history", work)
        for name in (WHOLE, NOTHING):
            runs[name].append(run_action("build", source, work))
        run_action("load_ours", source / "day", work)
        runs[DAY].append(run_action("build", source, work))
        shutil.rmtree(work)
    head = ("build", "orders new", "s after imports", "of it models", "of it tests", "CPU s", "peak MB", "× whole")
    rows = [(name, *_cells(costs), _ratio(costs, runs[WHOLE], runs[NOTHING])) for name, costs in runs.items()]
    figures = [
        {"run": name, "round": i + 1, **vars(cost)} for name, costs in runs.items() for i, cost in enumerate(costs)
    ]
    return f"### dbt build, {count_rounds(rounds)}\n\n{table(head, rows)}", figures


def _cells(runs: Sequence[Cost]) -> list[str]:
    reports = [run.report for run in runs]
    return [
        f"{reports[0]['orders_new']:,}",
        spread([run.seconds for run in runs]),
        spread([report["seconds_models"] for report in reports]),
        spread([report["seconds_tests"] for report in reports]),
        spread([run.cpu_seconds for run in runs]),
        spread([run.peak_mb for run in runs], 0),
    ]


def _ratio(runs: Sequence[Cost], whole: Sequence[Cost], nothing: Sequence[Cost]) -> str:
    """Time for the records alone over that of a whole build."""
    ratios = [
        (run.seconds - constant.seconds) / (all_.seconds - constant.seconds)
        for run, all_, constant in zip(runs, whole, nothing, strict=True)
    ]
    return f"**{spread(ratios)}**"
