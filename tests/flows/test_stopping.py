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

from tests.conftest import PROJECT, Finished
from tests.tiny_shop import AS_OF, write_shop

SECONDS_TO_END = 10
SECONDS_TO_START = 240


def wait_for(happened: Callable[[], Any], seconds: float = SECONDS_TO_START) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def read_summary(work_dir: Path) -> dict[str, Any]:
    newest = max((work_dir / "runs").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return dict(json.loads(newest.read_text(encoding="utf-8")))


@dataclass
class Stopped:
    """How a run ended that was told to stop."""

    exit_code: int
    seconds: float
    output: str
    work_dir: Path

    @property
    def summary(self) -> dict[str, Any]:
        return read_summary(self.work_dir)


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
            wait_for(lambda: not is_group_alive(child.pid), SECONDS_TO_END)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            print(output.read_text(encoding="utf-8")[-8000:])
        return Stopped(exit_code, time.monotonic() - start, output.read_text(encoding="utf-8"), work_dir)

    def close(self) -> None:
        self.ready.kill()
        self.ready.communicate()


def is_group_alive(leader: int) -> bool:
    """Whether a process is left of the group that this one led, as one that it started and forgot.

    One that has ended is none, though it stays listed until its new parent asks how, which may take that seconds.
    """
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _parent, group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(group) == leader and state not in {"Z", "X"}:
                return True
    return False


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
