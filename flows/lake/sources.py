"""Which files of a folder are raw data, and of which table: `raw_<table>[anything].csv` or `.csv.gz`, in any case."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.errors import ConfigError

SUFFIXES = (".csv", ".csv.gz")
DATA_SUFFIXES = (
    *(".csv", ".tsv", ".tab", ".psv", ".txt", ".dat", ".json", ".jsonl", ".ndjson", ".xml", ".parquet", ".avro"),
    *(".xls", ".xlsx", ".xlsm", ".ods", ".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst", ".7z", ".rar"),
)
MAX_NAMED = 5
MAX_NAME_BYTES = 1024  # of the column of the ledger
MAX_NAME_SHOWN = 60
# C0 and C1 controls, line and paragraph separators, and what turns the direction of text; fixed, because names identify
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class ObjectVersion:
    """One version of an object in S3: whoever reads it by this reads these bytes or none. `size` is in bytes."""

    bucket: str
    key: str
    etag: str
    size: int


@dataclass(frozen=True)
class SourceFile:
    """One delivered file, by the table it belongs to. `name` identifies it between runs: in S3 it is a path.

    It is what a name in the source promises; `find_fault` says whether there is a file behind it. `object_sha256` tells
    which version of an object it is, whose bytes come to `path` when the delivery is told to fetch it; else None.
    `origin` is that version.
    """

    table: str
    name: str
    path: Path
    object_sha256: str | None = None
    origin: ObjectVersion | None = None


def fetch_nothing(_files: Sequence[SourceFile], _tell: Callable[[str], object] = lambda _: None) -> None:
    """The files of a folder are there already."""


@dataclass(frozen=True)
class Delivery:
    """The files found in a source, sorted by table and name; `ignored` look like data but are not taken.

    `fetch` brings the bytes of some of the files to their paths.
    """

    files: tuple[SourceFile, ...]
    ignored: tuple[str, ...]
    fetch: Callable[..., None] = fetch_nothing


def find_sources(folder: Path, tables: Iterable[str]) -> Delivery:
    """Look at the names in `folder` (not below it).

    Raises:
        ConfigError: the folder does not exist, cannot be read, or holds no raw data.
    """
    return sort_names(read_names(folder), folder.joinpath, tables, str(folder))


def sort_names(names: Iterable[str], path_of: Callable[[str], Path], tables: Iterable[str], place: str) -> Delivery:
    """The raw files among these names, which may be paths: the last part of one says what it is.

    Raises:
        ConfigError: there are none in that place.
    """
    known = sorted(tables, key=len, reverse=True)  # the longest table name that fits wins
    files, ignored = [], []
    for name in names:
        base = base_name(name)
        table = next((table for table in known if is_raw_file(base) and base.lower().startswith(table)), None)
        if table is not None:
            files.append(SourceFile(table, printable(name), path_of(name)))
        elif looks_like_data(base):
            ignored.append(printable(name))
    if not files:
        found = f" There are {list_names(ignored)}, which no such name has." if ignored else ""
        raise ConfigError(
            f"{place}: no raw data found. Expected files such as raw_orders.csv or raw_orders_2026-03-01.csv.gz "
            f"for {', '.join(sorted(known))}.{found}"
        )
    return Delivery(tuple(sorted(files, key=lambda file: (file.table, file.name))), tuple(ignored))


def read_names(folder: Path) -> list[str]:
    """The names in a source folder, sorted.

    Raises:
        ConfigError: it does not exist or cannot be read.
    """
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise ConfigError(
            f"{folder}: the source folder cannot be read ({error.strerror}). Name it with --source or RETAIL_SOURCE."
        ) from error


def base_name(name: str) -> str:
    """The last part of a path below a source."""
    return name.rpartition("/")[2]


def is_raw_file(name: str) -> bool:
    """Whether a file's name says that it is raw data, of whatever table."""
    return name.lower().startswith("raw_") and name.lower().endswith(SUFFIXES)


def looks_like_data(name: str) -> bool:
    """Whether people deliver data in files of such a name, or would have it taken for data; hidden ones are none."""
    suffixes = Path(name.lower()).suffixes
    looks_so = name.lower().startswith("raw_") or any(suffix.strip() in DATA_SUFFIXES for suffix in suffixes)
    return looks_so and not is_hidden(name)


def is_hidden(name: str) -> bool:
    """Whether a file is of a program's own: hidden, or what Excel keeps beside a workbook that is open."""
    return name.startswith((".", "~$"))


def list_names(names: Sequence[str]) -> str:
    """A few of the names, and how many more there are."""
    more = f" and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


def find_fault(path: Path, name: str | None = None) -> str | None:
    """Why a name in a source folder is not a file to be read, with the cure; None if it is one.

    Nothing is opened: a pipe would wait for ever. A link is not followed: whoever may deliver files into a folder
    could have any file of this machine read. `name` is what people call the file, if not as its path does.
    """
    name = printable(path.name) if name is None else name
    if fault := find_fault_of_name(name):
        return fault
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        return describe_read_error(path, error, name)
    if stat.S_ISREG(mode):
        return None
    kind = "a folder" if stat.S_ISDIR(mode) else "a link" if stat.S_ISLNK(mode) else "a pipe or a device"
    return f"{name}: is {kind}, not a file. Put the file itself there, or give it another name."


def find_fault_of_name(name: str) -> str | None:
    """Why no file may be called so, with the cure; None if one may."""
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"{name[:MAX_NAME_SHOWN]}…: the name has more than {MAX_NAME_BYTES:,} bytes. Give it a shorter one."
    return None


def describe_read_error(path: Path, error: OSError, name: str | None = None) -> str:
    """What kept a source file from being read, with the cure."""
    name = printable(path.name) if name is None else name
    if isinstance(error, FileNotFoundError):
        return f"{name}: vanished while the run was starting. Run again when the delivery is complete."
    return f"{name}: cannot be read ({error.strerror or error}). Check the file and its rights."


def printable(name: str) -> str:
    """A file's name as text that any database and any terminal can hold.

    Spelled out are bytes that are not UTF-8 and characters that break a line or steer a terminal: `\\xff`, `\\n`.
    Two names can become alike; the ingest refuses both.
    """
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
