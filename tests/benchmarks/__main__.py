"""`make bench`: conversion and loading beside other tools, dbt after a day's drop, the whole job beside its floor.

Each runs in a process of its own. It prints Markdown, ready for docs/benchmarks.md, and fails only where nothing could
be measured.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks import building, conversion, foreign, loading, pairs, running
from tests.benchmarks.measure import describe_environment, put_section

Section = tuple[str, list[dict[str, Any]]]
NAMES = [contender.name for contender in conversion.CONTENDERS] + list(
    foreign.NAMES + loading.NAMES + building.NAMES + pairs.NAMES + running.NAMES
)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="orders to convert (default: 10 million, 760 MB)")
    parser.add_argument("--copies", type=int, default=20, help="times the shipped sales to build (default: 20)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender runs, in turn (default: 3)")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--memory-scale", action="store_true", help="only our conversion, of --rows and of 5 × --rows")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="put each table into FILE, between its comments `<!-- NAME -->`"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures of every run to FILE")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "retail-benchmarks",
        help="where generated files are kept and outputs are written (default: in the temporary folder)",
    )
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Section]:
    """The table and the figures of each section that is asked for; each table is printed as soon as it is there."""
    folder, rows, rounds, only = options.folder.resolve(), options.rows, options.rounds, set(options.only)
    contenders = [contender for contender in conversion.CONTENDERS if contender.name in only]
    asked: dict[str, tuple[bool, Callable[[], Section]]] = {
        "conversion": (bool(contenders), lambda: conversion.compare(folder, rows, rounds, contenders)),
        "profile": (bool(only & set(foreign.NAMES)), lambda: foreign.compare(folder, rows, rounds)),
        "loading": (bool(only & set(loading.NAMES)), lambda: loading.compare(folder, rounds, options.only)),
        "building": (bool(only & set(building.NAMES)), lambda: building.compare(folder, options.copies, rounds)),
        "pairs": (bool(only & set(pairs.NAMES)), lambda: pairs.compare(folder, rounds)),
        "run": (bool(only & set(running.NAMES)), lambda: running.compare(folder, rounds)),
    }
    if options.memory_scale:
        asked = {"memory": (True, lambda: conversion.scale(folder, rows))}
    sections = {}
    for name, (is_asked, compare) in asked.items():
        if is_asked:
            sections[name] = compare()
            print(f"\n{sections[name][0]}", flush=True)
    return sections


def main() -> None:
    options = parse_arguments()
    environment = describe_environment()
    measured = f"Measured {datetime.now(UTC):%Y-%m-%d}. " + "; ".join(
        f"{key}: {value}" for key, value in environment.items()
    )
    print(measured)
    sections = measure(options)
    if options.write:
        text = options.write.read_text(encoding="utf-8")
        for name, (section, _) in sections.items():
            text = put_section(text, name, f"{measured}\n\n{section}")
        options.write.write_text(text, encoding="utf-8")
    if options.json:
        figures = {name: runs for name, (_, runs) in sections.items()}
        options.json.write_text(json.dumps({"environment": environment, **figures}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
