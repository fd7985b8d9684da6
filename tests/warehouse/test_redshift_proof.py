"""What a real Redshift must show beside `test_redshift.py`; the stand-in shows as much of it as it can.

`make test-redshift` runs these on a workgroup and puts the numbers they say into its report.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redshift_connector
from redshift_connector.error import DatabaseError, ProgrammingError

from flows.errors import LoadError
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import convert_csv
from flows.lake.parts import Part, hash_file
from flows.run.blocks import read_blocks
from flows.run.settings import load_settings
from flows.run.target import find_access
from flows.warehouse.ddl import SCHEMAS
from flows.warehouse.redshift.access import Access
from flows.warehouse.redshift.connections import connect
from tests.conftest import PROJECT
from tests.tiny_shop import write_shop
from tests.warehouse.redshift import Redshift, convert, ingest, open_redshift

pytestmark = pytest.mark.redshift
FILES = 200
Say = Any  # pytest's record_property


def access_of(redshift: Redshift) -> Access:
    settings = load_settings(target="redshift")
    return find_access(settings, read_blocks(settings))


@pytest.fixture
def tries(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Tries that followed an outage which nobody asked for: each test that takes this wants none."""
    caplog.set_level(logging.WARNING, logger="flows")
    found: list[str] = []
    yield found
    found += [record.getMessage() for record in caplog.records if "follows" in record.getMessage()]
    assert found == []


def test_first_statement_after_connecting(redshift: Redshift, record_property: Say) -> None:
    start = time.monotonic()
    with connect(access_of(redshift)) as connection, connection.cursor() as cursor:
        connected = time.monotonic()
        cursor.execute("select 1")
        assert tuple(cursor.fetchone()) == (1,)
    record_property("to connect, s (a workgroup that sleeps wakes)", round(connected - start, 2))
    record_property("first statement, s", round(time.monotonic() - connected, 2))


def test_two_loads_at_once_overlap_without_another_try(
    redshift: Redshift, tmp_path: Path, record_property: Say, tries: list[str]
) -> None:
    warehouse = open_redshift(parallel_loads=2)
    source = write_shop(tmp_path / "source")
    tables = ("raw_orders", "raw_items")
    conversions = {table: convert_csv(source / f"{table}.csv", CONTRACTS[table], tmp_path) for table in tables}
    spans: dict[str, tuple[float, float]] = {}

    def load(table: str) -> None:
        start = time.monotonic()
        warehouse.load_files(CONTRACTS[table], [conversions[table]], "run-1")
        spans[table] = start, time.monotonic()

    with warehouse.hold("run-1"):
        warehouse.prepare(CONTRACTS.values())
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(load, tables))
    warehouse.close()
    (start, end), (other_start, other_end) = spans.values()
    overlap = min(end, other_end) - max(start, other_start)
    record_property("two loads at once: overlap, s", round(overlap, 2))
    record_property("two loads at once: the longer one, s", round(max(end - start, other_end - other_start), 2))
    assert overlap > 0
    for table in tables:
        (count,) = redshift.run(f'select count(*) from "{{p}}raw".{table}')
        assert count == (conversions[table].rows_loaded,)


def test_replaced_file_among_two_hundred_leaves_the_others_alone(
    redshift: Redshift, tmp_path: Path, record_property: Say, tries: list[str]
) -> None:
    source, warehouse = write_shop(tmp_path / "source"), open_redshift()
    for number in range(FILES):
        (source / f"raw_customers-{number:03}.csv").write_text(f"id,name\nd{number},Drop {number}\n")
    start = time.monotonic()
    ingest(warehouse, source, tmp_path / "work", "run-1")
    record_property(f"load of {FILES} small files, s", round(time.monotonic() - start, 2))
    moments = dict(redshift.run('select _file, max(_loaded_at) from "{p}raw".raw_customers group by _file'))
    (source / "raw_customers-077.csv").write_text("id,name\nd77,New\nd77b,More\n")
    start = time.monotonic()
    again = ingest(warehouse, source, tmp_path / "work", "run-2")
    record_property(f"one of {FILES} files replaced, s", round(time.monotonic() - start, 2))
    warehouse.close()
    assert [outcome.file for outcome in again.outcomes if outcome.status != "unchanged"] == ["raw_customers-077.csv"]
    after = dict(redshift.run('select _file, max(_loaded_at) from "{p}raw".raw_customers group by _file'))
    changed = after.pop("raw_customers-077.csv")
    assert changed > moments.pop("raw_customers-077.csv")
    assert after == moments
    rows = redshift.run(
        "select id, name from \"{p}raw\".raw_customers where _file = 'raw_customers-077.csv' order by 1"
    )
    assert rows == [("d77", "New"), ("d77b", "More")]


KILLER = """
import os, signal, sys, threading
from pathlib import Path
from redshift_connector.core import Connection
from redshift_connector.cursor import Cursor
from tests.warehouse.redshift import ingest, open_redshift

moment, source, work = sys.argv[1:]
execute, commit, copied = Cursor.execute, Connection.commit, []
die = lambda: os.kill(os.getpid(), signal.SIGKILL)

def executed(cursor, sql, *args, **options):
    result = execute(cursor, sql, *args, **options)
    if sql.startswith("copy"):
        copied.append(sql)
        if moment == "after COPY":
            die()
    return result

def committed(connection):
    if copied and moment == "during COMMIT":
        threading.Timer(0.002, die).start()
    commit(connection)
    if copied:
        die()

Cursor.execute, Connection.commit = executed, committed
ingest(open_redshift(), Path(source), Path(work), "run-1")
"""


@pytest.mark.parametrize("moment", ["after COPY", "during COMMIT"])
def test_client_killed_the_next_run_converges(redshift: Redshift, tmp_path: Path, moment: str) -> None:
    source, work_dir = write_shop(tmp_path / "source"), tmp_path / "work"
    command = [sys.executable, "-c", KILLER, moment, str(source), str(work_dir)]
    killed = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)}, capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    warehouse = open_redshift(work_dir=work_dir)
    job = ingest(warehouse, source, work_dir, "run-2")
    assert {outcome.status for outcome in job.outcomes} <= {"loaded", "unchanged"}
    for row in warehouse.read_ledger():
        assert warehouse.count_rows(CONTRACTS[row.table_name])[row.file_name] == row.rows_loaded
    assert len(warehouse.read_ledger()) == len(list(source.glob("*.csv")))
    warehouse.close()


def test_error_detail_of_a_refused_copy_is_there_after_the_rollback(
    redshift: Redshift, tmp_path: Path, record_property: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pre-flight would refuse these parts; what Redshift itself says of them must reach the user."""
    warehouse = open_redshift()
    conversion = convert(tmp_path, "id,name\na,Ada\n")

    broken = tmp_path / "broken.parquet"
    pq.write_table(pa.table({"id": pa.array([date(2026, 1, 1)]), "name": ["Ada"]}), broken)
    store = warehouse._stage.store
    monkeypatch.setattr(warehouse._stage, "store", lambda parts: store([with_bytes(part, broken) for part in parts]))
    with warehouse.hold("run-1"):
        warehouse.prepare(CONTRACTS.values())
        with pytest.raises(LoadError, match=r"COPY failed for raw_customers\.csv") as caught:
            warehouse.load_files(CONTRACTS["raw_customers"], [conversion], "run-1")
    warehouse.close()
    details = [line for line in str(caught.value).splitlines() if line.startswith("  - ")]
    record_property("lines of SYS_LOAD_ERROR_DETAIL after a rollback", len(details))
    assert redshift.run('select count(*) from "{p}raw".raw_customers') == [(0,)]


def with_bytes(part: Part, path: Path) -> Part:
    """The part with other bytes, as if they were its own."""
    return replace(part, path=path, sha256=hash_file(path), size=path.stat().st_size)


@pytest.fixture
def new_user(redshift: Redshift) -> Iterator[Any]:
    """`new_user(group)` makes a user that may log in and gives name and password; they are dropped in the end."""
    made: list[str] = []

    def make(group: str | None = None) -> tuple[str, str]:
        name, password = f"retail_{secrets.token_hex(4)}", f"Aa1{secrets.token_hex(12)}"
        try:
            redshift.run(f"create user {name} password '{password}'" + (f" in group {group}" if group else ""))
        except DatabaseError as error:
            pytest.skip(f"this user may not make others: {error}")
        made.append(name)
        return name, password

    yield make
    for name in made:
        redshift.run(f"drop user {name}")


def test_user_that_owns_only_its_schemas_loads(redshift: Redshift, tmp_path: Path, new_user: Any) -> None:
    name, password = new_user()
    for schema in SCHEMAS:
        redshift.run(f'create schema "{{p}}{schema}" authorization {name}')
    where = access_of(redshift).driver_arguments()
    theirs = {"HOST": where["host"], "PORT": where["port"], "METHOD": "database", "USER": name, "PASSWORD": password}
    with pytest.MonkeyPatch.context() as environment:
        for variable, value in theirs.items():
            environment.setenv(f"RETAIL_REDSHIFT_{variable}", str(value))
        source, warehouse = write_shop(tmp_path / "source"), open_redshift()
        job = ingest(warehouse, source, tmp_path / "work", "run-1")
        assert {outcome.status for outcome in job.outcomes} == {"loaded"}
        with pytest.raises(ProgrammingError, match="permission denied"):
            redshift.run("create schema not_allowed")
        warehouse.close()
    redshift.drop_schemas()  # whoever owns one cannot be dropped


@pytest.mark.parametrize("kind", ["user", "group", "role"])
def test_reader_reads_the_marts_and_nothing_else(redshift: Redshift, new_user: Any, kind: str) -> None:
    """The grants that dbt makes for RETAIL_REDSHIFT_READER, read as whom they are for."""
    reader = f"retail_{kind}_{secrets.token_hex(4)}"
    if kind == "user":
        reader, password = new_user()
        name = reader
    else:
        try:
            redshift.run(f"create {kind} {reader}")
        except DatabaseError as error:
            pytest.skip(f"this user may not make a {kind}: {error}")
        name, password = new_user(reader if kind == "group" else None)
        if kind == "role":
            redshift.run(f"grant role {reader} to {name}")
    to = reader if kind == "user" else f"{kind} {reader}"
    for schema in ("raw", "data_mart"):
        redshift.run(f'create schema "{{p}}{schema}"')
        redshift.run(f'create table "{{p}}{schema}".numbers as select 1 as number')
    redshift.run(f'grant usage on schema "{{p}}data_mart" to {to}')
    redshift.run(f'grant select on "{{p}}data_mart".numbers to {to}')
    access = replace(access_of(redshift), method="database", user=name, password=password)
    with redshift_connector.connect(**access.driver_arguments()) as connection, connection.cursor() as cursor:
        cursor.execute(f'select number from "{redshift.prefix}data_mart".numbers')
        assert [tuple(row) for row in cursor.fetchall()] == [(1,)]
        connection.commit()
        with pytest.raises(DatabaseError, match="permission denied"):
            cursor.execute(f'select number from "{redshift.prefix}raw".numbers')
    redshift.drop_schemas()
    if kind != "user":
        redshift.run(f"drop {kind} {reader}{' force' if kind == 'role' else ''}")


def test_moments_of_the_machinery_are_utc(redshift: Redshift, tmp_path: Path, record_property: Say) -> None:
    warehouse = open_redshift()
    before = datetime.now(UTC).replace(tzinfo=None)
    ingest(warehouse, write_shop(tmp_path / "source"), tmp_path / "work", "run-1")
    (loaded_at,) = redshift.run('select max(_loaded_at) from "{p}raw".raw_orders')[0]
    (now,) = redshift.run("select getdate()")[0]
    warehouse.close()
    assert abs((loaded_at - before).total_seconds()) < 300
    record_property(
        "clock of the database less ours, s", round((now - datetime.now(UTC).replace(tzinfo=None)).total_seconds(), 1)
    )
