"""The process of the temporary server: a listening socket in, Prefect's API on it until whoever started it has ended.

`python -m flows.run.server_process DESCRIPTOR`, with its standard input connected to the run. However the run ends,
the kernel closes the other end, and this process ends with it; that holds on Linux and macOS alike.
"""

from __future__ import annotations

import os
import socket
import sys
import threading


def main(descriptor: int) -> None:
    """Serve Prefect's API on that socket; ends with exit code 3 if Prefect cannot start."""
    threading.Thread(target=_end_with_the_run, name="end-with-the-run", daemon=True).start()
    import uvicorn

    config = uvicorn.Config(
        "prefect.server.api.server:create_app", factory=True, log_level="error", lifespan="on", access_log=False
    )
    server = uvicorn.Server(config)
    server.run(sockets=[socket.socket(fileno=descriptor)])
    sys.exit(0 if server.started else 3)


def _end_with_the_run() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
