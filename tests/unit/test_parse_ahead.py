"""The dbt project is parsed ahead as the run would parse it, once, and only where nobody and nothing is in the way."""

from __future__ import annotations

import os
import shutil
import signal
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.marts import parse_ahead as module
from flows.marts.parse_ahead import parse_ahead
from flows.marts.runner import PARTIAL_PARSE, invoke_dbt, release_warehouse
from flows.run.ahead import parse_project
from flows.run.interruption import Terminated, heed_signals
from flows.run.settings import Settings, load_settings
from flows.warehouse.lock import hold_work_dir
from tests.conftest import PROJECT
from tests.unit.test_kept_parses import count_full_parses

PROFILE = """
[shop]
currency = "EUR"
classes = { Stammkunde = 500, Gast = 0 }
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A work folder that is not there yet, and a small project in the place of ours."""
    monkeypatch.setenv("FLAKY_FILE", str(tmp_path / "flag"))
    project = shutil.copytree(PROJECT / "tests/flows/flaky_dbt", tmp_path / "dbt")
    shutil.copy(PROJECT / "dbt" / "profiles.yml", project)
    return load_settings(work_dir=str(tmp_path / "work"), dbt_project_dir=str(project))


def kept(settings: Settings) -> Path:
    return settings.dbt_target_dir / PARTIAL_PARSE


@pytest.mark.parametrize("profile", [None, PROFILE], ids=["without-vars", "with-vars"])
def test_what_was_parsed_ahead_is_what_the_run_would_have_parsed(tmp_path: Path, profile: str | None) -> None:
    given: dict[str, Any] = {"work_dir": str(tmp_path / "work"), "dbt_node_runs": False}
    if profile:
        (tmp_path / "shop.toml").write_text(profile, encoding="utf-8")
        given["profile"] = str(tmp_path / "shop.toml")
    settings = load_settings(**given)
    assert bool(settings.dbt_variables()) is bool(profile)
    with count_full_parses() as parsed:
        assert parse_ahead(settings)
        assert len(parsed) == 1
        assert {path.stat().st_mode & 0o077 for path in settings.work_dir.rglob("*")} == {0}
        invoke_dbt(["parse"], settings.model_copy(update={"as_of": date(2025, 6, 30)}))
        assert not parse_ahead(settings)
        assert len(parsed) == 1
    release_warehouse(settings)
    assert not settings.duckdb_path.exists()
    assert not [name for name in os.environ if name.startswith(("RETAIL_DBT_", "DBT_"))]


def test_a_project_with_a_fault_is_left_to_the_run_to_tell(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    assert parse_ahead(settings)
    kept(settings).unlink()
    (settings.dbt_project_dir / "models" / "broken.sql").write_text("select {{ nothing(", encoding="utf-8")
    assert not parse_ahead(settings)
    assert capfd.readouterr() == ("", "")
    assert not kept(settings).exists()


def test_nothing_is_parsed_ahead_for_redshift_nor_beside_another_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[Settings] = []
    monkeypatch.setattr(module, "_parse", parsed.append)
    assert not parse_ahead(settings.model_copy(update={"target": "redshift"}))
    assert not settings.work_dir.exists()
    with hold_work_dir(settings.work_dir, "another run"):
        assert not parse_ahead(settings)
        assert (settings.work_dir / ".lock").read_text(encoding="utf-8") == "another run"
    assert parsed == []
    assert not parse_ahead(settings)
    assert parsed == [settings]


def test_while_it_is_parsed_others_are_told_and_afterwards_let_in(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(module, "_parse", lambda _: told.append((settings.work_dir / ".lock").read_text("utf-8")))
    parse_ahead(settings)
    assert f"run that is just starting, process {os.getpid()}" in told[0]
    with hold_work_dir(settings.work_dir, "another run"):
        pass


def test_a_folder_of_dbt_that_leads_elsewhere_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    settings.work_dir.mkdir()
    (settings.work_dir / "dbt").symlink_to(elsewhere)
    assert not parse_ahead(settings)
    assert list(elsewhere.iterdir()) == []


def test_a_work_folder_that_cannot_be_made_is_left_to_the_run_to_tell(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file", encoding="utf-8")
    assert not parse_ahead(settings)


def test_a_run_that_is_told_to_stop_meanwhile_stops(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from dbt.parser.manifest import ManifestLoader

    monkeypatch.setattr(ManifestLoader, "load", lambda _: os.kill(os.getpid(), signal.SIGTERM))
    with heed_signals(), pytest.raises(Terminated):
        parse_project(settings)
    with hold_work_dir(settings.work_dir, "another run"):
        pass
