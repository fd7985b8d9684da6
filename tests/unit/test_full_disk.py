"""A full disk is one message that names the folder, whoever met it and whatever followed from it."""

from __future__ import annotations

import errno
import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from flows.errors import ConfigError, DataError, LoadError
from flows.marts.results import keep_attempt, read_attempts, read_invocations
from flows.run import own_server, told_once
from flows.run.full_disk import explain_full_disk, naming_full_disk
from flows.run.own_server import LEAST_FREE_BYTES
from flows.run.settings import load_settings

NO_ROOM = "No space left on device"
FILES = [{"status": status} for status in ("loaded", "replaced", "unchanged")]


def raise_after(first: Exception, *others: Exception) -> Exception:
    """The last of errors, each raised while the one before was handled, as of a server that finds no room either."""
    try:
        try:
            raise first  # noqa: TRY301  an error at hand
        except Exception:
            raise others[0] from None
    except Exception as error:
        return error if len(others) == 1 else raise_after(error, *others[1:])


def write_nowhere() -> Exception:
    """What polars says on a disk without room."""
    try:
        pl.DataFrame({"a": range(200_000)}).write_parquet("/dev/full")
    except Exception as error:
        return error
    raise AssertionError("the device took it")


@pytest.fixture
def leave_free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda free: monkeypatch.setattr(own_server.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, NO_ROOM),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        LoadError(f"dbt build did not run: [Errno 28] {NO_ROOM}"),
        raise_after(OSError(errno.ENOSPC, NO_ROOM), RuntimeError("500 Internal Server Error")),
        raise_after(LoadError(f"x: {NO_ROOM}"), RuntimeError("500"), RuntimeError("500")),
        RuntimeError("(sqlite3.OperationalError) database or disk is full"),
        write_nowhere(),
    ],
    ids=["python", "quota", "dbt", "server after it", "server after what was told", "sqlite", "polars"],
)
def test_full_disk_in_whatever_words_names_folder_cure_and_what_stands(tmp_path: Path, error: Exception) -> None:
    explained = explain_full_disk(error, tmp_path, {"files": FILES, "report": None})
    assert isinstance(explained, LoadError)
    text = str(explained)
    assert f"{tmp_path}: the disk is full" in text
    assert "Free space there, or name another work folder with --work-dir or RETAIL_WORK_DIR, then run again" in text
    assert "2 of this run's 3 files were loaded and stay so." in text
    assert "Internal Server Error" not in text


def test_full_disk_after_the_report_was_published_says_where_it_is(tmp_path: Path) -> None:
    explained = explain_full_disk(OSError(errno.ENOSPC, NO_ROOM), tmp_path, {"files": FILES, "report": "/w/index.html"})
    assert "2 of its 3 files were loaded, and the report is published: /w/index.html" in str(explained)


def test_full_disk_that_is_told_with_folder_and_cure_is_told_as_it_is(tmp_path: Path) -> None:
    told = LoadError(f"{tmp_path}/lake: cannot be written ({NO_ROOM}). Free space there, then run again.")
    assert explain_full_disk(told, tmp_path, {}) is told
    assert explain_full_disk(raise_after(told, RuntimeError("500")), tmp_path, {}) is told
    with pytest.raises(LoadError) as raised, naming_full_disk(tmp_path, {}):
        raise told
    assert raised.value is told


@pytest.mark.parametrize(("spare", "is_full"), [(-1, True), (0, False)])
def test_error_of_a_server_is_of_the_disk_where_that_has_no_room(
    tmp_path: Path, leave_free: Callable[[int], None], spare: int, *, is_full: bool
) -> None:
    """The server's own error stands in its log, if that finds room."""
    leave_free(LEAST_FREE_BYTES + spare)
    explained = explain_full_disk(RuntimeError("500 Internal Server Error"), tmp_path, {})
    assert (explained is not None) is is_full
    for refusal in (DataError("a.csv: wrong"), ConfigError("no such profile")):
        assert explain_full_disk(refusal, tmp_path, {}) is None, "what is told already is not of the disk"


def test_error_of_another_kind_passes_as_it_came(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a defect"), naming_full_disk(tmp_path, {}):
        raise ValueError("a defect")


@pytest.mark.parametrize("left", ["", '{"metadata": {"invocation_id": "x"}, "results": [{"unique_id'])
def test_results_that_a_full_disk_cut_off_are_none(tmp_path: Path, left: str) -> None:
    settings = load_settings(work_dir=str(tmp_path))
    results = tmp_path / "run_results.json"
    result = {"unique_id": "model.retail.a", "status": "success", "message": "", "failures": None}
    results.write_text(json.dumps({"metadata": {"invocation_id": "first"}, "results": [result]}))
    keep_attempt(results, 1, settings)
    results.write_text(left)
    keep_attempt(results, 2, settings)
    assert [(each.node, each.attempts) for each in read_attempts(settings)] == [("model.retail.a", 1)]
    assert read_invocations(settings) == {"first"}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the terminal shows of a task run's log."""
    texts: list[str] = []

    class Terminal(logging.StreamHandler[Any]):
        def emit(self, record: logging.LogRecord) -> None:
            texts.append(self.format(record))

    log = logging.getLogger("prefect.task_runs")
    monkeypatch.setattr(log, "filters", [])
    monkeypatch.setattr(log, "handlers", [Terminal()])
    monkeypatch.setattr(log, "propagate", False)
    monkeypatch.setattr(told_once, "_left_to_the_end", False)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    told_once.leave_endings_to_the_caller()
    told_once.leave_out_tracebacks()
    return texts


def log_raised(error: Exception) -> None:
    try:
        raise error  # noqa: TRY301  so that it has a traceback
    except Exception:
        logging.getLogger("prefect.task_runs").exception("Task run failed with exception: %r", error)


def test_terminal_shows_no_traceback_of_a_full_disk(heard: list[str]) -> None:
    log_raised(OSError(errno.ENOSPC, NO_ROOM))
    log_raised(Exception("Node model.retail.fact_orders finished with status error"))
    log_raised(KeyError("a defect"))
    logging.getLogger("prefect.task_runs").error(
        f"OSError: {NO_ROOM}\n\nTraceback (most recent call last):\n  x\nOSError: {NO_ROOM}"
    )
    logging.getLogger("prefect.task_runs").error("Traceback (most recent call last):\n  x\nKeyError: 1")
    assert len(heard) == 3
    assert "Node model.retail.fact_orders finished" in heard[0]
    assert "Traceback" not in heard[0]
    assert "Traceback" in heard[1]
    assert "KeyError: 1" in heard[2]


def test_log_that_cannot_be_written_prints_no_traceback(heard: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(errno.ENOSPC, NO_ROOM)

    log = logging.getLogger("dbt of a test")
    log.propagate = False
    log.handlers = [logging.StreamHandler(Full())]
    log.error("a line")
    assert capsys.readouterr().err == ""
    assert not heard
