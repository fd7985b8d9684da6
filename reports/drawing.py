"""Charts of KPI frames in, their files out: drawn by this process and, where there are cores for it, by a second one.

Drawing is half of what a report costs, and Python draws on one core. The helper is a process of its own
(`drawing_process`), as pyplot is not thread-safe; the same frame gives the same bytes in either. It may fail in any
way: what it did not draw is drawn here, and an error is then raised here.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from reports.kpis import KPIS
from reports.languages import Reader, reader
from reports.render import render_chart, render_svg

KINDS: tuple[Literal["png", "svg"], ...] = ("png", "svg")
ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 60.0  # for its last picture; one takes half a second

_idle: list[Helper] = []


@dataclass(frozen=True)
class Picture:
    """A chart as `<kpi>.png`, or as `<kpi>.svg` and `<kpi>.narrow.svg`, in `folder`."""

    kpi: str
    kind: Literal["png", "svg"]
    folder: Path


def draw_picture(picture: Picture, frame: pl.DataFrame) -> None:
    """Draw it in the language of now; raises ValueError if the frame is not the KPI's."""
    kpi = KPIS[picture.kpi]
    if picture.kind == "png":
        render_chart(kpi, frame, picture.folder / f"{kpi.name}.png")
    else:
        render_svg(kpi, frame, picture.folder)


def draw_pictures(pictures: Sequence[Picture], frames: Mapping[str, pl.DataFrame]) -> None:
    """Draw them all: the helper, if one has begun, from the last one on, this process from the first one on.

    Raises:
        ValueError: a frame is not its KPI's.
    """
    helper = _idle.pop() if _idle else None
    if helper is None:
        _draw_first(deque(pictures), frames)
        return
    try:
        _share(pictures, frames, helper)
    except BaseException:
        helper.stop()  # it must write nothing more: whoever called may remove the folder
        raise
    if helper.is_alive:
        _idle.append(helper)


def begin_helper() -> None:
    """Let a helper start, which imports what draws meanwhile; it stays for the next report, until this process ends."""
    if _idle or count_cores() == 1:
        return
    with suppress(OSError):  # no memory for a process; there is this one
        helper = Helper()
        atexit.register(helper.stop)
        _idle.append(helper)


def count_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Helper:
    """A process that draws one picture after the other; it ends with this one, however that ends."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "reports.drawing_process"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for this process to heed
        )

    @property
    def is_alive(self) -> bool:
        """Whether it can draw more."""
        return self._process.poll() is None

    def draw(self, picture: Picture, frame: pl.DataFrame, for_reader: Reader) -> bool:
        """Whether it drew that; waits for it."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            return False
        try:
            pickle.dump((picture, frame, for_reader), stdin)
            stdin.flush()
            return pickle.load(stdout) is True  # noqa: S301 - our own process
        except (OSError, ValueError, EOFError, pickle.UnpicklingError):  # it has ended, or its pipes are closed
            return False

    def stop(self) -> None:
        """End it, also in the midst of a picture."""
        self._process.kill()
        self._process.wait()


def _draw_first(left: deque[Picture], frames: Mapping[str, pl.DataFrame]) -> None:
    while left:
        with suppress(IndexError):  # the helper took the last one
            picture = left.popleft()
            draw_picture(picture, frames[picture.kpi])


def _share(pictures: Sequence[Picture], frames: Mapping[str, pl.DataFrame], helper: Helper) -> None:
    left, undone, for_reader = deque(pictures), deque[Picture](), reader()

    def hand_over() -> None:
        while left and helper.is_alive:
            with suppress(IndexError):
                picture = left.pop()
                if not helper.draw(picture, frames[picture.kpi], for_reader):
                    undone.append(picture)

    thread = threading.Thread(target=hand_over, name="drawing-helper", daemon=True)
    thread.start()
    _draw_first(left, frames)
    thread.join(PATIENCE_SECONDS)
    if thread.is_alive():
        helper.stop()
        thread.join()
    _draw_first(undone, frames)
