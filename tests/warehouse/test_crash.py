"""A real process is killed with SIGKILL, at steps and at random moments; the next run makes everything as it must be.

The whole campaign, hundreds of kills, is `python -m tests.warehouse.crash_campaign`; here is what CI has time for.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.tiny_shop import write_shop
from tests.warehouse.crash_campaign import Campaign
from tests.warehouse.crashes import Core, find_torn, read_state

# Where the order of things matters most; the campaign kills at all the others too
STEPS = {
    "first": (
        "after connect",
        "before replace",
        "after create ledger",
        "after fsync",
        "after convert_csv",
        "after insert raw",
        "after insert ledger",
        "after commit",
        "before close",
    ),
    "second": (
        "after prepare",
        "after insert deliveries",
        "after convert_csv",
        "after begin",
        "after insert replaced",
        "after delete replaced",
        "after delete raw",
        "before count raw",
        "after delete ledger",
        "before commit",
        "after commit",
        "after unlink",
    ),
    "refused": ("after convert_csv", "after sweep"),
}
RANDOM_KILLS = 4


@pytest.fixture(scope="module")
def core() -> Iterator[Core]:
    core = Core()
    yield core
    core.close()


@pytest.fixture(scope="module")
def campaign(core: Core, tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return Campaign(tmp_path_factory.mktemp("crash"), core, seed=1)


@pytest.mark.parametrize(("scenario", "step"), [(name, step) for name, steps in STEPS.items() for step in steps])
def test_ingest_killed_at_a_step_next_run_converges(campaign: Campaign, scenario: str, step: str) -> None:
    chosen = next(known for known in campaign.scenarios if known.name == scenario)
    times = [number for number, name in enumerate(campaign.steps_of(chosen)) if name == step]
    killed = campaign.kills.total()
    campaign.kill(chosen, [{"kill_at": times[len(times) // 2]}])
    assert (campaign.kills.total() - killed, campaign.faults) == (1, [])


def test_ingest_killed_at_random_moments_next_run_converges(campaign: Campaign) -> None:
    killed = campaign.kills.total()
    orders = campaign.at_random_moments()
    while campaign.kills.total() < killed + RANDOM_KILLS:
        campaign.kill(*next(orders))
    assert campaign.faults == []


def test_ingest_killed_between_two_transactions_keeps_the_first_and_loads_the_rest(
    campaign: Campaign, core: Core
) -> None:
    first = campaign.scenarios[0]
    work_dir = first.start(campaign.folder / "between")
    steps = campaign.steps_of(first)
    third_load = [number for number, name in enumerate(steps) if name == "after insert ledger"][2]
    step = steps.index("after commit", third_load)
    assert core.run(first.source, work_dir, kill_at=step)["exit_code"] is None
    assert find_torn(work_dir, campaign.folder / "scratch") == []
    state = read_state(work_dir)
    files = Counter(row[0] for row in state["load_ledger"])
    assert files == {"raw_customers": 1, "raw_items": 1, "raw_orders": 2}, "a table's small files share a transaction"
    assert core.run(first.source, work_dir)["exit_code"] == 0
    assert read_state(work_dir)["load_ledger"] == campaign.reference["first"][1]["load_ledger"]


def test_ingest_killed_between_planning_and_loading_next_run_keeps_when_files_were_delivered(
    campaign: Campaign, core: Core
) -> None:
    second = campaign.scenarios[1]
    work_dir = second.start(campaign.folder / "planned")
    step = campaign.steps_of(second).index("after convert_csv")
    assert core.run(second.source, work_dir, kill_at=step)["exit_code"] is None
    seen = read_deliveries(work_dir)
    time.sleep(0.01)
    assert core.run(second.source, work_dir)["exit_code"] == 0
    assert read_deliveries(work_dir) == seen
    with duckdb.connect(str(work_dir / "warehouse.duckdb")) as connection:
        loaded = connection.execute("select table_name, file_name, file_sha256, delivered_at from ops.load_ledger")
        assert set(loaded.fetchall()) <= set(seen)


def read_deliveries(work_dir: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(work_dir / "warehouse.duckdb")) as connection:
        sql = "select table_name, file_name, file_sha256, delivered_at from ops.deliveries order by all"
        return connection.execute(sql).fetchall()


def test_two_processes_the_second_says_who_is_at_work_and_ends_at_once(tmp_path: Path, core: Core) -> None:
    source, work_dir = write_shop(tmp_path / "source"), tmp_path / "work"
    child = core.start(source, work_dir, hold_seconds=60)
    holder = _wait_for_holder(work_dir)
    answer = core.run(source, work_dir)
    assert answer["exit_code"] == 1
    assert f"another run is at work here (run run-of-a-child, process {child.pid} on " in answer["message"]
    assert holder.startswith(f"run run-of-a-child, process {child.pid} on ")
    child.kill()
    core.finish(child)
    assert core.run(source, work_dir)["exit_code"] == 0, "no lock outlives its process"


def _wait_for_holder(work_dir: Path) -> str:
    for _ in range(600):
        if (work_dir / "warehouse.duckdb").exists():
            return (work_dir / ".lock").read_text()
        time.sleep(0.05)
    raise AssertionError("the first process did not start")
