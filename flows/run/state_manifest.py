"""What a run remembers beside its warehouse, as a list: quarantine, reports and run summaries of a work folder.

A folder in, the entries of its files and links out; two lists and what changed between them; JSON and back. Nothing of
S3 is known here.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from flows.errors import ConfigError
from flows.lake.hashing import hash_file

TOPS = ("quarantine", "reports", "runs")
VERSION = 1
_SHA256 = re.compile(r"\A[0-9a-f]{64}\Z")
_NAME = re.compile(r"\A[^./\x00][^/\x00]*\Z")


@dataclass(frozen=True)
class Entry:
    """A file by its content, or a link to what lies beside it. `modified` is in whole seconds, UTC."""

    sha256: str = ""
    size: int = 0
    modified: int = 0
    link: str = ""


Manifest = Mapping[str, Entry]  # by path below the work folder, with slashes


def scan(work_dir: Path) -> dict[str, Entry]:
    """Everything to be remembered in a work folder; hidden names are work in progress."""
    return {
        path.relative_to(work_dir).as_posix(): _enter(path)
        for top in TOPS
        if not (work_dir / top).is_symlink()
        for path in _walk(work_dir / top)
    }


def merge(base: Manifest, mine: Manifest, theirs: Manifest) -> dict[str, Entry]:
    """Their list with what I changed since we both had `base`."""
    changed = {path: entry for path, entry in mine.items() if base.get(path) != entry}
    gone = base.keys() - mine.keys()
    return {path: entry for path, entry in theirs.items() if path not in gone} | changed


def write_manifest(manifest: Manifest) -> bytes:
    """As JSON, the same for the same list."""
    entries = {path: asdict(entry) for path, entry in manifest.items()}
    return json.dumps({"version": VERSION, "entries": entries}, sort_keys=True, indent=1).encode()


def read_manifest(content: bytes, where: str) -> dict[str, Entry]:
    """What `write_manifest` wrote.

    Raises:
        ConfigError: it is something else, or names what lies outside the remembered folders.
    """
    try:
        said = json.loads(content)
        found = {path: Entry(**entry) for path, entry in said["entries"].items()}
        _check(said["version"], found)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{where}: is not what a run of this version remembers ({error}). Name another place by RETAIL_STATE, or "
            "restore an earlier version of that object."
        ) from error
    return found


def _check(version: int, found: Manifest) -> None:
    if version != VERSION:
        raise ValueError(f"version {version!r}")
    for path, entry in found.items():
        parts = PurePosixPath(path).parts
        is_inside = len(parts) > 1 and parts[0] in TOPS and "/".join(parts) == path
        is_whole = bool(_NAME.match(entry.link) if entry.link else _SHA256.match(entry.sha256))
        if not (is_inside and is_whole and all(_NAME.match(part) for part in parts)):
            raise ValueError(f"unexpected entry {path[:200]!r}")


def _walk(folder: Path) -> Iterator[Path]:
    for top, folders, files in os.walk(folder):
        here = Path(top)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in links and not name.startswith("."))
        yield from (here / name for name in sorted([*files, *links]) if not name.startswith("."))


def _enter(path: Path) -> Entry:
    if path.is_symlink():
        return Entry(link=str(path.readlink()))
    found = path.stat()
    return Entry(hash_file(path), found.st_size, int(found.st_mtime))
