"""The temporary server begins before Prefect is imported, and only where nothing may name another one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from flows.run import ahead
from flows.run.ahead import MODULES, PARSE, is_build_likely, prepare_ahead
from flows.run.early_server import may_name_server
from flows.run.settings import load_settings
from tests.conftest import PROJECT

OPTIONS = ["--source", "data/datasets", "--work-dir"]
CHECK = """
import sys
from pathlib import Path
from flows.run.command_line import check_command
check_command("pipeline", sys.argv[1:])
from flows.run.early_server import take_server
server = take_server()
print(server.process.pid if server else "none", "prefect" in sys.modules, flush=True)
sys.exit(int(server is not None and server.process.poll() is not None))
"""


def check(tmp_path: Path, **named: str) -> list[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, "-c", CHECK, *OPTIONS, str(tmp_path / "work")],
        cwd=PROJECT,
        env=environment | {"PREFECT_HOME": str(tmp_path / "home")} | named,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_a_command_begins_its_server_before_prefect_is_imported_and_leaves_none_behind(tmp_path: Path) -> None:
    process_id, has_prefect = check(tmp_path)
    assert has_prefect == "False"
    assert (tmp_path / "work/prefect/server.log").is_file()
    end = time.monotonic() + 10
    with suppress(ProcessLookupError):
        while time.monotonic() < end:
            os.kill(int(process_id), 0)
            time.sleep(0.05)
        pytest.fail("the server outlived the command")


def test_a_command_with_a_server_of_the_users_own_begins_none(tmp_path: Path) -> None:
    assert check(tmp_path, PREFECT_API_URL="http://127.0.0.1:9/api") == ["none", "False"]
    assert not (tmp_path / "work/prefect").exists()


@pytest.mark.parametrize(
    ("name", "text", "may"),
    [
        (".env", "RETAIL_TARGET=local\n", False),
        (".env", "PREFECT_API_URL=http://ours:4200/api\n", True),
        (".env", "export prefect_profile=cloud\n", True),
        ("prefect.toml", "[api]\nurl = 'http://ours:4200/api'\n", True),
        ("pyproject.toml", "[project]\ndependencies = ['prefect']\n", False),
        ("pyproject.toml", "[tool.prefect.api]\nurl = 'http://ours:4200/api'\n", True),
        ("home/profiles.toml", "active = 'ephemeral'\n[profiles.ephemeral]\n", False),
        ("home/profiles.toml", "[profiles.local]\nPREFECT_API_URL = 'http://ours:4200/api'\n", False),
        ("home/profiles.toml", "active = 'ours'\n[profiles.ours]\nPREFECT_API_URL = 'http://ours/api'\n", True),
        ("home/profiles.toml", "active = 'local'\n[profiles.ours]\n", True),
        ("home/profiles.toml", "active = 'local'\n", True),
        ("home/profiles.toml", "active = [\n", True),
        ("home/profiles.toml", "active = 'ours'\nprofiles = 1\n", True),
    ],
)
def test_a_server_may_be_named_by_each_file_that_prefect_reads(
    tmp_path: Path, name: str, text: str, *, may: bool
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert may_name_server({"PREFECT_HOME": str(tmp_path / "home")}, tmp_path) is may


def test_a_server_may_be_named_by_variables_and_by_profiles_elsewhere(tmp_path: Path) -> None:
    profiles = tmp_path / "elsewhere.toml"
    profiles.write_text("active = 'ours'\n[profiles.ours]\nPREFECT_API_URL = 'http://ours/api'\n", encoding="utf-8")
    home = {"PREFECT_HOME": str(tmp_path)}
    assert not may_name_server(home, tmp_path)
    assert not may_name_server(home | {"PREFECT_API_URL": ""}, tmp_path)
    assert may_name_server(home | {"PREFECT_API_URL": "http://ours/api"}, tmp_path)
    assert may_name_server(home | {"PREFECT_PROFILE": "cloud"}, tmp_path)
    assert may_name_server(home | {"PREFECT_PROFILES_PATH": str(profiles)}, tmp_path)


def test_a_build_is_likely_without_a_report_and_with_a_newer_file(tmp_path: Path) -> None:
    source, report = tmp_path / "source", tmp_path / "work/reports/latest/report.json"
    source.mkdir()
    (source / "raw_orders.csv").touch()
    os.utime(source / "raw_orders.csv", (1000, 1000))
    settings = load_settings(source=str(source), work_dir=str(tmp_path / "work"))
    assert is_build_likely(settings)
    report.parent.mkdir(parents=True)
    report.touch()
    os.utime(report, (2000, 2000))
    assert not is_build_likely(settings)
    assert is_build_likely(settings.model_copy(update={"rebuild": True}))
    assert is_build_likely(load_settings(source=str(source), work_dir=str(tmp_path / "work"), as_of="2026-03-31"))
    assert not is_build_likely(load_settings(source="s3://bucket/raw", work_dir=str(tmp_path / "work")))
    (source / "raw_orders_2026-04.csv").touch()
    os.utime(source / "raw_orders_2026-04.csv", (3000, 3000))
    assert is_build_likely(settings)


def test_only_the_main_job_prepares_ahead_and_only_where_a_build_is_likely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, parsed = load_settings(source="data/datasets", work_dir=str(tmp_path)), []
    monkeypatch.setattr(ahead, "parse_project", lambda settings: parsed.append(settings) or len(parsed) == 1)
    assert list(prepare_ahead("report", settings)) == []
    assert parsed == []
    assert list(prepare_ahead("pipeline", settings)) == [*MODULES, PARSE]
    assert list(prepare_ahead("pipeline", settings)) == list(MODULES)
    assert parsed == [settings, settings]
    assert set(MODULES) <= set(sys.modules)
    report = tmp_path / "reports/latest/report.json"
    report.parent.mkdir(parents=True)
    report.touch()
    assert list(prepare_ahead("pipeline", settings)) == []
    assert len(parsed) == 2
