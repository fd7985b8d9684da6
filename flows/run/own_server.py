"""A Prefect server for this run alone: a folder for its state in, a process that does not outlive the run out.

Prefect would start a server itself. That one keeps its state in the user's home, where it meets the database of
another Prefect, dies of the Ctrl-C that is meant for the run, and outlives a run that is killed. So it is started
here (prefect.server.api.server.SubprocessASGIServer in 3.8 offers none of the following): with its state in the work
folder, in a session of its own, and with a pipe to the run whose end it does not outlive (`server_process`).

Nothing of Prefect is imported here, so that a server can begin before it is (`early_server`).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from flows.errors import ConfigError
from flows.run.privacy import PRIVATE_UMASK, private_files
from flows.run.settings import PROJECT

ANSWER_SECONDS = 6.0
STOP_SECONDS = 3.0
POLL_SECONDS = 0.05
LEAST_FREE_BYTES = 4 << 20  # with less, what a server's database needs to begin is not there
_NEWER = "Can't locate revision"  # alembic, of a database that a newer Prefect has changed


class TemporaryServer:
    """A Prefect server in a process of its own, with all its state in the folder `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None
        self._address = ""
        self._stopping = False

    def start(self, patience_seconds: float) -> None:
        """Begin it and wait until it answers; errors as of these two."""
        self.begin()
        self.wait(patience_seconds)

    def begin(self) -> None:
        """Let its process begin, and know its address.

        Raises:
            ConfigError: its folder cannot be written.
        """
        try:
            with private_files():
                self.home.mkdir(parents=True, exist_ok=True)
                log = self.log.open("wb")
        except OSError as error:
            raise ConfigError(
                f"{self.home}: Prefect's temporary server cannot write its state there ({error.strerror}). "
                "Name another work folder with --work-dir or RETAIL_WORK_DIR."
            ) from error
        with log, _listening_socket() as listener:
            self._address = f"127.0.0.1:{listener.getsockname()[1]}"
            self.process = subprocess.Popen(  # noqa: S603 - this very Python
                [sys.executable, "-m", "flows.run.server_process", str(listener.fileno())],
                cwd=PROJECT,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[listener.fileno()],
                start_new_session=True,
                umask=PRIVATE_UMASK,
            )

    def wait(self, patience_seconds: float, meanwhile: Iterable[object] = ()) -> None:
        """Until it answers, take one step after the other of what is to do `meanwhile`; from then on, watch it.

        Raises:
            ConfigError: it ended, or does not answer in time.
        """
        process = self.process
        if process is None:
            raise RuntimeError("a server that was not begun cannot answer")
        end, steps = time.monotonic() + patience_seconds, iter(meanwhile)
        while not self._answers():
            if process.poll() is not None:
                raise ConfigError(self._describe_end(f"did not start (exit code {process.returncode})"))
            if time.monotonic() > end:
                raise ConfigError(self._describe_end(f"did not answer within {patience_seconds:.0f} s"))
            if next(steps, None) is None:
                time.sleep(POLL_SECONDS)
        threading.Thread(target=self._stop_run_without, args=(process,), name="watch-server", daemon=True).start()

    def stop(self) -> None:
        """End it; what it was told is in its database."""
        self._stopping, process = True, self.process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()

    @property
    def api_url(self) -> str:
        """Where it answers, once it was begun."""
        return f"http://{self._address}/api"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "server.log"

    def _environment(self) -> dict[str, str]:
        """No setting of the user's Prefect reaches it: such a setting is of their server, with their database."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        return ours | {
            "PREFECT_HOME": str(self.home),
            "PREFECT_UI_ENABLED": "0",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            # Nobody makes a block on it. Looking for kinds of blocks imports every integration, and with them dbt.
            "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
            "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
        }

    def _answers(self) -> bool:
        asked = HTTPConnection(self._address, timeout=ANSWER_SECONDS)  # through no proxy, without certificates
        try:
            asked.request("GET", "/api/health")
            return asked.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            asked.close()

    def _stop_run_without(self, process: subprocess.Popen[bytes]) -> None:
        from flows.run.interruption import stop_run

        code = process.wait()
        if not self._stopping:
            stop_run(self._describe_end(f"ended in mid-run (exit code {code})").rstrip("."))

    def _describe_end(self, what: str) -> str:
        free = find_free(self.home)
        if free is not None and free < LEAST_FREE_BYTES:  # its log finds no room either
            return (
                f"Prefect's temporary server {what}: the disk is full, {free / 1e6:.1f} MB are free at {self.home}. "
                "Free space there, or name another work folder with --work-dir or RETAIL_WORK_DIR, then run again."
            )
        said = self.log.read_text(encoding="utf-8", errors="replace") if self.log.is_file() else ""
        if _NEWER in said:
            why = "its database was changed by a newer Prefect"
        else:
            why = next((line.strip()[:300] for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
        return (
            f"Prefect's temporary server {what}: {why}. Its log is {self.log}. Run again; if that does not help, "
            f"remove the folder {self.home}, which holds nothing but the history of such runs."
        )


def find_free(folder: Path) -> int | None:
    """How many bytes are free on its disk; None where that cannot be told, as of a folder that is gone."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _listening_socket() -> socket.socket:
    """A free port, taken here: nobody else can take it before the server does."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    return listener
