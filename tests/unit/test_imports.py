"""What a run that has nothing to do must not wait for: seconds of imports that only building and drawing need."""

from __future__ import annotations

import subprocess
import sys

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


def test_a_command_leaves_out_what_only_makes_its_imports_longer() -> None:
    asked = (
        "import sys; sys.argv = ['-m']; import flows, jsonschema; print('rfc3987_syntax.syntax_helpers' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", asked], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"


def test_a_command_that_ends_searches_its_memory_no_more() -> None:
    asked = "import atexit, gc, sys; atexit.register(lambda: print(gc.get_freeze_count() > 0)); sys.argv = ['-m']"
    ended = subprocess.run(
        [sys.executable, "-c", f"{asked}; import flows"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "True"
