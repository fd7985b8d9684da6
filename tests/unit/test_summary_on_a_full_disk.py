"""The summary is written last: where the disk has no room for it, its error says that the rest is done."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from flows.errors import LoadError
from flows.run.settings import load_settings
from flows.run.summary import Run

FILES = [{"status": status} for status in ("loaded", "replaced", "unchanged")]


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text

    def fail(path: Path, *arguments: Any, **options: Any) -> int:
        written = write(path, *arguments, **options)
        if path.name.endswith(".json.tmp"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return written

    monkeypatch.setattr(Path, "write_text", fail)


@pytest.mark.usefixtures("no_room")
@pytest.mark.parametrize(
    ("report", "said"),
    [
        (None, "2 of its 3 files were loaded. The next"),
        ("/w/index.html", "loaded, and the report is published: /w/ind"),
    ],
    ids=["ingest", "pipeline"],
)
def test_summary_without_room_says_what_of_the_run_stands(tmp_path: Path, report: str | None, said: str) -> None:
    run = Run("r", load_settings(work_dir=str(tmp_path)), summary={"files": FILES, "report": report})
    with pytest.raises(LoadError, match=r"No space left on device.*Free space") as refused:
        run.save_done()
    assert str(run.summary_path) in str(refused.value)
    assert said in str(refused.value)
    assert refused.value.exit_code == 1
    assert not list((tmp_path / "runs").iterdir()), "nothing half written"


@pytest.mark.usefixtures("no_room")
def test_failure_is_what_is_told_where_the_summary_has_no_room_either(tmp_path: Path) -> None:
    run = Run("r", load_settings(work_dir=str(tmp_path)), summary={"files": FILES, "report": None})
    run.save_failed(LoadError("the disk is full"))
    assert run.summary["error"] == "LoadError: the disk is full"
    assert not list((tmp_path / "runs").iterdir())


def test_summary_that_has_room_is_written_without_a_word(tmp_path: Path) -> None:
    run = Run("r", load_settings(work_dir=str(tmp_path)), summary={"files": FILES, "report": None})
    run.save_done()
    assert run.summary_path.is_file()
