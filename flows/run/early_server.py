"""The temporary server of a run, begun while the run still imports what it needs: on two cores they start side by side.

Only Prefect knows whether its settings name a server, and it takes seconds to import. So a server is begun where
nothing in sight could name another, and where Prefect knows better after all it is stopped again, unasked.
"""

from __future__ import annotations

import atexit
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.run.own_server import TemporaryServer

# Files of the folder that a run is started in, and what is in them if Prefect's settings are: it reads those there, too
# ("Settings and profiles")
FILES = {".env": "prefect_", "prefect.toml": "", "pyproject.toml": "tool.prefect"}

_begun: list[TemporaryServer] = []


def begin_server(work_dir: Path) -> None:
    """Begin the server of this process, unless something may name another one.

    Raises:
        ConfigError: its folder cannot be written.
    """
    if may_name_server(os.environ, Path.cwd()):
        return
    server = TemporaryServer(work_dir / "prefect")
    atexit.register(server.stop)
    server.begin()
    _begun.append(server)


def take_server() -> TemporaryServer | None:
    """The server that was begun, if one was; it is handed out once."""
    return _begun.pop() if _begun else None


def may_name_server(environment: Mapping[str, str], folder: Path) -> bool:
    """Whether Prefect may find the address of a server: in a variable, a profile, or a file of that folder."""
    if environment.get("PREFECT_API_URL") or environment.get("PREFECT_PROFILE"):
        return True
    return any(_may_set(folder / name) for name in FILES) or _names_server(_profiles_path(environment))


def _may_set(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8", errors="replace").lower()
    except OSError:
        return path.exists()  # and cannot be read
    return FILES[path.name] in text


def _profiles_path(environment: Mapping[str, str]) -> Path:
    """Where Prefect looks for profiles (prefect.settings.sources: `_get_profiles_path`), where no file says where."""
    home = Path(environment.get("PREFECT_HOME") or "~/.prefect").expanduser()
    return Path(environment.get("PREFECT_PROFILES_PATH") or home / "profiles.toml").expanduser()


def _names_server(profiles: Path) -> bool:
    """Whether the active profile has an address; one that is not in the file is Prefect's own, which may have one."""
    if not profiles.exists():
        return False
    try:
        found: dict[str, Any] = tomllib.loads(profiles.read_text(encoding="utf-8"))
        active = found.get("active")
        return active is not None and "PREFECT_API_URL" in found["profiles"].get(active, "PREFECT_API_URL")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return True
