"""What a run that has nothing to do must not wait for: seconds of imports that only building and drawing need."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import PROJECT

HEAVY = ("dbt.cli.main", "prefect_dbt", "plotnine", "matplotlib", "scipy")
OF_REDSHIFT = ("redshift_connector", "scramp", "asn1crypto")


def test_main_job_imports_what_builds_and_draws_only_when_it_does() -> None:
    asked = f"import sys, flows.pipeline; print([name for name in {HEAVY} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", asked], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_main_job_imports_the_driver_of_redshift_only_when_it_connects() -> None:
    asked = f"import sys, flows.pipeline; print([name for name in {OF_REDSHIFT} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", asked], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_what_draws_takes_of_scipy_only_what_it_needs() -> None:
    asked = "import sys, flows.report; print('scipy.stats' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", asked], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"


def test_no_process_compiles_the_grammar_of_a_format_that_nobody_checks() -> None:
    """jsonschema does where it finds this package, a second in each process; see override-dependencies."""
    assert "\nrfc3987-syntax==" not in (PROJECT / "requirements.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("program", "environment", "seldom"),
    [("-m", {}, True), ("anything.py", {"PREFECT__FLOW_RUN_ID": "1"}, True), ("anything.py", {}, False)],
    ids=["command", "of a worker", "import"],
)
def test_a_process_of_ours_searches_its_memory_seldom_and_at_its_end_no_more(
    program: str, environment: dict[str, str], seldom: bool
) -> None:
    asked = f"""import atexit, gc, sys
frozen = gc.get_freeze_count()  # some are from the start
atexit.register(lambda: print(gc.get_freeze_count() > frozen, gc.get_threshold()[0] > 10_000))
sys.argv = [{program!r}]
import flows"""
    ended = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.split() == [str(seldom)] * 2
