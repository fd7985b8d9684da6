"""A copy of the project as somebody else has it: in a place of its own, with an environment that looks like its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.conftest import PROJECT

MARK = "relocatable = true"


def copy_checkout(folder: Path) -> Path:
    """The files of the project that are its own, changed and new ones too, in `folder`, which is made."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        source, target = PROJECT / name, folder / name
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    (folder / ".venv").unlink(missing_ok=True)
    _make_environment(folder)
    return folder


def _make_environment(checkout: Path) -> None:
    """An environment with the packages of this one, which `make` finds settled; it leads to its own project alone."""
    environment = checkout / ".venv"
    site_packages = environment / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    site_packages.mkdir(parents=True)
    (environment / "bin").symlink_to(Path(sys.prefix) / "bin")
    configuration = (Path(sys.prefix) / "pyvenv.cfg").read_text(encoding="utf-8").replace(MARK, "").strip()
    (environment / "pyvenv.cfg").write_text(f"{configuration}\n{MARK}\n", encoding="utf-8")
    (site_packages / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    subprocess.run([environment / "bin" / "python", checkout / "infra" / "dbt_plugins.py"], check=True)
    (environment / ".installed").touch()


def read_commands(page: str) -> list[str]:
    """The blocks of shell commands on a page of the project, in their order."""
    return read_blocks(page, "sh")


def read_blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of that language on a page of the project, less the indentation of their fences."""
    text = (PROJECT / page).read_text(encoding="utf-8")
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indentation}", "", block, flags=re.MULTILINE) for indentation, block in found]


def run_command(command: str, checkout: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The command as it stands on the page, pasted into a shell in the checkout; nothing can be installed."""
    offline = {"UV_OFFLINE": "1", "PIP_NO_INDEX": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        ["sh", "-c", command],
        cwd=checkout,
        env=environment | offline,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=1400,
        check=False,
    )


def plain_environment() -> dict[str, str]:
    """What a newcomer's shell has: nothing of this project, of Prefect, of dbt, nor of the make that runs the tests."""
    foreign = ("RETAIL_", "PREFECT_", "DBT_", "MAKE", "MFLAGS", "PYTEST_", "PYTHONPATH", "VIRTUAL_ENV")
    patient = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "400"}  # on a machine that runs other tests too
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | patient
