"""A temporary server that finds no room for its state ends without a word: the disk is named in its place."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows.errors import ConfigError
from flows.run import own_server
from flows.run.own_server import LEAST_FREE_BYTES, TemporaryServer


@pytest.mark.parametrize(("spare", "is_full"), [(-1, True), (0, False)], ids=["full", "room"])
def test_server_that_ends_on_a_full_disk_names_the_disk_and_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spare: int, *, is_full: bool
) -> None:
    monkeypatch.setattr(own_server.sys, "executable", shutil.which("false") or sys.executable)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=LEAST_FREE_BYTES + spare))
    with pytest.raises(ConfigError, match=r"did not start \(exit code 1\)") as refused:
        TemporaryServer(tmp_path / "prefect").start(20)
    assert ("the disk is full" in str(refused.value)) is is_full
    assert ("Free space there, or name another work folder" in str(refused.value)) is is_full
    assert ("remove the folder" in str(refused.value)) is not is_full
    assert str(tmp_path / "prefect") in str(refused.value)
