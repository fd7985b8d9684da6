"""The command line that the flows share: options in, an exit code out.

0: done; 1: the run failed; 2: wrong usage or configuration.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date
from inspect import signature
from typing import Any

from flows.errors import RetailError
from flows.run.summary import describe


def build_parser(program: str, description: str, *, reports: bool = False) -> argparse.ArgumentParser:
    """The parser of one flow's command line; one that `reports` has the options of a report too."""
    parser = argparse.ArgumentParser(
        prog=f"python -m flows.{program}",
        description=description,
        epilog="Every option can be set in the environment too: RETAIL_SOURCE, RETAIL_PROFILE, RETAIL_WORK_DIR, "
        "RETAIL_TARGET, RETAIL_AS_OF; an option wins. Exit codes: 0 done, 1 the run failed, 2 wrong usage or "
        "configuration.",
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
    parser.add_argument(
        "--as-of",
        type=_iso_date,
        metavar="YYYY-MM-DD",
        help='last day that the numbers cover; "the last year" ends on it (default: the last plausible order date)',
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
    reports = "pdf" in signature(flow).parameters
    options = vars(build_parser(program, description, reports=reports).parse_args(arguments))
    try:
        summary = flow(**options)
    except RetailError as error:
        print(f"\n{program} failed: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"\n{program} was interrupted; the next run goes on from the last good state.", file=sys.stderr)
        return 1
    except Exception as error:  # a defect or an outage; the traceback stands in the flow's log
        print(f"\n{program} failed unexpectedly: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(describe(summary))
    return 0


def _iso_date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-03-31")
    return day
