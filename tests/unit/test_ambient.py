"""Somebody else's environment: what it may say, and what it must not change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.run.ambient import LOOPBACK, PREFECT, settle
from tests.conftest import PROJECT

# What a process of ours sees of Prefect's settings and of proxies, whatever the shell said
LOOK = """
import flows, prefect
from urllib.request import proxy_bypass_environment
from prefect.settings import get_current_settings
found = get_current_settings()
print([
    found.flows.default_retries, found.tasks.default_retries, found.tasks.default_persist_result,
    found.results.persist_by_default, found.results.default_serializer, found.results.default_storage_block,
    found.logging.log_prints, found.tasks.refresh_cache,
    [bool(proxy_bypass_environment(host)) for host in ("127.0.0.1", "localhost", "example.org")],
])
"""
EXPECTED = "[0, 0, False, False, 'pickle', None, False, False, [True, True, False]]"
HOSTILE = {
    "canonical": {
        "PREFECT_FLOWS_DEFAULT_RETRIES": "3",
        "PREFECT_TASKS_DEFAULT_RETRIES": "3",
        "PREFECT_TASKS_DEFAULT_PERSIST_RESULT": "true",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK": "s3-bucket/theirs",
        "PREFECT_LOGGING_LOG_PRINTS": "true",
        "PREFECT_TASKS_REFRESH_CACHE": "true",
        "HTTP_PROXY": "http://192.0.2.1:3128",
    },
    "aliases": {
        "PREFECT_FLOW_DEFAULT_RETRIES": "3",
        "PREFECT_TASK_DEFAULT_RETRIES": "3",
        "PREFECT_DEFAULT_RESULT_STORAGE_BLOCK": "s3-bucket/theirs",
        "https_proxy": "http://192.0.2.1:3128",
        "NO_PROXY": "intranet.example",
    },
}
PROFILE = """
active = "theirs"
[profiles.theirs]
PREFECT_FLOWS_DEFAULT_RETRIES = "3"
PREFECT_TASKS_DEFAULT_RETRIES = "3"
PREFECT_TASKS_DEFAULT_PERSIST_RESULT = "true"
PREFECT_RESULTS_PERSIST_BY_DEFAULT = "true"
PREFECT_RESULTS_DEFAULT_SERIALIZER = "json"
PREFECT_LOGGING_LOG_PRINTS = "true"
"""


def clean_environment(**hostile: str) -> dict[str, str]:
    """This process's environment without what its server and its own start put there, with what is hostile."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {name: value for name, value in ours.items() if "proxy" not in name.lower()} | hostile


def run_python(script: str, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *(arguments or ("-c", script))],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_prefect_settings_of_the_shell_change_neither_flows_nor_tasks(hostile: dict[str, str], tmp_path: Path) -> None:
    done = run_python(LOOK, clean_environment(PREFECT_HOME=str(tmp_path), **hostile))
    assert done.stdout.strip().splitlines()[-1:] == [EXPECTED], done.stderr


def test_prefect_profile_of_the_user_changes_neither_flows_nor_tasks(tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").write_text(PROFILE, encoding="utf-8")
    done = run_python(LOOK, clean_environment(PREFECT_HOME=str(tmp_path), HTTPS_PROXY="http://192.0.2.1:3128"))
    assert done.stdout.strip().splitlines()[-1:] == [EXPECTED], done.stderr


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("known", [{}, {"NO_PROXY": "a.example"}, {"no_proxy": "a.example,localhost"}])
def test_settle_lets_no_proxy_stand_before_this_machine(name: str, known: dict[str, str]) -> None:
    environment = {name: "http://192.0.2.1:3128"} | known
    settle(environment)
    hosts = environment["no_proxy"].split(",")
    assert environment["NO_PROXY"] == environment["no_proxy"]
    assert set(hosts) == {*LOOPBACK, *(["a.example"] if known else [])}
    assert len(hosts) == len(set(hosts))
    assert environment[name] == "http://192.0.2.1:3128", "S3 may lie behind it"


def test_settle_drops_a_socks_proxy_that_prefect_cannot_speak_to() -> None:
    environment = {"ALL_PROXY": "socks5h://192.0.2.1:1080", "all_proxy": "SOCKS5://192.0.2.1:1080"}
    settle(environment)
    assert environment == PREFECT


def test_settle_leaves_what_is_the_users_to_say() -> None:
    said = {"PREFECT_API_URL": "https://x.example/api", "AWS_PROFILE": "shop", "RETAIL_TARGET": "redshift", "TZ": "UTC"}
    environment = dict(said)
    settle(environment)
    assert environment == said | PREFECT


WRONG = ["-m", "flows.ingest", "--source", "/nowhere/d\u00e9j\u00e0"]


SHELLS = {
    "odd": {"PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2", "HOME": "/nonexistent", "TZ": "Nowhere/Nothing"},
    "ascii": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
    "narrow": {"COLUMNS": "1", "NO_COLOR": "1", "PYTHONSAFEPATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
}


@pytest.mark.parametrize("hostile", SHELLS.values(), ids=SHELLS)
def test_command_line_answers_in_any_environment(hostile: dict[str, str]) -> None:
    helped = run_python("", clean_environment(**hostile), "-m", "flows.pipeline", "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "Load" in helped.stdout
    refused = run_python("", clean_environment(**hostile), *WRONG)
    assert refused.returncode == 2
    assert "the source folder cannot be read" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "not printable" not in refused.stderr


def test_folder_with_accents_is_found_where_python_takes_names_for_ascii(tmp_path: Path) -> None:
    source = tmp_path / "Donn\u00e9es"
    source.mkdir()
    shell = clean_environment(**SHELLS["ascii"], RETAIL_WORK_DIR=str(tmp_path / "\u00e9t\u00e9"))
    done = run_python("", shell, "-m", "flows.ingest", "--source", str(source))
    assert done.returncode == 2
    assert "no raw data found" in done.stderr, done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_summary_is_printed_whatever_the_terminal_can_show(encoding: str) -> None:
    script = (
        "from flows.run.ambient import settle_process\nsettle_process()\n"
        "print('report  Donn\\xe9es d\\u2019\\xe9t\\xe9/index.html')\n"
    )
    done = run_python(script, clean_environment(PYTHONIOENCODING=encoding))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("/index.html\n")


def test_warnings_as_errors_do_not_keep_the_flows_from_being_imported() -> None:
    script = "import flows.run.ambient as a; a.settle_process(); import flows.pipeline, os; print(dict(os.environ))"
    done = run_python(script, clean_environment(PYTHONWARNINGS="error"))
    assert done.returncode == 0, done.stderr
    assert "PYTHONWARNINGS" not in done.stdout


@pytest.mark.parametrize("hostile", [{}, {"PYTHONWARNINGS": "error"}], ids=["usual", "errors"])
def test_command_line_shows_no_warnings_that_python_hides(hostile: dict[str, str]) -> None:
    script = (
        "import warnings\nfrom flows.run.ambient import settle_process\nsettle_process()\n"
        "warnings.warn_explicit('hidden', ResourceWarning, 'x.py', 1)\n"
        "warnings.warn_explicit('seen', UserWarning, 'x.py', 1)"
    )
    done = run_python(script, clean_environment(**hostile))
    assert done.returncode == 0, done.stderr
    assert "seen" in done.stderr
    assert "hidden" not in done.stderr
