"""A folder as a person writes it → its absolute path, or what is wrong with it."""

from __future__ import annotations

import errno
from pathlib import Path

_NEVER = {errno.ELOOP: "its links lead in a circle", errno.ENAMETOOLONG: "its name is too long"}


def find_path(written: str | Path) -> Path:
    """The absolute path, `~` and links followed; nothing need be there.

    Raises:
        ValueError: there can be nothing: no such user, links in a circle, a name too long or with a NUL byte.
    """
    text = str(written)
    if "\x00" in text:
        raise ValueError("the path contains a NUL byte; name another folder")
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f"the home folder in {text[:200]!r} is not known ({error}); write the path in full") from error
    try:
        path.stat()
    except OSError as error:
        if error.errno in _NEVER:
            raise ValueError(
                f"{text[:200]!r} leads nowhere: {_NEVER[error.errno]}; mend it or name another folder"
            ) from error
    return path.resolve()
