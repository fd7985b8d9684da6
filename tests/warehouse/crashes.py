"""What the crash tests and the crash campaign share: scenarios, the killed process, and the state that is compared."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen
from threading import Timer
from typing import Any

import duckdb

from flows.lake.contracts import CONTRACTS
from flows.warehouse.parity import raw_relations
from tests.tiny_shop import FILES, write_shop

PROJECT = Path(__file__).resolve().parents[2]
NOT_COMPARED = "_run_id, _loaded_at"
ORDERS_HEADER = FILES["raw_orders.csv"].splitlines()[0]


class Core:
    """The core of the ingest in processes of its own; see `crash_child`. Some are kept ready: a start takes long."""

    def __init__(self, kept_ready: int = 2) -> None:
        self._ready = [_start_child() for _ in range(kept_ready)]
        self._whole = _start_child()

    def run(self, source: Path, work_dir: Path, **order: Any) -> dict[str, Any]:
        """Run the ingest once; `exit_code` is None if it was killed. Without an order one process serves many runs."""
        if not order:
            return self.run_whole(source, work_dir)
        child = self.start(source, work_dir, **order)
        return self.finish(child, order.get("kill_after_seconds"))

    def run_whole(self, source: Path, work_dir: Path, **order: Any) -> dict[str, Any]:
        """Run the ingest once, in the process that serves many runs: nothing in the order may kill or limit it."""
        return _answer(_order(self._whole, source, work_dir, **order))

    def start(self, source: Path, work_dir: Path, **order: Any) -> Popen[str]:
        """Begin a run in a process of its own."""
        self._ready.append(_start_child())
        return _order(self._ready.pop(0), source, work_dir, **order)

    def finish(self, child: Popen[str], kill_after_seconds: float | None = None) -> dict[str, Any]:
        """Wait for the end of a run, which may be that it is killed from here."""
        timer = Timer(kill_after_seconds or 0, child.kill)
        if kill_after_seconds is not None:
            timer.start()
        answer = _answer(child)
        timer.cancel()
        child.kill()
        child.communicate()
        return answer

    def close(self) -> None:
        """End all processes."""
        for child in (*self._ready, self._whole):
            child.kill()
            child.communicate()


def _start_child() -> Popen[str]:
    return Popen([sys.executable, "-m", "tests.warehouse.crash_child"], cwd=PROJECT, stdin=PIPE, stdout=PIPE, text=True)


def _order(child: Popen[str], source: Path, work_dir: Path, **order: Any) -> Popen[str]:
    assert child.stdin
    assert child.stdout
    if not hasattr(child, "is_ready"):
        assert child.stdout.readline() == "ready\n"
        child.is_ready = True  # type: ignore[attr-defined]
    child.stdin.write(json.dumps({"source": str(source), "work_dir": str(work_dir), **order}) + "\n")
    child.stdin.flush()
    return child


def _answer(child: Popen[str]) -> dict[str, Any]:
    assert child.stdout
    steps = []
    for line in child.stdout:
        if line.startswith("= "):
            return {"steps": steps, **json.loads(line[2:])}
        steps.append(line[2:].rstrip("\n"))
    return {"steps": steps, "exit_code": None, "message": ""}


@dataclass(frozen=True)
class Scenario:
    """A source, and the work folder as an earlier run left it."""

    name: str
    source: Path
    before: Path

    def start(self, work_dir: Path) -> Path:
        """Put the work folder into the state before the run."""
        shutil.rmtree(work_dir, ignore_errors=True)
        if self.before.exists():
            shutil.copytree(self.before, work_dir)
        return work_dir


def make_scenarios(folder: Path, core: Core) -> list[Scenario]:
    """A first load; a second run with every kind of change; a second run that is refused."""
    first = write_shop(
        folder / "first",
        raw_customers=FILES["raw_customers.csv"] + "short\n",
        raw_items=FILES["raw_items.csv"] + "i9,,p1\n",
    )
    (first / "raw_orders_may.csv").write_text(f"{ORDERS_HEADER}\nm1,c1,2025-05-01T00:00:00,s1,100,5,105\n")
    loaded = folder / "loaded"
    assert core.run(first, loaded)["exit_code"] == 0
    second = shutil.copytree(first, folder / "second")
    (second / "raw_orders.csv").write_text(FILES["raw_orders.csv"].replace("o7,c5", "o8,c5"))
    (second / "raw_customers.csv").write_text(FILES["raw_customers.csv"].replace("c4,Di", "c6,was short\nc7,Di"))
    (second / "raw_products.csv").write_text(FILES["raw_products.csv"].replace("1000", "1100"))
    (second / "raw_items.csv").write_text(FILES["raw_items.csv"] + "i9,,p1\ni10,o1\n")
    june = f"{ORDERS_HEADER}\n" + "".join(f"j{n},c1,2025-06-01T00:00:00,s1,{n},0,{n}\n" for n in range(3000))
    (second / "raw_orders_june.csv.gz").write_bytes(gzip.compress(june.encode(), mtime=0))
    (second / "raw_orders_may.csv").unlink()
    refused = shutil.copytree(second, folder / "refused")
    (refused / "raw_stores.csv").write_text("id,title\ns1,North\n")
    return [
        Scenario("first", first, folder / "none"),
        Scenario("second", second, loaded),
        Scenario("refused", refused, loaded),
    ]


def read_state(work_dir: Path) -> dict[str, Any]:
    """All that a run leaves: raw rows and ledger without run and time, all files, and the hashes of Parquet files."""
    files = sorted(path.relative_to(work_dir) for path in work_dir.rglob("*") if path.is_file())
    hashes = {str(f): hashlib.sha256((work_dir / f).read_bytes()).hexdigest() for f in files if f.suffix == ".parquet"}
    state: dict[str, Any] = {"files": [str(file) for file in files], "hashes": hashes}
    with duckdb.connect(str(work_dir / "warehouse.duckdb")) as connection:
        for table in CONTRACTS:
            sql = f"select * exclude ({NOT_COMPARED}) from raw.{table} order by all"
            state[table] = connection.execute(sql).fetchall()
        for relation in raw_relations(CONTRACTS.values()):
            if relation.schema == "ops":
                state[str(relation.table)] = connection.execute(f"{relation.query('')} order by all").fetchall()
    return state


def find_torn(work_dir: Path, scratch: Path) -> list[str]:
    """Files of which a killed run left something else than one whole version; read from a copy of the warehouse."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for name in ("warehouse.duckdb", "warehouse.duckdb.wal"):
        if (work_dir / name).exists():
            shutil.copy(work_dir / name, scratch / name)
    if not (scratch / "warehouse.duckdb").exists():
        return []
    with duckdb.connect(str(scratch / "warehouse.duckdb")) as connection:
        made = {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}
        if "load_ledger" not in made:
            return []
        rows = "select table_name, file_name, file_sha256, rows_loaded from ops.load_ledger where rows_loaded > 0"
        ledger = set(connection.execute(rows).fetchall())
        found = {
            (table, *row)
            for table in CONTRACTS
            if table in made
            for row in connection.execute(
                f"select _file, _file_sha256, count(distinct _row) from raw.{table} group by all"
            ).fetchall()
        }
    return sorted(map(str, ledger ^ found))
