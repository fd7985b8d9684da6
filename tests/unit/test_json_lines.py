"""RETAIL_LOG_FORMAT=json: every line on standard error is an object, whoever wrote it; without it nothing changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import PROJECT

HARMLESS = "import sys, logging, threading, warnings, prefect.main\nfrom flows.run import json_lines\n"
SPEAK = """
json_lines.use_log_format()
json_lines.use_log_format()  # again changes nothing
log = logging.getLogger("somebody")
log.warning("first\\nsecond :smile: \\u2028 \\x1b[31m")
log.warning("%d files", "many")
logging.getLogger("runs").warning("of a run", extra={"flow_run_id": "r-1", "flow_run_name": "happy-owl"})
with json_lines.naming_run("r-2"):
    log.error("of a file", extra={"table": "raw_orders", "file": "raw_orders.csv"})
    try:
        raise ValueError("wrong")
    except ValueError:
        log.exception("it failed")
warnings.warn("old")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
json_lines.tell("pipeline failed: why")
sys.exit(1 if len(sys.argv) < 2 else {}["missing"])
"""


def speak(code: str, *arguments: str, log_format: str | None = "json") -> str:
    """What a process says on standard error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RETAIL_", "PREFECT_"))}
    environment |= {"RETAIL_LOG_FORMAT": log_format} if log_format else {}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    return done.stderr


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in speak(HARMLESS + SPEAK, "uncaught").splitlines()]


def find(lines: list[dict[str, Any]], **wanted: str) -> dict[str, Any]:
    (found,) = [line for line in lines if wanted.items() <= line.items()]
    return found


def test_every_line_is_an_object_with_time_level_logger_and_message(lines: list[dict[str, Any]]) -> None:
    assert len(lines) == 9
    for line in lines:
        assert line.keys() >= {"time", "level", "logger", "message"}
        assert line["time"].endswith("+00:00")
    assert find(lines, message="first\nsecond :smile: \u2028 \x1b[31m")["logger"] == "somebody"
    assert find(lines, message="%d files ('many',)")["level"] == "WARNING"
    assert "old" in find(lines, logger="py.warnings")["message"]


def test_line_names_run_file_and_table_where_it_knows_them(lines: list[dict[str, Any]]) -> None:
    assert find(lines, message="of a run").items() >= {"run_id": "r-1", "flow_run": "happy-owl"}.items()
    known = {"run_id": "r-2", "table": "raw_orders", "file": "raw_orders.csv"}
    assert find(lines, message="of a file").items() >= known.items()
    assert "run_id" not in find(lines, logger="py.warnings")
    assert find(lines, message="pipeline failed: why").items() >= {"run_id": "r-2", "level": "ERROR"}.items()


def test_exceptions_are_a_field_also_those_that_nobody_caught(lines: list[dict[str, Any]]) -> None:
    caught = find(lines, message="it failed")["exception"]
    assert (caught["type"], caught["message"]) == ("ValueError", "wrong")
    assert 'raise ValueError("wrong")' in caught["traceback"] or "ValueError: wrong" in caught["traceback"]
    uncaught = {line["exception"]["type"] for line in lines if line["message"].startswith("uncaught")}
    assert uncaught == {"ZeroDivisionError", "KeyError"}


@pytest.mark.parametrize("log_format", [None, "text"])
def test_without_it_lines_are_text_as_ever(log_format: str | None) -> None:
    code = HARMLESS + "json_lines.use_log_format()\nlogging.getLogger('x').warning('as ever')\njson_lines.tell('end')"
    said = speak(code, log_format=log_format).splitlines()
    assert said[0].endswith("| WARNING | x - as ever")
    assert said[1:] == ["", "end"]


def test_process_of_a_worker_speaks_json_from_the_import_of_a_flow_on() -> None:
    said = speak("import logging, prefect\nimport flows\nlogging.getLogger('x').warning('of a worker')")
    assert json.loads(said)["message"] == "of a worker"


@pytest.mark.parametrize("program", ["flows.pipeline", "flows.forget", "flows.backfill"])
def test_wrong_usage_is_told_as_an_object_too(program: str) -> None:
    arguments = ["c1"] if program == "flows.forget" else []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RETAIL_")}
    environment |= {"RETAIL_LOG_FORMAT": "json", "RETAIL_TARGET": "nowhere", "RETAIL_CURRENCY": "x"}
    command = [sys.executable, "-m", program, *arguments]
    if program == "flows.backfill":
        command += ["--from", "2026-01-01", "--to", "2026-01-02"]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    (line,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert "RETAIL_TARGET" in line["message"]
    assert line["level"] == "ERROR"
