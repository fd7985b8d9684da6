# /// script
# requires-python = ">=3.11"
# dependencies = ["dlt[duckdb]==1.31.*", "duckdb>=1.5,<2", "pyarrow"]
# ///
"""The raw CSV files of a folder into a DuckDB file with dlt: its DuckDB reader, Arrow batches, nothing validated.

It has an environment of its own:  uv run --script tests/benchmarks/load_dlt.py FOLDER WORK
DuckDB is held at the version line of the project, so that both sides write with the same engine.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path

BATCH_ROWS = 100_000  # dlt's default of 5,000 is slower

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"


def load(folder: Path, work: Path) -> dict[str, object]:
    """Replace the tables `raw.<file name>` of `work/dlt.duckdb`; return the rows of each raw table."""
    import dlt
    import duckdb
    from dlt.sources.filesystem import filesystem, read_csv_duckdb

    start = time.perf_counter()
    database = work / "dlt.duckdb"
    pipeline = dlt.pipeline(
        "retail_benchmark",
        pipelines_dir=str(work / "pipelines"),
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="raw",
    )
    resources = [
        (
            filesystem(bucket_url=str(folder), file_glob=path.name)
            | read_csv_duckdb(chunk_size=BATCH_ROWS, use_pyarrow=True)
        )
        .with_name(_name_table(path))
        .apply_hints(write_disposition="replace")
        for path in sorted(folder.glob("raw_*.csv"))
    ]
    pipeline.run(resources, loader_file_format="parquet").raise_on_failed_jobs()
    seconds = time.perf_counter() - start
    with duckdb.connect(str(database)) as connection:
        rows = Counter[str]()
        for name in (_name_table(path) for path in sorted(folder.glob("raw_*.csv"))):
            rows[re.sub(r"_\d.*", "", name)] += connection.execute(f"select count(*) from raw.{name}").fetchone()[0]
    return {"seconds": seconds, "rows": dict(rows), "versions": {"dlt": dlt.__version__, "duckdb": duckdb.__version__}}


def _name_table(path: Path) -> str:
    """One for each file, as dlt spells names: `raw_products_2020_03_02` for the list of that day."""
    return path.stem.replace("-", "_")


if __name__ == "__main__":
    if sys.argv[1:] == ["--interpreter"]:
        print(sys.executable)
    else:
        print(json.dumps(load(Path(sys.argv[1]), Path(sys.argv[2]))))
