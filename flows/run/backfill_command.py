"""The command line of `flows.backfill`: which days, which tables, and whether the marts are built anew."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from flows.errors import ConfigError
from flows.run.ambient import settle_process
from flows.run.command_line import build_parser, parse_day
from flows.run.days import check_asked, list_days
from flows.run.json_lines import tell, use_log_format
from flows.run.needs import check_needs
from flows.run.settings import load_settings

DESCRIPTION = (
    "Make reports of past days again, beside the nightly run; load tables or files again, build the marts anew."
)


def read_command(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """The options of the flow, checked before anything starts.

    Raises:
        SystemExit: 0 after the help; 2 after a message that names the fault and its cure.
    """
    settle_process()
    options = vars(_build_parser().parse_args(arguments))
    try:
        shared = ("source", "profile", "work_dir", "target", "pdf", "language")
        settings = load_settings(**{name: options[name] for name in shared})
        check_needs(settings, reads_source=options["tables"] is not None)
        days = list_days(options["first_day"], options["last_day"])
        check_asked(days, options["tables"], rebuild=options["rebuild"])
    except ConfigError as error:
        tell(f"backfill failed: {error}")
        sys.exit(error.exit_code)
    use_log_format()
    return options


def _build_parser() -> argparse.ArgumentParser:
    parser = build_parser("backfill", DESCRIPTION, reports=True, with_as_of=False)
    parser.add_argument(
        "--from", dest="first_day", type=parse_day, metavar="YYYY-MM-DD", help="first day whose report is made again"
    )
    parser.add_argument(
        "--to", dest="last_day", type=parse_day, metavar="YYYY-MM-DD", help="last such day (default: that of --from)"
    )
    parser.add_argument(
        "--tables",
        nargs="+",
        metavar="NAME",
        help="tables or files of the source that are loaded again, though unchanged; the marts are built after that",
    )
    parser.add_argument("--rebuild", action="store_true", help="build the marts anew, also what has not changed")
    return parser
