"""Which files of a folder are raw data, and of which table: `raw_<table>[anything].csv` or `.csv.gz`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flows.errors import ConfigError

SUFFIXES = (".csv", ".csv.gz")


@dataclass(frozen=True)
class SourceFile:
    """One delivered file, by the table it belongs to. `name` identifies it between runs."""

    table: str
    name: str
    path: Path


@dataclass(frozen=True)
class Delivery:
    """The files found in a source, sorted by table and name; `ignored` look like raw data but have no contract."""

    files: tuple[SourceFile, ...]
    ignored: tuple[str, ...]


def find_sources(folder: Path, tables: Iterable[str]) -> Delivery:
    """Look through `folder` (not below it).

    Raises:
        ConfigError: the folder does not exist, cannot be read, or holds no raw data.
    """
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    except OSError as error:
        raise ConfigError(
            f"{folder}: the source folder cannot be read ({error.strerror}). Name it with --source or RETAIL_SOURCE."
        ) from error
    known = sorted(tables, key=len, reverse=True)  # the longest table name that fits wins
    files, ignored = [], []
    for name in names:
        if not is_raw_file(name):
            continue
        table = next((table for table in known if name.startswith(table)), None)
        if table is None:
            ignored.append(printable(name))
        else:
            files.append(SourceFile(table, printable(name), folder / name))
    if not files:
        raise ConfigError(
            f"{folder}: no raw data found. Expected files such as raw_orders.csv or raw_orders_2026-03-01.csv.gz "
            f"for {', '.join(sorted(known))}."
        )
    return Delivery(tuple(sorted(files, key=lambda file: (file.table, file.name))), tuple(ignored))


def is_raw_file(name: str) -> bool:
    """Whether a file's name says that it is raw data, of whatever table."""
    return name.startswith("raw_") and name.lower().endswith(SUFFIXES)


def printable(name: str) -> str:
    """A file's name as text that any database and any terminal can hold: bytes that are not UTF-8 are spelled out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
