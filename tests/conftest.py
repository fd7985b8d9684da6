"""One Prefect server and one run on the shipped data, shared by the whole session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

for name in [name for name in os.environ if name.startswith(("RETAIL_", "DBT_"))]:
    if name != "RETAIL_SKIP_BROWSER":
        del os.environ[name]  # a test must not depend on who runs it

PROJECT = Path(__file__).resolve().parent.parent
DATASETS = PROJECT / "data" / "datasets"


@dataclass(frozen=True)
class Finished:
    """A run that has ended: its summary and its work folder."""

    summary: dict[str, Any]
    work_dir: Path

    @property
    def report(self) -> Path:
        return self.work_dir / "reports" / "latest"


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A Prefect server with an empty database of its own."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="session")
def shipped_run(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The pipeline run once on the shipped data. Copy the work folder to change anything in it."""
    from flows.pipeline import retail_pipeline

    work_dir = tmp_path_factory.mktemp("shipped")
    return Finished(retail_pipeline(source=str(DATASETS), work_dir=str(work_dir)), work_dir)


@pytest.fixture(scope="session")
def tiny_run(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The pipeline run once on the tiny shop. Copy the work folder to change anything in it."""
    from flows.pipeline import retail_pipeline
    from tests.tiny_shop import AS_OF, write_shop

    source, work_dir = write_shop(tmp_path_factory.mktemp("tiny_source")), tmp_path_factory.mktemp("tiny")
    return Finished(retail_pipeline(source=str(source), work_dir=str(work_dir), as_of=AS_OF), work_dir)
