"""A shop whose files change from day to day, loaded and built as a run does it, but without Prefect.

`deliver` writes files and loads them as of a moment, `build` runs dbt on them; the clock is the test's own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from flows.lake.contracts import CONTRACTS
from flows.lake.sources import find_sources
from flows.run.settings import load_settings
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion
from tests.built_state import State, read_state
from tests.kept_parses import parsing_once

PROJECT = Path(__file__).resolve().parents[2]


@dataclass
class ChangingShop:
    """A folder of files, a work folder, and a counter that names its runs."""

    folder: Path
    runs: int = 0
    log: list[str] = field(default_factory=list)

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def work_dir(self) -> Path:
        return self.folder / "work"

    @property
    def database(self) -> Path:
        return self.work_dir / "warehouse.duckdb"

    def deliver(self, moment: str, **files: str | None) -> None:
        """Write files (`raw_orders="…"`, or a name with a date in it; None removes it) and load them at that moment."""
        self.source.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = self.source / f"{name}.csv"
            if text is None:
                path.unlink()
            else:
                path.write_text(text, encoding="utf-8")
        self.load(moment)

    def load(self, moment: str) -> None:
        """Load what lies in the source, as if it came at that moment (naive UTC)."""
        self.work_dir.mkdir(parents=True, exist_ok=True)
        self.runs += 1
        warehouse = DuckDBWarehouse(self.database)
        with at(moment):
            ingestion = Ingestion(warehouse, self.work_dir, f"run {self.runs}", 1.0)
            ingestion.load(ingestion.convert(find_sources(self.source, CONTRACTS).files))
        warehouse.close()

    def forget(self, *files: str) -> None:
        """Take files out of the warehouse by hand, rows and ledger, as docs/exactly-once.md says."""
        for name in files:
            table = next(table for table in CONTRACTS if name.startswith(table))
            self.change(f"delete from raw.{table} where _file = '{name}.csv'")
            self.change(f"delete from ops.load_ledger where file_name = '{name}.csv'")

    def build(self, *arguments: str, tests: bool = True, ratio: float = 1) -> dict[str, str]:
        """Run dbt without its unit tests; node → how it ended. `ratio` is the var max_unexplained_ratio."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        settings = load_settings(work_dir=str(self.work_dir))
        project = str(PROJECT / "dbt")
        options = ["--project-dir", project, "--profiles-dir", project, "--target-path", str(self.work_dir / "dbt")]
        options += ["--vars", f"{{max_unexplained_ratio: {ratio}}}", "--log-level-file", "none", "--quiet"]
        options += ["--exclude-resource-type", "unit_test"]
        if not tests:
            options += ["--exclude-resource-type", "test"]
        environment = settings.dbt_environment() | {"DBT_LOG_PATH": str(self.work_dir / "logs")}
        try:
            with patch.dict(os.environ, environment), parsing_once(), without_manifest():
                done = dbtRunner().invoke(["build", *arguments, *options])
        finally:
            DuckDBConnectionManager.close_all_connections()
        if done.result is None:
            raise AssertionError(str(done.exception))
        self.log = [
            f"{result.node.name}: {result.message}" for result in done.result if result.status in ("error", "fail")
        ]
        return {result.node.name: str(result.status) for result in done.result}

    def must_build(self, *arguments: str, **options: Any) -> None:
        """Build, and let nothing fail."""
        self.build(*arguments, **options)
        assert self.log == []

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the warehouse answers."""
        with duckdb.connect(str(self.database)) as connection:
            return connection.execute(sql).fetchall()

    def one(self, sql: str) -> Any:
        """The single value that the warehouse answers."""
        ((value,),) = self.rows(sql)
        return value

    def change(self, sql: str) -> None:
        """Change the warehouse by hand."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(sql)

    def copy(self, folder: Path) -> ChangingShop:
        """The same shop elsewhere, to go on another way."""
        shutil.copytree(self.folder, folder)
        return ChangingShop(folder, self.runs)

    def state(self) -> State:
        """Every relation that dbt makes → its rows."""
        return read_state(self.database)


@contextmanager
def without_manifest() -> Iterator[None]:
    """Let dbt write no manifest.json, which nothing reads of these builds: twice in each, a seventh of its time."""
    with patch("dbt.parser.manifest.write_manifest"), patch("dbt.task.runnable.write_manifest"):
        yield


@contextmanager
def at(moment: str) -> Iterator[None]:
    """Let files be delivered and loaded at this moment (naive UTC)."""
    fixed = datetime.fromisoformat(moment)

    class Fixed(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return fixed.replace(tzinfo=tz)

    with patch("flows.warehouse.versions.datetime", Fixed):
        yield
