"""The same orders in our form and, through a source profile, in a French till's: what reading a foreign form costs.

Semicolons, cp1252, decimal commas, points for thousands, days first; once in ASCII, once with a letter beyond it in
every record, which costs most.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measure import Cost, Section, count_rounds, run_action, spread, table

NAMES = ("profile",)
CHUNK = 1 << 24


@dataclass(frozen=True)
class Reading:
    """A file of the orders, and the action that converts it; `like` names the file of the same orders in our form."""

    title: str
    kind: str
    action: str
    like: str


READINGS = (
    Reading("ours: commas, cents, ISO", "clean", "ours", "clean"),
    Reading("profile: cp1252, `;`, `12,34`, days first", "foreign", "ours_by_profile", "clean"),
    Reading("ours, a letter é in every record", "letters", "ours", "letters"),
    Reading("profile, a letter é in every record", "foreignletters", "ours_by_profile", "letters"),
)


def compare(folder: Path, rows: int, rounds: int) -> Section:
    """Convert every file in every round; return the table and the figures of each run."""
    truth = run_action("make_orders", _path(folder, rows, "clean"), folder).report
    for reading in READINGS[1:]:
        run_action("make_foreign", _path(folder, rows, reading.kind), folder)
    runs: dict[str, list[Cost]] = {reading.kind: [] for reading in READINGS}
    verdicts: dict[str, set[str]] = {reading.kind: set() for reading in READINGS}
    work = folder / "work"
    for _ in range(rounds):
        for reading in READINGS:
            source = _path(folder, rows, reading.kind)
            shutil.rmtree(work, ignore_errors=True)
            runs[reading.kind].append(run_action(reading.action, source, work))
            found = run_action("check", source, work).report
            verdicts[reading.kind].add("right" if found["check"] == truth["check"] else "**WRONG**")
    shutil.rmtree(work, ignore_errors=True)
    head = ("form", "MB", "after imports s", "CPU after imports s", "× after imports", "× CPU after imports", "result")
    lines = [
        (
            reading.title,
            f"{_path(folder, rows, reading.kind).stat().st_size / 1e6:,.0f}",
            spread([run.seconds for run in runs[reading.kind]]),
            spread([run.cpu_seconds for run in runs[reading.kind]]),
            *_ratios(runs[reading.kind], runs[reading.like]),
            "; ".join(sorted(verdicts[reading.kind])),
        )
        for reading in READINGS
    ]
    figures = [
        {"form": kind, "round": number + 1, **vars(cost)}
        for kind, costs in runs.items()
        for number, cost in enumerate(costs)
    ]
    return f"### The same {rows:,} orders through a profile, {count_rounds(rounds)}\n\n{table(head, lines)}", figures


def make_foreign(path: Path) -> None:
    """Write the file that `path` names from the clean one beside it, unless it is there."""
    import polars as pl

    rows, kind = path.stem.removeprefix("raw_orders_").split("_")
    if path.exists():
        return
    orders = pl.scan_csv(_path(path.parent, int(rows), "clean"), infer_schema=False)
    if kind.endswith("letters"):
        orders = orders.with_columns(pl.col("customer") + "é")
    if not kind.startswith("foreign"):
        orders.sink_csv(path)
        return
    at, cents = pl.col("ordered_at"), pl.col("subtotal", "tax_paid", "order_total").str.zfill(3)
    day = pl.concat_str(at.str.slice(8, 2), at.str.slice(5, 2), at.str.slice(0, 4), separator="/")
    orders = orders.with_columns(
        ordered_at=pl.concat_str(day, at.str.slice(11, 5), separator=" "),
    ).with_columns(cents.str.head(-2) + "," + cents.str.tail(2))
    plain = path.with_suffix(".utf8")
    orders.sink_csv(plain, separator=";", quote_style="never")
    with plain.open(encoding="utf-8", newline="") as source, path.open("w", encoding="cp1252", newline="") as file:
        while text := source.read(CHUNK):
            file.write(text)
    plain.unlink()


def _path(folder: Path, rows: int, kind: str) -> Path:
    return folder / f"raw_orders_{rows}_{kind}.csv"


def _ratios(runs: Sequence[Cost], reference: Sequence[Cost]) -> tuple[str, str]:
    """Time over that of the same orders in our form, in the same round."""
    pairs = list(zip(runs, reference, strict=True))
    return (
        f"**{spread([run.seconds / other.seconds for run, other in pairs])}**",
        f"**{spread([run.cpu_seconds / other.cpu_seconds for run, other in pairs])}**",
    )
