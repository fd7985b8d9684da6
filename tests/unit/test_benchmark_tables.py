"""The tables of the benchmarks say what was measured."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.benchmarks import memory
from tests.benchmarks.growth import STEPS, show_nodes, show_ratios
from tests.benchmarks.measure import ContenderError, Cost
from tests.benchmarks.memory import Line
from tests.benchmarks.memory import show as show_memory
from tests.benchmarks.running import AGAIN, DBT, HELLO, NOTHING, WHOLE, show


def test_the_whole_job_is_shown_beside_its_floor_of_the_same_round() -> None:
    costs = {HELLO: [(10.0, 8.0), (20.0, 8.0)], AGAIN: [(5.0, 4.0), (10.0, 4.0)], DBT: [(10.0, 12.0), (10.0, 12.0)]}
    costs |= {WHOLE: [(25.0, 40.0), (36.0, 40.0)], NOTHING: [(4.0, 3.0), (11.0, 5.0)]}
    shown = show({name: [Cost(wall, cpu, 100.0, {}) for wall, cpu in runs] for name, runs in costs.items()})
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ")[4:] for line in shown.splitlines()}
    assert rows[WHOLE] == ["**1.23 (1.20–1.25)**", "**2.00 (2.00–2.00)** |"]
    assert rows[NOTHING] == ["**0.95 (0.80–1.10)**", "**1.00 (0.75–1.25)** |"]
    assert rows[DBT] == ["–", "– |"]


def test_a_days_drop_is_shown_beside_the_same_of_the_same_round_on_the_youngest_shop() -> None:
    runs = {
        1: make_steps(load=[(1.0, 1.0, 300), (2.0, 1.0, 300)], build=[(9.0, 7.0, 400), (8.0, 7.0, 400)]),
        10: make_steps(load=[(2.0, 2.0, 350), (3.0, 2.0, 350)], build=[(13.0, 8.0, 500), (9.0, 8.0, 500)]),
    }
    rows = show_ratios(runs).splitlines()
    assert rows[-2] == "| 1 | **1.00 (1.00–1.00)** | **1.00 (1.00–1.00)** | **1.00 (1.00–1.00)** |"
    assert rows[-1] == "| 10 | **1.35 (1.20–1.50)** | **1.25 (1.25–1.25)** | **1.25 (1.25–1.25)** |"


def test_the_nodes_that_grow_most_are_named_first() -> None:
    young = make_steps(load=[(1, 1, 1)], build=[(1, 1, 1)], nodes={"same": 3.0, "grows": 0.1, "little": 0.2})
    old = make_steps(load=[(1, 1, 1)], build=[(1, 1, 1)], nodes={"same": 3.0, "grows": 4.0, "little": 0.4})
    rows = show_nodes({1: young, 10: old}).splitlines()
    assert rows[2:4] == ["| `grows` | 0.10 | 4.00 |", "| `little` | 0.20 | 0.40 |"]


def test_a_step_above_its_goal_is_shouted_out() -> None:
    rows = show_memory([Line("load", "1 order", Cost(1.0, 2.0, peak, {}), 700) for peak in (700.0, 701.0)]).splitlines()
    assert rows[-2].endswith("| 700 | 700 | within |")
    assert rows[-1].endswith("| 701 | 700 | **ABOVE** |")


def test_memory_is_not_measured_on_a_disk_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.benchmarks.memory.shutil.disk_usage", lambda _: SimpleNamespace(free=24e9))
    with pytest.raises(ContenderError, match=r"25 GB of files, and 24 GB are free.*--folder"):
        memory.compare(tmp_path, 1)


def make_steps(
    load: list[tuple[float, float, float]],
    build: list[tuple[float, float, float]],
    nodes: dict[str, float] | None = None,
) -> dict[str, list[Cost]]:
    day = [[Cost(wall, cpu, peak, {"nodes": nodes or {}}) for wall, cpu, peak in step] for step in (load, build)]
    return dict(zip(STEPS, [*day, *day], strict=True))
