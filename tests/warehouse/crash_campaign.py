"""Kill the ingest at every kind of step and at random moments, run it again, compare: `--kills` says how often.

    python -m tests.warehouse.crash_campaign --kills 300

Each kill is a SIGKILL of a real process that works on a real DuckDB file. Prints the figures, and exits with 1 if a
single state differs from the one that a run leaves that was never killed.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

from tests.warehouse.crashes import Core, Scenario, find_torn, make_scenarios, read_state

NEVER = 10**9
Order = tuple[Scenario, list[dict[str, Any]]]


@dataclass
class Campaign:
    """The kills so far and what was wrong after them."""

    folder: Path
    core: Core
    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    ended_first: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.scenarios = make_scenarios(self.folder, self.core)
        self.reference = {scenario.name: self._run_whole(scenario) for scenario in self.scenarios}

    def _run_whole(self, scenario: Scenario) -> tuple[dict[str, Any], dict[str, Any], float]:
        work_dir = scenario.start(self.folder / f"reference_{scenario.name}")
        self.core.run(scenario.source, scenario.start(work_dir))  # the first run of a process is slower
        scenario.start(work_dir)
        start = time.monotonic()
        answer = self.core.run(scenario.source, work_dir, kill_at=NEVER)
        return answer, read_state(work_dir), time.monotonic() - start

    def at_every_step(self) -> Iterator[Order]:
        """Each step of each scenario."""
        for scenario in self.scenarios:
            for step in range(len(self.steps_of(scenario))):
                yield scenario, [{"kill_at": step}]

    def at_named_steps(self) -> Iterator[Order]:
        """Each kind of step of each scenario, the first, the second or any other time that it is reached."""
        for scenario in self.scenarios:
            steps = self.steps_of(scenario)
            for name in sorted(set(steps)):
                yield scenario, [{"kill_at": self.random.choice([i for i, step in enumerate(steps) if step == name])}]

    def at_random_moments(self) -> Iterator[Order]:
        """Without end; one in three runs is killed up to three times in a row."""
        for scenario in (self.random.choice(self.scenarios) for _ in count()):
            seconds = self.reference[scenario.name][2]
            times = self.random.choice((1, 1, 2, 3)) if self.random.random() < 1 / 3 else 1
            moments = [self.random.uniform(0, seconds) for _ in range(times)]
            yield scenario, [{"kill_at": NEVER, "kill_after_seconds": moment} for moment in moments]

    def steps_of(self, scenario: Scenario) -> list[str]:
        """The steps of a run that is not killed."""
        return list(self.reference[scenario.name][0]["steps"])

    def kill(self, scenario: Scenario, orders: list[dict[str, Any]]) -> None:
        """Kill a run as ordered, then run it to its end and compare."""
        work_dir = scenario.start(self.folder / "work")
        for order in orders:
            answer = self.core.run(scenario.source, work_dir, **order)
            if answer["exit_code"] is not None:
                self.ended_first += 1
                continue
            self.kills["at a random moment" if "kill_after_seconds" in order else "at a step"] += 1
            self.steps[answer["steps"][-1] if answer["steps"] else "before the first step"] += 1
            torn = find_torn(work_dir, self.folder / "scratch")
            self.faults += [f"{scenario.name} {order} {answer['steps'][-1:]}: torn {file}" for file in torn]
        answer, state = self.core.run(scenario.source, work_dir), read_state(work_dir)
        expected, expected_state, _ = self.reference[scenario.name]
        if (answer["exit_code"], answer["message"]) != (expected["exit_code"], expected["message"]):
            self.faults.append(f"{scenario.name} {orders}: ended with {answer['exit_code']}: {answer['message']}")
        for key, found in state.items():
            if found != expected_state[key]:
                self.faults.append(f"{scenario.name} {orders}: {key} is {found}, expected {expected_state[key]}"[:1000])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300, help="how many processes to kill (default: 300)")
    parser.add_argument("--every-step", action="store_true", help="kill at each single step, not at each kind of step")
    parser.add_argument("--seed", type=int, default=1, help="where the random moments start (default: 1)")
    options = parser.parse_args()
    core = Core()
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder), core, options.seed)
        start = time.monotonic()
        at_steps = campaign.at_every_step() if options.every_step else campaign.at_named_steps()
        for scenario, orders in chain(at_steps, campaign.at_random_moments()):
            campaign.kill(scenario, orders)
            if campaign.kills.total() >= options.kills:
                break
    core.close()
    steps = {name: len(answer["steps"]) for name, (answer, _, _) in campaign.reference.items()}
    print(f"steps of a run: {steps}; names of steps that were killed at: {len(campaign.steps)}")
    print(f"{campaign.kills.total()} kills ({dict(campaign.kills)}) in {time.monotonic() - start:.0f} s")
    print(f"{campaign.ended_first} runs had ended before their random moment came")
    print(f"{len(campaign.faults)} faults", *campaign.faults[:20], sep="\n  ")
    return 1 if campaign.faults else 0


if __name__ == "__main__":
    sys.exit(main())
