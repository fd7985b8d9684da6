"""`make test-redshift`: the Redshift tests on a real workgroup, and a page of what they showed.

`--standin` runs the same tests on the stand-in, which costs nothing and shows what the page looks like.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.errors import RetailError
from flows.run.blocks import read_blocks
from flows.run.settings import load_settings
from flows.run.target import find_access, find_stage
from flows.warehouse.redshift.access import Access
from flows.warehouse.redshift.connections import connect
from tests.warehouse.proof_report import ProofReport

TESTS = Path(__file__).resolve().parents[1]
FILES = (
    TESTS / "warehouse" / "test_redshift.py",
    TESTS / "warehouse" / "test_redshift_values.py",
    TESTS / "warehouse" / "test_redshift_proof.py",
    TESTS / "warehouse" / "test_past.py",
    TESTS / "kpis" / "test_on_redshift.py",
    TESTS / "kpis" / "test_far_orders.py",
    TESTS / "flows" / "test_redshift_pipeline.py",
)
COST = """This loads about 93,000 records (5 MB) from {bucket}, builds the star schema once and reads every table back.
Estimated, not measured: 10 to 15 minutes of work for {host}. On Serverless that is at most
15/60 hours times its base capacity in RPU, e.g. 2 RPU-hours at 8 RPU; S3 sees a few thousand requests."""
USAGE = "select sum(compute_seconds), sum(charged_seconds) from sys_serverless_usage where end_time >= %s"


class Tries(logging.Handler):
    """Counts what was tried again after an outage: on a warehouse that is well, nothing should be."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "attempt" in record.getMessage() and "follows" in record.getMessage():
            self.messages.append(record.getMessage())


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    access = None
    if not options.standin:
        try:
            access = _reach()
        except RetailError as error:
            print(f"\n{error}\n\nSet them in the environment; docs/redshift.md says what each is.", file=sys.stderr)
            return error.exit_code
        os.environ["RETAIL_TEST_REDSHIFT"] = "real"
    report, tries, start = ProofReport(dict(os.environ)), Tries(), datetime.now(UTC)
    loggers = [logging.getLogger(name) for name in ("", "prefect.flow_runs", "prefect.task_runs", "flows")]
    for logger in loggers:
        logger.addHandler(tries)
    imported = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # what was asked before pytest came
    code = pytest.main(["-m", "redshift", "-v", *imported, *map(str, FILES)], plugins=[report])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        report.broke_off = pytest.ExitCode(code).name
    report.numbers["tries that followed an outage"] = str(len(set(tries.messages)))
    if access is not None:
        report.numbers |= _read_usage(access, start)
    report.write(options.report)
    print(
        f"\n{options.report.resolve()} says what was tested and what came of it. Read it, and send it on if you like."
    )
    for message in sorted(set(tries.messages)):
        print(f"  tried again: {message}", file=sys.stderr)
    return 1 if code or tries.messages else 0


def _reach() -> Access:
    """How to reach the workgroup, once it has answered.

    Raises:
        RetailError: settings are missing, or it does not answer.
    """
    settings = load_settings(target="redshift")
    blocks = read_blocks(settings)
    access, stage = find_access(settings, blocks), find_stage(settings, blocks)
    print(COST.format(host=f"{access.host}, database {access.database}", bucket=f"s3://{stage.bucket}"), flush=True)
    connect(access).close()
    return access


def _read_usage(access: Access, start: datetime) -> dict[str, str]:
    """RPU-seconds of the run, where the user may see them (AWS: "SYS_SERVERLESS_USAGE", superusers only)."""
    name = "RPU-seconds of the workgroup since the beginning"
    try:
        with connect(access) as connection, connection.cursor() as cursor:
            cursor.execute(USAGE, (start.replace(tzinfo=None),))
            used, charged = cursor.fetchone() or (None, None)
    except Exception:
        return {name: "not shown to this user"}
    return {name: f"{used or 0} used, {charged or 0} charged (the last minutes may be missing)"}


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make test-redshift", description=__doc__)
    parser.add_argument("--standin", action="store_true", help="on the stand-in instead of a real workgroup")
    parser.add_argument("--report", type=Path, default=Path("redshift-proof.md"), help="default: redshift-proof.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
