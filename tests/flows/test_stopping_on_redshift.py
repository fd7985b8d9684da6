"""A run on Redshift is told to stop while a table that it needs is locked: real processes, real signals."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from prefect.settings import get_current_settings

from flows.lake.contracts import CONTRACTS
from tests.flows.test_stopping import Stopper, send, stopper, wait_for
from tests.tiny_shop import write_shop
from tests.warehouse.redshift import Redshift, ingest, open_redshift
from tests.warehouse.redshift_standin import RedshiftStandin
from tests.warehouse.test_redshift_stopping import is_waiting, locked

__all__ = ["stopper"]
SECONDS_TO_END = 20
SEED = "data_mart.customers_status"


@pytest.mark.parametrize(
    ("program", "table", "signum"),
    [("ingest", '"raw".raw_customers', signal.SIGINT), ("transform", SEED, signal.SIGTERM)],
)
def test_a_run_on_redshift_that_is_told_to_stop_leaves_no_statement_and_no_lease(
    redshift: Redshift,
    standin: RedshiftStandin,
    prefect_server: None,
    stopper: Stopper,
    tmp_path: Path,
    program: str,
    table: str,
    signum: signal.Signals,
) -> None:
    source, work_dir = write_shop(tmp_path / "source"), tmp_path / "work"
    ingest(open_redshift(work_dir=work_dir), source, work_dir, "run-1")
    standin.run("create schema if not exists data_mart")
    standin.run(f"create table {SEED} (customer_status varchar(20), min_net_sales_usd decimal(18,2))")
    (source / "raw_customers.csv").write_text("id,name\nc9,New\n", encoding="utf-8")
    with locked(standin, table):
        stopped = stopper.run(
            *(program, "--source", str(source), "--target", "redshift"),
            work_dir=work_dir,
            stop=lambda child: (wait_for(lambda: is_waiting(standin) or child.poll() is not None), send(signum)(child)),
            server=str(get_current_settings().api.url),
            environment=dict(redshift.environment),
        )
        assert not is_waiting(standin)
        with open_redshift(work_dir=tmp_path / "elsewhere").hold("run-2"):
            pass
    assert (stopped.exit_code, stopped.summary["status"]) == (128 + signum, "cancelled")
    assert stopped.seconds < SECONDS_TO_END
    assert "did not let go" not in stopped.output
    loaded = {row.file_name: row.rows_loaded for row in open_redshift().read_ledger()}
    assert loaded["raw_customers.csv"] == 5, "the last good state"
    assert set(loaded) == {f"{table}.csv" for table in CONTRACTS} & {path.name for path in source.iterdir()}
    assert standin.run(f"select count(*) from {SEED}") == [(0,)]
