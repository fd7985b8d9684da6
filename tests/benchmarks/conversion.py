"""Orders in CSV → Parquet: this project beside others, round by round."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import ContenderError, Cost, Section, count_rounds, run_action, spread, table


@dataclass(frozen=True)
class Contender:
    """A way to convert, and which of the two files it reads."""

    name: str
    title: str
    action: str
    kind: str
    checks: str


REFERENCE = "duckdb"
RATIOS = ("× DuckDB COPY", "× after imports", "× CPU after imports")
CONTENDERS = (
    Contender("duckdb", "DuckDB COPY", "duckdb_copy", "clean", "nothing"),
    Contender("ours-clean", "ours", "ours", "clean", "everything"),
    Contender("ours-dirty", "ours", "ours", "dirty", "everything"),
    Contender("duckdb-rejects", "DuckDB, rejects", "duckdb_rejects", "dirty", "types"),
    Contender("polars", "polars scan → sink", "polars_sink", "clean", "types"),
    Contender("pandas", "pandas, chunks", "pandas_chunks", "clean", "types"),
)


def orders_path(folder: Path, rows: int, kind: str) -> Path:
    """Where the generated file lies."""
    return folder / f"raw_orders_{rows}_{kind}.csv"


def compare(folder: Path, rows: int, rounds: int, contenders: Sequence[Contender]) -> Section:
    """Run every contender in every round; return the table and the figures of each run."""
    truths = {kind: _make(folder, rows, kind) for kind in sorted({contender.kind for contender in contenders})}
    runs: dict[str, list[Cost]] = {contender.name: [] for contender in contenders}
    verdicts: dict[str, set[str]] = {contender.name: set() for contender in contenders}
    figures = []
    for number in range(rounds):
        for contender in contenders:
            cost, verdict = _run(contender, orders_path(folder, rows, contender.kind), truths[contender.kind])
            verdicts[contender.name].add(verdict)
            if cost:
                runs[contender.name].append(cost)
                figures.append({"round": number + 1, "contender": contender.name, "verdict": verdict, **vars(cost)})
    head = ("contender", "file", "checks", "wall s", "after imports s", "CPU s", "peak MB", *RATIOS, "result")
    lines = [
        (
            contender.title,
            contender.kind,
            contender.checks,
            *_costs(runs[contender.name]),
            *_ratios(runs[contender.name], runs.get(REFERENCE, [])),
            "; ".join(sorted(verdicts[contender.name])),
        )
        for contender in contenders
    ]
    bad = sum(truths["dirty"]["reasons"].values()) if "dirty" in truths else 0
    title = f"### Conversion of {rows:,} orders, {count_rounds(rounds)}\n\nThe dirty file has {bad:,} bad records.\n\n"
    return title + table(head, lines), figures


def scale(folder: Path, rows: int) -> Section:
    """Peak memory of our conversion of the dirty file of `rows` and of five times as many."""
    contender = next(contender for contender in CONTENDERS if contender.name == "ours-dirty")
    lines, figures = [], []
    for count in (rows, 5 * rows):
        truth = _make(folder, count, contender.kind)
        path = orders_path(folder, count, contender.kind)
        cost, verdict = _run(contender, path, truth)
        if count != rows:
            path.unlink()
        if cost:
            lines.append((f"{count:,}", f"{truth['bytes'] / 1e6:,.0f}", *_costs([cost]), verdict))
            figures.append({"rows": count, "contender": contender.name, "verdict": verdict, **vars(cost)})
    head = ("orders (dirty file)", "MB", "wall s", "after imports s", "CPU s", "peak MB", "result")
    return "### Memory of our conversion\n\n" + table(head, lines), figures


def _make(folder: Path, rows: int, kind: str) -> dict[str, Any]:
    path = orders_path(folder, rows, kind)
    truth = run_action("make_orders", path, folder).report
    with path.open("rb") as file:  # every contender finds the file in memory
        while file.read(1 << 24):
            pass
    return truth


def _run(contender: Contender, source: Path, truth: dict[str, Any]) -> tuple[Cost | None, str]:
    work = source.parent / "work"
    shutil.rmtree(work, ignore_errors=True)
    try:
        cost = run_action(contender.action, source, work)
        return cost, judge(run_action("check", source, work).report, truth, contender)
    except ContenderError as error:
        return None, f"**FAILED**: {str(error).splitlines()[-1][:120]}"
    finally:
        shutil.rmtree(work, ignore_errors=True)


def judge(found: dict[str, Any], truth: dict[str, Any], contender: Contender) -> str:
    """Whether exactly the good records were written, with their values, and the others for the planted reasons."""
    expected = {name: value for name, value in truth["check"].items() if name in found["check"]}
    if contender.action != "ours":
        wrong = found["check"]["rows"] - expected["rows"]
        if wrong > 0:
            return f"let {wrong:,} bad records in"
        return "right" if found["check"] == expected else "**WRONG values**"
    faults = [name for name in truth["check"] if found["check"].get(name) != truth["check"][name]]
    faults += [reason for reason, count in truth["reasons"].items() if found["reasons"].get(reason) != count]
    faults += [reason for reason in found["reasons"] if reason not in truth["reasons"]]
    return f"**WRONG**: {', '.join(faults)}" if faults else "right, every record"


def _costs(runs: Sequence[Cost]) -> tuple[str, str, str, str]:
    if not runs:
        return "–", "–", "–", "–"
    return (
        spread([run.wall for run in runs]),
        spread([run.seconds for run in runs]),
        spread([run.cpu for run in runs]),
        spread([run.peak_mb for run in runs], 0),
    )


def _ratios(runs: Sequence[Cost], reference: Sequence[Cost]) -> tuple[str, str, str]:
    """Time over that of the reference in the same round: of the whole processes, then without their imports."""
    if not runs or len(runs) != len(reference):
        return "–", "–", "–"
    pairs = list(zip(runs, reference, strict=True))
    return (
        f"**{spread([run.wall / other.wall for run, other in pairs])}**",
        f"**{spread([run.seconds / other.seconds for run, other in pairs])}**",
        f"**{spread([run.cpu_seconds / other.cpu_seconds for run, other in pairs])}**",
    )
