"""`make bench`: conversion and loading beside other tools, a shop that grows, the whole job beside its floor.

Each runs in a process of its own. What is measured is printed as Markdown, `--write` puts it into a page as soon as it
is there, and it fails only where nothing could be measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.benchmarks import conversion, foreign, growth, loading, memory, pairs, running, stages
from tests.benchmarks.measure import Section, describe_environment
from tests.benchmarks.page import PageError, describe_measurement, put_section

CONVERSIONS = tuple(contender.name for contender in conversion.CONTENDERS)
SHORT = CONVERSIONS + stages.NAMES + foreign.NAMES + loading.NAMES + growth.NAMES + pairs.NAMES + running.NAMES
NAMES = SHORT + memory.NAMES
SECTIONS = ("conversion", "stages", "profile", "loading", "growth", "pairs", "run", "memory")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="orders to convert (default: 10 million, 760 MB)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender runs, in turn (default: 3)")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=NAMES,
        default=SHORT,
        metavar="NAME",
        help=f"{', '.join(NAMES)} (default: all but memory, which takes half an hour and {memory.FREE_GB} GB of disk)",
    )
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


def list_measurements(options: argparse.Namespace) -> dict[str, Callable[[], Section]]:
    """What measures each section of the page that is asked for, in the order of `SECTIONS`."""
    folder, rows, rounds, only = options.folder.resolve(), options.rows, options.rounds, set(options.only)
    contenders = [contender for contender in conversion.CONTENDERS if contender.name in only]
    measurements: dict[str, tuple[tuple[str, ...], Callable[[], Section]]] = {
        "conversion": (CONVERSIONS, lambda: conversion.compare(folder, rows, rounds, contenders)),
        "stages": (stages.NAMES, lambda: stages.compare(folder)),
        "profile": (foreign.NAMES, lambda: foreign.compare(folder, rows, rounds)),
        "loading": (loading.NAMES, lambda: loading.compare(folder, rounds, options.only)),
        "growth": (growth.NAMES, lambda: growth.compare(folder, rounds)),
        "pairs": (pairs.NAMES, lambda: pairs.compare(folder, rounds)),
        "run": (running.NAMES, lambda: running.compare(folder, rounds)),
        "memory": (memory.NAMES, lambda: memory.compare(folder, rows)),
    }
    return {section: measurements[section][1] for section in SECTIONS if only & set(measurements[section][0])}


def check_places(page: Path, names: Iterable[str]) -> None:
    """See that there is a place for each of these sections, before hours are spent on measuring them."""
    try:
        text = page.read_text(encoding="utf-8")
        for name in names:
            put_section(text, name, "")
    except (OSError, PageError) as error:
        sys.exit(f"--write {page}: {error}")


def main() -> None:
    options = parse_arguments()
    figures: dict[str, Any] = {}
    measurements = list_measurements(options)
    if options.write:
        check_places(options.write, measurements)
    for name, measure in measurements.items():
        environment = describe_environment()
        table, runs = measure()
        section = f"{describe_measurement(environment)}\n\n{table}"
        print(f"\n{section}", flush=True)
        figures[name] = {"environment": environment, "runs": runs}
        if options.write:
            page = options.write.read_text(encoding="utf-8")
            options.write.write_text(put_section(page, name, section), encoding="utf-8")
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
