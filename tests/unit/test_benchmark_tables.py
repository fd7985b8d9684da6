"""The tables of the benchmarks say what was measured, and take the place of older ones."""

from __future__ import annotations

from tests.benchmarks.measure import Cost, put_section
from tests.benchmarks.running import AGAIN, DBT, HELLO, NOTHING, WHOLE, show


def test_the_whole_job_is_shown_beside_its_floor_of_the_same_round() -> None:
    costs = {HELLO: [(10.0, 8.0), (20.0, 8.0)], AGAIN: [(5.0, 4.0), (10.0, 4.0)], DBT: [(10.0, 12.0), (10.0, 12.0)]}
    costs |= {WHOLE: [(25.0, 40.0), (36.0, 40.0)], NOTHING: [(4.0, 3.0), (11.0, 5.0)]}
    shown = show({name: [Cost(wall, cpu, 100.0, {}) for wall, cpu in runs] for name, runs in costs.items()})
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ")[4:] for line in shown.splitlines()}
    assert rows[WHOLE] == ["**1.23 (1.20–1.25)**", "**2.00 (2.00–2.00)** |"]
    assert rows[NOTHING] == ["**0.95 (0.80–1.10)**", "**1.00 (0.75–1.25)** |"]
    assert rows[DBT] == ["–", "– |"]


def test_a_section_takes_the_place_of_the_older_one_and_of_nothing_else() -> None:
    text = "# Figures\n<!-- run -->\nold\n<!-- run -->\nrest <!-- other -->\n"
    assert put_section(text, "run", "new") == "# Figures\n<!-- run -->\nnew\n<!-- run -->\nrest <!-- other -->\n"
    assert put_section(text, "other", "new") == text
