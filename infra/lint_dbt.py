"""What `make lint` says of the dbt project: warnings on either target, conventions, documentation, SQL style. Offline.

The project is built without a row in a warehouse of its own, so that there is a catalogue; nothing of yours is read.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flows.lake.contracts import CONTRACTS
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
LEAST_TESTED_RATIO = 0.04  # of all columns, by tests of one column; unit tests and tests of whole facts are not counted
DBT_DIR = ROOT / "dbt"


def main() -> int:
    for name in [name for name in os.environ if name.startswith(("DBT_", "RETAIL_"))]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="lint-dbt-") as folder:
        work = Path(folder)
        os.environ |= {"RETAIL_DUCKDB_PATH": str(work / "warehouse.duckdb"), "DBT_LOG_PATH": str(work / "logs")}
        steps: dict[str, Callable[[Path], bool]] = {
            "dbt parses without a warning, for Redshift": _parse_for_redshift,
            "dbt builds each model on empty tables without a warning, for DuckDB": _build_empty,
            "dbt-bouncer: the rules in infra/dbt-bouncer.yml": _bounce,
            "dbt-coverage: every column is described": _cover_docs,
            f"dbt-coverage: {LEAST_TESTED_RATIO:.0%} of the columns are tested": _cover_tests,
            "sqlfluff: the compiled SQL": _lint_sql,
        }  # fmt: skip
        failed = [name for name, step in steps.items() if not _tell(name, step(work))]
    return 1 if failed else 0


def _tell(name: str, passed: bool) -> bool:
    print(f"{'ok' if passed else 'FAILED'}  {name}", flush=True)
    return passed


def _parse_for_redshift(work: Path) -> bool:
    return _dbt(work / "redshift", "parse", "--target", "redshift")


def _build_empty(work: Path) -> bool:
    warehouse = DuckDBWarehouse(work / "warehouse.duckdb")
    try:
        warehouse.prepare(CONTRACTS.values())
    finally:
        warehouse.close()
    target = work / "target"
    return all(_dbt(target, *command) for command in (["seed"], ["run", "--empty"], ["docs", "generate"]))


def _dbt(target: Path, *command: str) -> bool:
    """dbt in this process, where a warning is an error: deprecations too."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    folders = ["--project-dir", str(DBT_DIR), "--profiles-dir", str(DBT_DIR), "--target-path", str(target)]
    strict = ["--quiet", "--warn-error-options", '{"error": "all"}', "--no-use-colors"]
    split = 2 if command[0] == "docs" else 1
    answer = dbtRunner().invoke([*command[:split], *folders, *strict, *command[split:]])
    DuckDBConnectionManager.close_all_connections()
    if answer.exception:
        print(answer.exception)
    return answer.success


def _bounce(work: Path) -> bool:
    config = work / "dbt-bouncer.yml"
    rules = (ROOT / "infra" / "dbt-bouncer.yml").read_text(encoding="utf-8")
    config.write_text(rules.replace("artifacts_dir: target", f"artifacts_dir: {work / 'target'}"), encoding="utf-8")
    return _run("dbt-bouncer", "run", "--config-file", str(config), "--show-all-failures")


def _cover_docs(work: Path) -> bool:
    return _cover(work, "doc", 1.0)


def _cover_tests(work: Path) -> bool:
    return _cover(work, "test", LEAST_TESTED_RATIO)


def _cover(work: Path, kind: str, least: float) -> bool:
    report = ["--run-artifacts-dir", str(work / "target"), "--cov-report", str(work / f"{kind}.json")]
    return _run("dbt-coverage", "compute", kind, "--project-dir", str(DBT_DIR), *report, "--cov-fail-under", str(least))


def _lint_sql(work: Path) -> bool:
    """Models, analyses and tests as written here; what dbt writes itself lies in folders named after a *.yml."""
    compiled = (work / "target" / "compiled" / "retail").rglob("*.sql")
    ours = sorted(str(path) for path in compiled if not any(parent.suffix == ".yml" for parent in path.parents))
    if not ours:
        return False  # nothing was compiled; sqlfluff would read every file it finds
    return _run("sqlfluff", "lint", "--config", str(ROOT / "pyproject.toml"), "--processes", "2", *ours)


def _run(program: str, *arguments: str) -> bool:
    """Whether the program is content; what it says is shown if it is not."""
    quiet = os.environ | {"PYTHONWARNINGS": "ignore", "NO_COLOR": "1"}
    command = [str(BIN / program), *arguments]
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-6000:] + done.stderr[-2000:])
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
