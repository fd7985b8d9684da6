"""`make test-redshift` itself: it runs, writes its page, and says what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import PROJECT

ONE_TEST = """
import sys
from tests.warehouse import real_redshift
real_redshift.FILES = (sys.argv[1],)
sys.exit(real_redshift.main(sys.argv[2:]))
"""


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    chosen = f"{PROJECT}/tests/warehouse/test_redshift_proof.py::test_first_statement_after_connecting"
    command = [sys.executable, "-c", ONE_TEST, chosen, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_run_on_the_standin_writes_the_page(tmp_path: Path) -> None:
    done = run("--standin", "--report", str(tmp_path / "proof.md"), cwd=PROJECT)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    page = (tmp_path / "proof.md").read_text(encoding="utf-8")
    assert "**1 passed, 0 failed, 0 skipped**" in page
    assert "| first statement, s | " in page
    assert "| tries that followed an outage | 0 |" in page


def test_run_without_settings_lists_what_is_missing(tmp_path: Path) -> None:
    done = run("--report", str(tmp_path / "proof.md"), cwd=PROJECT)
    assert done.returncode == 2
    assert "RETAIL_REDSHIFT_HOST" in done.stderr
    assert not (tmp_path / "proof.md").exists()
