"""A program that runs the core of the ingest, and kills itself with SIGKILL at the step it is told.

One order a line on standard input, in JSON; on standard output `ready`, then for each order a line `+ step` for every
step that was reached, and `= {"exit_code": …, "message": …}`.

Order:  source, work_dir; target: `redshift` for that of the environment, else DuckDB; kill_at: the number of the
        step to die at; max_file_bytes: the greatest file that may be written; without_rights: root's rights over files
        are given up; hold_seconds: how long to go on holding the work folder at the end.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from flows.errors import RetailError
from flows.lake import gathering, parts
from flows.lake.contracts import CONTRACTS
from flows.lake.sources import find_sources
from flows.warehouse import conversion, ingestion, lock
from flows.warehouse.base import Warehouse
from flows.warehouse.duckdb import warehouse as embedded
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion
from flows.warehouse.lock import hold_work_dir
from flows.warehouse.waiting import describe_holder


class Steps:
    """Counts the steps that this process reaches; kills it at one of them, as `kill -9` would."""

    def __init__(self, kill_at: int) -> None:
        self.kill_at, self.count = kill_at, 0

    def reach(self, name: str) -> None:
        say(f"+ {name}")
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, with a step before and one after."""

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.reach(f"before {name}")
            result = function(*args, **kwargs)
            self.reach(f"after {name}")
            return result

        return wrapped

    def patch(self, owner: Any, attribute: str, name: str | None = None) -> None:
        setattr(owner, attribute, self.around(name or attribute, getattr(owner, attribute)))


class Connection:
    """A DuckDB connection with a step before and after each statement."""

    def __init__(self, real: Any, steps: Steps) -> None:
        self._real, self._steps = real, steps

    def execute(self, sql: str) -> Any:
        return self._steps.around(name_statement(sql), self._real.execute)(sql)

    def __getattr__(self, attribute: str) -> Any:
        return self._steps.around(attribute, getattr(self._real, attribute))


def name_statement(sql: str) -> str:
    """What a statement does and to what (the table it names first), so that equal steps have equal names."""
    first = re.search(r"load_ledger|load_fence|run_lease|deliveries|entries|replaced|staged|schema|raw", sql)
    kind = (first[0] if first else "raw").removeprefix("load_")
    return f"{'count' if 'count(*)' in sql else sql.split(maxsplit=1)[0]} {kind}"


def install_redshift(steps: Steps) -> None:
    """Put steps around all that Redshift and S3 are asked."""
    from redshift_connector.core import Connection as RedshiftConnection
    from redshift_connector.cursor import Cursor

    from flows.warehouse.redshift import staging, warehouse
    from flows.warehouse.redshift.lease import Lease
    from flows.warehouse.redshift.repacking import _Packer
    from flows.warehouse.redshift.stage import Stage
    from flows.warehouse.redshift.warehouse import RedshiftWarehouse

    def execute(cursor: Any, sql: str, *args: Any, **kwargs: Any) -> Any:
        return steps.around(name_statement(sql), unpatched)(cursor, sql, *args, **kwargs)

    unpatched = Cursor.execute
    Cursor.execute = execute  # type: ignore[method-assign]
    for owner, attribute in (
        (RedshiftConnection, "commit"),
        (Lease, "acquire"),
        (Lease, "release"),
        (Stage, "store"),
        (Stage, "write_manifest"),
        (Stage, "remove"),
        (Stage, "sweep"),
        (Stage, "_put"),
        (RedshiftWarehouse, "prepare"),
        (RedshiftWarehouse, "load_files"),
        (_Packer, "append"),
        (_Packer, "finish"),
        (staging, "check_part"),
        (warehouse, "sweep_repacked"),
        (parts.Part, "verify"),
        (ingestion, "sweep"),
    ):
        steps.patch(owner, attribute)


def install(steps: Steps) -> None:
    """Put steps around all that changes something on the disk, and around what is read to decide."""
    for owner, attribute in (
        (os, "fsync"),
        (os, "replace"),
        (os, "unlink"),
        (os, "mkdir"),
        (parts, "hash_file"),
        (conversion, "hash_file"),
        (gathering, "write_part"),
        (conversion, "convert_csv"),
        (ingestion, "sweep"),
        (ingestion, "plan_files"),
        (lock, "_acquire"),
        (pl.DataFrame, "write_parquet"),
        (parts.Part, "verify"),
        (DuckDBWarehouse, "prepare"),
        (DuckDBWarehouse, "load_files"),
        (DuckDBWarehouse, "close"),
    ):
        if hasattr(owner, attribute):
            steps.patch(owner, attribute)
    connect = steps.around("connect", duckdb.connect)
    embedded.duckdb.connect = lambda path: Connection(connect(path), steps)  # type: ignore[attr-defined]


def ingest(order: dict[str, Any]) -> None:
    """What `flows/ingest.py` does, without Prefect."""
    work_dir = Path(order["work_dir"])
    with hold_work_dir(work_dir, describe_holder("run-of-a-child")):
        warehouse = open_ordered(order, work_dir)
        try:
            files = find_sources(Path(order["source"]), CONTRACTS).files
            job = Ingestion(warehouse, work_dir, "run-of-a-child", max_quarantined_ratio=0.5)
            job.log.disabled = True  # type: ignore[union-attr]
            with warehouse.hold("run-of-a-child"):
                job.load(job.convert(files))
        finally:
            warehouse.close()
        time.sleep(order.get("hold_seconds", 0))


def open_ordered(order: dict[str, Any], work_dir: Path) -> Warehouse:
    """The warehouse that the order names; Redshift as `flows.run.target` does, without Prefect, which is slow."""
    if order.get("target") != "redshift":
        return DuckDBWarehouse(work_dir / "warehouse.duckdb")
    from flows.warehouse.redshift.access import Access
    from flows.warehouse.redshift.options import LoadOptions
    from flows.warehouse.redshift.stage import StageSettings
    from flows.warehouse.redshift.warehouse import RedshiftWarehouse

    named = {name: os.environ[f"RETAIL_REDSHIFT_{name.upper()}"] for name in ("host", "database", "user", "password")}
    access = Access(port=int(os.environ["RETAIL_REDSHIFT_PORT"]), method="database", **named)  # type: ignore[arg-type]
    stage = StageSettings(os.environ["RETAIL_S3_BUCKET"], "retail-pipeline", os.environ["RETAIL_REDSHIFT_REGION"])
    return RedshiftWarehouse(access, stage, LoadOptions(os.environ["RETAIL_REDSHIFT_COPY_ROLE"], work_dir))


def limit(order: dict[str, Any]) -> None:
    """Take away from this process what the order says."""
    if "max_file_bytes" in order:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["max_file_bytes"], resource.RLIM_INFINITY))
    if order.get("without_rights"):
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
        if ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()) != 0:
            raise OSError(ctypes.get_errno(), "capset")


def obey(order: dict[str, Any]) -> tuple[int, str]:
    """Carry out an order; the exit code is that of the command line."""
    try:
        ingest(order)
    except RetailError as error:
        return error.exit_code, str(error)
    except BaseException as error:  # what would show a user a traceback has a code of its own
        return 99, f"{type(error).__name__}: {error}"
    return 0, ""


def main() -> None:
    say("ready")
    for line in sys.stdin:
        order = json.loads(line)
        limit(order)
        if "kill_at" in order:
            steps = Steps(order["kill_at"])
            (install_redshift if order.get("target") == "redshift" else install)(steps)
        exit_code, message = obey(order)
        say("= " + json.dumps({"exit_code": exit_code, "message": message}))


def say(line: str) -> None:
    """A line to whoever gave the order, at once: it must be there if this process is killed the next moment."""
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    main()
