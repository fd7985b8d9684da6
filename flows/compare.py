"""Whether two warehouses hold the same: every raw, staging, intermediate and mart table and every KPI, to the cent.

For whoever moves from the embedded warehouse to Redshift, changes a model, or does not believe it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from flows.errors import ConfigError, LoadError, RetailError
from flows.lake.contracts import CONTRACTS
from flows.marts.environment import process_environment
from flows.run.privacy import PRIVATE_UMASK
from flows.run.settings import Settings, load_settings
from flows.run.target import dbt_environment, open_warehouse
from flows.warehouse.builds import GATE
from flows.warehouse.parity import Finding, Relation, Side, compare, raw_relations
from reports.kpis import KPIS

LAYERS = ("staging", "intermediate", "data_mart")


def compare_warehouses(left: str, right: str, *, kpis: bool = True, report: bool = True) -> list[Finding]:
    """Compare two warehouses; with `report` print each relation as soon as it is compared.

    Args:
        left: `local` (the DuckDB file of RETAIL_WORK_DIR), `redshift` (of the environment), or a work folder.
        right: the other one.
        kpis: whether to compare the KPIs too, for which dbt compiles their queries.
        report: whether to print.

    Raises:
        ConfigError: one of them is named wrongly, or settings for it are missing.
        LoadError: one cannot be reached, or dbt cannot compile the KPI queries for it.
    """
    chosen = [settings_of(name) for name in (left, right)]
    with ThreadPoolExecutor(2) as pool:
        queries = list(pool.map(compile_kpis, chosen)) if kpis else [{}, {}]
    findings = []
    with ExitStack() as stack:
        first, second = (_open(stack, *each) for each in zip((left, right), chosen, queries, strict=True))
        relations = [*raw_relations(CONTRACTS.values()), *dbt_relations(chosen[0].dbt_project_dir)]
        for finding in compare(first, second, relations):
            findings.append(finding)
            if report:
                print(describe_finding(finding), flush=True)  # noqa: T201
    return findings


def settings_of(name: str) -> Settings:
    """The settings of one side: a target's name, or the path of a work folder with a DuckDB file."""
    if name in ("local", "redshift"):
        settings = load_settings(target=name)
    else:
        settings = load_settings(target="local", work_dir=name)
    if settings.target == "local" and not settings.duckdb_path.is_file():
        raise ConfigError(f"{settings.duckdb_path}: there is no warehouse. Name local, redshift or a work folder.")
    return settings


def dbt_relations(project: Path) -> list[Relation]:
    """Every model and seed of the dbt project but the gate, which names a build; its folder is its schema."""
    models = [
        (layer, path.stem)
        for layer in LAYERS
        for path in sorted((project / "models" / layer).iterdir())
        if path.suffix in (".sql", ".py")
    ]
    seeds = [("data_mart", path.stem) for path in sorted((project / "seeds").glob("*.csv"))]
    return [Relation(f"{schema}.{name}", schema, name) for schema, name in models + seeds if name != GATE]


def compile_kpis(settings: Settings) -> dict[str, str]:
    """KPI → its SQL for this warehouse and as_of, compiled by dbt from dbt/analysis in a process of its own."""
    target = settings.work_dir / "dbt" / f"compare-{settings.target}"
    options = [
        "--target",
        settings.target,
        "--target-path",
        str(target),
        "--profiles-dir",
        str(settings.dbt_project_dir),
    ]
    options += ["--vars", json.dumps(settings.dbt_variables())]
    with dbt_environment(settings) as variables:
        finished = subprocess.run(  # noqa: S603
            [
                str(Path(sys.executable).parent / "dbt"),
                "--quiet",
                "compile",
                "--select",
                "resource_type:analysis",
                *options,
            ],
            cwd=settings.dbt_project_dir,
            env=process_environment(variables | {"DBT_LOG_PATH": str(target / "logs")}),
            capture_output=True,
            text=True,
            check=False,
            umask=PRIVATE_UMASK,
        )
    if finished.returncode:
        said = (finished.stdout + finished.stderr).strip()[-2000:]
        raise LoadError(f"dbt cannot compile the KPI queries for {settings.target}: {said}")
    compiled = target / "compiled" / "retail" / "analysis"
    return {name: (compiled / f"{name}.sql").read_text(encoding="utf-8") for name in KPIS}


def describe_finding(finding: Finding) -> str:
    """One relation in one line."""
    if finding.difference is None:
        return f"equal    {finding.name:44} {finding.rows:>12,} rows"
    return f"DIFFERS  {finding.name:44} {finding.difference}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare; 0: equal, 1: a difference or a failure, 2: wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.compare",
        description="Compare two warehouses: every raw, staging, intermediate and mart table and every KPI.",
        epilog="A side is local (the DuckDB file of RETAIL_WORK_DIR), redshift (of the environment), or a work folder. "
        "Exit codes: 0 equal, 1 a difference or a failure, 2 wrong usage or configuration.",
    )
    parser.add_argument("left", help="local, redshift or a work folder")
    parser.add_argument("right", help="local, redshift or a work folder")
    parser.add_argument("--without-kpis", action="store_true", help="tables only, which needs no dbt")
    options = parser.parse_args(arguments)
    try:
        findings = compare_warehouses(options.left, options.right, kpis=not options.without_kpis)
    except RetailError as error:
        print(f"\ncompare failed: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    different = [finding for finding in findings if finding.difference]
    rows = sum(finding.rows for finding in findings)
    print(f"\n{len(findings) - len(different)} of {len(findings)} relations are equal ({rows:,} rows).")  # noqa: T201
    return 1 if different else 0


def _open(stack: ExitStack, label: str, settings: Settings, queries: dict[str, str]) -> Side:
    warehouse = open_warehouse(settings)
    stack.callback(warehouse.close)
    return Side(label, warehouse.engine(), settings.active_prefix, queries)


if __name__ == "__main__":
    sys.exit(main())
