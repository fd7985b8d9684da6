"""A work folder that came back from a backup: elsewhere, with other times, with copies where links were."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

from flows.ingest import ingest
from flows.report import report
from tests.conftest import Finished
from tests.tiny_shop import AS_OF, write_shop

LONG_AGO = 915_148_800  # 1999


def restore(work_dir: Path, place: Path) -> Path:
    """As `cp -r` and many backups do: all files are as old as each other, and links have become what they led to."""
    shutil.copytree(work_dir, place, symlinks=False)
    for path in place.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return place


def digest(folder: Path) -> dict[str, str]:
    found = [*folder.glob("*.parquet"), *folder.glob("*.png"), *folder.glob("*.svg")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def read_rows_in(summary: dict[str, object]) -> str:
    """How many records the page says it was made from."""
    page = Path(str(summary["report"])).read_text(encoding="utf-8")
    told = re.search(r"Records in: ([\d,]+) = ", page)
    assert told
    return told.group(1)


def test_restored_folder_is_gone_on_with_and_tells_the_rows_of_its_build(tiny_run: Finished, tmp_path: Path) -> None:
    work_dir = restore(tiny_run.work_dir, tmp_path / "restored")
    source = write_shop(tmp_path / "source")
    assert not (work_dir / "reports/latest").is_symlink()
    assert {file["status"] for file in ingest(str(source), str(work_dir))["files"]} == {"unchanged"}
    first = report(work_dir=str(work_dir), as_of=AS_OF)
    assert (work_dir / "reports/latest").is_symlink()
    assert digest(work_dir / "reports/latest") == digest(tiny_run.report)

    (source / "raw_customers_2025-08-01.csv").write_text("id,name\nc9,New\nc10,Newer\n", encoding="utf-8")
    assert ingest(str(source), str(work_dir))["files"][-1]["rows_in"] > 0
    behind = report(work_dir=str(work_dir), as_of=AS_OF)
    assert behind["files_loaded_since_build"] is True
    assert (
        read_rows_in(first) == read_rows_in(behind) == str(sum(file["rows_in"] for file in tiny_run.summary["files"]))
    )
