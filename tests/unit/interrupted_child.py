"""A process that is to be stopped, or stops itself: `python -m tests.unit.interrupted_child SCENE FOLDER`.

It prints "at work" when it is; none of the scenes needs Prefect's server.
"""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows.run.command_line import run_flow
from flows.run.interruption import help_to_stop
from flows.run.settings import load_settings
from flows.run.summary import hold_warehouse, open_run
from flows.run.temporary_server import TemporaryServer

MINUTE = 60


def work(seconds: float = MINUTE, lose: Callable[[], object] = lambda: None) -> None:
    """Stand still, as a run does that waits for an answer; what is lost is lost only when it has said so."""
    print("at work", flush=True)
    lose()
    time.sleep(seconds)


def never_let_go() -> None:
    """Heed nothing, as code does that is caught in a call of a library."""
    end = time.monotonic() + MINUTE
    while time.monotonic() < end:
        try:
            work()
        except BaseException:
            continue


def wait_for_help(folder: Path) -> None:
    """Be caught until a helper frees it, then leave a mark where it goes on."""
    freed = threading.Event()

    def caught() -> None:
        freed.wait(MINUTE)
        (folder / "freed").touch()

    thread = threading.Thread(target=caught)
    thread.start()
    with help_to_stop(freed.set):
        try:
            work()
        finally:
            thread.join()


def never_let_go_with_words(folder: Path) -> None:
    """Heed nothing; the last words of one hang, which keeps those of the other from nothing."""
    with help_to_stop(lambda: None, (folder / "last words").touch), help_to_stop(lambda: None, lambda: work(MINUTE)):
        never_let_go()


def compute(folder: Path) -> None:
    """Be in one call of a library all along, that lets other threads run but no handler of a signal."""

    def tell() -> None:
        time.sleep(1)  # the main thread is there by then
        print("at work", flush=True)

    with help_to_stop((folder / "helped").touch, (folder / "last words").touch):
        threading.Thread(target=tell, daemon=True).start()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 1_000_000_000)


def wait_for_a_lock(_: Path) -> None:
    """Wait for what never comes, while another thread takes the signal: that interrupts no wait of the main thread."""

    def take() -> None:
        time.sleep(1)  # the main thread waits by then
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    threading.Thread(target=take, daemon=True).start()
    work(0, threading.Event().wait)


def lose_the_server(folder: Path) -> None:
    """The temporary server dies under the run."""
    server, process = TemporaryServer(folder / "prefect"), subprocess.Popen(["sleep", str(MINUTE)])
    threading.Thread(target=server._stop_run_without, args=(process,), daemon=True).start()
    work(lose=process.kill)


def lose_the_warehouse(folder: Path) -> None:
    """The lease is found to be lost by the thread that renews it."""
    settings = load_settings(work_dir=folder)
    with open_run(settings) as run, hold_warehouse(run, settings) as warehouse:
        renewal = threading.Thread(target=warehouse.tell_lost, args=("another run has taken over this warehouse",))
        work(lose=renewal.start)


SCENES: dict[str, Callable[[Path], None]] = {
    "work": lambda _: work(),
    "stuck": lambda _: never_let_go(),
    "stuck with words": never_let_go_with_words,
    "help": wait_for_help,
    "compute": compute,
    "lock": wait_for_a_lock,
    "server": lose_the_server,
    "lease": lose_the_warehouse,
}


def main(scene: str, folder: Path) -> int:
    """Run that scene as the command line runs a flow."""

    def flow(**_: Any) -> dict[str, Any]:
        with open_run(load_settings(work_dir=folder)) as run:
            SCENES[scene](folder)
        return run.summary

    return run_flow("report", flow, [])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
