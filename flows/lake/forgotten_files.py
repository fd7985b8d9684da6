"""The files of a work folder in; the same files, without whoever is forgotten, out. Each is exchanged in one step.

What only helps to look back, or would be made again, is removed where it names them: logs and what dbt wrote, copies
from S3, staged and unfinished parts. A function counts what it changes; with `is_trial` it changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl

from flows.errors import LoadError
from flows.lake.contracts import CONTRACTS
from flows.lake.forgetting import Forgotten
from flows.lake.forgotten_texts import Names, is_delivered_in
from flows.lake.parts import write_part
from flows.lake.s3_copies import remove_copy


def hide_in_parts(work_dir: Path, forgotten: Forgotten, *, is_trial: bool = False) -> int:
    """Rewrite the parts of the lake and the quarantine that name them; return how many."""
    changed = 0
    for contract in CONTRACTS.values():
        lake, quarantine = (work_dir / top / contract.table for top in ("lake", "quarantine"))
        for path in _finished(lake):
            changed += _exchange(path, lambda frame, c=contract: forgotten.hide_records(frame, c), is_trial=is_trial)  # type: ignore[misc]
        for path in _finished(quarantine):
            changed += _exchange(path, forgotten.hide_raw, is_trial=is_trial)
        changed += _remove([*lake.glob(".*.tmp"), *quarantine.glob(".*.tmp")], is_trial=is_trial)
    return changed + _remove(_files_below(work_dir / "staged"), is_trial=is_trial)


def hide_in_summaries(runs_dir: Path, names: Names, *, is_trial: bool = False) -> int:
    """Rewrite the run summaries whose texts name them; return how many."""
    changed = 0
    for path in sorted(runs_dir.glob("*.json")):
        text = path.read_text(encoding="utf-8")
        if not names.are_in(text):
            continue
        changed += 1
        if not is_trial:
            beside = path.with_name(f".{path.name}.tmp")
            beside.write_text(json.dumps(names.hide_in(json.loads(text)), indent=2) + "\n", encoding="utf-8")
            beside.replace(path)
    return changed


def remove_naming(places: Iterable[Path], names: Names, *, is_trial: bool = False) -> int:
    """Remove those of these files, and of those below these folders, whose text names them; return how many."""
    naming = [path for place in places for path in _files_below(place) if names.are_in(_read_text(path))]
    return _remove(naming, is_trial=is_trial)


def remove_copies(incoming: Path, ids: Iterable[str], *, is_trial: bool = False) -> int:
    """Remove the copies from S3 that hold one of these ids; return how many."""
    holding = [path for path in _files_below(incoming) if is_delivered_in(path, ids)]
    for path in () if is_trial else holding:
        remove_copy(path)
    return len(holding)


def _exchange(path: Path, hide: Callable[[pl.DataFrame], pl.DataFrame], *, is_trial: bool) -> bool:
    try:
        before = pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise LoadError(f"{path}: cannot be read, so nobody knows whom it names. Remove it, then run again.") from error
    after = hide(before)
    if after.equals(before):
        return False
    if not is_trial:
        write_part(after, path.with_name(f".{path.stem}.forgotten.tmp")).publish(path)
    return True


def _finished(folder: Path) -> list[Path]:
    return sorted(folder.glob("[!.]*.parquet"))


def _files_below(folder: Path) -> Iterator[Path]:
    paths = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    yield from (path for path in paths if path.is_file() and not path.is_symlink())


def _read_text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def _remove(paths: Iterable[Path], *, is_trial: bool) -> int:
    count = 0
    for path in list(paths):
        count += 1
        if not is_trial:
            path.unlink(missing_ok=True)
    return count
