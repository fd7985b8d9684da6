"""Copies of objects in a folder of the work folder: what is whole there, and nothing that no run put there.

Beside each copy lies `.<name>.etag`, which says of which version of the object it is: from before the copy is begun, so
that whatever has none was not put there by a run. An object whose name is no plain one, or too long for a file, has its
copy in `.nested`, named by a hash.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import HTTPClientError, IncompleteReadError

from flows.errors import ConfigError
from flows.lake.sources import printable

NESTED = ".nested"
TRIES = 5
CHUNK_BYTES = 1 << 20
TELL_SECONDS = 10.0
_PLAIN = re.compile(r"\A[^./\x00][^/\x00]*\Z")
MAX_PLAIN_BYTES = 200  # a file's name may have 255, and the copies have files beside them


class Copies:
    """The folder of copies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path_of(self, name: str) -> Path:
        """Where the copy of the object of that name lies; two names never share one."""
        if _PLAIN.match(name) and len(name.encode()) <= MAX_PLAIN_BYTES:
            return self.folder / name
        return self.folder / NESTED / f"{hashlib.sha256(name.encode()).hexdigest()}.csv"

    def holds(self, path: Path, version: str) -> bool:
        """Whether there is a whole copy of that version."""
        tag = _tag_of(path)
        is_ours = path.is_file() and not path.is_symlink() and tag.is_file()
        return is_ours and tag.read_text(encoding="utf-8") == version

    def write(self, path: Path, version: str, size: int, read: Callable[[int], Any]) -> None:
        """Copy what `read` gives from an offset on; where the connection breaks it goes on there."""
        _make_folder(self.folder)
        _make_folder(path.parent)
        tag, beside = _tag_of(path), _beside(path)
        for leftover in (tag, beside):
            leftover.unlink(missing_ok=True)  # not written through, should it be a link
        tag.touch()
        try:
            with beside.open("xb") as file:
                _read_all(file, size, read)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        tag.write_text(version, encoding="utf-8")

    def all(self) -> list[Path]:
        """The copies that are whole."""
        folders = [folder for folder in (self.folder, self.folder / NESTED) if not folder.is_symlink()]
        tags = [tag for folder in folders for tag in sorted(folder.glob(".*.etag"))]
        paths = [tag.with_name(tag.name.removeprefix(".").removesuffix(".etag")) for tag in tags]
        return [path for path in paths if path.is_file() and not path.is_symlink()]

    def tidy(self, wanted: Set[Path]) -> None:
        """Remove copies of objects that are gone and what killed runs left.

        Raises:
            ConfigError: there is what no run put there, or a folder is a link.
        """
        for folder in (self.folder, self.folder / NESTED):
            _refuse_link(folder)
            if folder.is_dir():
                _remove_others(folder, wanted)


def remove_copy(path: Path) -> None:
    """Remove the copy of an object; a run that needs it copies it again."""
    path.unlink(missing_ok=True)
    _tag_of(path).unlink(missing_ok=True)


def fetch_all(
    actions: Sequence[Callable[[], None]], sizes: Sequence[int], at_a_time: int, tell: Callable[[str], object]
) -> None:
    """Run them side by side and say now and then how far they are; after an exception none is begun."""
    done = done_bytes = 0
    told = time.monotonic()
    with ThreadPoolExecutor(at_a_time) as pool:
        futures = {pool.submit(action): size for action, size in zip(actions, sizes, strict=True)}
        try:
            for future in as_completed(futures):
                future.result()
                done, done_bytes = done + 1, done_bytes + futures[future]
                if time.monotonic() - told >= TELL_SECONDS or done == len(futures):
                    told = time.monotonic()
                    so_far, in_all = done_bytes / 1e6, sum(sizes) / 1e6
                    tell(f"{done:,} of {len(futures):,} files fetched, {so_far:,.0f} of {in_all:,.0f} MB")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _read_all(file: BinaryIO, size: int, read: Callable[[int], Any]) -> None:
    for tries_left in reversed(range(TRIES)):
        try:
            for chunk in read(file.tell()).iter_chunks(CHUNK_BYTES):
                file.write(chunk)
        except (HTTPClientError, IncompleteReadError):
            if not tries_left:
                raise
        if file.tell() == size:
            return
    raise OSError(f"{file.tell():,} bytes came instead of {size:,}")


def _make_folder(folder: Path) -> None:
    _refuse_link(folder)
    folder.mkdir(parents=True, exist_ok=True)


def _refuse_link(folder: Path) -> None:
    if folder.is_symlink():
        raise ConfigError(f"{folder}: is a link, so copies would lie elsewhere. Remove it, then run again.")


def _remove_others(folder: Path, wanted: Set[Path]) -> None:
    for tag in sorted(folder.glob(".*.etag")):
        path = folder / tag.name.removeprefix(".").removesuffix(".etag")
        _beside(path).unlink(missing_ok=True)
        if path not in wanted:
            path.unlink(missing_ok=True)
            tag.unlink()
    strange = [path for path in sorted(folder.iterdir()) if path.name[0] != "." and not _tag_of(path).is_file()]
    if strange:
        raise ConfigError(
            f"{printable(str(strange[0]))}: {len(strange)} such in this folder, which is for copies from S3 only, "
            "were not put there by a run. Move them away, then run again."
        )


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _tag_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.etag")
