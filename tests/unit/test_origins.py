"""A run says first which target and source it takes, and who said so; a deployment's empty parameters say nothing."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from flows.run.origins import describe_origins, tell_origins
from flows.run.settings import load_settings


def test_origins_tell_what_was_given_from_the_environment_and_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RETAIL_TARGET", "redshift")
    monkeypatch.setenv("RETAIL_SOURCE", "s3://bucket/nightly")
    told = describe_origins(load_settings(source="s3://bucket/again", work_dir=None))
    assert told.startswith("target redshift (RETAIL_TARGET), source s3://bucket/again (given), work folder ")
    assert told.endswith("data/work (default)")
    monkeypatch.setenv("RETAIL_WORK_DIR", str(tmp_path))
    assert describe_origins(load_settings()).endswith(f"work folder {tmp_path} (RETAIL_WORK_DIR)")


def test_origins_of_empty_parameters_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_TARGET", "redshift")
    settings = load_settings(source=None, work_dir=None, target=None, as_of=None)
    assert settings.target == "redshift"
    assert settings.origin("target") == "RETAIL_TARGET"
    assert load_settings(target="local").origin("target") == "given"


def test_origins_survive_a_profile_that_says_the_currency(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = load_settings(work_dir=str(tmp_path)).model_copy(update={"currency": "EUR"})
    assert (settings.origin("work_dir"), settings.origin("source")) == ("given", "default")


def test_origins_are_one_line_whatever_the_folder_is_called() -> None:
    assert "\n" not in describe_origins(load_settings(source="in\n2026 INFO all is well"))


def test_origins_are_logged_outside_of_a_flow_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        tell_origins(load_settings(target="local"))
    assert "target local (given)" in caplog.text
