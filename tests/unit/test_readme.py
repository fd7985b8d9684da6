"""The README promises what is there: its commands exist, CI runs them, its figures are those of the report."""

from __future__ import annotations

import re

import polars as pl
import pytest

from reports.kpis import KPIS, PLAIN
from tests.conftest import PROJECT, Finished

README = (PROJECT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
CI = (PROJECT / ".ci/run").read_text(encoding="utf-8")


def shell_lines() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def test_readme_first_commands_are_run_and_test() -> None:
    assert shell_lines()[:2] == ["make run", "make test"]


def test_readme_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, flags=re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join(re.findall(r"`[^`\n]+`", README) + shell_lines())))
    assert {"run", "test", "lint", "ui", "bench", "docs"} <= named <= targets


def test_ci_runs_the_readmes_test_command() -> None:
    assert re.search(r"^make test$", CI, flags=re.MULTILINE)
    assert re.search(r"^make lint$", CI, flags=re.MULTILINE)


def test_readme_modules_and_links_exist() -> None:
    for module in re.findall(r"-m flows\.([a-z]+)", README):
        assert any((PROJECT / f"flows/{file}").is_file() for file in (f"{module}.py", f"{module}/__main__.py")), module
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (PROJECT / link).exists(), link


def test_readme_deploy_commands_name_the_work_pool_of_prefect_yaml() -> None:
    assert "name: retail-local" in (PROJECT / "prefect.yaml").read_text(encoding="utf-8")
    worker = ".venv/bin/python -m prefect worker start --pool retail-local"
    assert {".venv/bin/python infra/deploy.py", worker} <= set(shell_lines())


@pytest.mark.parametrize("name", [name for name, kpi in KPIS.items() if kpi not in PLAIN])
def test_readme_answers_are_those_of_the_report(shipped_run: Finished, name: str) -> None:
    frame = pl.read_parquet(shipped_run.report / f"{name}.parquet")
    assert KPIS[name].headline(frame) in README


def test_readme_run_summary_is_that_of_the_shipped_data(shipped_run: Finished) -> None:
    rows = sum(file["rows_in"] for file in shipped_run.summary["files"])
    assert f"{rows:,} in = {rows:,} loaded + 0 quarantined" in README
    assert f"{shipped_run.summary['dbt']['nodes']} nodes" in README
    assert f"(as of {shipped_run.summary['as_of']})" in README


def test_lock_has_hashes_and_no_addresses() -> None:
    lock = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert lock.count("--hash=sha256:") >= lock.count("==") > 200
