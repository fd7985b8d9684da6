"""The command line: exit codes, messages on the right stream, and a help that names every option."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow

from flows.errors import ConfigError, DataError, LoadError, RetailError
from flows.run import temporary_server
from flows.run.command_line import run_flow, run_with_options
from tests.conftest import PROJECT

SUMMARY: dict[str, Any] = {
    "run_id": "r",
    "status": "completed",
    "as_of": "2026-03-31",
    "files": [
        {"status": "loaded", "rows_in": 1200, "rows_loaded": 1199, "rows_quarantined": 1},
        {"status": "unchanged", "rows_in": 5, "rows_loaded": 5, "rows_quarantined": 0},
    ],
    "dbt": {"nodes": 3, "success": 2, "error": 1, "skipped": 0, "seconds": 1.2},
    "report": "work/reports/latest/index.html",
}


def test_run_flow_success_prints_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    """Take a small flow."""
    given: dict[str, Any] = {}

    def flow(**options: Any) -> dict[str, Any]:
        given.update(options)
        return SUMMARY

    assert run_flow("pipeline", flow, ["--source", "in", "--as-of", "2026-03-31", "--target", "local"]) == 0
    assert given == {"source": "in", "profile": None, "work_dir": None, "target": "local", "as_of": date(2026, 3, 31)}
    printed = capsys.readouterr().out
    assert "files   2 (1 loaded, 1 unchanged)" in printed
    assert "rows    1,205 in = 1,204 loaded + 1 quarantined" in printed
    assert "dbt     3 nodes: 2 succeeded, 1 failed, 0 skipped" in printed
    assert "report  work/reports/latest/index.html (as of 2026-03-31)" in printed


def test_run_flow_hands_pdf_and_language_on_to_flows_that_report_alone(capsys: pytest.CaptureFixture[str]) -> None:
    given: list[tuple[bool | None, str | None]] = []

    def reporting(*, pdf: bool | None = None, language: str | None = None, **_: Any) -> dict[str, Any]:
        given.append((pdf, language))
        return SUMMARY

    assert [run_flow("report", reporting, each) for each in ([], ["--pdf", "--language", "fr"])] == [0, 0]
    assert given == [(None, None), (True, "fr")]
    with pytest.raises(SystemExit, match="2"):
        run_flow("ingest", lambda **_: SUMMARY, ["--pdf"])
    assert "unrecognized arguments: --pdf" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        run_flow("report", reporting, ["--language", "de"])
    assert "invalid choice: 'de'" in capsys.readouterr().err


def test_run_with_options_that_are_no_settings_leaves_them_to_the_flow(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fill(work_dir: str, first_day: str) -> None:
        """Not run here."""

    class Own(Flow[..., Any]):
        def __call__(self, **options: Any) -> Any:
            return SUMMARY | {"as_of": options["first_day"]}

    reached: list[Path] = []
    monkeypatch.setattr(temporary_server, "reach_server", lambda work_dir, _: reached.append(work_dir))
    own = Own(fill, name="own")
    assert run_with_options("backfill", own, {"work_dir": str(tmp_path), "first_day": "2026-03-01"}) == 0
    assert reached == [tmp_path]


@pytest.mark.parametrize(
    ("error", "code"),
    [(ConfigError("set X"), 2), (DataError("bad file"), 1), (LoadError("no room"), 1), (ValueError("a defect"), 1)],
)
def test_run_flow_failure_says_why_and_exits(
    error: RetailError | ValueError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def flow(**_: Any) -> dict[str, Any]:
        raise error

    assert run_flow("ingest", flow, []) == code
    printed = capsys.readouterr()
    assert str(error) in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("arguments", [["--as-of", "2026-2-30"], ["--as-of", "20260301"], ["--target", "x"], ["--wat"]])
def test_run_flow_wrong_usage_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        run_flow("ingest", lambda **_: SUMMARY, arguments)
    assert exit_.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("program", ["pipeline", "ingest", "transform", "report"])
def test_help_names_every_option(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"flows.{program}", "--help"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    for word in ("--source", "--work-dir", "--target", "--as-of", "Exit codes", f"flows.{program}"):
        assert word in done.stdout
