"""The command line of maintenance: its help, its own option, and what it refuses before anything starts."""

from __future__ import annotations

import pytest

from flows.run.maintenance_command import read_command


def test_options_are_those_of_the_flow(tmp_path: object) -> None:
    options = read_command(["--work-dir", str(tmp_path), "--rewrite"])
    assert options == {"work_dir": str(tmp_path), "target": None, "wait_s": None, "rewrite": True}


@pytest.mark.parametrize("option", [["--source", "in"], ["--profile", "shop.toml"]])
def test_options_of_sources_are_refused_for_none_is_read(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        read_command(option)
    assert "leave --source and --profile out" in capsys.readouterr().err


def test_target_without_its_settings_ends_with_2_and_the_cure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RETAIL_REDSHIFT_HOST", raising=False)
    with pytest.raises(SystemExit, match="2"):
        read_command(["--target", "redshift"])
    assert "maintenance failed: " in capsys.readouterr().err
