"""`make ui` on a machine where something listens already."""

from __future__ import annotations

import socket
import subprocess
import sys

from tests.conftest import PROJECT


def test_ui_on_a_taken_port_says_so_and_touches_nothing_there() -> None:
    with socket.socket() as theirs:
        theirs.bind(("127.0.0.1", 0))
        theirs.listen()
        port = theirs.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "infra/ui.py", "--port", str(port)],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        theirs.settimeout(0.1)
        try:
            theirs.accept()
            visited = True
        except TimeoutError:
            visited = False
    assert done.returncode == 2
    assert f"Port {port} is taken by another program" in done.stderr
    assert f"make ui PORT={port + 1}" in done.stderr
    assert not visited
