"""Flows prove that they hold the warehouse before they build, before they vouch for it, and before they publish."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flows.errors import LoadError
from flows.pipeline import retail_pipeline
from flows.report import report
from flows.transform import transform
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.conftest import Finished
from tests.tiny_shop import AS_OF, write_shop

pytestmark = pytest.mark.usefixtures("without_node_runs")


class Lost:
    """A warehouse whose lease is found to be lost at the proof of that number."""

    def __init__(self, at: int) -> None:
        self.at, self.proofs, self.held = at, 0, 0

    def prove(self) -> None:
        self.proofs += 1
        if self.proofs == self.at:
            raise LoadError("another run has taken over")

    @contextmanager
    def hold(self, _run_id: str, *_: Any) -> Iterator[None]:
        self.held += 1
        yield


@pytest.fixture
def work_dir(tiny_run: Finished, tmp_path: Path) -> Path:
    """A copy of the finished tiny run, to be changed at will."""
    return Path(shutil.copytree(tiny_run.work_dir, tmp_path / "work", symlinks=True))


def lose(monkeypatch: pytest.MonkeyPatch, at: int) -> Lost:
    lost = Lost(at)
    monkeypatch.setattr(DuckDBWarehouse, "prove_hold", lost.prove)
    monkeypatch.setattr(DuckDBWarehouse, "hold", lost.hold)
    return lost


@pytest.mark.parametrize(("at", "is_built"), [(1, False), (2, True)])
def test_transform_that_lost_the_warehouse_does_not_vouch_for_the_build(
    work_dir: Path, monkeypatch: pytest.MonkeyPatch, at: int, *, is_built: bool
) -> None:
    def recorded(*_arguments: Any) -> None:
        raise AssertionError("a build was vouched for")

    results = work_dir / "dbt" / "local" / "run_results.json"
    before = results.stat().st_mtime_ns
    lose(monkeypatch, at)
    monkeypatch.setattr(DuckDBWarehouse, "record_build", recorded)
    with pytest.raises(LoadError, match="taken over"):
        transform(work_dir=str(work_dir))
    assert (results.exists() and results.stat().st_mtime_ns != before) is is_built


def test_report_that_lost_the_warehouse_is_not_published(work_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def published() -> dict[str, Path]:
        return {path.name: path.resolve() for path in (work_dir / "reports").iterdir()}

    before, listed = published(), (work_dir / "reports" / "index.html").read_text(encoding="utf-8")
    lose(monkeypatch, 1)
    with pytest.raises(LoadError, match="taken over"):
        report(work_dir=str(work_dir), as_of=AS_OF)
    assert published() == before
    assert "latest" in before
    assert (work_dir / "reports" / "index.html").read_text(encoding="utf-8") == listed


def test_pipeline_holds_the_warehouse_once_for_all_its_steps(
    tmp_path: Path, prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = lose(monkeypatch, 0)
    retail_pipeline(source=str(write_shop(tmp_path / "source")), work_dir=str(tmp_path / "work"), as_of=AS_OF)
    assert (lost.held, lost.proofs) == (1, 3)
