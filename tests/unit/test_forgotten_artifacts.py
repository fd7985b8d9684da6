"""Prefect's database, as a file: texts that name whoever is forgotten go, and no byte of them stays."""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flows.errors import LoadError
from flows.lake.forgetting import HIDDEN
from flows.lake.forgotten_texts import Names
from flows.run import forgotten_artifacts
from flows.run.forgotten_artifacts import hide_in_databases
from flows.run.settings import load_settings

ID, NAME = "cust-4711", "Ada Lovelace"
NAMES = Names(frozenset({ID, NAME}))
DRAWN = base64.b64encode(f"<svg><text>1. {NAME}</text></svg>".encode()).decode()


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    """A work folder with the database of temporary servers, its log not yet in the file."""
    (tmp_path / "prefect").mkdir()
    with closing(sqlite3.connect(tmp_path / "prefect" / "prefect.db", isolation_level=None)) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("create table artifact (id, data json, description text)")
        database.execute("create table events (id, payload json)")
        database.execute("create table event_resources (event_id, resource)")
        database.execute("create table log (id, message text)")
        texts = {"a": f"![](data:image/svg+xml;base64,{DRAWN})", "b": "fine" * 5000, "c": f"| {ID} |" * 5000}
        database.executemany("insert into artifact values (?, ?, 'x')", [(k, json.dumps(v)) for k, v in texts.items()])
        database.executemany(
            "insert into events values (?, ?)", [(k, json.dumps({"data": v})) for k, v in texts.items()]
        )
        database.executemany("insert into event_resources values (?, 'r')", [("a",), ("b",), ("c",)])
        database.execute("insert into log values (1, ?)", (f"duplicate key {ID}",))
    return tmp_path


def read(work_dir: Path, sql: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(work_dir / "prefect" / "prefect.db")) as database:
        return database.execute(sql).fetchall()


def test_texts_and_events_that_name_them_are_gone_with_every_byte(work_dir: Path) -> None:
    settings = load_settings(work_dir=str(work_dir))
    assert hide_in_databases(settings, NAMES, is_trial=True) == 5
    assert hide_in_databases(settings, NAMES) == 5
    told = dict(read(work_dir, "select id, data from artifact"))  # type: ignore[arg-type]
    assert told == {"a": json.dumps(HIDDEN), "b": json.dumps("fine" * 5000), "c": json.dumps(HIDDEN)}
    assert read(work_dir, "select id from events") == [("b",)]
    assert read(work_dir, "select event_id from event_resources") == [("b",)]
    left = b"".join(path.read_bytes() for path in (work_dir / "prefect").iterdir())
    assert not any(each.encode() in left for each in (ID, NAME, DRAWN))
    assert hide_in_databases(settings, NAMES) == 0


def test_trial_changes_no_byte(work_dir: Path) -> None:
    before = read(work_dir, "select * from artifact")
    hide_in_databases(load_settings(work_dir=str(work_dir)), NAMES, is_trial=True)
    assert read(work_dir, "select * from artifact") == before


def test_database_that_somebody_keeps_busy_is_named_with_the_cure(
    work_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgotten_artifacts, "PATIENCE_SECONDS", 0.1)
    with closing(sqlite3.connect(work_dir / "prefect" / "prefect.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(LoadError, match=r"prefect\.db: .* Stop what works with it, then run again"):
            hide_in_databases(load_settings(work_dir=str(work_dir)), NAMES)
