"""dbt's command line in a process of its own, without the seconds that its imports take.

A process imports dbt once and waits; for each order, a line of JSON (`arguments`, `folder`, `environment`, `output`: a
file), it forks one that is from there on what `dbt` is: the same function, reading its arguments and its environment
as a user's does. It answers with the exit code. What a start of dbt needs has tests that start it (test_dbt_by_hand).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.kept_parses import parsing_once

PROJECT = Path(__file__).resolve().parent.parent


class DbtCommand:
    """Where orders are given."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "output"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.dbt_forked"],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
        """Run dbt there in that environment alone; its exit code, negative for a signal, and what it printed."""
        assert self.process.stdin
        assert self.process.stdout
        order = {"arguments": arguments, "folder": str(folder), "environment": dict(environment)}
        self.process.stdin.write(json.dumps(order | {"output": str(self.output)}) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline()), self.output.read_text(encoding="utf-8")

    def run_by_hand(self, work_dir: Path, *arguments: str, project: Path = PROJECT / "dbt", **variables: str) -> int:
        """Run dbt in the folder of the project on the warehouse of that work folder; 0, or 1 if something failed."""
        hand = work_dir / "hand"
        folders = {"RETAIL_DUCKDB_PATH": str(work_dir / "warehouse.duckdb"), "DBT_LOG_PATH": str(hand / "logs")}
        environment = os.environ | folders | variables
        code, said = self.run(*arguments, "--target-path", str(hand), folder=project, environment=environment)
        assert code in (0, 1), said
        return code

    def close(self) -> None:
        """No more orders."""
        self.process.communicate(timeout=60)


def become(order: dict[str, Any]) -> None:
    """Be dbt, as it was called: never returns."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for given, number in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(given, number)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    sys.argv = ["dbt", *order["arguments"]]
    from dbt.cli.main import cli

    with parsing_once():
        cli()


def heed_orders() -> None:
    """Fork for each order, one after the other, until there are no more."""
    import dbt.cli.main  # noqa: F401  and nothing that begins threads, as DuckDB does: they do not live on in a fork

    while line := sys.stdin.readline():
        child = os.fork()
        if not child:
            become(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    heed_orders()
