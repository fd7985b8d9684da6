"""A DuckDB database in, a file with all that it holds and nothing that it ever held besides out."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from flows.warehouse.ddl import quote
from flows.warehouse.duckdb.load import literal

COPY = quote("written_anew")


def copy_database(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write a copy to `path`, where nothing is: tables with rows in their order, views, comments; flushed.

    DuckDB leaves the blocks of deleted rows in its file until they are used again (DuckDB: "Reclaiming Space").
    """
    ((database,),) = connection.execute("select current_database()").fetchall()
    connection.execute("checkpoint")
    connection.execute(f"attach {literal(str(path))} as {COPY}")
    try:
        connection.execute("set preserve_insertion_order = true")
        connection.execute(f"copy from database {quote(database)} to {COPY}")
    finally:
        connection.execute(f"detach {COPY}")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
