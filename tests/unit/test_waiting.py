"""One run waits for another one in its work folder, or is refused; either way it says for whom."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from pathlib import Path

import pytest

from flows.errors import LoadError
from flows.run.settings import load_settings
from flows.run.summary import open_run
from flows.warehouse.lock import hold_work_dir
from flows.warehouse.waiting import HeldError, Patience, describe_holder


def test_run_that_waits_for_a_work_folder_says_for_whom_and_begins_when_it_is_free(tmp_path: Path) -> None:
    said, begun = list[str](), threading.Event()

    def second() -> None:
        with hold_work_dir(tmp_path, "two", Patience(60, said.append, pause=0.02)):
            begun.set()

    with hold_work_dir(tmp_path, describe_holder("run-1", "calm-owl")):
        thread = threading.Thread(target=second)
        thread.start()
        assert not begun.wait(0.2)
    assert begun.wait(20)
    thread.join(20)
    assert len(said) == 1, "it is said again every half minute, not at each try"
    assert re.search(
        rf"waiting for {re.escape(str(tmp_path))}, for at most 60 s: run run-1 \(calm-owl\), process {os.getpid()} on "
        rf"{re.escape(socket.gethostname())}, since 20..-..-.. ..:..:.. UTC is at work there",
        said[0],
    )


def test_run_that_does_not_wait_is_refused_at_once_with_the_cure(tmp_path: Path) -> None:
    with hold_work_dir(tmp_path, "one"):
        start = time.monotonic()
        with pytest.raises(LoadError, match=r"at work here \(one\)\. Wait.*--wait SECONDS, or RETAIL_WAIT_S") as raised:
            hold_work_dir(tmp_path, "two").__enter__()
        assert time.monotonic() - start < 0.5
    assert isinstance(raised.value, HeldError)


def test_run_that_has_waited_in_vain_is_refused_after_its_time(tmp_path: Path) -> None:
    with hold_work_dir(tmp_path, "one"):
        start = time.monotonic()
        with pytest.raises(LoadError, match=r"at work here \(one\).*This run has waited for 1 s; --wait"):
            hold_work_dir(tmp_path, "two", Patience(1, pause=0.05)).__enter__()
        assert 1 <= time.monotonic() - start < 3


def test_waiting_is_told_anew_when_another_one_holds_and_every_half_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    said, holders = list[str](), iter(["ada", "ada", "bo", "bo"])
    monkeypatch.setattr("flows.warehouse.waiting.TELL_SECONDS", 1000)

    def attempt() -> str:
        for holder in holders:
            raise HeldError("held", holder)
        return "entered"

    assert Patience(60, said.append, pause=0).enter("it", attempt) == "entered"
    assert [text.rpartition(": ")[2] for text in said] == ["ada is at work there", "bo is at work there"]
    holders, said[:] = iter(["ada", "ada"]), []
    monkeypatch.setattr("flows.warehouse.waiting.TELL_SECONDS", 0)
    assert Patience(60, said.append, pause=0).enter("it", attempt) == "entered"
    assert len(said) == 2


def test_runs_wait_as_long_as_the_settings_say(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    settings = load_settings(work_dir=tmp_path, wait_s=1)
    with hold_work_dir(tmp_path, "one"):
        start = time.monotonic()
        with pytest.raises(LoadError, match="has waited for 1 s"):
            open_run(settings).__enter__()
        assert time.monotonic() - start >= 1
    assert "one is at work there" in caplog.text
    with open_run(settings):
        pass
