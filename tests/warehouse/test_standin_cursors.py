"""Cursors on the Redshift stand-in, and how a comparison reads a large table through one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redshift_connector
from redshift_connector.error import DatabaseError, ProgrammingError

from flows.warehouse.parity import FETCH_ROWS, Relation, Side, compare
from tests.warehouse.redshift import Redshift, open_redshift
from tests.warehouse.redshift_standin import RedshiftStandin


@pytest.fixture
def cursor(shared_standin: RedshiftStandin) -> Iterator[redshift_connector.Cursor]:
    with shared_standin.connect() as connection, connection.cursor() as cursor:
        cursor.execute("create temp table t (id bigint)")
        cursor.execute("insert into t values (1), (2), (3), (4), (5)")
        yield cursor
        connection.rollback()


def test_fetch_gives_slices_until_nothing_is_left(cursor: redshift_connector.Cursor) -> None:
    cursor.execute("declare reading cursor for with s as (select id from t) select id from s order by id")
    slices = []
    for how in ("forward 2", "next", "", "forward all", "forward 2"):
        cursor.execute(f"fetch {how} from reading")
        slices.append([row[0] for row in cursor.fetchall()])
    assert slices == [[1, 2], [3], [4], [5], []]
    cursor.execute("close reading")


def test_second_cursor_of_a_session_is_refused_until_the_first_is_closed(cursor: redshift_connector.Cursor) -> None:
    cursor.execute("declare one cursor for select id from t")
    cursor.execute("close one")
    cursor.execute("declare two cursor for select id from t")
    with pytest.raises(ProgrammingError, match="only one cursor"):
        cursor.execute("declare three cursor for select id from t")


def test_cursor_outside_a_transaction_is_refused(shared_standin: RedshiftStandin) -> None:
    with shared_standin.connect() as connection:
        connection.autocommit = True
        with pytest.raises(DatabaseError, match="transaction block"):
            connection.cursor().execute("declare one cursor for select 1 as id")


@pytest.mark.parametrize(
    "sql",
    [
        "declare one scroll cursor for select id from t",
        "declare one cursor with hold for select id from t",
        "declare one cursor for delete from t",
        "fetch backward 1 from one",
        "fetch absolute 1 from one",
        "fetch forward many from one",
        "fetch forward 1 in one",
    ],
)
def test_what_the_pages_do_not_have_is_refused(cursor: redshift_connector.Cursor, sql: str) -> None:
    with pytest.raises(ProgrammingError):
        cursor.execute(sql)


def test_comparison_reads_tables_of_redshift_in_slices(redshift: Redshift) -> None:
    """The driver holds whole results in memory; so a table must come in slices, and all of it."""
    count = 2 * FETCH_ROWS + 5
    for prefix, rows in (("", count), ("short_", count - 1)):
        redshift.run(f'create schema "{{p}}{prefix}raw"')
        redshift.run(f'create table "{{p}}{prefix}raw".one (id bigint, name varchar(9))')
        values = ", ".join(f"({number}, 'n')" for number in range(rows))
        redshift.run(f'insert into "{{p}}{prefix}raw".one values {values}')
    assert redshift.standin is not None
    redshift.standin.log.clear()
    warehouse, relation = open_redshift(), Relation("raw.one", "raw", "one")
    try:
        whole, again = (Side(name, warehouse.engine(), redshift.prefix) for name in ("whole", "again"))
        short = Side("short", warehouse.engine(), f"{redshift.prefix}short_")
        (same,) = compare(whole, again, [relation])
        (different,) = compare(whole, short, [relation])
    finally:
        warehouse.close()
    assert (same.difference, same.rows) == (None, count)
    assert different.difference == f"1 rows only in whole, e.g. id {count - 1}"
    readings = [sql for sql in redshift.standin.log if '"one"' in sql]
    assert readings
    assert all(sql.startswith("declare reading cursor for select") for sql in readings)
