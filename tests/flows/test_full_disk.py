"""Building and reporting on a real disk that is full: one message, the last report as it was, and then all is well."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.errors import LoadError
from flows.report import report
from flows.transform import transform
from reports.facts import hash_files
from tests.conftest import Finished
from tests.small_disks import fill, mounted


@pytest.fixture
def work_dir(tiny_run: Finished, tmp_path: Path) -> Iterator[Path]:
    """A copy of the finished tiny run on a disk of 80 MB."""
    with mounted(tmp_path / "disk", 80) as disk:
        yield Path(shutil.copytree(tiny_run.work_dir, disk / "work", symlinks=True))


@pytest.mark.parametrize(
    ("flow", "spare_kilobytes"),
    [(transform, 0), (transform, 900), (report, 100), (report, 1000)],
)
def test_full_disk_amid_a_build_or_report_is_one_message_and_the_last_report_stands(
    work_dir: Path, flow: Callable[..., Any], spare_kilobytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_DBT_RETRY_DELAY_SECONDS", "0")
    reports, day = work_dir / "reports", date(2025, 6, 29)
    before = hash_files(reports / "latest", "none")
    ballast = fill(work_dir.parent, spare_kilobytes)
    with pytest.raises(LoadError) as refused:
        flow(work_dir=str(work_dir), as_of=day)
    told = str(refused.value)
    assert str(work_dir) in told
    assert "ree space" in told
    assert "run again" in told
    assert hash_files(reports / "latest", "none") == before
    ballast.unlink()
    if flow is transform:
        transform(work_dir=str(work_dir), as_of=day)
    made = report(work_dir=str(work_dir), as_of=day)
    assert Path(made["report"]).is_file()
    assert made["as_of"] == day.isoformat()
    assert not list(reports.glob(".*"))
