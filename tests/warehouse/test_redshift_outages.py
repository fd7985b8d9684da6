"""What passes by itself on the way to Redshift is tried again; what does not is told at once, with the cure."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from redshift_connector.error import ProgrammingError
from redshift_connector.iam_helper import IamHelper

from flows.errors import ConfigError, LoadError
from flows.lake.contracts import CONTRACTS
from flows.warehouse.redshift.failures import is_transient
from flows.warehouse.redshift.warehouse import RedshiftWarehouse
from flows.warehouse.waiting import HeldError, Patience
from tests.warehouse.redshift import Redshift, convert, open_redshift
from tests.warehouse.redshift_standin import CONFLICT, WAKING, ApiFault, RedshiftStandin

CUSTOMERS = CONTRACTS["raw_customers"]


@pytest.fixture
def iam(redshift: Redshift, standin: RedshiftStandin, monkeypatch: pytest.MonkeyPatch) -> RedshiftStandin:
    """A workgroup whose address and credentials AWS gives; the SDK itself tries once, so that faults are not hidden."""
    monkeypatch.setenv("RETAIL_REDSHIFT_METHOD", "iam")
    monkeypatch.setenv("RETAIL_REDSHIFT_WORKGROUP", standin.workgroup)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name in ("HOST", "USER", "PASSWORD"):
        monkeypatch.delenv(f"RETAIL_REDSHIFT_{name}")
    IamHelper.credentials_cache.clear()  # the driver's, of the whole process
    return standin


@pytest.mark.parametrize("statement", ["^begin", "pg_namespace", "^set statement_timeout", '^lock "ops"'])
def test_first_statements_of_a_workgroup_that_wakes_are_tried_again(
    redshift: Redshift, standin: RedshiftStandin, statement: str, caplog: pytest.LogCaptureFixture
) -> None:
    standin.faults.add(WAKING.on(statement, times=2))
    warehouse = open_redshift()
    with warehouse.hold("run-1"):
        warehouse.prepare(CONTRACTS.values())
    warehouse.close()
    assert len(standin.faults.fired) == 2
    assert "Query cancelled.; attempt 3 of 5 follows" in caplog.text


@pytest.mark.parametrize("statement", ["^copy", '^insert into "raw"', '^insert into "ops"."load_ledger"', "^commit"])
def test_conflict_with_a_concurrent_transaction_is_tried_again(
    redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin, tmp_path: Path, statement: str
) -> None:
    standin.faults.add(CONFLICT.on(statement, skip=1 if statement == "^commit" else 0))
    warehouse.load_files(CUSTOMERS, [convert(tmp_path, "id,name\na,Ada\n")], "run-1")
    assert standin.faults.fired
    assert redshift.run('select id from "raw".raw_customers') == [("a",)]


def test_own_timeout_while_another_load_is_ending_is_final_and_says_so(
    redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.warehouse.redshift.lease.LOCK_SECONDS", 1)
    with standin.connect() as connection:
        connection.cursor().execute("lock table ops.load_fence")
        start = time.monotonic()
        with pytest.raises(HeldError, match="a load of another run has been ending in this warehouse for 1 s"):
            open_redshift().hold("run-2").__enter__()
        assert time.monotonic() - start < 5


def test_load_of_another_run_that_is_ending_is_waited_for(
    redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.warehouse.redshift.lease.LOCK_SECONDS", 1)
    told: list[str] = []
    with standin.connect() as ending:
        ending.cursor().execute("lock table ops.load_fence")

        def end(said: str) -> None:
            told.append(said)
            ending.rollback()

        with open_redshift().hold("run-2", patience=Patience(60, end)):
            pass
    assert len(told) == 1
    assert "a load of another run, which is ending, is at work there" in told[0]


def test_lease_that_cannot_be_given_back_is_left_to_run_out(
    redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.warehouse.redshift.lease.LOCK_SECONDS", 1)
    with standin.connect() as connection:
        start = time.monotonic()
        with open_redshift().hold("run-2"):
            connection.cursor().execute("lock table ops.load_fence")
        assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("said", "passes"),
    [
        ("Query cancelled.", True),
        ("Query (150) cancelled on user's request", False),
        ("canceling statement due to statement timeout", False),
    ],
)
def test_cancelled_statement_is_an_outage_only_if_nobody_asked_for_it(said: str, *, passes: bool) -> None:
    assert is_transient(ProgrammingError({"C": "57014", "M": said})) is passes


@pytest.mark.parametrize("action", ["GetCredentials", "GetWorkgroup"])
@pytest.mark.parametrize(
    ("code", "status"),
    [("ThrottlingException", 400), ("TooManyRequestsException", 429), ("InternalServerException", 500), ("", 503)],
)
def test_aws_that_throttles_or_fails_is_asked_again(iam: RedshiftStandin, action: str, code: str, status: int) -> None:
    iam.faults.add(ApiFault(action, code, status, times=2))
    warehouse = open_redshift()
    with warehouse.hold("run-1"):
        pass
    warehouse.close()
    assert len(iam.faults.fired) == 2


@pytest.mark.parametrize("action", ["GetCredentials", "GetWorkgroup"])
def test_aws_that_throttles_for_long_is_no_fault_of_the_settings(
    iam: RedshiftStandin, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setenv("RETAIL_REDSHIFT_CONNECT_SECONDS", "1")
    iam.faults.add(ApiFault(action, times=99))
    with pytest.raises(LoadError, match=r"for 1 s .*ThrottlingException.*un again later"):
        open_redshift(attempts=1).hold("run-1").__enter__()


@pytest.mark.parametrize("action", ["GetCredentials", "GetWorkgroup"])
def test_aws_that_refuses_is_a_fault_of_the_settings_at_once(iam: RedshiftStandin, action: str) -> None:
    iam.faults.add(ApiFault(action, "AccessDeniedException", 403, times=99))
    with pytest.raises(ConfigError, match="AccessDeniedException"):
        open_redshift().hold("run-1").__enter__()
    assert len(iam.faults.fired) == 1


def test_is_transient_aws_that_is_not_reached_passes_and_bad_keys_do_not() -> None:
    answer = {"Error": {"Code": "UnrecognizedClientException"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    assert is_transient(EndpointConnectionError(endpoint_url="https://sts.amazonaws.com"))
    assert not is_transient(ClientError(answer, "AssumeRole"))  # type: ignore[arg-type]
