"""A run is told to stop while it is at work: real processes, real signals, at each stage of a run."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from prefect.settings import get_current_settings

from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.conftest import PROJECT, Finished
from tests.tiny_shop import AS_OF, write_shop

SECONDS_TO_END = 10
SECONDS_TO_START = 240


def wait_for(happened: Callable[[], Any], seconds: float = SECONDS_TO_START) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@dataclass
class Stopped:
    """How a run ended that was told to stop."""

    exit_code: int
    seconds: float
    output: str
    work_dir: Path

    @property
    def summary(self) -> dict[str, Any]:
        newest = max((self.work_dir / "runs").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        return dict(json.loads(newest.read_text(encoding="utf-8")))


class Stopper:
    """Starts runs in processes of their own, and stops them; the next process is kept ready, for it starts slowly."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ready = start_child()

    def run(
        self,
        *arguments: str,
        work_dir: Path,
        point: str = "",
        stop: Callable[[subprocess.Popen[str]], None],
        server: str | None,
        environment: dict[str, str] | None = None,
    ) -> Stopped:
        """Run until `point` is reached, then stop; without a point `stop` itself waits for its moment."""
        child, self.ready = self.ready, start_child()
        assert child.stdin
        assert child.stdout
        reached, output = self.folder / f"reached-{child.pid}", self.folder / f"output-{child.pid}"
        order = {
            "arguments": [*arguments, "--work-dir", str(work_dir)],
            "server": server,
            "environment": environment or {},
            "point": point,
            "reached": str(reached),
            "output": str(output),
        }
        assert child.stdout.readline() == "ready\n"
        child.stdin.write(json.dumps(order) + "\n")
        child.stdin.flush()
        try:
            if point:
                wait_for(lambda: reached.exists() or child.poll() is not None)
                assert reached.exists(), "the run ended before it came there"
            stop(child)
            start = time.monotonic()
            exit_code = child.wait(SECONDS_TO_START)
        finally:
            child.kill()
            child.communicate()
            print(output.read_text(encoding="utf-8")[-8000:])
        return Stopped(exit_code, time.monotonic() - start, output.read_text(encoding="utf-8"), work_dir)

    def close(self) -> None:
        self.ready.kill()
        self.ready.communicate()


def start_child() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.flows.stop_child"],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def stopper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stopper]:
    stopper = Stopper(tmp_path_factory.mktemp("stopper"))
    yield stopper
    stopper.close()


@pytest.fixture
def server(prefect_server: None) -> str:
    return str(get_current_settings().api.url)


@pytest.fixture
def work_dir(tiny_run: Finished, tmp_path: Path) -> Path:
    """A work folder with a report that must stay."""
    return Path(shutil.copytree(tiny_run.work_dir, tmp_path / "work", symlinks=True))


def send(signum: signal.Signals) -> Callable[[subprocess.Popen[str]], None]:
    """As a terminal does: to the whole group of processes."""
    return lambda child: os.killpg(child.pid, signum)


def assert_is_free(work_dir: Path) -> None:
    with (work_dir / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    duckdb.connect(str(work_dir / "warehouse.duckdb")).close()


def leftovers(work_dir: Path) -> list[str]:
    return [str(path) for path in work_dir.rglob("*") if path.name.endswith((".new", ".tmp", ".unfinished"))]


@pytest.mark.parametrize(
    ("program", "point", "signum"),
    [
        ("pipeline", "convert", signal.SIGINT),
        ("ingest", "load", signal.SIGTERM),
        ("pipeline", "parse", signal.SIGINT),
        ("report", "compile", signal.SIGTERM),
        ("report", "draw", signal.SIGINT),
        ("report", "publish", signal.SIGTERM),
        ("report", "draw, swallowed", signal.SIGTERM),
        ("report", "stuck", signal.SIGTERM),
    ],
)
def test_a_run_that_is_told_to_stop_ends_at_once_and_leaves_the_last_good_state(
    stopper: Stopper,
    server: str,
    work_dir: Path,
    tmp_path: Path,
    program: str,
    point: str,
    signum: signal.Signals,
) -> None:
    latest = (work_dir / "reports" / "latest").resolve()
    pages = sorted(path.name for path in (work_dir / "reports").iterdir())
    source = write_shop(tmp_path / "source")
    (source / "raw_customers.csv").write_text("id,name\nc9,New\n", encoding="utf-8")
    arguments = (program, "--source", str(source), "--as-of", str(AS_OF))
    stopped = stopper.run(*arguments, work_dir=work_dir, point=point, stop=send(signum), server=server)
    assert stopped.exit_code == 128 + signum
    assert stopped.seconds < SECONDS_TO_END
    assert stopped.summary["status"] == "cancelled"
    assert stopped.summary["report"] is None
    if point != "stuck":
        name = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}[signum]
        assert f"{program} was stopped by {name}" in stopped.output
        assert leftovers(work_dir) == []
    assert (work_dir / "reports" / "latest").resolve() == latest
    assert sorted(path.name for path in (work_dir / "reports").iterdir() if path.suffix != ".new") == pages
    assert_is_free(work_dir)


@pytest.fixture
def slow_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dbt project with a statement that works for hours, and an empty warehouse for it."""
    project = tmp_path / "dbt"
    shutil.copytree(Path(__file__).parent / "slow_dbt", project)
    shutil.copy(PROJECT / "dbt/profiles.yml", project)
    (project / "macros").mkdir()
    shutil.copy(PROJECT / "dbt/macros/generate_schema_name.sql", project / "macros")
    warehouse = DuckDBWarehouse(tmp_path / "slow/warehouse.duckdb")
    warehouse.prepare([])
    warehouse.close()
    return project


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_statement_of_dbt_is_cancelled_nothing_is_tried_again_and_no_node_begins_after_it(
    stopper: Stopper, server: str, slow_project: Path, tmp_path: Path, signum: signal.Signals
) -> None:
    work_dir, log = tmp_path / "slow", tmp_path / "slow/dbt/local/logs/dbt.log"

    def stop_in_the_statement(child: subprocess.Popen[str]) -> None:
        wait_for(lambda: log.is_file() and "START sql table model main.slow" in log.read_text(encoding="utf-8"))
        time.sleep(0.5)
        send(signum)(child)

    environment = {"RETAIL_DBT_PROJECT_DIR": str(slow_project)}
    stopped = stopper.run(
        "transform", work_dir=work_dir, stop=stop_in_the_statement, server=server, environment=environment
    )
    assert stopped.exit_code == 128 + signum
    assert stopped.seconds < SECONDS_TO_END
    assert "did not let go" not in stopped.output
    assert stopped.summary["status"] == "cancelled"
    assert len(list((work_dir / "dbt/local/attempts").glob("*.json"))) == 1
    assert "after_slow" not in log.read_text(encoding="utf-8").split("START sql table model main.slow")[1]
    assert_is_free(work_dir)


def test_a_second_ctrl_c_ends_a_run_at_once(stopper: Stopper, server: str, work_dir: Path) -> None:
    def press_twice(child: subprocess.Popen[str]) -> None:
        send(signal.SIGINT)(child)
        time.sleep(1)
        send(signal.SIGINT)(child)

    stopped = stopper.run("report", work_dir=work_dir, point="stuck in parse", stop=press_twice, server=server)
    assert stopped.exit_code == 128 + signal.SIGINT
    assert stopped.seconds < 1
    assert_is_free(work_dir)


def children(parent: int) -> list[int]:
    rows = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(row.split()[0]) for row in rows.splitlines() if int(row.split()[1]) == parent]


def lives(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


def test_ctrl_c_ends_a_run_with_a_temporary_server_and_then_the_server(stopper: Stopper, tmp_path: Path) -> None:
    servers: list[int] = []

    def press(child: subprocess.Popen[str]) -> None:
        servers.extend(children(child.pid))
        send(signal.SIGINT)(child)

    source = write_shop(tmp_path / "source")
    arguments = ("ingest", "--source", str(source))
    stopped = stopper.run(*arguments, work_dir=tmp_path / "work", point="load", stop=press, server=None)
    assert stopped.exit_code == 128 + signal.SIGINT
    assert stopped.seconds < SECONDS_TO_END
    assert "did not let go" not in stopped.output
    assert "ended in mid-run" not in stopped.output
    assert len(servers) == 1
    wait_for(lambda: not lives(servers[0]), 5)
    assert (tmp_path / "work/prefect/prefect.db").is_file()
    assert_is_free(tmp_path / "work")


def test_a_run_whose_temporary_server_dies_ends_with_that_cause(stopper: Stopper, tmp_path: Path) -> None:
    def kill_the_server(child: subprocess.Popen[str]) -> None:
        (server,) = children(child.pid)
        os.kill(server, signal.SIGKILL)

    source = write_shop(tmp_path / "source")
    arguments = ("ingest", "--source", str(source))
    stopped = stopper.run(*arguments, work_dir=tmp_path / "work", point="load", stop=kill_the_server, server=None)
    assert stopped.exit_code == 1
    assert stopped.seconds < SECONDS_TO_END
    assert "Prefect's temporary server ended in mid-run (exit code -9)" in stopped.output
    assert stopped.summary["status"] == "failed"
    assert "ended in mid-run" in stopped.summary["error"]
    assert_is_free(tmp_path / "work")
