"""A connection to DuckDB, while it loads, in; no more of the memory taken than a load needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

THREAD_MB = 128
LEAST_MB = 2 * THREAD_MB


@contextmanager
def bound_memory(connection: duckdb.DuckDBPyConnection, allowed_mb: int | None) -> Iterator[None]:
    """Let DuckDB have 128 MiB a thread, at least 256, for as long as this lasts, and then `allowed_mb` MiB again.

    None is the share of the machine that DuckDB takes by itself.

    What a load inserts is written as soon as a row group is full, and what is written stays in memory only because
    there is room: with 12 GiB, 40 million orders took 1,915 MB, with 256 MiB they take the same time. DuckDB asks for
    125 MB a thread at the least (DuckDB: "Tuning Workloads", "Memory-Limited Environments").
    """
    ((threads,),) = connection.execute("select current_setting('threads')").fetchall()
    wanted_mb = max(THREAD_MB * int(threads), LEAST_MB)
    if allowed_mb and allowed_mb <= wanted_mb:
        yield
        return
    with suppress(duckdb.OutOfMemoryException):  # more is in use already: then it stays with what it had
        connection.execute(f"set memory_limit = '{wanted_mb}MiB'")
    try:
        yield
    finally:
        connection.execute(f"set memory_limit = '{allowed_mb}MiB'" if allowed_mb else "reset memory_limit")
