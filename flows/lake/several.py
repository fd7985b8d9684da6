"""Many files in, a result for each, in their order: small files two at a time, a large one alone.

A large file keeps the cores busy by itself, and two of them would need twice the memory. A small one mostly waits,
for the disk and for other threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from flows.lake.reading import BLOCK_BYTES

AT_A_TIME = 2
BATCH_FILES, BATCH_BYTES = 100, 64 << 20
File = TypeVar("File")
Result = TypeVar("Result")


def for_each_file(
    function: Callable[[File], Result], files: Sequence[File], path_of: Callable[[File], Path]
) -> list[Result]:
    """What `function` returns for each file. After an exception no file is begun, and none is still at work."""
    results: list[Result] = []
    for is_small, group in groupby(files, lambda file: find_size(path_of(file)) <= BLOCK_BYTES):
        if is_small:
            with ThreadPoolExecutor(AT_A_TIME) as workers:
                results += workers.map(function, group)
        else:
            results += map(function, group)
    return results


def split_batches(
    files: Sequence[File], table_of: Callable[[File], str], size_of: Callable[[File], int]
) -> Iterator[list[File]]:
    """The files in their order, a large one alone, small ones of a table together: what is worth a task of its own."""
    batch: list[File] = []
    for file in files:
        is_small = size_of(file) <= BLOCK_BYTES
        if batch and not (is_small and _has_room(batch, file, table_of, size_of)):
            yield batch
            batch = []
        batch.append(file)
        if not is_small:
            yield batch
            batch = []
    if batch:
        yield batch


def find_size(path: Path) -> int:
    """Of a file, in bytes; one that cannot be looked at costs nothing."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _has_room(
    batch: Sequence[File], file: File, table_of: Callable[[File], str], size_of: Callable[[File], int]
) -> bool:
    is_same_table = table_of(batch[0]) == table_of(file)
    return is_same_table and len(batch) < BATCH_FILES and sum(map(size_of, (*batch, file))) <= BATCH_BYTES
