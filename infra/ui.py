"""Prefect on this machine: a server, the deployments of prefect.yaml, and a worker. Ctrl-C ends all of it."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PREFECT = [sys.executable, "-m", "prefect"]
WORK_POOL = "retail-local"
SERVER_SECONDS = 180


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=4200, help="port of the server on 127.0.0.1 (default: 4200)")
    port = parser.parse_args().port
    if is_taken(port):
        print(
            f"Port {port} is taken by another program; nothing was started or deployed. "
            f"Choose another: make ui PORT={port + 1}",
            file=sys.stderr,
        )
        return 2
    address = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "PREFECT_API_URL": f"{address}/api",
        "PREFECT_SERVER_UI_API_URL": f"{address}/api",  # or the page would call port 4200
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    children: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen([*PREFECT, *arguments], cwd=PROJECT, env=environment)
        children.append(child)
        return child

    try:
        server = start("server", "start", "--host", "127.0.0.1", "--port", str(port))
        wait_until_healthy(f"{address}/api/health", server)
        subprocess.run([sys.executable, "infra/deploy.py", "local"], cwd=PROJECT, env=environment, check=True)
        worker = start("worker", "start", "--pool", WORK_POOL)
        print(f"\nPrefect is up: {address}\nRun the pipeline from Deployments there, or with", flush=True)
        print(
            f"  PREFECT_API_URL={address}/api .venv/bin/prefect deployment run retail-pipeline/nightly-pipeline-local",
            flush=True,
        )
        print("Ctrl-C ends the server and the worker.\n", flush=True)
        return worker.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        for child in reversed(children):
            child.terminate()
        for child in children:
            try:
                child.wait(timeout=20)
            except subprocess.TimeoutExpired:
                child.kill()


def is_taken(port: int) -> bool:
    """Whether a program listens there: Prefect's health would be its, and the deployments would go to it.

    A socket is bound as uvicorn binds its own, so that what a server of before has left is no hindrance.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return True
    return False


def wait_until_healthy(address: str, server: subprocess.Popen[bytes]) -> None:
    """Return when the server answers; a new database takes a while."""
    end = time.monotonic() + SERVER_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            sys.exit("The Prefect server ended; see its message above.")
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.5)
    sys.exit(f"The Prefect server did not answer within {SERVER_SECONDS} s.")


if __name__ == "__main__":
    sys.exit(main())
