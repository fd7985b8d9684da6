"""Table locks of the Redshift stand-in, and its timeline, by which they are seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from tests.warehouse.redshift_standin import Fault, RedshiftStandin


@contextmanager
def waiting_for(standin: RedshiftStandin, first: str, second: str) -> Iterator[None]:
    """The second statement, in a session of its own, waits for the transaction of the first one; then both commit."""
    with standin.connect() as one, standin.connect() as other:
        one.cursor().execute(first)
        thread = Thread(target=lambda: other.cursor().execute(second))
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        yield
        one.commit()
        thread.join(10)
        assert not thread.is_alive()
        other.commit()


@pytest.fixture
def table(standin: RedshiftStandin) -> RedshiftStandin:
    standin.run("create table t (id bigint, v bigint)")
    standin.run("insert into t values (1, 1), (2, 1)")
    return standin


@pytest.mark.parametrize(
    "first", ["update t set v = 5 where id = 1", "delete from t where id = 1", "insert into T values (3, 0)"]
)
@pytest.mark.parametrize("second", ["update t set v = 2 where id = 2", "insert into public.t values (2, 2)"])
def test_write_locks_the_whole_table_until_commit(table: RedshiftStandin, first: str, second: str) -> None:
    """AWS re:Post, "How do I detect and release locks in Amazon Redshift?": tables, not rows; who reads goes on."""
    with waiting_for(table, first, second):
        assert table.run("select v from t where id = 2") == [(1,)]
    assert (2,) in table.run("select v from t where id = 2")


def test_write_that_waited_works_on_what_was_committed(table: RedshiftStandin) -> None:
    """c_write_readwrite: "the second transaction does not obtain its snapshot of data until after the first"."""
    with waiting_for(table, "update t set v = v + 1", "update t set v = v * 10"):
        pass
    assert table.run("select distinct v from t") == [(20,)]


def test_timeline_tells_what_ran_at_the_same_time(table: RedshiftStandin) -> None:
    table.run("create table other (id bigint)")
    with waiting_for(table, "delete from t", "insert into t values (9, 9)"):
        table.run("insert into other values (1)")
    ran = {each.sql: each for each in table.timeline}
    waited, held = ran["insert into t values (9, 9)"], ran["delete from t"]
    assert held.ended < ran["insert into other values (1)"].ended < waited.began
    assert waited.session != held.session


def test_timeline_shows_statements_that_overlap(table: RedshiftStandin) -> None:
    table.run("create table other (id bigint)")
    table.faults.add(Fault("delay", "after", statement="^insert", seconds=0.5, times=2))
    threads = [Thread(target=table.run, args=(f"insert into {name} values (1)",)) for name in ("t (id)", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    one, other = [ran for ran in table.timeline if ran.sql.startswith("insert") and "(1)" in ran.sql]
    assert one.overlaps(other)
