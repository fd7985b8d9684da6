"""Prefect as `make ui` starts it, for the tests of deployments and automations."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import PROJECT

STARTED = "Prefect is up"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Patient(httpx.Client):
    """A client that asks again while the server's database is locked, as it is on a machine that is busy."""

    def request(self, *arguments: Any, **given: Any) -> httpx.Response:
        end = time.monotonic() + 60
        while (answer := super().request(*arguments, **given)).status_code == httpx.codes.SERVICE_UNAVAILABLE:
            assert time.monotonic() < end, answer.text
            time.sleep(0.5)
        return answer


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The API of a server that infra/ui.py started, with deployments and worker; all of it ends with the session."""
    home, port = tmp_path_factory.mktemp("prefect"), free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment["PREFECT_HOME"] = str(home)
    with (home / "ui.log").open("wb") as log:
        ui = subprocess.Popen(
            [sys.executable, "infra/ui.py", "--port", str(port)],
            cwd=PROJECT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: STARTED in (home / "ui.log").read_text(), ui, home / "ui.log")
        with Patient(base_url=f"http://127.0.0.1:{port}/api", timeout=30) as client:
            yield client
    finally:
        ui.send_signal(signal.SIGTERM)
        assert ui.wait(timeout=60) == 0


def wait_for(happened: Any, process: subprocess.Popen[bytes], log: Path, seconds: int = 480) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert process.poll() is None, log.read_text()[-5000:]
        assert time.monotonic() < end, log.read_text()[-5000:]
        time.sleep(0.3)
