"""What a run says of files that were refused or not loaded: each problem once, every file accounted for."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from flows.errors import DataError, LoadError
from flows.lake.convert import Conversion
from flows.run import told_once
from flows.warehouse.outcomes import (
    MAX_PROBLEMS,
    FileOutcome,
    describe_bad_records,
    describe_failed_load,
    describe_refusal,
    mark_not_loaded,
    mark_waiting,
)


def refused(name: str, error: str) -> FileOutcome:
    return FileOutcome("raw_orders", name, "f" * 64, "refused", error=f"{name}: {error}")


def loaded(name: str, status: str = "loaded") -> FileOutcome:
    return FileOutcome("raw_items", name, "a" * 64, status, rows_in=3, rows_loaded=2, rows_quarantined=1)


def converted(name: str) -> Conversion:
    return Conversion("raw_items", name, "a" * 64, 3, 2, 1)


def test_refusal_tells_equal_problems_once_with_examples() -> None:
    """Equal but for names, numbers and the quarantine file; the problem of most files comes first."""
    bad = "{} of 20 records break the contract\n  They are in quarantine/raw_orders/{}.ab12.parquet.\n  That is much."
    outcomes = [
        refused("x.csv", "is separated by ;"),
        *(refused(f"o{n}.csv", bad.format(n, f"o{n}.csv")) for n in range(424)),
        loaded("i.csv"),
    ]
    lines = describe_refusal(outcomes).splitlines()
    assert lines[0].startswith("425 files were refused; nothing of this run was loaded")
    assert lines[1] == "- 424 files: 0 of 20 records break the contract"
    assert lines[2] == "  They are in quarantine/raw_orders."
    assert lines[4:] == ["  For example o0.csv, o1.csv, o2.csv and 421 more.", "- x.csv: is separated by ;"]


def test_refusal_of_many_problems_names_the_first_and_counts_the_rest() -> None:
    letters = [chr(ord("a") + number) for number in range(MAX_PROBLEMS + 2)]
    outcomes = [refused(f"{letter}.csv", f"trouble {letter * 9}") for letter in letters]
    lines = describe_refusal([*outcomes, refused("a2.csv", f"trouble {'a' * 9}")]).splitlines()
    assert len(lines) == 1 + MAX_PROBLEMS + 2
    assert lines[1] == "- 2 files: trouble aaaaaaaaa"
    assert lines[-1] == "- and 2 more files; the run summary names each with its cure"


def test_refused_run_has_no_file_and_no_row_as_loaded() -> None:
    outcomes = mark_not_loaded([loaded("a"), loaded("b", "replaced"), loaded("c", "unchanged"), refused("d", "bad")])
    assert [(each.status, each.rows_in, each.rows_loaded) for each in outcomes] == [
        ("not loaded", 3, 0),
        ("not loaded", 3, 0),
        ("unchanged", 3, 2),
        ("refused", 0, 0),
    ]


def test_failed_load_says_which_files_are_loaded_and_which_are_not() -> None:
    waiting = {("raw_items", "c.csv"), ("raw_items", "d.csv")}
    conversions = [converted(f"{letter}.csv") for letter in "abcd"]
    message = describe_failed_load(
        LoadError("the disk is full; the last good state stands. Free space."), conversions, waiting
    )
    assert message.startswith(
        "the disk is full. Free space.\n2 files were loaded before that and stay loaded: a.csv, b.csv."
    )
    assert "Not loaded: c.csv, d.csv." in message
    assert "The next run loads what is missing" in message
    outcomes = mark_waiting([loaded("b.csv"), loaded("c.csv")], waiting, "not loaded: full")
    assert [(each.status, each.rows_loaded, each.error) for each in outcomes] == [
        ("loaded", 2, None),
        ("not loaded", 0, "not loaded: full"),
    ]


def test_failed_load_after_a_single_file_says_so_in_the_singular() -> None:
    conversions = [converted("a.csv"), converted("b.csv")]
    message = describe_failed_load(LoadError("full."), conversions, {("raw_items", "b.csv")})
    assert "1 file was loaded before that and stays loaded: a.csv. Not loaded: b.csv." in message


def test_failed_load_of_the_first_file_says_that_none_is_loaded() -> None:
    message = describe_failed_load(LoadError("full."), [converted("a.csv")], {("raw_items", "a.csv")})
    assert message.startswith("full.\nNo file of this run was loaded")


@pytest.mark.parametrize(("kinds", "more"), [(5, None), (6, "and 1 more kind of"), (8, "and 3 more kinds of")])
def test_bad_records_of_many_kinds_say_how_many_are_not_shown(kinds: int, more: str | None) -> None:
    reasons = {f"column_{number}:required": 10 - number for number in range(kinds)}
    bad = Conversion("raw_items", "i.csv", "a" * 64, 100, 90, 10, reasons=reasons, examples=("record 1: x",))
    lines = describe_bad_records(bad).splitlines()
    assert [line for line in lines if line.startswith("  - column_")] == [
        f"  - column_{number}:required: {10 - number}" for number in range(5)
    ]
    assert [line for line in lines if line.startswith("  - and")] == (
        [f"  - {more} reason; the run summary has them all"] if more else []
    )


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a terminal of Prefect's loggers shows."""
    texts: list[str] = []

    class Terminal(logging.StreamHandler[Any]):
        def emit(self, record: logging.LogRecord) -> None:
            texts.append(self.format(record))

    terminal, root = Terminal(), logging.getLogger("prefect")
    monkeypatch.setattr(root, "handlers", [terminal])
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(told_once, "_left_to_the_end", False)
    for name in told_once.LOGGERS:
        monkeypatch.setattr(logging.getLogger(name), "filters", [])
        monkeypatch.setattr(logging.getLogger(name), "handlers", [])
    return texts


def fail(error: Exception) -> None:
    try:
        raise error
    except type(error) as raised:
        logging.getLogger("prefect.flow_runs").exception("Encountered exception during execution: %r", raised)  # noqa: TRY401  as Prefect says it


def test_log_of_a_run_has_the_message_of_a_refusal_without_traceback(heard: list[str]) -> None:
    told_once.leave_out_tracebacks()
    fail(DataError("a.csv: wrong"))
    fail(ValueError("a defect"))
    assert heard[0] == "a.csv: wrong"
    assert "Traceback" in heard[1]


def test_terminal_leaves_a_refusal_to_the_command_line(heard: list[str]) -> None:
    told_once.leave_endings_to_the_caller()
    told_once.leave_out_tracebacks()
    fail(DataError("a.csv: wrong"))
    fail(ValueError("a defect"))
    logging.getLogger("prefect.flow_runs").error("Finished in state %s", "Failed('" + "x" * 5000 + "')")
    assert len(heard) == 2
    assert "a defect" in heard[0]
    assert len(heard[1]) < 200


@pytest.mark.parametrize(("form", "told"), [("text", ["refused"]), ("json", ["refused", "Run 7 completed"])])
def test_terminal_leaves_the_summary_to_the_command_line_that_prints_it_but_json_lines_are_whole(
    heard: list[str], monkeypatch: pytest.MonkeyPatch, form: str, told: list[str]
) -> None:
    monkeypatch.setenv("RETAIL_LOG_FORMAT", form)
    told_once.leave_endings_to_the_caller()
    told_once.leave_out_tracebacks()
    log = logging.getLogger("prefect.flow_runs")
    log.warning("refused")
    log.warning("Run 7 completed", extra=told_once.PRINTED)
    assert heard == told
