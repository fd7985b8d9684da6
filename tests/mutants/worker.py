"""Builds mutants, one after the other, in a process of its own: `python -m tests.mutants.worker FOLDER`.

FOLDER holds `project/` (a copy of the dbt project, profile included), `target/` and `states/*.duckdb`. Each line of
standard input is a job, each line of standard output its verdict, as JSON. dbt stays loaded, it reads what changed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from contextlib import chdir
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.built_state import find_differences, read_state

# what dbt or DuckDB says of SQL that means nothing: no mutant anybody could have committed
MEANS_NOTHING = re.compile(r"(Parser|Binder|Catalog|Compilation|Syntax|Parsing) Error|contract", re.IGNORECASE)
BUILT, LOST = "built", "lost"
SALES_BEHIND, LISTS_BEHIND = "sales-behind", "lists-behind"
INCREMENTS = (SALES_BEHIND, LISTS_BEHIND, LOST)
OF_THE_LOAD = ("loaded_at", "delivery_order")  # files came at other moments on the way of the lists
KPI_TESTS = Path(__file__).resolve().parents[1] / "kpis"
WARNED = "warned.json"  # the tests that warn of the shop itself
INCREMENT_DIFFERS = "an incremental build that differs from the whole one"


@dataclass(frozen=True)
class Verdict:
    """caught, survived or invalid; of a caught one the test or node that noticed it."""

    outcome: str
    by: str = ""


class Workshop:
    """The folder of one worker, in which one mutant at a time is built."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.project = folder, folder / "project"
        self.warehouse = folder / "warehouse.duckdb"

    def judge(self, file: str, text: str, select: list[str], *, kpis: bool) -> Verdict:
        """Build with `text` in place of `file`, and with `kpis` run the tests of the KPI queries.

        What is downstream is made anew in a warehouse that was built already; what survives that must also survive the
        next builds of warehouses that lag a delivery behind, which take the incremental way, to the same rows.
        """
        path = self.project / file
        before = path.read_text(encoding="utf-8")
        path.write_text(text, encoding="utf-8")
        try:
            ways = [self.judge_kpis] if kpis else []
            if select:
                ways.append(lambda: self.build(BUILT, ["--full-refresh", *_selection(select)]))
            if select and all((self.folder / "states" / f"{state}.duckdb").exists() for state in INCREMENTS):
                ways.append(self.build_increments)
            verdicts = (way() for way in ways)
            return next((verdict for verdict in verdicts if verdict.outcome != "survived"), Verdict("survived"))
        finally:
            path.write_text(before, encoding="utf-8")

    def build_increments(self) -> Verdict:
        """Build in the warehouses that lag behind, then in the one that lost a table; and compare with the whole.

        That is the build which was made just before, and whose warehouse is still there.
        """
        whole = read_state(self.warehouse, OF_THE_LOAD)
        for state in INCREMENTS:
            verdict = self.build(state, [])
            if verdict.outcome != "survived":
                return verdict
            if find_differences(read_state(self.warehouse, OF_THE_LOAD), whole):
                return Verdict("caught", INCREMENT_DIFFERS)
        return Verdict("survived")

    def judge_kpis(self) -> Verdict:
        """Compile the KPI queries and run their tests, up to the first failure."""
        answer = self.invoke(["compile", "--select", "resource_type:analysis"])
        if not answer.success:
            return Verdict("invalid", str(answer.exception))
        (compiled,) = (self.folder / "target" / "compiled").glob("*/analysis")
        return run_kpi_tests(compiled)

    def build(self, state: str, options: list[str]) -> Verdict:
        """Run `dbt build` on a copy of `states/<state>.duckdb`, up to the first failure."""
        self.warehouse.with_suffix(".duckdb.wal").unlink(missing_ok=True)
        shutil.copyfile(self.folder / "states" / f"{state}.duckdb", self.warehouse)
        return verdict_of(self.invoke(["build", "--fail-fast", "--no-write-json", *options]), self.warned)

    @cached_property
    def warned(self) -> frozenset[str]:
        path = self.folder / WARNED
        return frozenset(json.loads(path.read_text(encoding="utf-8")) if path.exists() else ())

    def invoke(self, arguments: list[str]) -> Any:
        """dbt in this process; the warehouse is closed afterwards."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        folders = [
            "--project-dir",
            self.project,
            "--profiles-dir",
            self.project,
            "--target-path",
            self.folder / "target",
        ]
        quiet = ["--log-path", self.folder / "logs", "--log-level", "none", "--log-level-file", "none", "--quiet"]
        try:
            with chdir(self.folder):  # the profile's path is relative, so that what is parsed holds for each worker
                return dbtRunner().invoke([arguments[0], *map(str, folders), *map(str, quiet), *arguments[1:]])
        finally:
            DuckDBConnectionManager.close_all_connections()


def run_kpi_tests(compiled: Path) -> Verdict:
    """Run tests/kpis on these queries in this process, where they are imported once."""
    import pytest

    failed: list[tuple[str, str]] = []

    class Listener:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                failed.append((report.nodeid.rpartition("::")[2], str(report.longrepr)))

    os.environ["COMPILED_KPIS"] = str(compiled)
    options = ["-x", "-q", "-m", "not redshift", "-p", "no:cacheprovider"]
    again = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # modules of the first time are imported already
    code = pytest.main([*options, *again, str(KPI_TESTS)], plugins=[Listener()])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"the tests of the KPI queries did not run: {code!r}")
    if not failed:
        return Verdict("survived")
    name, text = failed[0]
    return Verdict("invalid" if MEANS_NOTHING.search(text) else "caught", name)


def _selection(select: list[str]) -> list[str]:
    return ["--select", *select] if select != ["*"] else []


def verdict_of(answer: Any, warned: frozenset[str] = frozenset()) -> Verdict:
    """What the result of dbt says of a mutant. The first failure counts; later ones may follow from it.

    A test that warns is a finding of the run, on its page; those in `warned` are so without any mutation.
    """
    if answer.exception is not None:
        return Verdict("invalid", str(answer.exception).splitlines()[0])
    for result in answer.result.results:
        status = str(result.status)
        if status == "error" and MEANS_NOTHING.search(result.message or ""):
            return Verdict("invalid", result.node.name)
        if status in ("error", "fail") or (status == "warn" and result.node.name not in warned):
            return Verdict("caught", result.node.name)
    return Verdict("survived")


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever dbt prints is no answer
    workshop = Workshop(Path(sys.argv[1]))
    for line in sys.stdin:
        job = json.loads(line)
        verdict = workshop.judge(job["file"], job["text"], job["select"], kpis=job["kpis"])
        print(json.dumps({"outcome": verdict.outcome, "by": verdict.by}), file=answers, flush=True)


if __name__ == "__main__":
    main()
