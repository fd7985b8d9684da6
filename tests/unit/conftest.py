"""What dbt knows of the project, parsed once for the tests of this folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.marts.environment import process_environment
from flows.run.settings import load_settings


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The dbt project as dbt reads it."""
    folder = tmp_path_factory.mktemp("manifest")
    settings = load_settings(work_dir=str(folder))
    project = str(settings.dbt_project_dir)
    folders = ["--project-dir", project, "--profiles-dir", project, "--target-path", str(folder)]
    subprocess.run(
        [str(Path(sys.executable).parent / "dbt"), "--quiet", "parse", *folders],
        env=process_environment(settings.dbt_environment() | {"DBT_LOG_PATH": str(folder / "logs")}),
        check=True,
    )
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return found
