"""What is removed for its age, and what never is; and that what runs write is nobody else's to read."""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.lake.parts import part_name
from flows.run.privacy import close_to_others, private_files
from flows.run.retention import sweep_loaded, sweep_orphans, sweep_summaries
from flows.run.settings import Settings, load_settings
from flows.warehouse.ledger import LedgerRow

LOG = logging.getLogger("retention")
NOW = datetime.now(UTC).replace(tzinfo=None)
RUN_ID = "0a1b2c3d-0000-4000-8000-{:012d}"


def loaded(name: str, days_ago: float) -> LedgerRow:
    at = NOW - timedelta(days=days_ago)
    return LedgerRow("raw_orders", name, "a" * 64, 1, 1, 0, "run-1", at, at, date(2025, 1, 1), date(2025, 1, 1), "")


LEDGER = [loaded("raw_orders_old.csv", 9.5), loaded("raw_orders_new.csv", 1)]
OLD, NEW, UNLOADED = (part_name(f"raw_orders_{word}.csv", "a" * 64) for word in ("old", "new", "unloaded"))


@dataclass
class Folder:
    """A work folder with an old, a new, an unloaded and a person's own file wherever runs keep some."""

    path: Path

    def settings(self, **kept: int) -> Settings:
        return load_settings(work_dir=str(self.path), **kept)

    def there(self) -> set[str]:
        return {str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file()}


def write(path: Path, days_ago: float = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("12345")
    moment = (datetime.now(UTC) - timedelta(days=days_ago)).timestamp()
    os.utime(path, (moment, moment))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    for top in ("lake", "quarantine"):
        for name in (OLD, NEW, UNLOADED, "mine.parquet"):
            write(tmp_path / top / "raw_orders" / name, 99)
    for name, days_ago in (("raw_a.csv", 9.5), ("raw_b.csv", 1), (".nested/c.csv", 9.5)):
        write(tmp_path / "incoming" / name, days_ago)
        write((tmp_path / "incoming" / name).with_name(f".{Path(name).name}.etag"), days_ago)
    for number, days_ago in enumerate((9.5, 1, 9.5)):
        write(tmp_path / "runs" / f"{RUN_ID.format(number)}.json", days_ago)
    write(tmp_path / "runs" / "notes.json", 99)
    return Folder(tmp_path)


def test_without_settings_nothing_is_removed_and_the_ledger_is_not_asked(folder: Folder) -> None:
    before = folder.there()
    assert sweep_loaded(folder.settings(), lambda: pytest.fail("asked"), LOG) == {}
    assert sweep_summaries(folder.settings(), folder.path / "runs" / "x.json", LOG) == {}
    assert folder.there() == before


@pytest.mark.parametrize(
    ("kept", "gone"),
    [
        ({"keep_lake_days": 9}, {f"lake/raw_orders/{OLD}"}),
        ({"keep_lake_days": 10}, set()),
        ({"keep_lake_days": 0}, {f"lake/raw_orders/{OLD}", f"lake/raw_orders/{NEW}"}),
        ({"keep_quarantine_days": 9}, {f"quarantine/raw_orders/{OLD}"}),
        ({"keep_quarantine_days": 1}, {f"quarantine/raw_orders/{OLD}", f"quarantine/raw_orders/{NEW}"}),
        ({"keep_incoming_days": 9}, {"incoming/raw_a.csv", "incoming/.nested/c.csv"}),
    ],
    ids=lambda given: str(sorted(given) if isinstance(given, set) else given),
)
def test_what_was_loaded_long_enough_ago_goes_and_the_rest_stays(
    folder: Folder, caplog: pytest.LogCaptureFixture, kept: dict[str, int], gone: set[str]
) -> None:
    before, kind = folder.there(), next(iter(kept)).split("_")[1]
    with caplog.at_level("INFO"):
        swept = sweep_loaded(folder.settings(**kept), lambda: LEDGER, LOG)
    assert before - folder.there() == gone
    assert swept == {kind: {"files": len(gone), "bytes": 5 * len(gone)}}
    days = next(iter(kept.values()))
    told = f"retention: {len(gone)} files ({5 * len(gone)} bytes) of {kind} removed, kept for {days} days"
    assert caplog.messages == [told]


def test_summaries_go_but_never_that_of_this_run(folder: Folder) -> None:
    before, current = folder.there(), folder.path / "runs" / f"{RUN_ID.format(2)}.json"
    swept = sweep_summaries(folder.settings(keep_summaries_days=9), current, LOG)
    assert (before - folder.there(), swept["summaries"]["files"]) == ({f"runs/{RUN_ID.format(0)}.json"}, 1)


def test_what_is_linked_from_elsewhere_is_never_removed(
    folder: Folder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "raw_orders").mkdir()
    (elsewhere / "raw_orders" / OLD).touch()
    (folder.path / "lake").rename(folder.path / "was")
    (folder.path / "lake").symlink_to(elsewhere)
    sweep_loaded(folder.settings(keep_lake_days=0), lambda: LEDGER, LOG)
    assert (elsewhere / "raw_orders" / OLD).exists()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0, 0o022, 0o077], ids=oct)
def test_private_files_are_private_under_any_umask_and_leave_it_as_it_was(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with private_files():
            (tmp_path / "folder").mkdir()
            (tmp_path / "file").touch()
        found = os.umask(umask)
    finally:
        os.umask(before)
    assert (mode(tmp_path / "folder"), mode(tmp_path / "file"), found) == (0o700, 0o600, umask)


def test_what_earlier_runs_left_open_is_closed_and_what_is_a_persons_own_is_not_touched(tmp_path: Path) -> None:
    modes: dict[str, tuple[int, Any]] = {
        "lake": (0o755, 0o700),
        "warehouse.duckdb": (0o444, 0o400),
        ".lock": (0o644, 0o600),
        "raw_orders.csv": (0o644, 0o644),
    }
    for name, (given, _) in modes.items():
        path = tmp_path / name
        path.mkdir() if name == "lake" else path.touch()
        path.chmod(given)
    (tmp_path / "precious").touch(0o644)
    (tmp_path / "reports").symlink_to(tmp_path / "precious")
    close_to_others(tmp_path)
    assert {name: mode(tmp_path / name) for name in modes} == {name: wanted for name, (_, wanted) in modes.items()}
    assert mode(tmp_path / "precious") & 0o044


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    for top in ("lake", "quarantine"):
        folder = tmp_path / top / "raw_orders"
        folder.mkdir(parents=True)
        for name in (OLD, NEW, UNLOADED, ".raw_orders_new.47b9bb33179dc0c4.parquet.tmp", "mine.parquet"):
            (folder / name).write_bytes(b"12345")
    return tmp_path


def test_orphans_are_parts_of_no_loaded_file_and_half_written_ones_but_no_bad_records(parts: Path) -> None:
    swept = sweep_orphans(load_settings(work_dir=str(parts)), lambda: LEDGER, LOG)
    assert swept == {"orphans": {"files": 3, "bytes": 15}}
    assert {path.name for path in (parts / "lake/raw_orders").iterdir()} == {OLD, NEW, "mine.parquet"}
    assert {path.name for path in (parts / "quarantine/raw_orders").iterdir()} == {OLD, NEW, UNLOADED, "mine.parquet"}


def test_no_part_is_an_orphan_of_a_warehouse_that_was_lost(parts: Path) -> None:
    swept = sweep_orphans(load_settings(work_dir=str(parts)), list, LOG)
    assert swept["orphans"]["files"] == 2
    assert {OLD, NEW, UNLOADED} < {path.name for path in (parts / "lake/raw_orders").iterdir()}


def test_orphans_are_not_looked_for_behind_a_link(parts: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "lake"
    (parts / "lake").rename(elsewhere)
    (parts / "lake").symlink_to(elsewhere)
    assert sweep_orphans(load_settings(work_dir=str(parts)), lambda: LEDGER, LOG)["orphans"]["files"] == 1
    assert (elsewhere / "raw_orders" / UNLOADED).is_file()
