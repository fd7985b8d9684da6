"""Prefect's memory of past runs, without whoever is forgotten: artifacts, and the events that tell of them.

Any server exchanges artifacts when asked. Events nobody can change but the database itself, so that is done where it
is a SQLite file of this machine: of the temporary servers in the work folder, and of the server that the settings
name. SQLite keeps what was deleted in free pages until VACUUM (SQLite: "VACUUM").
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact
from prefect.client.schemas.sorting import ArtifactSort
from prefect.settings import get_current_settings

from flows.errors import LoadError
from flows.lake.forgetting import HIDDEN
from flows.lake.forgotten_texts import Names
from flows.run.settings import Settings

KEYS = ["kpi-sales-per-customer", "report", "ingest-files", "dbt-build", "forgotten", "run-summary"]
PAGE_SIZE = 50
PATIENCE_SECONDS = 60
TEXTS = {  # table → columns of texts that a run may have put there
    "artifact": ("data", "description"),
    "artifact_collection": ("data", "description"),
    "log": ("message",),
    "flow_run": ("parameters", "state_name"),
    "flow_run_state": ("message",),
    "task_run_state": ("message",),
}


def hide_artifacts(names: Names, *, is_trial: bool = False) -> int:
    """Exchange the texts of the artifacts that name them for a sentence; return how many."""
    changed = 0
    with get_client(sync_client=True) as client:
        for artifact in _list_artifacts(client):
            if not names.are_in(f"{artifact.data}\n{artifact.description}"):
                continue
            changed += 1
            if not is_trial:
                client.update_artifact(artifact.id, ArtifactUpdate(data=HIDDEN, description=HIDDEN))
    return changed


def hide_in_databases(settings: Settings, names: Names, *, is_trial: bool = False) -> int:
    """Exchange what the databases of Prefect on this machine say of them, and leave no byte of it; return the rows."""
    return sum(_hide_in_database(path, names, is_trial=is_trial) for path in find_databases(settings))


def find_databases(settings: Settings) -> list[Path]:
    """The SQLite files of Prefect: of temporary servers, and of a server on this machine."""
    found = {settings.work_dir / "prefect" / "prefect.db"}
    prefect = get_current_settings()
    url = prefect.server.database.connection_url
    is_here = urlsplit(prefect.api.url or "http://localhost").hostname in {"127.0.0.1", "localhost", "::1"}
    if url and is_here and url.get_secret_value().startswith("sqlite"):
        found.add(Path(unquote(urlsplit(url.get_secret_value()).path.removeprefix("/"))))
    return sorted(path for path in found if path.is_file())


def _list_artifacts(client: SyncPrefectClient) -> Iterator[Artifact]:
    wanted, offset = ArtifactFilter(key=ArtifactFilterKey(any_=KEYS)), 0
    while page := client.read_artifacts(
        artifact_filter=wanted, limit=PAGE_SIZE, offset=offset, sort=ArtifactSort.ID_DESC
    ):
        yield from page
        offset += len(page)


def _hide_in_database(path: Path, names: Names, *, is_trial: bool) -> int:
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)) as database:
            database.create_function("names_them", 1, lambda text: names.are_in(str(text)), deterministic=True)
            changed = sum(
                _hide_in_column(database, table, column, is_trial=is_trial)
                for table, columns in TEXTS.items()
                for column in columns
            )
            changed += _remove_events(database, is_trial=is_trial)
            if not is_trial:
                database.execute("vacuum")
                _empty_log(database)
            return changed
    except sqlite3.Error as error:
        raise LoadError(
            f"{path}: Prefect's database cannot be changed ({error}). Stop what works with it, then run again."
        ) from error


def _empty_log(database: sqlite3.Connection) -> None:
    """Move the write-ahead log into the file and cut it off; it waits for readers of others (SQLite: "PRAGMA")."""
    end = time.monotonic() + PATIENCE_SECONDS
    while database.execute("pragma wal_checkpoint(truncate)").fetchone()[0]:
        if time.monotonic() > end:
            raise sqlite3.OperationalError("others read it all the time")
        time.sleep(0.2)


def _hide_in_column(database: sqlite3.Connection, table: str, column: str, *, is_trial: bool) -> int:
    if not _has(database, table, column):
        return 0
    condition = f"where {column} is not null and names_them({column})"
    if is_trial:
        return int(database.execute(f"select count(*) from {table} {condition}").fetchone()[0])  # noqa: S608
    hidden = json.dumps({}) if column == "parameters" else json.dumps(HIDDEN) if column == "data" else HIDDEN
    return database.execute(f"update {table} set {column} = ? {condition}", (hidden,)).rowcount  # noqa: S608


def _remove_events(database: sqlite3.Connection, *, is_trial: bool) -> int:
    if not _has(database, "events", "payload"):
        return 0
    named = database.execute("select id from events where names_them(payload)").fetchall()
    if not is_trial:
        database.executemany("delete from event_resources where event_id = ?", named)
        database.executemany("delete from events where id = ?", named)
    return len(named)


def _has(database: sqlite3.Connection, table: str, column: str) -> bool:
    return any(row[1] == column for row in database.execute(f"pragma table_info({table})"))
