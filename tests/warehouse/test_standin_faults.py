"""Faults that a test asks the Redshift stand-in for: connections that drop, errors to be retried, S3 that fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import polars as pl
import pytest
import redshift_connector
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, ReadTimeoutError

from tests.warehouse.parquet import conservative_parquet
from tests.warehouse.redshift_standin import RELATION_GONE, SERIALIZATION_FAILURE, Fault, RedshiftStandin, S3Fault


@pytest.fixture
def loaded(standin: RedshiftStandin) -> RedshiftStandin:
    """A table `t` and four rows for it in S3."""
    standin.run("create table t (id bigint)")
    body = conservative_parquet(pl.DataFrame({"id": [1, 2, 3, 4]}))
    standin.s3.put_object(Bucket=standin.bucket, Key="rows.parquet", Body=body)
    return standin


def copy_and_commit(standin: RedshiftStandin) -> None:
    standin.run(f"copy t from 's3://{standin.bucket}/rows.parquet' iam_role '{standin.role_arn}' format as parquet")


def count(standin: RedshiftStandin) -> int:
    return int(standin.run("select count(*) from t")[0][0])


@pytest.mark.parametrize("statement", ["^copy", "^commit"])
@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_dropped_connection(loaded: RedshiftStandin, when: str, statement: str) -> None:
    """Only a COMMIT that was reached takes effect; cut while it runs, it may or may not."""
    fault = Fault("drop", when, statement=statement)  # type: ignore[arg-type]
    loaded.faults.add(fault)

    with pytest.raises(redshift_connector.InterfaceError, match="BrokenPipe"):
        copy_and_commit(loaded)

    possible = {("^commit", "after"): {4}, ("^commit", "during"): {0, 4}}.get((statement, when), {0})
    assert count(loaded) in possible
    assert loaded.faults.fired == [fault]
    assert loaded.faults.waiting == []


def test_dropped_connection_lets_go_of_its_locks(loaded: RedshiftStandin) -> None:
    loaded.faults.add(Fault("drop", "before", statement="^commit"))
    with pytest.raises(redshift_connector.InterfaceError):
        loaded.run("lock table t")

    copy_and_commit(loaded)

    assert count(loaded) == 4


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (SERIALIZATION_FAILURE, "'1023'.*Serializable isolation violation on table - 100167"),
        (RELATION_GONE, "could not open relation with OID 100167"),
    ],
)
def test_error_that_is_to_be_retried(loaded: RedshiftStandin, fault: Fault, words: str) -> None:
    """c_serial_isolation; the words are those of public reports. The transaction is aborted, the next succeeds."""
    loaded.faults.add(fault.on("^copy"))

    with pytest.raises(redshift_connector.ProgrammingError, match=words):
        copy_and_commit(loaded)
    assert count(loaded) == 0
    copy_and_commit(loaded)

    assert count(loaded) == 4


def test_error_at_commit_undoes_the_transaction(loaded: RedshiftStandin) -> None:
    loaded.faults.add(SERIALIZATION_FAILURE.on("^commit"))

    with loaded.connect() as connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (1)")
        with pytest.raises(redshift_connector.ProgrammingError, match="1023"):
            connection.commit()
        with pytest.raises(redshift_connector.ProgrammingError, match="current transaction is aborted"):
            cursor.execute("select 1")
        connection.rollback()

    assert count(loaded) == 0


def test_skip_and_times_select_the_matches(loaded: RedshiftStandin) -> None:
    loaded.faults.add(SERIALIZATION_FAILURE.on("insert into T", skip=1, times=2))
    outcomes = []
    for _ in range(4):
        try:
            loaded.run("insert into t values (1)")
            outcomes.append("done")
        except redshift_connector.ProgrammingError:
            outcomes.append("failed")

    assert outcomes == ["done", "failed", "failed", "done"]
    assert len(loaded.faults.fired) == 2


def test_warehouse_that_wakes_slowly(standin: RedshiftStandin) -> None:
    """The first two connects are cut, the third waits, the fourth is quick."""
    standin.faults.add(Fault("drop", "connect", times=2), Fault("delay", "connect", seconds=0.3))
    for _ in range(2):
        with pytest.raises(redshift_connector.InterfaceError):
            standin.connect()

    started = time.monotonic()
    standin.connect().close()

    assert time.monotonic() - started >= 0.3
    assert [fault.kind for fault in standin.faults.fired] == ["drop", "drop", "delay"]


def test_slow_statement_meets_the_timeout_of_the_driver(standin: RedshiftStandin) -> None:
    standin.faults.add(Fault("delay", "before", statement="select 1", seconds=1))

    with standin.connect(timeout=0.2) as connection, pytest.raises((TimeoutError, redshift_connector.OperationalError)):
        connection.cursor().execute("select 1")


@pytest.mark.parametrize("arguments", [("error", "before"), ("error", "after"), ("delay", "during")])
def test_fault_that_makes_no_sense_is_refused(arguments: tuple[Any, Any]) -> None:
    with pytest.raises(ValueError, match="comes"):
        Fault(*arguments)


@pytest.fixture
def faulty_s3(standin: RedshiftStandin) -> Iterator[Any]:
    """A client of the endpoint that fails on demand, which tries once and is impatient."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=0.5)
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = boto3.client(
        "s3", endpoint_url=standin.faulty_s3_endpoint, region_name=standin.region, config=config, **keys
    )
    yield client
    client.close()


def test_faulty_s3_without_faults_is_plain_s3(standin: RedshiftStandin, faulty_s3: Any) -> None:
    body = bytes(range(256)) * 4000
    faulty_s3.put_object(Bucket=standin.bucket, Key="a b/é", Body=body)

    assert faulty_s3.get_object(Bucket=standin.bucket, Key="a b/é")["Body"].read() == body
    assert faulty_s3.head_object(Bucket=standin.bucket, Key="a b/é")["ContentLength"] == len(body)
    assert [item["Key"] for item in faulty_s3.list_objects_v2(Bucket=standin.bucket)["Contents"]] == ["a b/é"]
    faulty_s3.delete_object(Bucket=standin.bucket, Key="a b/é")
    assert standin.s3.list_objects_v2(Bucket=standin.bucket)["KeyCount"] == 0


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (500, "InternalError")])
def test_faulty_s3_answers_with_an_error(standin: RedshiftStandin, faulty_s3: Any, status: int, code: str) -> None:
    standin.faults.add(S3Fault("error", method="PUT", key=r"/k\d$", status=status, code=code, times=2))
    for key in ("k1", "k2"):
        with pytest.raises(ClientError, match=code):
            faulty_s3.put_object(Bucket=standin.bucket, Key=key, Body=b"x" * 100_000)

    faulty_s3.put_object(Bucket=standin.bucket, Key="k3", Body=b"x")

    assert [item["Key"] for item in standin.s3.list_objects_v2(Bucket=standin.bucket)["Contents"]] == ["k3"]


def test_faulty_s3_cuts_the_connection_after_the_object_was_written(standin: RedshiftStandin, faulty_s3: Any) -> None:
    standin.faults.add(S3Fault("reset", "after", method="PUT"))

    with pytest.raises(HTTPClientError):
        faulty_s3.put_object(Bucket=standin.bucket, Key="k", Body=b"x")

    assert standin.s3.head_object(Bucket=standin.bucket, Key="k")["ContentLength"] == 1


def test_faulty_s3_says_nothing_until_the_client_gives_up(standin: RedshiftStandin, faulty_s3: Any) -> None:
    standin.s3.put_object(Bucket=standin.bucket, Key="k", Body=b"x")
    standin.faults.add(S3Fault("stall", method="GET", seconds=1))

    with pytest.raises(ReadTimeoutError):
        faulty_s3.get_object(Bucket=standin.bucket, Key="k")


def test_faulty_s3_error_is_retried_by_a_client_that_retries(standin: RedshiftStandin) -> None:
    standin.faults.add(S3Fault("error"), S3Fault("reset"))
    client = boto3.client(
        "s3",
        endpoint_url=standin.faulty_s3_endpoint,
        region_name=standin.region,
        config=Config(retries={"max_attempts": 5, "mode": "standard"}),
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )

    client.put_object(Bucket=standin.bucket, Key="k", Body=b"x")
    client.close()

    assert len(standin.faults.fired) == 2
