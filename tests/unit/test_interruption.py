"""How a process ends that is told to stop, or stops itself: real processes, real signals, no Prefect."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.run import interruption
from flows.run.settings import load_settings
from flows.run.summary import open_run
from tests.conftest import PROJECT


@dataclass
class Ended:
    """How it ended: `seconds` from the moment it was at work."""

    exit_code: int
    seconds: float
    said: str
    folder: Path

    @property
    def summary(self) -> dict[str, Any]:
        (path,) = (self.folder / "runs").glob("*.json")
        return dict(json.loads(path.read_text(encoding="utf-8")))


def play(
    scene: str, folder: Path, stop: Callable[[subprocess.Popen[str]], object] = lambda _: None, **environment: str
) -> Ended:
    """Run that scene of `interrupted_child`, and stop it when it is at work."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.interrupted_child", scene, str(folder)],
        cwd=PROJECT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout
        assert child.stdout.readline() == "at work\n"
        start = time.monotonic()
        stop(child)
        _, said = child.communicate(timeout=120)
    finally:
        child.kill()
    return Ended(child.returncode, time.monotonic() - start, said, folder)


def interrupt_twice(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGINT)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)


def test_second_ctrl_c_ends_a_process_at_once_that_heeds_nothing(tmp_path: Path) -> None:
    ended = play("stuck", tmp_path, interrupt_twice)
    assert ended.exit_code == 128 + signal.SIGINT
    assert "did not let go" not in ended.said


def test_process_that_heeds_nothing_is_ended_in_time_and_no_last_words_can_prevent_it(tmp_path: Path) -> None:
    ended = play("stuck with words", tmp_path, lambda child: child.send_signal(signal.SIGTERM))
    assert ended.exit_code == 128 + signal.SIGTERM
    assert (
        interruption.GRACE_SECONDS <= ended.seconds < interruption.GRACE_SECONDS + interruption.LAST_WORDS_SECONDS + 2
    )
    assert (tmp_path / "last words").exists()
    assert ended.summary["status"] == "cancelled"
    assert "did not let go" in ended.said


def test_helpers_free_what_no_signal_reaches(tmp_path: Path) -> None:
    ended = play("help", tmp_path, lambda child: child.send_signal(signal.SIGTERM))
    assert ended.exit_code == 128 + signal.SIGTERM
    assert "did not let go" not in ended.said
    assert (tmp_path / "freed").exists()
    assert "report was stopped by SIGTERM" in ended.said


def test_signal_is_heard_where_the_main_thread_is_in_one_long_call_of_a_library(tmp_path: Path) -> None:
    """Python calls no handler there: the helpers, the last words and the end must not wait for one."""
    ended = play("compute", tmp_path, lambda child: child.send_signal(signal.SIGTERM))
    assert ended.exit_code == 128 + signal.SIGTERM
    assert ended.seconds < interruption.GRACE_SECONDS + interruption.LAST_WORDS_SECONDS + 2
    assert (tmp_path / "helped").exists()
    assert (tmp_path / "last words").exists()
    assert "SIGTERM: the run is being stopped" in ended.said
    assert ended.summary["status"] == "cancelled"


def test_second_ctrl_c_is_heard_there_too(tmp_path: Path) -> None:
    ended = play("compute", tmp_path, interrupt_twice)
    assert ended.exit_code == 128 + signal.SIGINT
    assert ended.seconds < interruption.GRACE_SECONDS
    assert "Ctrl-C: the run is being stopped" in ended.said


def test_wait_for_a_lock_is_left_though_another_thread_took_the_signal(tmp_path: Path) -> None:
    ended = play("lock", tmp_path)
    assert ended.exit_code == 128 + signal.SIGTERM
    assert "did not let go" not in ended.said
    assert "report was stopped by SIGTERM" in ended.said
    assert ended.summary["status"] == "cancelled"


def test_what_others_hear_of_signals_they_hear_meanwhile_and_afterwards() -> None:
    """An event loop in the main thread, as a notebook has one, lives by it."""
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    ear.settimeout(10)
    before = signal.set_wakeup_fd(mouth.fileno())
    handler = signal.signal(signal.SIGUSR2, lambda *_: None)
    try:
        with interruption.heed_signals():
            os.kill(os.getpid(), signal.SIGUSR2)
            assert ear.recv(1)[0] == signal.SIGUSR2
        os.kill(os.getpid(), signal.SIGUSR2)
        assert ear.recv(1)[0] == signal.SIGUSR2
        assert signal.set_wakeup_fd(mouth.fileno()) == mouth.fileno()
    finally:
        signal.signal(signal.SIGUSR2, handler)
        signal.set_wakeup_fd(before)
        ear.close()
        mouth.close()


def test_run_that_takes_too_long_ends_with_124_and_says_so_in_its_summary(tmp_path: Path) -> None:
    ended = play("work", tmp_path, RETAIL_RUN_TIMEOUT_S="1")
    assert ended.exit_code == 124
    assert "did not let go" not in ended.said
    assert ended.summary["status"] == "timed_out"
    for said in (ended.said, ended.summary["error"]):
        assert "the run took longer than 1 s and was ended" in said
        assert "RETAIL_RUN_TIMEOUT_S" in said


@pytest.mark.parametrize(
    ("scene", "why"), [("lease", "another run has taken over"), ("server", "ended in mid-run (exit code -9)")]
)
def test_run_that_loses_what_it_needs_ends_at_once_as_failed(tmp_path: Path, scene: str, why: str) -> None:
    ended = play(scene, tmp_path)
    assert ended.exit_code == 1
    assert "did not let go" not in ended.said
    assert ended.summary["status"] == "failed"
    assert why in ended.summary["error"]
    assert f"report failed: {ended.summary['error']}" in ended.said


def test_run_within_its_time_completes_and_is_not_stopped_afterwards(tmp_path: Path) -> None:
    with open_run(load_settings(work_dir=tmp_path, run_timeout_s=1)) as run:
        pass
    time.sleep(1.2)
    assert run.summary["status"] == "completed"
    assert not interruption.is_stopped()


def test_prefect_takes_our_handler_for_its_own_while_a_run_is_at_work_and_no_longer() -> None:
    """Only then does it let a run acknowledge that it is cancelled, and end as Cancelled."""
    from prefect.utilities.engine import can_ack_control_intent, capture_sigterm

    with capture_sigterm():
        assert can_ack_control_intent()
        with interruption.heed_signals():
            assert can_ack_control_intent()
            assert signal.getsignal(signal.SIGTERM) not in {signal.SIG_DFL, None}
            with interruption.heed_signals(), capture_sigterm():
                assert can_ack_control_intent()
                with pytest.raises(interruption.Terminated):
                    os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
