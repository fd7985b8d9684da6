"""The command line that the flows share: options in, an exit code out.

0: done; 1: the run failed; 2: wrong usage or configuration; 124: its time was over; 130 or 143: it was stopped by
Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from inspect import signature
from typing import Any

from flows.errors import ConfigError, RetailError
from flows.run.ahead import prepare_ahead
from flows.run.ambient import settle_process
from flows.run.early_server import begin_server
from flows.run.json_lines import tell, use_log_format
from flows.run.needs import check_needs
from flows.run.settings import load_settings

# The first sentence of each flow's docstring; that itself comes with Prefect, seconds after the help
DESCRIPTIONS = {
    "pipeline": "Load the raw CSV files, build and test the star schema, and publish the KPI report.",
    "ingest": "Convert new and changed CSV files to Parquet, set bad records aside, "
    "and load the rest into the raw tables.",
    "transform": "Build the star schema from the raw tables with dbt, and test it.",
    "report": "Compute the KPI tables, draw their charts, and publish the report page and the artifacts.",
}
READ_SOURCE = ("pipeline", "ingest")
REPORT = ("pipeline", "report")
REBUILD = ("pipeline",)
OF_A_BUILD = ("source", "profile", "work_dir", "target", "as_of", "rebuild")  # options that say what is built, where


def check_command(program: str, arguments: Sequence[str] | None = None) -> None:
    """Answer --help, and refuse wrong options and settings, before Prefect and dbt are imported; then begin the server.

    Raises:
        SystemExit: 0 after the help, 2 after a message that names the fault and its cure.
    """
    settle_process()
    parser = build_parser(program, DESCRIPTIONS[program], reports=program in REPORT, rebuilds=program in REBUILD)
    try:
        settings = load_settings(**vars(parser.parse_args(arguments)))
        check_needs(settings, reads_source=program in READ_SOURCE)
        begin_server(settings.work_dir)
    except ConfigError as error:
        tell(f"{program} failed: {error}")
        sys.exit(error.exit_code)
    use_log_format()


def build_parser(
    program: str, description: str, *, reports: bool = False, rebuilds: bool = False, with_as_of: bool = True
) -> argparse.ArgumentParser:
    """The parser of one flow's command line; one that `reports` or `rebuilds` has the options for it too."""
    parser = argparse.ArgumentParser(
        prog=f"python -m flows.{program}",
        description=description,
        epilog="Every option can be set in the environment too: RETAIL_SOURCE, RETAIL_PROFILE, RETAIL_WORK_DIR, "
        "RETAIL_TARGET, RETAIL_AS_OF, RETAIL_WAIT_S; an option wins. Exit codes: 0 done, 1 the run failed, 2 wrong "
        "usage or configuration, 124 it took longer than RETAIL_RUN_TIMEOUT_S, 130 stopped by Ctrl-C, 143 by SIGTERM.",
    )
    parser.add_argument(
        "--source",
        metavar="FOLDER",
        help="folder of the raw CSV files, raw_<table>….csv or .csv.gz, or s3://bucket/prefix (default: data/datasets)",
    )
    parser.add_argument(
        "--profile",
        metavar="FILE",
        help="source profile, a TOML file that says how a shop's own files are named and written; python -m "
        "flows.profile drafts one (default: none, files are as docs/your-own-data.md shows them)",
    )
    parser.add_argument(
        "--work-dir",
        metavar="FOLDER",
        help="folder for everything a run writes: warehouse, lake, quarantine, reports, runs (default: data/work)",
    )
    parser.add_argument(
        "--target",
        choices=("local", "redshift"),
        help="the warehouse; local is an embedded DuckDB file (default: local)",
    )
    if with_as_of:
        parser.add_argument(
            "--as-of",
            type=parse_day,
            metavar="YYYY-MM-DD",
            help='last day that the numbers cover; "the last year" ends on it (default: the last plausible order date)',
        )
    parser.add_argument(
        "--wait",
        dest="wait_s",
        type=int,
        metavar="SECONDS",
        help="how long to wait for another run in this work folder or warehouse; 0: it is refused (default: 0)",
    )
    if rebuilds:
        parser.add_argument(
            "--rebuild",
            action="store_true",
            default=None,
            help="build and report also where nothing has changed since the newest report (default: that one is kept)",
        )
    if reports:
        parser.add_argument(
            "--pdf",
            action="store_true",
            default=None,
            help="print the report as report.pdf too, by the Chromium on the PATH or in RETAIL_CHROMIUM",
        )
        parser.add_argument(
            "--language",
            choices=("en", "fr"),
            help="of the page and the artifacts; the page in the other language lies beside it (default: en)",
        )
    return parser


def run_flow(program: str, flow: Callable[..., Any], arguments: Sequence[str] | None = None) -> int:
    """Parse the options, run the flow, print how it ended; return the exit code."""
    description = (flow.__doc__ or "").partition("\n\n")[0]
    taken = signature(flow).parameters
    parser = build_parser(program, description, reports="pdf" in taken, rebuilds="rebuild" in taken)
    return run_with_options(program, flow, vars(parser.parse_args(arguments)))


def run_with_options(program: str, flow: Callable[..., Any], options: dict[str, Any]) -> int:
    """Run the flow with options that are parsed already, print how it ended; return the exit code."""
    _export_wait(options)
    from prefect.exceptions import TerminationSignal

    from flows.run.full_disk import explain_full_disk
    from flows.run.interruption import describe_stop, exit_code, heed_signals, raise_if_stopped
    from flows.run.summary_text import describe
    from flows.run.told_once import leave_endings_to_the_caller

    use_log_format()
    leave_endings_to_the_caller()
    with heed_signals(until_exit=True):
        try:
            summary = _run(program, flow, options)
            raise_if_stopped()
        except (KeyboardInterrupt, TerminationSignal):
            tell(describe_stop(program), logging.WARNING)
            return exit_code()
        except RetailError as error:
            tell(f"{program} failed: {error}")
            return error.exit_code
        except Exception as error:  # a defect or an outage; the traceback stands in the flow's log
            explained = explain_full_disk(error, load_settings(work_dir=options.get("work_dir")).work_dir, {})
            said = f": {explained}" if explained else f" unexpectedly: {type(error).__name__}: {error}"
            tell(f"{program} failed{said}")
            return 1
    print(describe(summary))
    return 0


def _export_wait(options: dict[str, Any]) -> None:
    """Take out how long to wait: no parameter of a flow, but of where it runs, so its flows read it from there."""
    seconds = options.pop("wait_s", None)
    if seconds is not None:
        os.environ["RETAIL_WAIT_S"] = str(seconds)


def _run(program: str, flow: Callable[..., Any], options: dict[str, Any]) -> Any:
    """Run the flow, with a server that it can tell how it is; what is no flow needs none."""
    from prefect import Flow

    from flows.run.temporary_server import reach_server

    if isinstance(flow, Flow):
        settings = load_settings(**{name: options.get(name) for name in OF_A_BUILD})
        reach_server(settings.work_dir, prepare_ahead(program, settings))
    return flow(**options)


def parse_day(text: str) -> date:
    """A day as an option gives it, 2026-03-31."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-03-31")
    return day
