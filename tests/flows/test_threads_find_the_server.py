"""The temporary server is known to threads of others too: without it Prefect starts one more in their midst."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

ASK = """
import threading
from prefect.settings import get_current_settings
from flows.run.temporary_server import TemporaryServer, reach_server
from pathlib import Path
import sys
TemporaryServer.begin = lambda self: setattr(self, "_address", "127.0.0.1:9")
TemporaryServer.wait = lambda self, patience_seconds, meanwhile: None
reach_server(Path(sys.argv[1]))
print(get_current_settings().api.url)
thread = threading.Thread(target=lambda: print(get_current_settings().api.url))
thread.start()
thread.join()
"""


def test_a_thread_without_the_settings_of_the_main_one_finds_the_temporary_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(tmp_path / "profiles.toml"))
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["http://127.0.0.1:9/api"] * 2
