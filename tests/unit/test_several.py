"""Small files two at a time, large ones alone, and the results in the order of the files."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from flows.lake import several
from flows.lake.several import for_each_file, split_batches


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Six files, the third and the fourth of them large."""
    monkeypatch.setattr(several, "BLOCK_BYTES", 10)
    paths = [tmp_path / f"{number}.csv" for number in range(6)]
    for number, path in enumerate(paths):
        path.write_bytes(b"x" * (100 if number in (2, 3) else 5))
    return paths


def test_for_each_file_returns_the_results_in_the_order_of_the_files(files: list[Path]) -> None:
    def read(path: Path) -> str:
        time.sleep(0.02 if path.stem in "04" else 0)
        return path.stem

    assert for_each_file(read, [*files, Path("missing")], lambda path: path) == [*"012345", "missing"]


def test_for_each_file_runs_two_small_files_together_and_a_large_one_alone(files: list[Path]) -> None:
    both_are_here = threading.Barrier(2, timeout=30)
    running: list[str] = []

    def meet(path: Path) -> list[str]:
        if path.stem not in "23":
            both_are_here.wait()
            return []
        running.append(path.stem)
        together = list(running)
        running.remove(path.stem)
        return together

    assert for_each_file(meet, files, lambda path: path) == [[], [], ["2"], ["3"], [], []]


def test_for_each_file_stops_at_an_error_and_leaves_nothing_running(tmp_path: Path) -> None:
    begun, ended = [], []

    def fail_first(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise ValueError("the disk is full")
        time.sleep(0.05)
        ended.append(number)

    with pytest.raises(ValueError, match="disk"):
        for_each_file(fail_first, range(100), lambda _: tmp_path / "missing")
    assert sorted(begun) == sorted([0, *ended])
    assert len(begun) < 10


def batches_of(*files: tuple[str, int]) -> list[list[int]]:
    """The sizes in each batch of files of these tables and sizes."""
    found = split_batches(files, lambda file: file[0], lambda file: file[1])
    return [[size for _, size in batch] for batch in found]


def test_large_file_is_a_task_of_its_own_and_small_ones_of_a_table_share_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(several, "BLOCK_BYTES", 10)
    files = [("a", 1), ("a", 10), ("a", 11), ("a", 2), ("b", 3), ("b", 12), ("b", 13)]
    assert batches_of(*files) == [[1, 10], [11], [2], [3], [12], [13]]
    assert batches_of() == []


def test_small_files_that_share_a_task_are_bounded_in_number_and_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(several, "BATCH_FILES", 3)
    monkeypatch.setattr(several, "BATCH_BYTES", 20)
    assert batches_of(*[("a", 1)] * 7) == [[1, 1, 1], [1, 1, 1], [1]]
    assert batches_of(("a", 10), ("a", 10), ("a", 1), ("a", 19), ("a", 1)) == [[10, 10], [1, 19], [1]]
