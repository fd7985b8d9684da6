"""One run at a time in a work folder, and nothing of it outside the work folder.

A work folder and who wants it in, a held lock out. The kernel releases it when the process ends, however it ends.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flows.errors import ConfigError
from flows.warehouse.waiting import AT_ONCE, HeldError, Patience

LOCK_NAME = ".lock"
MAX_HOLDER_BYTES = 1000


@contextmanager
def hold_work_dir(work_dir: Path, holder: str, patience: Patience = AT_ONCE) -> Iterator[None]:
    """Hold the work folder, which is made if it is missing; `holder` is what others are told (`describe_holder`).

    Raises:
        ConfigError: the folder cannot be written, or its lock file is not a plain file.
        LoadError: another run holds it, for longer than `patience`; the message says which.
    """
    descriptor = _open_lock(work_dir)
    try:
        patience.enter(str(work_dir), lambda: _acquire(descriptor, work_dir))
        _write(descriptor, holder)
        try:
            yield
        finally:
            _write(descriptor, "")
    finally:
        os.close(descriptor)


def check_inside(work_dir: Path, *names: str) -> None:
    """Raise ConfigError if one of these paths below the work folder is no folder or, by a link, lies elsewhere."""
    root = work_dir.resolve()
    for name in names:
        path = work_dir / name
        if not path.resolve().is_relative_to(root):
            raise ConfigError(
                f"{path}: leads out of the work folder, to {path.resolve()}; a run writes nothing elsewhere. "
                "Remove the link, or move the whole work folder with --work-dir."
            )
        if os.path.lexists(path) and not path.is_dir():
            raise ConfigError(f"{path}: a folder is needed here. Move away what has this name, then run again.")


def _open_lock(work_dir: Path) -> int:
    path = work_dir / LOCK_NAME
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        # O_NOFOLLOW: writing the holder's name must not overwrite what a link leads to
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _strange(path) from error
        raise ConfigError(
            f"{work_dir}: the work folder cannot be written ({error.strerror}). "
            "Name another with --work-dir or RETAIL_WORK_DIR."
        ) from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        os.close(descriptor)
        raise _strange(path)
    return descriptor


def _strange(path: Path) -> ConfigError:
    return ConfigError(f"{path}: is a link or no plain file, so it cannot be the lock. Remove it, then run again.")


def _acquire(descriptor: int, work_dir: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        found = os.pread(descriptor, MAX_HOLDER_BYTES, 0).decode("utf-8", "replace")
        holder = found or "a run that is just starting or ending"
        raise HeldError(
            f"{work_dir}: another run is at work here ({holder}). Wait until it has ended, then run again.", holder
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{work_dir}: its file system knows no locks ({error.strerror}). "
            "Name a folder on a local disk with --work-dir or RETAIL_WORK_DIR."
        ) from error


def _write(descriptor: int, text: str) -> None:
    """Say who holds the lock, for people; a full disk must not stop a run here."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
