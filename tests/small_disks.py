"""A real file system that is soon full, for tests of what has no room."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(disk: Path, megabytes: int) -> Iterator[Path]:
    """A file system of that size in a new folder; the test is skipped where none can be mounted."""
    disk.mkdir()
    mount, size = shutil.which("mount"), f"size={megabytes}m"
    command = [mount or "", "-t", "tmpfs", "-o", size, "tmpfs", str(disk)]
    if not mount or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)  # a log of dbt may still be open


def fill(disk: Path, spare_kilobytes: int) -> Path:
    """A file that leaves so much free."""
    usage, ballast = os.statvfs(disk), disk / "ballast"
    ballast.write_bytes(b"x" * (usage.f_bavail * usage.f_frsize - spare_kilobytes * 1024))
    return ballast
