"""The process of the temporary server: a listening socket in, Prefect's API on it until whoever started it has ended.

`python -m flows.run.server_process DESCRIPTOR`, with its standard input connected to the run. However the run ends,
the kernel closes the other end, and this process ends with it; that holds on Linux and macOS alike.
"""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK_NAME = ".starting"


def main(descriptor: int) -> None:
    """Serve Prefect's API on that socket; ends with exit code 3 if Prefect cannot start."""
    threading.Thread(target=_end_with_the_run, name="end-with-the-run", daemon=True).start()
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            with alone(Path(os.environ["PREFECT_HOME"])):  # it makes the database, or brings it up to date
                await super().startup(sockets)

    config = uvicorn.Config(
        "prefect.server.api.server:create_app", factory=True, log_level="error", lifespan="on", access_log=False
    )
    server = Server(config)
    server.run(sockets=[socket.socket(fileno=descriptor)])
    sys.exit(0 if server.started else 3)


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Wait until no other server begins in that folder, and let none begin for as long as this lasts.

    Two that make the same database stop each other: "table … already exists". Where the file system knows no locks, the
    server begins without one.
    """
    descriptor = _lock(home / LOCK_NAME)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _lock(path: Path) -> int | None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _end_with_the_run() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
