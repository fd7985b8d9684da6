"""Kill loads into Redshift with SIGKILL at every kind of step, run them again, compare with a run never killed.

    python -m tests.warehouse.redshift_campaign --every-step

Each kill is a real process that talks to the stand-in. Prints the figures, and exits with 1 if a single state differs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.lake.contracts import CONTRACTS
from flows.warehouse.parity import raw_relations
from tests.tiny_shop import FILES, write_shop
from tests.warehouse.crashes import Core
from tests.warehouse.redshift import standin_environment
from tests.warehouse.redshift_standin import RedshiftStandin, start_standin


class RedshiftCampaign:
    """A delivery that was loaded, and a second one with a changed, a new and an unchanged file, that is killed."""

    def __init__(self, standin: RedshiftStandin, folder: Path, core: Core) -> None:
        self.standin, self.core, self.work_dir = standin, core, folder / "work"
        self.first, self.second = folder / "first", folder / "second"
        write_shop(self.first)
        write_shop(
            self.second,
            raw_orders=FILES["raw_orders.csv"].replace("o7,c5", "o8,c5") + "bad\n",
            raw_customers=FILES["raw_customers.csv"].replace("c4,Di never ordered\n", ""),
        )
        (self.second / "raw_customers_may.csv").write_text("id,name\nm1,May\nm2,Mo\n")
        self.faults: list[str] = []
        self.kills: Counter[str] = Counter()
        self._start()
        self.steps = self._run(self.second, kill_at=-1)["steps"]
        self.reference = self._state()

    def kill_at(self, step: int) -> None:
        """Kill the second delivery there; look; run it again; compare."""
        self._start()
        killed = self._run(self.second, kill_at=step)
        name = f"step {step}, {self.steps[step]}"
        if killed["exit_code"] is not None:
            self.faults.append(f"{name}: was not killed")
        self.faults += [f"{name}: torn: {torn}" for torn in self._torn()]
        again = self._run(self.second)
        if again["exit_code"] != 0:
            self.faults.append(f"{name}: the next run failed: {again['message']}")
        state = self._state()
        self.faults += [f"{name}: {key} differs" for key in state if state[key] != self.reference[key]]
        self.kills[self.steps[step]] += 1

    def _start(self) -> None:
        """The state after the first delivery."""
        self.standin.reset()
        shutil.rmtree(self.work_dir, ignore_errors=True)
        done = self._run(self.first)
        assert done["exit_code"] == 0, done["message"]

    def _run(self, source: Path, **order: Any) -> dict[str, Any]:
        if order:
            return self.core.run(source, self.work_dir, target="redshift", **order)
        return self.core.run_whole(source, self.work_dir, target="redshift")

    def _state(self) -> dict[str, Any]:
        """Rows and ledger without run and time; what is staged; who holds the warehouse; the files of the lake."""
        state: dict[str, Any] = {}
        for relation in raw_relations(CONTRACTS.values()):
            state[relation.name] = sorted(map(repr, self.standin.run(relation.query(""))))
        found = self.standin.s3.list_objects_v2(Bucket=self.standin.bucket)
        state["staged"] = [item["Key"] for item in found.get("Contents", [])]
        state["holders"] = self.standin.run(
            "select lease_id from ops.run_lease union select lease_id from ops.load_fence"
        )
        state["files"] = sorted(str(path.relative_to(self.work_dir)) for path in self.work_dir.rglob("*.parquet*"))
        return state

    def _torn(self) -> list[str]:
        """Files whose rows are not all of the version that the ledger names."""
        torn = []
        for table in CONTRACTS:
            version = "_file, _file_sha256, _run_id"
            rows = self.standin.run(f'select {version}, count(*) from "raw".{table} group by {version}')
            ledger = self.standin.run(
                "select file_name, file_sha256, run_id, rows_loaded from ops.load_ledger where table_name = %s", table
            )
            torn += [f"{table}: {row}" for row in set(rows) ^ set(ledger)]
        return torn


def every_kind(steps: list[str]) -> Iterator[int]:
    """The middle one of the steps of each name."""
    for name in dict.fromkeys(steps):
        numbers = [number for number, step in enumerate(steps) if step == name]
        yield numbers[len(numbers) // 2]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--every-step", action="store_true", help="kill at each single step, not at each kind of step")
    options = parser.parse_args()
    start = time.monotonic()
    with start_standin() as standin, tempfile.TemporaryDirectory() as folder:
        os.environ.update(standin_environment(standin))
        core = Core()
        try:
            campaign = RedshiftCampaign(standin, Path(folder), core)
            chosen = range(len(campaign.steps)) if options.every_step else list(every_kind(campaign.steps))
            for step in chosen:
                campaign.kill_at(step)
        finally:
            core.close()
    print(f"{len(campaign.steps)} steps of a run; names of steps that were killed at: {len(campaign.kills)}")
    print(f"{campaign.kills.total()} kills in {time.monotonic() - start:.0f} s")
    print(f"{len(campaign.faults)} faults", *campaign.faults, sep="\n  ")
    return 1 if campaign.faults else 0


if __name__ == "__main__":
    sys.exit(main())
