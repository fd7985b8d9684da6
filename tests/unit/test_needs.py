"""What a run needs is looked at before Prefect and dbt are imported: a wrong setting costs a second or two."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows import ingest, pipeline, report, transform
from flows.errors import ConfigError
from flows.run.command_line import DESCRIPTIONS, REPORT
from flows.run.needs import check_needs, check_runner
from flows.run.settings import OPTIONS, load_settings
from tests.conftest import PROJECT

FLOWS = {
    "pipeline": pipeline.retail_pipeline,
    "ingest": ingest.ingest,
    "transform": transform.transform,
    "report": report.report,
}
HEAVY = ("prefect", "dbt", "boto3", "plotnine", "matplotlib")


def run_and_list_imports(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A flow's command line in a process that says at its end which heavy libraries it imported."""
    script = (
        "import runpy, sys\n"
        f"sys.argv[1:] = {list(arguments)!r}\n"
        "try:\n"
        f"    runpy.run_module('flows.{program}', run_name='__main__', alter_sys=True)\n"
        "finally:\n"
        f"    print('imported', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("program", FLOWS)
def test_help_of_each_flow_imports_nothing_heavy(program: str) -> None:
    done = run_and_list_imports(program, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "imported []" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        (["--wat"], {}, ["unrecognized arguments: --wat"]),
        (["--source", "/nowhere"], {}, ["/nowhere", "--source or RETAIL_SOURCE"]),
        (["--source", "~nobody-of-that-name/in"], {}, ["--source or RETAIL_SOURCE"]),
        (["--target", "redshift"], {}, ["set either RETAIL_REDSHIFT_HOST, or", "set RETAIL_REDSHIFT_COPY_ROLE"]),
        ([], {"RETAIL_AS_OF": "x"}, ["as_of, set by either --as-of or RETAIL_AS_OF"]),
        ([], {"RETAIL_DBT_RETRIES": "x"}, ["dbt_retries, set by RETAIL_DBT_RETRIES"]),
    ],
    ids=["option", "source", "user", "redshift", "as-of", "retries"],
)
def test_wrong_command_exits_2_with_the_cure_and_imports_nothing_heavy(
    arguments: list[str], environment: dict[str, str], expected: list[str]
) -> None:
    start = time.monotonic()
    done = run_and_list_imports("pipeline", *arguments, **environment)
    assert time.monotonic() - start < 20, "a server was started, or all of dbt imported"
    assert done.returncode == 2
    assert "imported []" in done.stdout
    assert "Traceback" not in done.stderr
    for words in expected:
        assert words in done.stderr


@pytest.mark.parametrize("program", FLOWS)
def test_help_says_what_the_flow_says_of_itself(program: str) -> None:
    assert DESCRIPTIONS[program] == " ".join((FLOWS[program].__doc__ or "").partition("\n\n")[0].split())


def test_options_of_the_command_line_are_those_that_messages_name() -> None:
    from flows.run.command_line import build_parser

    for program, reports in (("pipeline", True), ("ingest", False)):
        known = vars(build_parser(program, "", reports=reports).parse_args([]))
        assert reports == (program in REPORT)
        assert set(known) <= set(OPTIONS)
    assert set(vars(build_parser("pipeline", "", reports=True, rebuilds=True).parse_args([]))) == set(OPTIONS)


@pytest.mark.parametrize("reads_source", [True, False])
def test_needs_ask_for_a_source_only_where_one_is_read(tmp_path: Path, *, reads_source: bool) -> None:
    settings = load_settings(source=str(tmp_path), work_dir=str(tmp_path))
    if reads_source:
        with pytest.raises(ConfigError, match="no raw data found"):
            check_needs(settings, reads_source=True)
    else:
        check_needs(settings, reads_source=False)
    check_needs(load_settings(source="s3://bucket/in", work_dir=str(tmp_path)), reads_source=True)


def test_needs_leave_to_a_block_what_it_may_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_TARGET", "redshift")
    monkeypatch.setenv("RETAIL_REDSHIFT_COPY_ROLE", "default")
    monkeypatch.setenv("RETAIL_S3_BUCKET_BLOCK", "parts")
    monkeypatch.setenv("RETAIL_REDSHIFT_SECRET_BLOCK", "login")
    check_needs(load_settings(), reads_source=False)
    monkeypatch.delenv("RETAIL_REDSHIFT_SECRET_BLOCK")
    with pytest.raises(ConfigError) as error:
        check_needs(load_settings(), reads_source=False)
    assert [line.partition(":")[0] for line in str(error.value).splitlines()[1:]] == [
        "  - the host",
        "  - the user",
        "  - the password",
    ]


def test_needs_of_workers_are_what_they_can_reach_and_all_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.run.needs.find_spec", lambda _name: None)
    with pytest.raises(ConfigError) as error:
        check_runner(load_settings(runner="dask", source="/in"))
    first, *missing, cure = str(error.value).splitlines()
    assert first == "RETAIL_RUNNER is dask, but this is missing:"
    assert [line.partition(":")[0] for line in missing] == [
        "  - a source in S3, where workers can read it",
        "  - RETAIL_TARGET=redshift",
        "  - the scheduler's address",
        "  - the package prefect-dask",
    ]
    assert cure == "Set these, or let RETAIL_RUNNER be threads."


def test_needs_of_workers_that_are_met_are_no_fault_and_threads_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"source": "s3://bucket/in", "target": "redshift", "dask_address": "tls://scheduler:8786"}
    check_runner(load_settings(runner="dask", **given))
    monkeypatch.setattr("flows.run.needs.find_spec", lambda _name: None)
    check_runner(load_settings(source="/in"))


def test_needs_of_workers_are_looked_at_before_anything_starts() -> None:
    done = run_and_list_imports("ingest", RETAIL_RUNNER="dask")
    assert (done.returncode, "imported []" in done.stdout) == (2, True)
    assert "RETAIL_DASK_ADDRESS" in done.stderr


@pytest.mark.parametrize("address", ["scheduler:8786", "tls://user:word@scheduler:8786", "tls://scheduler"])
def test_address_of_a_scheduler_is_a_host_and_a_port_without_a_password(address: str) -> None:
    with pytest.raises(ConfigError, match="dask_address, set by RETAIL_DASK_ADDRESS"):
        load_settings(dask_address=address)
