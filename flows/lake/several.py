"""Many files in, a result for each, in their order: small files two at a time, a large one alone.

A large file keeps the cores busy by itself, and two of them would need twice the memory. A small one mostly waits,
for the disk and for other threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from flows.lake.reading import BLOCK_BYTES

AT_A_TIME = 2
File = TypeVar("File")
Result = TypeVar("Result")


def for_each_file(
    function: Callable[[File], Result], files: Sequence[File], path_of: Callable[[File], Path]
) -> list[Result]:
    """What `function` returns for each file. After an exception no file is begun, and none is still at work."""
    results: list[Result] = []
    for is_small, group in groupby(files, lambda file: _is_small(path_of(file))):
        if is_small:
            with ThreadPoolExecutor(AT_A_TIME) as workers:
                results += workers.map(function, group)
        else:
            results += map(function, group)
    return results


def _is_small(path: Path) -> bool:
    """Whether a file is converted in one piece; one that cannot be looked at costs nothing either."""
    try:
        return path.stat().st_size <= BLOCK_BYTES
    except OSError:
        return True
