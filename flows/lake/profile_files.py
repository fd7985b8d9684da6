"""Which files of a folder a source profile takes, and for which table: by its patterns, else by our own names."""

from __future__ import annotations

from pathlib import Path

from flows.errors import ConfigError
from flows.lake.contracts import CONTRACTS
from flows.lake.profiles import Profile
from flows.lake.sources import Delivery, SourceFile, is_raw_file, looks_like_data, printable, read_names


def find_profiled_sources(folder: Path, profile: Profile) -> Delivery:
    """Look at the names in `folder` (not below it). A table without patterns has files named `raw_<table>….csv`.

    Raises:
        ConfigError: the folder cannot be read, holds no data, or a name fits two tables.
    """
    files, ignored, doubtful = [], [], []
    for name in read_names(folder):
        tables = profile.find_tables(name) or _find_by_name(name, profile)
        if len(tables) > 1:
            doubtful.append(f"  - {printable(name)} fits the patterns of {' and '.join(tables)}")
        elif tables:
            files.append(SourceFile(tables[0], printable(name), folder / name))
        elif looks_like_data(name):
            ignored.append(printable(name))
    if doubtful:
        more = [f"  - and {len(doubtful) - 5} more"] if len(doubtful) > 5 else []  # noqa: PLR2004
        cure = "Make files in these tables narrower."
        raise ConfigError("\n".join([f"{profile.path}: a file belongs to one table.", *doubtful[:5], *more, cure]))
    if not files:
        expected = sorted(pattern for patterns in profile.patterns.values() for pattern in patterns)
        raise ConfigError(
            f"{folder}: no file that the profile {profile.path} takes. Expected "
            f"{', '.join(expected) or 'raw_<table>.csv'}. Correct files there, or name another folder with --source."
        )
    return Delivery(tuple(sorted(files, key=lambda file: (file.table, file.name))), tuple(ignored))


def takes(profile: Profile, name: str) -> bool:
    """Whether the profile has a table for a file of that name."""
    return bool(profile.find_tables(name) or _find_by_name(name, profile))


def _find_by_name(name: str, profile: Profile) -> list[str]:
    known = sorted((table for table in CONTRACTS if table not in profile.patterns), key=len, reverse=True)
    return [table for table in known if is_raw_file(name.lower()) and name.lower().startswith(table)][:1]
