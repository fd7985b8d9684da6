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
    from flows.lake.contracts import CONTRACTS
    from flows.lake.convert import convert_csv

    spent = start_watch()
    done = convert_csv(source, CONTRACTS["raw_orders"], work)
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


def load_ours(source: Path, work: Path) -> Report:
    """The ingest of this project without Prefect: hash, convert, load into DuckDB, ledger. Unchanged files are left."""
    from flows.lake.contracts import CONTRACTS
    from flows.lake.sources import find_sources
    from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
    from flows.warehouse.ingestion import Ingestion

    spent = start_watch()
    warehouse = DuckDBWarehouse(work / "warehouse.duckdb")
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


def make_drops(source: Path, work: Path) -> Report:
    """Deal the records of `source`/raw_orders.csv out to 2,000 small files in `work`."""
    header, *records = (source / "raw_orders.csv").read_bytes().splitlines(keepends=True)
    work.mkdir(parents=True, exist_ok=True)
    for number in range(2000):
        path = work / f"raw_orders_{number:04d}.csv"
        path.write_bytes(header + b"".join(records[number::2000]))
    return {"rows": {"raw_orders": len(records)}}


def _target(work: Path) -> Path:
    folder = work / "lake"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "orders.parquet"


ACTIONS: dict[str, Callable[[Path, Path], Report]] = {
    function.__name__: function
    for function in (
        ours,
        duckdb_copy,
        duckdb_rejects,
        polars_sink,
        pandas_chunks,
        load_ours,
        hash_only,
        check,
        make_orders,
        make_drops,
    )
}

if __name__ == "__main__":
    action, source, work = sys.argv[1:]
    print(json.dumps(ACTIONS[action](Path(source), Path(work))))
