"""How long what a run leaves behind is kept: settings and a work folder in, what is too old gone, and said.

Without a setting everything stays. Never removed is what is still needed: parts and bad records of a file whose rows
the ledger does not have, what no run named so, and the summary of this run. Whoever calls holds the work folder.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flows.lake.contracts import CONTRACTS
from flows.lake.parts import find_stem, stem, sweep
from flows.lake.s3_copies import Copies
from flows.run.settings import Settings
from flows.warehouse.ledger import LedgerRow

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]
_SUMMARY = re.compile(r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.json\Z")


def sweep_loaded(settings: Settings, read_ledger: Callable[[], Iterable[LedgerRow]], log: Log) -> dict[str, Any]:
    """Remove parts, bad records and copies of files that were loaded long enough ago; what was removed, by kind."""
    if settings.keep_lake_days is settings.keep_quarantine_days is settings.keep_incoming_days is None:
        return {}
    loaded_at = {stem(row.file_name, row.read_sha256): row.loaded_at for row in read_ledger()}
    chosen = {
        "lake": (settings.keep_lake_days, _find_of_files(settings.work_dir / "lake", loaded_at)),
        "quarantine": (settings.keep_quarantine_days, _find_of_files(settings.quarantine_dir, loaded_at)),
        "incoming": (settings.keep_incoming_days, _with_age(Copies(settings.incoming_dir).all())),
    }
    return _sweep(chosen, log)


def sweep_orphans(settings: Settings, read_ledger: Callable[[], Iterable[LedgerRow]], log: Log) -> dict[str, Any]:
    """Remove parts of files that are not loaded, and what was half written; what was removed, as `orphans`.

    Bad records of refused files stay: a person may still need them, and the next run that converts removes them. Where
    the ledger is empty all parts stay, too: a warehouse that was lost leaves nothing else of the rows.
    """
    loaded = {stem(row.file_name, row.read_sha256) for row in read_ledger()}
    removed = []
    for top, keeps_all in ((settings.work_dir / "lake", not loaded), (settings.quarantine_dir, True)):
        for folder in () if top.is_symlink() else (top / table for table in CONTRACTS):
            there = {path: path.lstat().st_size for path in folder.glob("*")}
            stems = {found for path in there if (found := find_stem(path.name))}
            removed += [there[path] for path in sweep(folder, stems if keeps_all else loaded)]
    log.info("maintenance: %d orphans (%s bytes) removed", len(removed), f"{sum(removed):,}")
    return {"orphans": {"files": len(removed), "bytes": sum(removed)}}


def sweep_summaries(settings: Settings, current: Path, log: Log) -> dict[str, Any]:
    """Remove summaries of runs that ended long enough ago, but never `current`."""
    found = [path for path in settings.runs_dir.glob("*.json") if _SUMMARY.match(path.name) and path != current]
    return _sweep({"summaries": (settings.keep_summaries_days, _with_age(found))}, log)


def _sweep(chosen: Mapping[str, tuple[int | None, Mapping[Path, datetime]]], log: Log) -> dict[str, Any]:
    now, swept = datetime.now(UTC).replace(tzinfo=None), {}
    for kind, (days, paths) in chosen.items():
        if days is None:
            continue
        old = [path for path, since in paths.items() if now - since >= timedelta(days=days)]
        size = sum(_remove(path) for path in old)
        swept[kind] = {"files": len(old), "bytes": size}
        log.info("retention: %d files (%s bytes) of %s removed, kept for %d days", len(old), f"{size:,}", kind, days)
    return swept


def _find_of_files(top: Path, loaded_at: Mapping[str, datetime]) -> dict[Path, datetime]:
    """Parquet files of loaded versions, with when they were loaded (UTC)."""
    if top.is_symlink():
        return {}
    paths = [path for table in CONTRACTS for path in (top / table).glob("*.parquet")]
    return {
        path: loaded_at[found] for path in paths if (found := find_stem(path.name)) in loaded_at and _is_plain(path)
    }


def _remove(path: Path) -> int:
    size = path.stat().st_size
    path.unlink()
    return size


def _with_age(paths: Iterable[Path]) -> dict[Path, datetime]:
    """With when they were written (UTC)."""
    return {path: datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None) for path in paths}


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
