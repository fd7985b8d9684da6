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
from pathlib import Path
from typing import Any

# what dbt or DuckDB says of SQL that means nothing: no mutant anybody could have committed
MEANS_NOTHING = re.compile(r"(Parser|Binder|Catalog|Compilation|Syntax|Parsing) Error|contract", re.IGNORECASE)
BUILT, BEHIND = "built", "behind"


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

    def judge(self, file: str, text: str, select: list[str]) -> Verdict:
        """Build with `text` in place of `file`.

        What is downstream is made anew in a warehouse that was built already; what survives that must also survive the
        next build of a warehouse that lags a delivery behind, which takes the incremental way.
        """
        path = self.project / file
        before = path.read_text(encoding="utf-8")
        path.write_text(text, encoding="utf-8")
        try:
            verdict = self.build(BUILT, ["--full-refresh", *(["--select", *select] if select != ["*"] else [])])
            if verdict.outcome == "survived" and (self.folder / "states" / f"{BEHIND}.duckdb").exists():
                verdict = self.build(BEHIND, [])
            return verdict
        finally:
            path.write_text(before, encoding="utf-8")

    def build(self, state: str, options: list[str]) -> Verdict:
        """Run `dbt build` on a copy of `states/<state>.duckdb`, up to the first failure."""
        self.warehouse.with_suffix(".duckdb.wal").unlink(missing_ok=True)
        shutil.copyfile(self.folder / "states" / f"{state}.duckdb", self.warehouse)
        return verdict_of(self.invoke(["build", "--fail-fast", "--no-write-json", *options]))

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


def verdict_of(answer: Any) -> Verdict:
    """What the result of dbt says of a mutant. The first failure counts; later ones may follow from it."""
    if answer.exception is not None:
        return Verdict("invalid", str(answer.exception).splitlines()[0])
    for result in answer.result.results:
        status = str(result.status)
        if status == "error" and MEANS_NOTHING.search(result.message or ""):
            return Verdict("invalid", result.node.name)
        if status in ("error", "fail"):
            return Verdict("caught", result.node.name)
    return Verdict("survived")


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever dbt prints is no answer
    workshop = Workshop(Path(sys.argv[1]))
    for line in sys.stdin:
        job = json.loads(line)
        verdict = workshop.judge(job["file"], job["text"], job["select"])
        print(json.dumps({"outcome": verdict.outcome, "by": verdict.by}), file=answers, flush=True)


if __name__ == "__main__":
    main()
