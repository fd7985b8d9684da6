"""The command line of `flows.forget`: whom to forget, and whether that is meant; no id reaches Prefect or a log.

A flow's parameters are stored in clear text and shown to whoever sees Prefect, so the ids are none: the flow finds
those of the command line here, in memory, and a deployment names a file of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.errors import ConfigError
from flows.lake.forgetting import PSEUDONYM
from flows.run.ambient import settle_process
from flows.run.json_lines import tell, use_log_format
from flows.run.needs import check_needs
from flows.run.settings import Settings, load_settings

MAX_ID_BYTES = 64  # as the contracts have it
_given: list[str] = []


@dataclass(frozen=True)
class Command:
    """What was asked for: the options of the flow, and the ids beside them."""

    ids: Sequence[str] = field(repr=False)
    options: dict[str, Any]


def read_command(arguments: Sequence[str] | None = None, ask: Callable[[str], str] = input) -> Command:
    """Parse the options, check whom they name, and ask whether that is meant.

    Raises:
        SystemExit: 0 after the help; 2 after wrong usage, or where nobody said yes.
    """
    settle_process()
    options = vars(_build_parser().parse_args(arguments))
    ids, is_meant = options.pop("ids"), options.pop("yes")
    try:
        settings = load_settings(**{name: options[name] for name in ("source", "work_dir", "target")})
        check_needs(settings, reads_source=False)
        count = len({*check_ids(ids, may_be_none=options["ids_from"] is not None), *read_ids(options["ids_from"])})
        if not (is_meant or options["dry_run"]):
            _confirm(count, settings, ask)
    except ConfigError as error:
        tell(f"forget failed: {error}")
        sys.exit(error.exit_code)
    use_log_format()
    return Command(ids, options)


def hand_over(command: Command) -> None:
    """Let the flow find the ids of the command line."""
    _given[:] = command.ids


def take_ids(ids_from: str | None) -> list[str]:
    """Whom the flow forgets: the ids of the command line and those of the file, each once.

    Raises:
        ConfigError: there are none, one of them can be no id, or the file cannot be read.
    """
    ids = [*_given, *read_ids(ids_from)]
    return check_ids(ids)


def read_ids(ids_from: str | None) -> list[str]:
    """The ids of a file, one a line; none without a file.

    Raises:
        ConfigError: it cannot be read, or holds what can be no id.
    """
    if ids_from is None:
        return []
    path = Path(ids_from).expanduser()
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: the ids cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'}). "
            "Name a text file with one customer id a line by --ids-from."
        ) from None
    return check_ids([line.strip() for line in lines if line.strip()])


def check_ids(ids: Sequence[str], *, may_be_none: bool = False) -> list[str]:
    """The ids, each once, in their order; messages count them and never show one."""
    if not ids and not may_be_none:
        raise ConfigError("nobody is named. Give customer ids, or a file with one id a line by --ids-from.")
    unfit = sum(not 0 < len(each.encode("utf-8", "surrogatepass")) <= MAX_ID_BYTES for each in ids)
    if unfit:
        raise ConfigError(f"{unfit} of {len(ids)} are no ids: these have 1 to {MAX_ID_BYTES} bytes. Correct them.")
    known = sum(bool(PSEUDONYM.match(each)) for each in ids)
    if known:
        raise ConfigError(f"{known} of {len(ids)} are pseudonyms, of customers who are forgotten. Leave them out.")
    return list(dict.fromkeys(ids))


def _confirm(count: int, settings: Settings, ask: Callable[[str], str]) -> None:
    places = ["Redshift" if settings.target == "redshift" else None, settings.state, str(settings.work_dir)]
    where = " and ".join(place for place in places if place)
    try:
        answer = ask(f"Forget {count} customer{'s' if count > 1 else ''} in {where}? It cannot be undone. [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in {"y", "yes"}:
        raise ConfigError("nothing was done, for nobody said yes. Answer y, or give --yes; --dry-run only counts.")


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.forget",
        description="Forget customers: their ids and names go out of everything that the product keeps, their orders "
        "stay under a pseudonym, and no later load brings them back.",
        epilog="docs/forget.md says what is changed in which order. Exit codes: 0 done, 1 the run failed, 2 wrong "
        "usage or nobody said yes, 130 stopped by Ctrl-C, 143 by SIGTERM. After 1, 130 or 143 run it again.",
    )
    parser.add_argument("ids", nargs="*", metavar="CUSTOMER_ID", help="id of a customer, as raw_customers has it")
    parser.add_argument("--ids-from", metavar="FILE", help="a text file with one customer id a line")
    parser.add_argument("--dry-run", action="store_true", help="only count what would be changed")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--source", metavar="FOLDER", help="where to look for files that still hold the ids (default: data/datasets)"
    )
    parser.add_argument("--work-dir", metavar="FOLDER", help="folder of all that runs write (default: data/work)")
    parser.add_argument("--target", choices=("local", "redshift"), help="the warehouse (default: local)")
    return parser
