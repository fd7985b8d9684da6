"""Tests may take a parse of dbt's that was made before only where it is the one that would be made."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from flows.run.settings import Settings, load_settings
from tests.conftest import PROJECT
from tests.kept_parses import KEPT_PARSES, parsing_once

OF_THE_MOMENT = ("created_at", "generated_at", "invocation_id", "invocation_started_at", "root_path", "run_started_at")


@contextmanager
def count_full_parses() -> Iterator[list[str]]:
    """The targets of what was parsed from nothing meanwhile."""
    from dbt.parser.manifest import ManifestLoader

    original, targets = ManifestLoader.load, []

    def load(loader: Any) -> Any:
        if loader.saved_manifest is None:
            targets.append(Path(loader.root_project.project_target_path).parent.name)
        return original(loader)

    with patch.object(ManifestLoader, "load", load):
        yield targets


def run_dbt(command: str, settings: Settings, *options: str, project: Path = PROJECT / "dbt") -> None:
    """Run dbt in this process as a flow does, with what the settings say of the run."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    work_dir = settings.work_dir
    places = ["--project-dir", project, "--profiles-dir", PROJECT / "dbt", "--target-path", work_dir / "dbt"]
    given = {"DBT_LOG_PATH": str(work_dir / "logs"), "FLAKY_FILE": str(work_dir)}
    with patch.dict(os.environ, settings.dbt_environment() | given):
        done = dbtRunner().invoke(
            [command, *map(str, places), "--quiet", "--vars", json.dumps(settings.dbt_variables()), *options]
        )
    DuckDBConnectionManager.close_all_connections()
    assert done.success, done.exception


def parse(project: Path, work_dir: Path, **variables: str) -> dict[str, Any]:
    """What dbt wrote of the project, without what belongs to the moment."""
    run_dbt("parse", load_settings(work_dir=str(work_dir)), "--vars", json.dumps(variables), project=project)
    return dict(strip(json.loads((work_dir / "dbt" / "manifest.json").read_text(encoding="utf-8"))))


def strip(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: strip(value) for key, value in found.items() if key not in OF_THE_MOMENT}
    return [strip(each) for each in found] if isinstance(found, list) else found


def test_parse_of_another_work_folder_is_the_one_that_would_be_made_there(tmp_path: Path) -> None:
    made = {}
    with count_full_parses() as parsed:
        for name in ("first", "second", "without"):
            with parsing_once(tmp_path / "kept") if name != "without" else nullcontext():
                made[name] = parse(PROJECT / "dbt", tmp_path / name)
    assert parsed == ["first", "without"]
    assert len(made["without"]["nodes"]) > 120
    for key in made["without"]:
        assert made["second"][key] == made["first"][key] == made["without"][key], key


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project, to be changed at will."""
    folder = Path(shutil.copytree(PROJECT / "tests/flows/flaky_dbt", tmp_path / "dbt"))
    (folder / "models" / "day.sql").write_text("select '{{ var('day', 'none') }}' as told")
    return folder


def test_another_day_is_compiled_without_parsing_the_project_again(tmp_path: Path) -> None:
    with parsing_once(Path(os.environ[KEPT_PARSES])):  # the first parse of a session is of no interest here
        run_dbt("parse", load_settings(work_dir=str(tmp_path)))
        with count_full_parses() as parsed:
            for day in ("2025-06-30", "2024-02-29", None):
                run_dbt("compile", load_settings(work_dir=str(tmp_path), as_of=day), "--select", "sales_by_category")
                (path,) = tmp_path.rglob("compiled/**/sales_by_category.sql")
                compiled = path.read_text(encoding="utf-8")
                assert (f"select cast('{day}' as date) as as_of_date" in compiled) == (day is not None)
                assert ("select max(order_date) as as_of_date" in compiled) == (day is None)
    assert parsed == []


def test_project_that_has_changed_and_other_vars_are_parsed_anew(project: Path, tmp_path: Path) -> None:
    with parsing_once(tmp_path / "kept"), count_full_parses() as parsed:
        before = parse(project, tmp_path / "first")["nodes"]
        (project / "models" / "day.sql").write_text("select 2 as two")
        after = parse(project, tmp_path / "second")["nodes"]
        assert parsed == ["first"]
        assert [nodes["model.flaky.day"]["raw_code"][:8] for nodes in (before, after)] == ["select '", "select 2"]
        parse(project, tmp_path / "second", day="1")
        parse(project, tmp_path / "third", day="1")
        parse(project, tmp_path / "third")
    assert parsed == ["first", "second"]
