"""The same orders in our form and, through a source profile, in others: what reading a foreign form costs.

A French till's: semicolons, decimal commas, points for thousands, days first, in cp1252 and as Excel's "Unicode text"
(UTF-16); each once in ASCII, once with a letter beyond it in every record, which costs most. And one that differs from
ours in a single point, money in dollars; and ours with quotes around every field, which needs no profile.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import Cost, Section, count_rounds, run_action, spread, table

if TYPE_CHECKING:
    from flows.lake.forms import Form

NAMES = ("profile",)
CHUNK = 1 << 24


@dataclass(frozen=True)
class Reading:
    """A file of the orders, converted by the form of its kind; `like` names the file of the same orders in our form."""

    title: str
    kind: str
    like: str

    @property
    def action(self) -> str:
        """The contender that converts it."""
        return "ours" if self.kind in (self.like, "quoted") else "ours_by_profile"


TILL = "`;`, `12,34`, days first"
READINGS = (
    Reading("ours: commas, cents, ISO", "clean", "clean"),
    Reading("ours, every field in quotes", "quoted", "clean"),
    Reading("profile: dollars `12.34`", "dollars", "clean"),
    Reading(f"profile: cp1252, {TILL}", "till-cp1252", "clean"),
    Reading(f"profile: UTF-16, {TILL}", "till-utf-16", "clean"),
    Reading("ours, a letter é in every record", "letters", "letters"),
    Reading("profile: cp1252, till, a letter é in every record", "till-cp1252-letters", "letters"),
    Reading("profile: latin-1, till, a letter é in every record", "till-latin-1-letters", "letters"),
    Reading("profile: UTF-16, till, a letter é in every record", "till-utf-16-letters", "letters"),
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


def find_form(path: Path) -> Form:
    """The form of a file of the orders, by the kind in its name."""
    from flows.lake.amounts import Marks
    from flows.lake.dialect import Dialect
    from flows.lake.forms import Form

    kind = _split_name(path)[1]
    if not kind.startswith("till"):
        return Form(marks=Marks(".", "", 2))
    return Form(Dialect(";", '"', _encoding(kind)), Marks(",", ".", 2), timestamps=("%d/%m/%Y %H:%M",))


def make_foreign(path: Path) -> None:
    """Write the file that `path` names from the clean one beside it, unless it is there."""
    import polars as pl

    rows, kind = _split_name(path)
    if path.exists():
        return
    orders = pl.scan_csv(_path(path.parent, rows, "clean"), infer_schema=False)
    if kind.endswith("letters"):
        orders = orders.with_columns(pl.col("customer") + "é")
    if kind in ("letters", "quoted"):
        orders.sink_csv(path, quote_style="always" if kind == "quoted" else "necessary")
        return
    at, cents = pl.col("ordered_at"), pl.col("subtotal", "tax_paid", "order_total").str.zfill(3)
    mark = "," if kind.startswith("till") else "."
    orders = orders.with_columns(cents.str.head(-2) + mark + cents.str.tail(2))
    if kind == "dollars":
        orders.sink_csv(path)
        return
    day = pl.concat_str(at.str.slice(8, 2), at.str.slice(5, 2), at.str.slice(0, 4), separator="/")
    orders = orders.with_columns(ordered_at=pl.concat_str(day, at.str.slice(11, 5), separator=" "))
    plain = path.with_suffix(".utf8")
    orders.sink_csv(plain, separator=";", quote_style="never")
    with (
        plain.open(encoding="utf-8", newline="") as source,
        path.open("w", encoding=_encoding(kind), newline="") as file,
    ):
        while text := source.read(CHUNK):
            file.write(text)
    plain.unlink()


def _split_name(path: Path) -> tuple[int, str]:
    rows, kind = path.stem.removeprefix("raw_orders_").split("_")
    return int(rows), kind


def _encoding(kind: str) -> str:
    return kind.removeprefix("till-").removesuffix("-letters")


def _path(folder: Path, rows: int, kind: str) -> Path:
    return folder / f"raw_orders_{rows}_{kind}.csv"


def _ratios(runs: Sequence[Cost], reference: Sequence[Cost]) -> tuple[str, str]:
    """Time over that of the same orders in our form, in the same round."""
    pairs = list(zip(runs, reference, strict=True))
    return (
        f"**{spread([run.seconds / other.seconds for run, other in pairs])}**",
        f"**{spread([run.cpu_seconds / other.cpu_seconds for run, other in pairs])}**",
    )
