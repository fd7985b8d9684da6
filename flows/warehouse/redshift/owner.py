"""Who a run belongs to: a work folder in, an identity out that no two live runs share.

The kernel lets one run at a time into a work folder. So a run that finds a lease of the same identity knows that its
holder is dead, and takes over at once. That holds only where the same kernel sees the same folder: a host name and a
path, which containers have in common, do not prove it. The identity is made of a random id that lies in the folder, of
where the file with it lies (a copied folder, or one baked into an image, has another), and of the kernel that is
running (a folder on a network, or a cloned machine, is seen by several). Whoever is not the same waits for the lease
to run out, a few minutes.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from flows.errors import ConfigError

OWNER_NAME = ".owner"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # proc(5): random, anew at each boot; a container shows its host's
_ID = re.compile(rb"\A[0-9a-f]{32}\Z")


def identify_owner(work_dir: Path) -> str:
    """32 hexadecimal digits; the same as long as this kernel runs and the work folder stays where it is.

    Raises:
        ConfigError: the folder cannot be written, or the name of the file with the id is taken by something else.
    """
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        path = work_dir / OWNER_NAME
        folder_id, place = _read_id(path) or _make_id(path)
    except OSError as error:
        raise ConfigError(
            f"{work_dir / OWNER_NAME}: cannot be read or written ({error.strerror}). Give the work folder's rights "
            "back, or name another with --work-dir or RETAIL_WORK_DIR."
        ) from error
    return hashlib.sha256(f"{folder_id} {place} {_boot_id()}".encode()).hexdigest()[:32]


def _read_id(path: Path) -> tuple[str, str] | None:
    """The id in the file and where the file lies; None if there is none, or one that was half written."""
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            found = os.fstat(descriptor)
            content = os.read(descriptor, 64) if stat.S_ISREG(found.st_mode) else b""
        finally:
            os.close(descriptor)
        if _ID.match(content):
            return content.decode(), _place(found)
    return None


def _make_id(path: Path) -> tuple[str, str]:
    beside, made = path.with_name(f"{path.name}.new"), uuid4().hex
    beside.unlink(missing_ok=True)
    beside.write_text(made, encoding="ascii")
    beside.replace(path)
    return made, _place(path.stat(follow_symlinks=False))


def _place(found: os.stat_result) -> str:
    return f"{found.st_dev}:{found.st_ino}"


def _boot_id() -> str:
    """Empty where there is no Linux: work folders are on a local disk there, which one kernel sees."""
    with suppress(OSError):
        return BOOT_ID.read_text(encoding="ascii").strip()
    return ""
