"""`make test-redshift` itself: it runs, writes its page, and says what is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import PROJECT
from tests.warehouse.real_redshift import FILES


def run(
    *arguments: str, cwd: Path, chosen: str = "test_first_statement_after_connecting"
) -> subprocess.CompletedProcess[str]:
    """All files are collected, as a user's run does; of their tests only the chosen one runs."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTEST_ADDOPTS": f"-k {chosen}"}
    command = [sys.executable, "-m", "tests.warehouse.real_redshift", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_each_test_that_is_marked_so_is_among_those_that_run() -> None:
    tests = {path: path.read_text(encoding="utf-8") for path in (PROJECT / "tests").rglob("test_*.py")}
    marked = {
        path for path, text in tests.items() if re.search(r"^(?:pytestmark = |@)pytest\.mark\.redshift", text, re.M)
    }
    assert marked == set(FILES)


def test_run_on_the_standin_writes_the_page(tmp_path: Path) -> None:
    done = run("--standin", "--report", str(tmp_path / "proof.md"), cwd=PROJECT)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    page = (tmp_path / "proof.md").read_text(encoding="utf-8")
    assert "**1 passed, 0 failed, 0 skipped**" in page
    assert "| first statement, s | " in page
    assert "| tries that followed an outage | 0 |" in page


def test_page_of_a_run_in_which_no_test_ran_says_so(tmp_path: Path) -> None:
    done = run("--standin", "--report", str(tmp_path / "proof.md"), cwd=PROJECT, chosen="no_such_test")
    assert done.returncode == 1
    page = (tmp_path / "proof.md").read_text(encoding="utf-8")
    assert "**0 passed, 0 failed, 0 skipped**" in page
    assert "The run proves nothing: pytest ended with NO_TESTS_COLLECTED." in page
    assert "Nothing." not in page


def test_run_without_settings_lists_what_is_missing(tmp_path: Path) -> None:
    done = run("--report", str(tmp_path / "proof.md"), cwd=PROJECT)
    assert done.returncode == 2
    assert "RETAIL_REDSHIFT_HOST" in done.stderr
    assert not (tmp_path / "proof.md").exists()
