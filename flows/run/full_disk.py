"""A full disk, in whatever words it was met: an error of Python, DuckDB, polars, dbt or Prefect in; one message out.

It names the folder, the cure and what stands. Prefect's temporary server keeps its state on the same disk: without room
it answers "Internal Server Error" to whatever it is told, so what went wrong first stands in the chain of the error.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.errors import LoadError, RetailError
from flows.run.own_server import LEAST_FREE_BYTES, find_free
from flows.run.summary_text import describe_done

NO_ROOM = re.compile(r"No space left on device|(?:disk|device) is full|Disk quota exceeded", re.IGNORECASE)
MAX_WORDS = 400


@contextmanager
def naming_full_disk(work_dir: Path, summary: Mapping[str, Any]) -> Iterator[None]:
    """Raise what a full disk has caused as a LoadError that says so; all else as it came."""
    try:
        yield
    except Exception as error:
        explained = explain_full_disk(error, work_dir, summary)
        if explained is None or explained is error:
            raise
        raise explained from error


def explain_full_disk(error: BaseException, work_dir: Path, summary: Mapping[str, Any]) -> RetailError | None:
    """The error as one that names the full disk; None where none is behind it.

    `summary` is what the run has done so far, empty where that is not known.
    """
    told = next((each for each in _list_chain(error) if isinstance(each, RetailError)), None)
    is_unexpected = told is None and has_no_room(work_dir)
    if not (is_unexpected or meets_no_room(error)):
        return None
    if told and str(work_dir) in str(told) and "free space" in str(told).lower():
        return told
    words = str(told) if told else _find_words(error)
    return LoadError(f"{words}\n{_describe(work_dir)} {_describe_standing(summary)}".strip())


def meets_no_room(error: BaseException) -> bool:
    """Whether an error, or one that it came of, is of a disk without room."""
    return any(_is_of_no_room(each) for each in _list_chain(error))


def has_no_room(folder: Path) -> bool:
    """Whether so little is free on the disk of a folder that a server's database cannot go on."""
    free = find_free(folder)
    return free is not None and free < LEAST_FREE_BYTES


def _is_of_no_room(error: BaseException) -> bool:
    is_told = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    return is_told or NO_ROOM.search(str(error)) is not None


def _list_chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what it came of, and what was at hand when it came; each once."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop(0)
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [other for other in (each.__cause__, each.__context__) if other is not None]


def _find_words(error: BaseException) -> str:
    """What the disk's own error says; nothing where another one, such as a server's, only follows from it."""
    found = next((each for each in _list_chain(error) if _is_of_no_room(each)), None)
    return f"{type(found).__name__}: {str(found)[:MAX_WORDS]}" if found else ""


def _describe(work_dir: Path) -> str:
    free = find_free(work_dir)
    left = "" if free is None else f", {free / 1e6:.1f} MB are free"
    return (
        f"{work_dir}: the disk is full{left}. Free space there, or name another work folder with --work-dir or "
        "RETAIL_WORK_DIR, then run again."
    )


def _describe_standing(summary: Mapping[str, Any]) -> str:
    if summary.get("report"):
        return describe_done(dict(summary))
    files = summary.get("files") or []
    loaded = sum(file["status"] in {"loaded", "replaced"} for file in files)
    counted = f"{loaded} of this run's {len(files)} files were loaded and stay so. " if files else ""
    return f"{counted}What was published before stands; the next run loads what is missing, and nothing twice."
