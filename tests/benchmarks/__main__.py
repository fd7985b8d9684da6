"""`make bench`: conversion and loading beside other tools, dbt after a day's drop, the whole job beside its floor.

Each runs in a process of its own. It prints Markdown, ready for docs/benchmarks.md, and fails only where nothing could
be measured.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks import building, conversion, foreign, loading, running
from tests.benchmarks.measure import describe_environment, put_section

NAMES = [contender.name for contender in conversion.CONTENDERS] + list(
    foreign.NAMES + loading.NAMES + building.NAMES + running.NAMES
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


def main() -> None:
    options = parse_arguments()
    folder = options.folder.resolve()
    environment = describe_environment()
    measured = f"Measured {datetime.now(UTC):%Y-%m-%d}. " + "; ".join(
        f"{key}: {value}" for key, value in environment.items()
    )
    print(measured)
    sections = {}
    if options.memory_scale:
        sections["memory"] = conversion.scale(folder, options.rows)
        print(f"\n{sections['memory'][0]}", flush=True)
    else:
        contenders = [contender for contender in conversion.CONTENDERS if contender.name in options.only]
        if contenders:
            sections["conversion"] = conversion.compare(folder, options.rows, options.rounds, contenders)
            print(f"\n{sections['conversion'][0]}", flush=True)
        if set(foreign.NAMES) & set(options.only):
            sections["profile"] = foreign.compare(folder, options.rows, options.rounds)
            print(f"\n{sections['profile'][0]}", flush=True)
        if set(loading.NAMES) & set(options.only):
            sections["loading"] = loading.compare(folder, options.rounds, options.only)
            print(f"\n{sections['loading'][0]}", flush=True)
        if set(building.NAMES) & set(options.only):
            sections["building"] = building.compare(folder, options.copies, options.rounds)
            print(f"\n{sections['building'][0]}", flush=True)
        if set(running.NAMES) & set(options.only):
            sections["run"] = running.compare(folder, options.rounds)
            print(f"\n{sections['run'][0]}", flush=True)
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
