"""Small files two at a time, large ones alone, and the results in the order of the files."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from flows.lake import several
from flows.lake.several import for_each_file


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
