"""Where the runs of a command line tell Prefect how they are: a server that the user has, or one for this run alone.

Prefect would start a server itself. That one keeps its state in the user's home, where it meets the database of
another Prefect, dies of the Ctrl-C that is meant for the run, and outlives a run that is killed. So it is started
here (prefect.server.api.server.SubprocessASGIServer in 3.8 offers none of the following): with its state in the work
folder, in a session of its own, and with a pipe to the run whose end it does not outlive (`server_process`).
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
from prefect.client.orchestration import get_client
from prefect.context import refresh_global_settings_context
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    get_current_settings,
    temporary_settings,
)

from flows.errors import ConfigError
from flows.run.interruption import stop_run
from flows.run.privacy import PRIVATE_UMASK, private_files
from flows.run.settings import PROJECT

CONNECT_SECONDS, ANSWER_SECONDS = 3.0, 6.0
STOP_SECONDS = 3.0
_NEWER = "Can't locate revision"  # alembic, of a database that a newer Prefect has changed


_for_this_process = ExitStack()


def reach_server(work_dir: Path) -> None:
    """Make sure of the server that Prefect's settings name; without one, start a temporary server and name that.

    It serves this process to its very end: only then does Prefect send it the last of what there is to tell.

    Raises:
        ConfigError: the server does not answer, or no temporary server can be started.
    """
    url = get_current_settings().api.url
    if url:
        check_answers(url)
        return
    server = TemporaryServer(work_dir / "prefect")
    atexit.register(server.stop)
    server.start(PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value())
    _name_server(server.api_url)


def _name_server(url: str) -> None:
    """Let all threads find it; those that dbt starts know nothing of the settings of the main thread's context."""
    os.environ["PREFECT_API_URL"] = url
    refresh_global_settings_context()
    _for_this_process.enter_context(temporary_settings({PREFECT_API_URL: url}))


def check_answers(url: str) -> None:
    """Ask the server something, as Prefect will.

    Raises:
        ConfigError: nothing answers, it is no Prefect server, or it does not let us in.
    """
    shown = _without_secrets(url)
    try:
        with (
            temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
            get_client(
                sync_client=True, httpx_settings={"timeout": httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)}
            ) as client,
        ):
            client.read_flows(limit=1)
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        if code in {401, 403}:
            raise ConfigError(
                f"PREFECT_API_URL: {shown} does not let us in ({code}). Set PREFECT_API_KEY (Prefect Cloud) or "
                "PREFECT_API_AUTH_STRING (a server of your own) to what it asks for."
            ) from None
        raise ConfigError(_not_prefect(shown, f"it answers {code}")) from None
    except (httpx.TransportError, httpx.InvalidURL) as error:
        why = "in time" if isinstance(error, httpx.TimeoutException) else f"({error})"
        raise ConfigError(
            f"PREFECT_API_URL: no server answers at {shown} {why}. Start it (make ui, or prefect server start), "
            "correct the address, or unset it: then each run has a temporary server."
        ) from None
    except Exception as error:  # what it said is not what a Prefect server says
        raise ConfigError(_not_prefect(shown, f"{type(error).__name__}")) from None


def _not_prefect(shown: str, why: str) -> str:
    return (
        f"PREFECT_API_URL: what answers at {shown} is no Prefect server ({why}). The address of one ends in /api; "
        "correct it, or unset it: then each run has a temporary server."
    )


def _without_secrets(url: str) -> str:
    with suppress(httpx.InvalidURL):
        return str(httpx.URL(url).copy_with(userinfo=b"", query=None))
    return "an address that cannot be read"


class TemporaryServer:
    """A Prefect server in a process of its own, with all its state in the folder `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None
        self.api_url = ""
        self._stopping = False

    def start(self, patience_seconds: float) -> None:
        """Start it and wait until it answers.

        Raises:
            ConfigError: it cannot be started, or does not answer in time.
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
            self.api_url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
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
        self._wait(self.process, patience_seconds)
        threading.Thread(target=self._stop_run_without, args=(self.process,), name="watch-server", daemon=True).start()

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

    def _wait(self, process: subprocess.Popen[bytes], patience_seconds: float) -> None:
        end = time.monotonic() + patience_seconds
        with httpx.Client(trust_env=False, timeout=ANSWER_SECONDS) as client:
            while not _is_healthy(client, self.api_url):
                if process.poll() is not None:
                    raise ConfigError(self._describe_end(f"did not start (exit code {process.returncode})"))
                if time.monotonic() > end:
                    raise ConfigError(self._describe_end(f"did not answer within {patience_seconds:.0f} s"))
                time.sleep(0.1)

    def _stop_run_without(self, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        if not self._stopping:
            stop_run(self._describe_end(f"ended in mid-run (exit code {code})").rstrip("."))

    def _describe_end(self, what: str) -> str:
        said = self.log.read_text(encoding="utf-8", errors="replace") if self.log.is_file() else ""
        if _NEWER in said:
            why = "its database was changed by a newer Prefect"
        else:
            why = next((line.strip()[:300] for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
        return (
            f"Prefect's temporary server {what}: {why}. Its log is {self.log}. Run again; if that does not help, "
            f"remove the folder {self.home}, which holds nothing but the history of such runs."
        )


def _listening_socket() -> socket.socket:
    """A free port, taken here: nobody else can take it before the server does."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    return listener


def _is_healthy(client: httpx.Client, api_url: str) -> bool:
    try:
        return client.get(f"{api_url}/health").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
