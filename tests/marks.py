"""Secrets that are recognised wherever they turn up: a text in, the places that hold it out, however written.

A mark is letters and digits alone, so that neither URLs nor JSON nor HTML write it in another way; base64 does.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

from tests.flows.test_forget import read_all

MARK = "M4RK3D5ECRET"


def mark(place: str) -> str:
    """A secret of that place; what is no letter is there to be quoted wrongly."""
    return f"{place}/{MARK}+&@%:'\""


def show_marks(text: str, secrets: Iterable[str] = (MARK,)) -> list[str]:
    """What of these secrets a text shows, with a few letters around it."""
    found = [text.find(each) for secret in secrets for each in sorted(_spell(secret))]
    return [text[max(at - 60, 0) : at + 20] for at in found if at >= 0]


def find_marks(*places: Path, secrets: Iterable[str] = (MARK,)) -> dict[str, list[str]]:
    """The files below these places that show one of the secrets, and where."""
    wanted = list(secrets)
    files = [path for place in places for path in ([place] if place.is_file() else sorted(place.rglob("*")))]
    shown = {str(path): show_marks(f"{path} {read_all(path)}", wanted) for path in files if _is_plain(path)}
    return {path: found for path, found in shown.items() if found}


def _spell(secret: str) -> set[str]:
    """As it is, and within a text in base64, whose letters depend on how many come before."""
    inner = (base64.b64encode(b"\0" * before + secret.encode())[4 if before else 0 :] for before in range(3))
    return {secret, *(each.decode().rstrip("=")[:-1] for each in inner)}


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
