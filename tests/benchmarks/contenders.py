"""What one measured process does: `python -m tests.benchmarks.contenders NAME SOURCE WORK` prints one line of JSON.

Conversions write Parquet under WORK/lake; loads write a DuckDB file in WORK. `seconds` and `cpu_seconds` exclude the
start of Python and the imports. Every function imports only what it needs, so no contender pays for another.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

DUCKDB_COLUMNS = {
    "id": "varchar",
    "customer": "varchar",
    "ordered_at": "timestamp",
    "store_id": "varchar",
    "subtotal": "bigint",
    "tax_paid": "bigint",
    "order_total": "bigint",
}
PANDAS_ROWS = 500_000
Report = dict[str, Any]


def start_watch() -> Callable[[], Report]:
    """What it returns says how much time has gone by since, on the clock and in all threads together."""
    wall, cpu = time.perf_counter(), time.process_time()
    return lambda: {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}


def ours(source: Path, work: Path) -> Report:
    """This project: hash, independent count, structure, values, reasons, zstd Parquet, verification."""
    from flows.lake.forms import SHIPPED_FORM

    return _convert(source, work, SHIPPED_FORM)


def ours_by_profile(source: Path, work: Path) -> Report:
    """The same of a file in another form, by the kind in its name."""
    from tests.benchmarks.foreign import find_form

    return _convert(source, work, find_form(source))


def _convert(source: Path, work: Path, form: Any) -> Report:
    from flows.lake.contracts import CONTRACTS
    from flows.lake.convert import convert_csv

    spent = start_watch()
    done = convert_csv(source, CONTRACTS["raw_orders"], work, form=form)
    return {
        **spent(),
        "rows_in": done.rows_in,
        "rows_loaded": done.rows_loaded,
        "rows_quarantined": done.rows_quarantined,
    }


def duckdb_copy(source: Path, work: Path) -> Report:
    """DuckDB, types guessed, nothing checked."""
    return _copy_with_duckdb(f"read_csv('{source}')", work)


def duckdb_rejects(source: Path, work: Path) -> Report:
    """DuckDB with declared types and bad records set aside; in its strict mode it refuses the whole dirty file."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in DUCKDB_COLUMNS.items())
    options = "header = true, strict_mode = false, store_rejects = true, rejects_limit = 0"
    return _copy_with_duckdb(f"read_csv('{source}', columns = {{{columns}}}, {options})", work)


def _copy_with_duckdb(relation: str, work: Path) -> Report:
    import duckdb

    spent = start_watch()
    with duckdb.connect() as connection:
        connection.execute(f"copy (from {relation}) to '{_target(work)}' (format parquet, compression zstd)")
    return spent()


def polars_sink(source: Path, work: Path) -> Report:
    """Bare polars, streaming, with declared types."""
    import polars as pl

    spent = start_watch()
    text = dict.fromkeys(("id", "customer", "store_id"), pl.String())
    cents = dict.fromkeys(("subtotal", "tax_paid", "order_total"), pl.Int64())
    dtypes = {"ordered_at": pl.Datetime("us"), **text, **cents}
    schema = {name: dtypes[name] for name in DUCKDB_COLUMNS}
    pl.scan_csv(source, schema=schema, glob=False).sink_parquet(_target(work), compression="zstd")
    return spent()


def pandas_chunks(source: Path, work: Path) -> Report:
    """pandas in chunks, with declared types, written by pyarrow."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    spent = start_watch()
    dtypes = {name: "int64" if kind == "bigint" else "str" for name, kind in DUCKDB_COLUMNS.items()}
    writer = None
    for frame in pd.read_csv(source, dtype=dtypes, chunksize=PANDAS_ROWS):
        frame["ordered_at"] = pd.to_datetime(frame["ordered_at"], format="%Y-%m-%dT%H:%M:%S")
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(_target(work), table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()
    return spent()


def stages(source: Path, _work: Path) -> Report:
    """CPU seconds of each stage of our conversion."""
    from tests.benchmarks.stages import measure

    return {"stages": measure(source)}


def load_ours(source: Path, work: Path) -> Report:
    """The ingest of this project without Prefect: hash, convert, load into DuckDB, ledger. Unchanged files are left."""
    from flows.lake.contracts import CONTRACTS
    from flows.lake.sources import find_sources
    from flows.run.entry import search_memory_seldom
    from flows.run.settings import load_settings
    from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
    from flows.warehouse.ingestion import Ingestion

    search_memory_seldom()  # as each command of ours begins
    settings = load_settings(work_dir=str(work))
    spent = start_watch()
    warehouse = DuckDBWarehouse(settings.duckdb_path, settings.duckdb_memory)  # as a flow opens it, but for Prefect
    try:
        job = Ingestion(warehouse, work, "benchmark")
        job.log.disabled = True  # type: ignore[union-attr]
        job.load(job.convert(find_sources(source, CONTRACTS).files))
    finally:
        warehouse.close()
    report = spent()
    rows: dict[str, int] = {}
    for outcome in job.outcomes:
        rows[outcome.table] = rows.get(outcome.table, 0) + outcome.rows_loaded
    return {**report, "rows": rows}


def hash_only(source: Path, _work: Path) -> Report:
    """One SHA-256 of each file: the least that a second run can cost."""
    import hashlib

    spent = start_watch()
    for path in sorted(source.iterdir()):
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")
    return spent()


def check(_source: Path, work: Path) -> Report:
    """What a conversion wrote: good rows, the sums of order_total and of _row, bad records by reason."""
    import polars as pl

    frame = pl.scan_parquet(work / "lake" / "**" / "*.parquet")
    columns = frame.collect_schema()
    sums = [pl.len().alias("rows"), pl.col("order_total").sum().alias("sum_order_total")]
    if "_row" in columns:
        sums.append(pl.col("_row").sum().alias("sum_row"))
    report: Report = {"check": frame.select(sums).collect().row(0, named=True), "reasons": {}}
    if list((work / "quarantine").rglob("*.parquet")):
        bad = pl.scan_parquet(work / "quarantine" / "**" / "*.parquet")
        report["reasons"] = dict(bad.group_by("reason").len().collect().iter_rows())
    return report


def make_orders(source: Path, _work: Path) -> Report:
    """Generate the orders file that `source` names (`raw_orders_<rows>_<clean|dirty>.csv`) unless it is there."""
    from tests.benchmarks.orders import make_orders as make

    rows, kind = source.stem.removeprefix("raw_orders_").split("_")
    made = make(source.parent, int(rows), dirty=kind == "dirty")
    return {"reasons": made.reasons, "check": made.check, "bytes": made.path.stat().st_size}


def make_foreign(source: Path, _work: Path) -> Report:
    """Write the orders of the clean file beside `source` in the form that its name says, unless it is there."""
    from tests.benchmarks.foreign import make_foreign as make

    make(source)
    return {"seconds": 0, "cpu_seconds": 0}


def make_bought(source: Path, _work: Path) -> Report:
    """Write the items that are counted in pairs, unless they are there."""
    from tests.benchmarks.pairs import make_bought as make

    make(source)
    return {"seconds": 0, "cpu_seconds": 0}


def pairs_by_model(source: Path, _work: Path) -> Report:
    """Products bought together, by our model."""
    from tests.benchmarks.pairs import count_by_model

    return _count_pairs(count_by_model, source)


def pairs_by_sql(source: Path, _work: Path) -> Report:
    """Products bought together, by DuckDB."""
    from tests.benchmarks.pairs import count_by_sql

    return _count_pairs(count_by_sql, source)


def _count_pairs(count: Callable[[Path], list[int]], source: Path) -> Report:
    import duckdb  # noqa: F401  imports are not measured
    import polars  # noqa: F401

    stop = start_watch()
    return {"counts": count(source), **stop()}


def make_drops(source: Path, work: Path) -> Report:
    """Deal the records of `source`/raw_orders.csv out to 2,000 small files in `work`."""
    header, *records = (source / "raw_orders.csv").read_bytes().splitlines(keepends=True)
    work.mkdir(parents=True, exist_ok=True)
    for number in range(2000):
        path = work / f"raw_orders_{number:04d}.csv"
        path.write_bytes(header + b"".join(records[number::2000]))
    return {"rows": {"raw_orders": len(records)}}


def make_shop(source: Path, work: Path) -> Report:
    """Make the shop that `source` names (`shop-<years>`) of the three years in `work`, unless it is there."""
    from tests.benchmarks.shops import make_shop as make

    return _make_once(source, lambda: make(work, int(source.name.rpartition("-")[2]), source))


def make_single_items(source: Path, work: Path) -> Report:
    """Make the orders of one item each that `source` names (`single-<orders>`) of the three years in `work`."""
    from tests.benchmarks.shops import make_single_items as make

    return _make_once(source, lambda: make(work, int(source.name.rpartition("-")[2]), source))


def _make_once(folder: Path, make: Callable[[], None]) -> Report:
    done = folder.with_suffix(".done")
    if not done.exists():
        make()
        done.touch()
    return {"folder": str(folder)}


def build(_source: Path, work: Path) -> Report:
    """`dbt build` of the warehouse in `work`, its tests included, in this process."""
    import os

    from dbt.cli.main import dbtRunner

    from flows.run.settings import load_settings

    settings = load_settings(work_dir=str(work))
    os.environ |= settings.dbt_environment() | {"DBT_LOG_PATH": str(work / "logs")}
    runner, before = dbtRunner(), _count_orders(work)
    spent = start_watch()
    done = runner.invoke(
        ["--quiet", "build", "--project-dir", "dbt", "--profiles-dir", "dbt", "--target-path", str(work / "dbt")]
    )
    report = spent()
    if not done.success:
        raise RuntimeError(str(done.exception or "dbt build failed"))
    results = done.result.results  # type: ignore[union-attr]
    seconds = {"models": 0.0, "tests": 0.0}
    for result in results:
        seconds["models" if result.node.resource_type == "model" else "tests"] += result.execution_time
    parts = {f"seconds_{kind}": value for kind, value in seconds.items()}
    nodes = {result.node.name: result.execution_time for result in results}
    return {**report, **parts, "nodes": nodes, "orders_new": _count_orders(work) - before}


def hello(_source: Path, work: Path) -> Report:
    """A flow of one task, with the server that Prefect starts for it; its database is in `work`."""
    import os

    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        del os.environ[name]
    os.environ |= {
        "PREFECT_HOME": str(work / "prefect"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "240",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    (work / "prefect").mkdir(parents=True, exist_ok=True)
    from prefect import flow, task

    @task
    def say() -> str:
        return "hello"

    @flow
    def greet() -> str:
        return say()

    spent = start_watch()
    said = greet()
    return {**spent(), "said": str(said)}


def _count_orders(work: Path) -> int:
    """Orders in the mart, 0 before the first build."""
    import duckdb

    with duckdb.connect(str(work / "warehouse.duckdb")) as connection:
        there = connection.execute(
            "select 1 from information_schema.tables where table_name = 'fact_orders'"
        ).fetchall()
        rows = connection.execute("select count(*) from data_mart.fact_orders").fetchall() if there else [(0,)]
    return int(rows[0][0])


def _target(work: Path) -> Path:
    folder = work / "lake"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "orders.parquet"


ACTIONS: dict[str, Callable[[Path, Path], Report]] = {
    function.__name__: function
    for function in (
        ours,
        ours_by_profile,
        duckdb_copy,
        duckdb_rejects,
        polars_sink,
        pandas_chunks,
        stages,
        load_ours,
        hash_only,
        check,
        make_orders,
        make_foreign,
        make_bought,
        pairs_by_model,
        pairs_by_sql,
        make_drops,
        make_shop,
        make_single_items,
        build,
        hello,
    )
}

if __name__ == "__main__":
    action, source, work = sys.argv[1:]
    print(json.dumps(ACTIONS[action](Path(source), Path(work))))
