"""A shop's files in, the draft of a source profile out: what was found, and beside each doubt what else it may be.

It lies in a folder without `__init__.py`, for Prefect puts the folder of a flow's file first among those it imports
from: a module or package of this name there would take the place of Python's own `profile`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from flows.errors import ConfigError, DataError, RetailError
from flows.lake.draft import draft_profile
from flows.lake.look import Look, look_at_file
from flows.lake.sources import find_fault, is_hidden, looks_like_data, printable

TEXTS = (".csv", ".tsv", ".tab", ".psv", ".txt", ".dat", ".gz")


def main(arguments: Sequence[str] | None = None) -> int:
    """Draft a profile of the files that are named; return the exit code."""
    options = _parse(arguments)
    try:
        draft, doubts = draft_profile(*_look_at(options.files))
        _write(draft, options.output)
    except RetailError as error:
        print(f"profile failed: {error}", file=sys.stderr)
        return error.exit_code
    folder = options.files[0] if options.files[0].is_dir() else options.files[0].parent
    place = options.output or "shop.toml"
    lines = [f"Unsure of {len(doubts)}:", *(f"  - {doubt}" for doubt in doubts)] if doubts else ["Nothing is unsure."]
    lines += [f"Look through {place}, then run: python -m flows.ingest --source '{folder}' --profile '{place}'"]
    print("\n".join(lines), file=sys.stderr)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m flows.profile",
        description="Draft a source profile (TOML) by looking at the first megabytes of a shop's files.",
        epilog="Doubtful lines have a comment '# unsure: …'. Exit codes: 0 done, 1 the files tell nothing, "
        "2 wrong usage or configuration.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files, or a folder of them")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there, never over a file (default: stdout)")
    return parser.parse_args(arguments)


def _look_at(places: Sequence[Path]) -> tuple[list[Look], list[str]]:
    """The looks, and what is to be said of files that look like data and have none."""
    paths: list[Path] = []
    left: list[str] = []
    for place in places:
        if not place.exists():
            raise ConfigError(f"{place}: there is no such file or folder. Name files, or the folder they lie in.")
        for path in sorted(place.iterdir()) if place.is_dir() else [place]:
            if path == place or (path.name.lower().endswith(TEXTS) and not is_hidden(path.name)):
                paths.append(path)
            elif looks_like_data(path.name):
                left.append(f"{printable(path.name)} is no text; export it as CSV")
    faults = [fault for path in paths if (fault := find_fault(path)) is not None]
    if faults:
        raise ConfigError(faults[0])
    found = {path: look_at_file(path) for path in paths}
    left += [f"{printable(path.name)} has no header with records" for path, look in found.items() if look is None]
    looks = [look for look in found.values() if look is not None]
    if not looks:
        names = ", ".join(printable(str(place)) for place in places)
        told = f" {'; '.join(left)}." if left else ""
        raise DataError(f"{names}: no file with a header and records was found.{told} Name the files of the shop.")
    return looks, left


def _write(draft: str, output: Path | None) -> None:
    if output is None:
        print(draft, end="")
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(draft)
    except FileExistsError:
        raise ConfigError(f"{output}: is there already. Name another file, or move it away.") from None
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written ({error.strerror}). Name another place.") from error


if __name__ == "__main__":
    sys.exit(main())
