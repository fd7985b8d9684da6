"""What a worker of another machine costs for one file in S3: the figures behind docs/scale.md.

    .venv/bin/python -m tests.benchmarks.workers [--rows 1000000] [--folder FOLDER] [--rounds 3]

moto stands in for S3, in a process of its own, so that its processor time is not counted as the worker's. Each round
hashes the object and converts it, in this process, as a worker does; shown is the round of the least processor time.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from flows.lake.hashing import hash_file
from flows.lake.sources import ObjectVersion
from flows.lake.terms import DEFAULT_TERMS
from flows.warehouse.redshift.stage import StageSettings
from flows.warehouse.redshift.worker import (
    ConvertJob,
    HashJob,
    RemoteFile,
    convert_objects,
    hash_objects,
    identify_code,
)
from tests.benchmarks.measure import describe_environment, table
from tests.benchmarks.orders import make_orders


def serve(pipe: Any) -> None:
    """S3 until the process ends."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    pipe.send("http://{}:{}".format(*server.get_host_and_port()))
    pipe.recv()


def timed(function: Callable[[Any], Any], job: Any) -> tuple[float, float, Any]:
    """Wall seconds, processor seconds of all threads, and the result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = function(job)
    return time.perf_counter() - wall, time.process_time() - cpu, result


def measure(path: Path, rounds: int) -> list[tuple[str, ...]]:
    """A row for each of the two jobs."""
    client = boto3.client("s3")
    client.create_bucket(Bucket="bench")
    client.upload_file(str(path), "bench", "drops/raw_orders.csv")
    head = client.head_object(Bucket="bench", Key="drops/raw_orders.csv")
    origin = ObjectVersion("bench", "drops/raw_orders.csv", head["ETag"], head["ContentLength"])
    file = RemoteFile("raw_orders.csv", origin, hash_file(path))
    stage, code = StageSettings("bench", "stage"), identify_code()
    jobs: dict[str, tuple[Callable[[Any], Any], Any]] = {
        "hash": (hash_objects, HashJob((origin,), None, code)),
        "convert, pack, upload": (
            convert_objects,
            ConvertJob("raw_orders", (file,), DEFAULT_TERMS, None, None, stage, code),
        ),
    }
    rows = []
    for name, (function, job) in jobs.items():
        wall, cpu, _ = min((timed(function, job) for _ in range(rounds)), key=lambda each: each[1])
        gigabytes = origin.size / 1e9
        rows.append((name, f"{wall:.2f}", f"{cpu:.2f}", f"{wall / gigabytes:.1f}", f"{cpu / gigabytes:.1f}"))
    (conversion,) = timed(convert_objects, jobs["convert, pack, upload"][1])[2]
    print(f"{origin.size / 1e6:.0f} MB, {path.name}; packed: {conversion.conversion.pack.size / 1e6:.0f} MB")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "retail-benchmarks")
    given = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ.update(keys | {"AWS_ENDPOINT_URL_S3": here.recv()})
    print(", ".join(f"{name}: {value}" for name, value in describe_environment().items()))
    for dirty in (False, True):
        rows = measure_file(given, dirty=dirty)
        print(table(("job", "wall s", "CPU s", "wall s/GB", "CPU s/GB"), rows))
    print(f"peak memory of the worker: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    here.send("end")


def measure_file(given: argparse.Namespace, *, dirty: bool) -> list[tuple[str, ...]]:
    """The jobs on a generated file."""
    return measure(make_orders(given.folder, given.rows, dirty=dirty).path, given.rounds)


if __name__ == "__main__":
    main()
