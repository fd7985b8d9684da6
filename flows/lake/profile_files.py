"""Which files of a folder a source profile takes, and for which table: by its patterns, else by our own names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from flows.errors import ConfigError
from flows.lake.contracts import CONTRACTS
from flows.lake.profiles import Profile
from flows.lake.sources import Delivery, SourceFile, base_name, is_raw_file, looks_like_data, printable, read_names


def find_profiled_sources(folder: Path, profile: Profile) -> Delivery:
    """Look at the names in `folder` (not below it). A table without patterns has files named `raw_<table>….csv`.

    Such a name is one of two tables where a pattern of another takes it.

    Raises:
        ConfigError: the folder cannot be read, holds no data, or a name fits two tables.
    """
    return sort_profiled_names(read_names(folder), folder.joinpath, profile, str(folder))


def sort_profiled_names(names: Iterable[str], path_of: Callable[[str], Path], profile: Profile, place: str) -> Delivery:
    """The files among these names that the profile takes; of a path the patterns are for the last part.

    Raises:
        ConfigError: there are none in that place, or a name fits two tables.
    """
    files, ignored, doubtful, plain = [], [], [], set[str]()
    for name in names:
        base = base_name(name)
        tables, named = profile.find_tables(base), _find_by_name(base, profile)
        if len(tables) > 1 or (tables and named):
            plain.update(named)
            other = f", and the name is one of {named[0]}" if named else ""
            doubtful.append(f"  - {printable(name)} fits the patterns of {' and '.join(tables)}{other}")
        elif tables := tables or named:
            files.append(SourceFile(tables[0], printable(name), path_of(name)))
        elif looks_like_data(base):
            ignored.append(printable(name))
    if doubtful:
        more = [f"  - and {len(doubtful) - 5} more"] if len(doubtful) > 5 else []  # noqa: PLR2004
        other = f", or name those of {', '.join(sorted(plain))} under files there" if plain else ""
        cure = f"Make files in these tables narrower{other}."
        raise ConfigError("\n".join([f"{profile.path}: a file belongs to one table.", *doubtful[:5], *more, cure]))
    if not files:
        expected = sorted(pattern for patterns in profile.patterns.values() for pattern in patterns)
        raise ConfigError(
            f"{place}: no file that the profile {profile.path} takes. Expected "
            f"{', '.join(expected) or 'raw_<table>.csv'}. Correct files there, or name another folder with --source."
        )
    return Delivery(tuple(sorted(files, key=lambda file: (file.table, file.name))), tuple(ignored))


def _find_by_name(name: str, profile: Profile) -> list[str]:
    known = sorted((table for table in CONTRACTS if table not in profile.patterns), key=len, reverse=True)
    return [table for table in known if is_raw_file(name.lower()) and name.lower().startswith(table)][:1]
