"""Pictures that a flow of this session has drawn already, so that the next report of the same tables need not.

Drawing is most of what a report costs (17 s of processor time for both languages of one page), the flows' tests make
some fifty reports, and most of their tables are those of the same tiny shop. That the same table gives the same bytes
is a promise of the product with tests of its own; those draw outside a flow, and so without this.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal
from uuid import uuid4

import polars as pl
import pytest

import reports.drawing
from reports.drawing import Picture, draw_picture
from reports.languages import reader

DRAWINGS = "drawings"  # in the folder that the session keeps
FILES = {"png": ("{}.png",), "svg": ("{}.svg", "{}.narrow.svg")}


def name_drawing(picture: Picture, frame: pl.DataFrame) -> str:
    """The same for the same KPI, kind, reader and table, whatever folder it is for."""
    table = io.BytesIO()
    frame.rechunk().write_ipc(table)
    asked = (picture.kpi, picture.kind, reader().language, reader().currency)
    return hashlib.sha256(repr(asked).encode() + table.getvalue()).hexdigest()


def draw_once(
    picture: Picture, frame: pl.DataFrame, kept: Path, draw_picture: Callable[[Picture, pl.DataFrame], None]
) -> None:
    """Draw it, or take the files that were drawn of the same; several processes may keep them in the same folder."""
    drawn = kept / name_drawing(picture, frame)
    names = [name.format(picture.kpi) for name in FILES[picture.kind]]
    if not drawn.is_dir():
        draw_picture(picture, frame)
        fresh = kept / f"{uuid4()}.new"
        fresh.mkdir(parents=True)
        for name in names:
            shutil.copyfile(picture.folder / name, fresh / name)
        try:
            os.rename(fresh, drawn)  # noqa: PTH104 - another process may have been first
        except OSError:
            shutil.rmtree(fresh)
        return
    for name in names:
        shutil.copyfile(drawn / name, picture.folder / name)


def draw_kept(kpi: str, frame: pl.DataFrame, folder: Path, kept: Path, kind: Literal["png", "svg"] = "svg") -> None:
    """Draw it in the language of now, or take what was drawn of the same: for tests that look at something else."""
    draw_once(Picture(kpi, kind, folder), frame, kept / DRAWINGS, draw_picture)


@contextmanager
def drawing_kept(kept: Path) -> Iterator[None]:
    """While this lasts, what this process draws it takes from there, if the same was drawn already."""
    with pytest.MonkeyPatch.context() as changed:
        draw = partial(draw_once, kept=kept / DRAWINGS, draw_picture=draw_picture)
        changed.setattr(reports.drawing, "draw_picture", draw)
        yield


@contextmanager
def drawing_once_in_flows(kept: Path) -> Iterator[None]:
    """While this lasts, what the flows of this process draw is drawn once, and by this process."""
    from prefect.context import FlowRunContext, TaskRunContext

    import flows.report

    def draw(picture: Picture, frame: pl.DataFrame) -> None:
        if FlowRunContext.get() or TaskRunContext.get():
            draw_once(picture, frame, kept, draw_picture)
        else:
            draw_picture(picture, frame)

    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(reports.drawing, "draw_picture", draw)
        changed.setattr(flows.report, "begin_helper", lambda: None)
        yield
