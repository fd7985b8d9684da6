"""The command line of `flows.maintenance`: where to tidy, and whether to free the space of deleted rows now."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from flows.errors import ConfigError
from flows.run.ambient import settle_process
from flows.run.command_line import build_parser
from flows.run.needs import check_needs
from flows.run.settings import load_settings

DESCRIPTION = "Remove what is older than the settings keep it, and what killed runs left behind."
OF_SOURCES = ("source", "profile")


def read_command(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """The options of the flow, checked before anything starts; it reads no source, so those of sources are refused.

    Raises:
        SystemExit: 0 after the help; 2 after a message that names the fault and its cure.
    """
    settle_process()
    parser = build_parser("maintenance", DESCRIPTION, with_as_of=False)
    parser.add_argument("--rewrite", action="store_true", help="free the space of deleted rows in the warehouse now")
    options = vars(parser.parse_args(arguments))
    if any(options.pop(name) is not None for name in OF_SOURCES):
        parser.error("no source is read: leave --source and --profile out")
    try:
        settings = load_settings(work_dir=options["work_dir"], target=options["target"])
        check_needs(settings, reads_source=False)
    except ConfigError as error:
        sys.stderr.write(f"\nmaintenance failed: {error}\n")
        sys.exit(error.exit_code)
    return options
