"""What dbt has parsed in this session already, so that a build in a new work folder need not parse it again.

dbt parses the whole project anew wherever the address of the warehouse is another, and each test has a file of its own:
that is a third of what a small build costs. In this project nothing that is parsed depends on that address, and a test
compares the two. What is kept is dbt's own partial parse: dbt still holds every file of the project against it, and the
vars, the target and the environment, and parses what has changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

KEPT_PARSES = "KEPT_PARSES"  # the variable by which children find what is kept
NAME = "partial_parse.msgpack"
PLACE = ("path", "attach")  # of the connection of DuckDB: where its file lies


def hash_connection(loader: Any) -> Any:
    """What dbt knows of the warehouse, without where an embedded one lies."""
    from dbt.artifacts.resources import FileHash

    known = loader.root_project.credentials.connection_info()
    return FileHash.from_contents(repr(sorted((name, str(value)) for name, value in known if name not in PLACE)))


def name_parse(loader: Any) -> str:
    """The same for the same project in the same place, vars, target, connection and environment."""
    state = sorted(loader.manifest.state_check.to_dict().items())
    return hashlib.sha256(f"{loader.root_project.project_root} {state}".encode()).hexdigest()


def put(source: Path, place: Path) -> None:
    """Copy whole or not at all: several processes keep their parses in the same folder."""
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_name(f"{uuid4()}.new")
    shutil.copyfile(source, fresh)
    fresh.replace(place)


@contextmanager
def parsing_once(kept: Path | None = None) -> Iterator[None]:
    """While this lasts, what dbt parses in this process it parses once, wherever its warehouse lies."""
    from dbt.parser.manifest import ManifestLoader

    kept = kept or Path(os.environ[KEPT_PARSES])
    check = ManifestLoader.build_manifest_state_check
    read, write = ManifestLoader.read_manifest_for_partial_parse, ManifestLoader.write_manifest_for_partial_parse

    def own(loader: Any) -> Path:
        return Path(loader.root_project.project_target_path, NAME)

    def check_all_but_place(loader: Any) -> Any:
        state = check(loader)
        state.profile_hash = hash_connection(loader)
        return state

    def read_kept(loader: Any) -> Any:
        found = read(loader) if own(loader).is_file() else None
        known = kept / name_parse(loader)
        if found is None and known.is_file():
            put(known, own(loader))
            found = read(loader)
        return found

    def write_and_keep(loader: Any) -> None:
        write(loader)
        if not (kept / name_parse(loader)).is_file():
            put(own(loader), kept / name_parse(loader))

    with (
        patch.object(ManifestLoader, "build_manifest_state_check", check_all_but_place),
        patch.object(ManifestLoader, "read_manifest_for_partial_parse", read_kept),
        patch.object(ManifestLoader, "write_manifest_for_partial_parse", write_and_keep),
    ):
        yield


@contextmanager
def parsing_once_in_flows() -> Iterator[None]:
    """While this lasts, so do the flows of this process; dbt that a test calls by itself is as it is."""
    import flows.marts.parse_ahead
    import flows.marts.runner

    def with_kept(invoke: Callable[..., None]) -> Callable[..., None]:
        def invoke_with_kept(*arguments: Any, **options: Any) -> None:
            with parsing_once():
                invoke(*arguments, **options)

        return invoke_with_kept

    with (
        patch.object(flows.marts.runner, "_invoke", with_kept(flows.marts.runner._invoke)),
        patch.object(flows.marts.parse_ahead, "_parse", with_kept(flows.marts.parse_ahead._parse)),
    ):
        yield
