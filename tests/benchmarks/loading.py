"""A folder of CSV files → a DuckDB file: this project without Prefect beside dlt; then files that did not change."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks.measure import ROOT, Cost, Section, count_rounds, run_action, run_process, spread, table

UV = Path(sys.executable).with_name("uv")
DLT = ROOT / "tests" / "benchmarks" / "load_dlt.py"
NAMES = ("load-ours", "load-dlt", "load-again", "small-files")
Line = tuple[str, list[Cost]]


def compare(folder: Path, rounds: int, names: Sequence[str]) -> Section:
    """Load the three-year folder in every round; return the table and the figures of each run."""
    years = make_years(folder / "three_years")
    work = folder / "work"
    lines: list[Line] = []
    if {"load-ours", "load-dlt", "load-again"} & set(names):
        lines += _load_years(years, work, rounds, names)
    if "small-files" in names:
        lines += _load_drops(_make_drops(years, folder / "drops"), work)
    dlt = _rounds_of(lines, "dlt")
    head = ("run", "wall s", "of it after imports s", "CPU s", "peak MB", "× dlt", "rows")
    cells = [
        (
            title,
            spread([run.wall for run in runs]),
            spread([run.seconds for run in runs]),
            spread([run.cpu for run in runs]),
            spread([run.peak_mb for run in runs], 0),
            _ratio(runs, dlt) if "three years" in title else "–",
            _count(runs, dlt if "three years" in title and "again" not in title else []),
        )
        for title, runs in lines
    ]
    figures = [{"run": title, "round": i + 1, **vars(cost)} for title, runs in lines for i, cost in enumerate(runs)]
    title = f"### Loading into DuckDB, {count_rounds(rounds)}\n\n"
    if dlt:
        versions = dlt[0].report["versions"]
        title += f"dlt {versions['dlt']} with duckdb {versions['duckdb']}, in an environment of its own.\n\n"
    return title + table(head, cells), figures


def _load_years(years: Path, work: Path, rounds: int, names: Sequence[str]) -> list[Line]:
    runs: dict[str, list[Cost]] = {}
    load_with_dlt = _prepare_dlt(years, work) if "load-dlt" in names else None
    for _ in range(rounds):
        _renew(work)
        runs.setdefault("three years: ours", []).append(run_action("load_ours", years, work))
        if "load-again" in names:
            runs.setdefault("three years: ours again, unchanged", []).append(run_action("load_ours", years, work))
            runs.setdefault("three years: one SHA-256 of each file", []).append(run_action("hash_only", years, work))
        if load_with_dlt:
            _renew(work)
            runs.setdefault("three years: dlt", []).append(load_with_dlt())
    _renew(work)
    return list(runs.items())


def _load_drops(drops: Path, work: Path) -> list[Line]:
    _renew(work)
    first, second = run_action("load_ours", drops, work), run_action("load_ours", drops, work)
    _renew(work)
    return [("2,000 small files: ours", [first]), ("2,000 small files: ours again, unchanged", [second])]


def _prepare_dlt(years: Path, work: Path) -> Callable[[], Cost]:
    """Make dlt's environment; measure with its own interpreter, so that uv is not part of the time."""
    command = [str(UV), "run", "--quiet", "--script", str(DLT), "--interpreter"]
    interpreter = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
    return lambda: run_process([interpreter, str(DLT), str(years), str(work)])


def make_years(folder: Path) -> Path:
    """Three simulated years of the shop, 177 MB; made once, in an environment of its own."""
    done = folder.with_suffix(".done")
    if not done.exists():
        script = ROOT / "data" / "make_datasets.py"
        command = [str(UV), "run", "--quiet", "--script", str(script), "--keep-one-in", "1", "--out", str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        done.touch()
    return folder


def _make_drops(years: Path, folder: Path) -> Path:
    done = folder.with_suffix(".done")
    if not done.exists():
        run_action("make_drops", years, folder)
        done.touch()
    return folder


def _renew(work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)


def _rounds_of(lines: Sequence[Line], word: str) -> list[Cost]:
    return next((runs for title, runs in lines if title.endswith(word)), [])


def _ratio(runs: Sequence[Cost], dlt: Sequence[Cost]) -> str:
    """Time after the imports over that of dlt in the same round."""
    if len(runs) != len(dlt):
        return "–"
    return f"**{spread([run.seconds / other.seconds for run, other in zip(runs, dlt, strict=True)])}**"


def _count(runs: Sequence[Cost], expected: Sequence[Cost]) -> str:
    """Rows that are in the warehouse; shouts where ours and dlt's differ."""
    rows = runs[0].report.get("rows")
    if rows is None:
        return "–"
    differs = expected and rows != expected[0].report["rows"]
    return f"**WRONG**: {rows}" if differs else f"{sum(rows.values()):,}"
