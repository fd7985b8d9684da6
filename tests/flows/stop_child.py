"""A program that runs flows as the command line does, and waits at the point it is told, so that a test can stop it.

Its order is a line of JSON: `arguments`, `environment`, `server` (the address of Prefect's, null: a temporary one),
`point`, `reached` (a file made there) and `output` (a file).
"""

from __future__ import annotations

import faulthandler
import importlib
import inspect
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.run.entry import search_memory_seldom
from tests.kept_parses import parsing_once_in_flows

FOR_THIS_PROCESS = ExitStack()
HOUR = 3600
ENDLESS_SQL = "select max(hash(range)) from range(1000000000000)"


def wait(*_: Any) -> None:
    """Stand still, in the main thread."""
    time.sleep(HOUR)


def work_on(*_: Any) -> None:
    """Go on for a moment whatever was asked, as a thread does that converts a block."""
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        time.sleep(0.1)


def never_let_go(*_: Any) -> None:
    """Heed nothing, as code does that is caught in a call of a library."""
    end = time.monotonic() + HOUR
    while time.monotonic() < end:
        try:
            time.sleep(HOUR)
        except BaseException:
            continue


def query(*_: Any) -> None:
    """Have DuckDB at work in the main thread."""
    import duckdb

    duckdb.sql(ENDLESS_SQL).fetchall()


def swallow(*_: Any) -> None:
    """Turn what was raised into an error of its own, as dbt and DuckDB do."""
    try:
        time.sleep(HOUR)
    except BaseException as error:
        raise ValueError("something failed") from error


def query_as_dbt(cursor: Any, *_: Any) -> None:
    """Have DuckDB at work in a thread of dbt's, with dbt's own cursor."""
    cursor.execute(ENDLESS_SQL)


@dataclass(frozen=True)
class Point:
    """A function of a module or class, and what is done instead of its first call that has `words` in its arguments."""

    place: str
    name: str
    hold: Callable[..., None]
    words: str = ""


POINTS = {
    "convert": Point("flows.lake.gathering", "convert_block", work_on),
    "load": Point("flows.warehouse.duckdb.load:Load", "run", query),
    "parse": Point("dbt.parser.manifest:ManifestLoader", "load", wait),
    "build": Point(
        "dbt.adapters.duckdb.environments.local:DuckDBCursorWrapper", "execute", query_as_dbt, '"node_id": "model.'
    ),
    "compile": Point("dbt.task.compile:CompileTask", "run", wait),
    "draw": Point("reports.drawing", "render_chart", wait),
    "publish": Point("flows.report", "archive_report", wait),
    "draw, swallowed": Point("reports.drawing", "render_chart", swallow),
    "stuck": Point("reports.drawing", "render_chart", never_let_go),
}


def hold_at(name: str, reached: Path) -> None:
    """Make the function of that point tell that it was reached, by the process's id in a file, and then wait, once."""
    point = POINTS[name]
    module, _, owner = point.place.partition(":")
    holder: Any = importlib.import_module(module)
    holder = getattr(holder, owner) if owner else holder
    original = getattr(holder, point.name)
    function = getattr(original, "__func__", original)

    def held(*arguments: Any, **options: Any) -> Any:
        if point.words in (str(arguments) if point.words else "") and not reached.exists():
            reached.write_text(str(os.getpid()), encoding="ascii")
            point.hold(*arguments)
        return function(*arguments, **options)

    setattr(holder, point.name, classmethod(held) if inspect.ismethod(original) else held)


def run(order: dict[str, Any]) -> None:
    """Be the run, as a command is: never returns."""
    search_memory_seldom()
    faulthandler.register(signal.SIGUSR1)  # where it hangs, if it does
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(order["environment"])
    from prefect.context import refresh_global_settings_context  # after flows, as for the command line
    from prefect.settings import PREFECT_API_URL, temporary_settings

    if order["server"]:
        os.environ["PREFECT_API_URL"] = order["server"]  # threads know nothing of the settings of this one
        refresh_global_settings_context()
        FOR_THIS_PROCESS.enter_context(temporary_settings({PREFECT_API_URL: order["server"]}))
    FOR_THIS_PROCESS.enter_context(parsing_once_in_flows())
    if order["point"]:
        hold_at(order["point"], Path(order["reached"]))
    from flows.run.command_line import run_flow

    program = order["arguments"][0]
    module = importlib.import_module(f"flows.{program}")
    flow = module.retail_pipeline if program == "pipeline" else getattr(module, program)
    sys.exit(run_flow(program, flow, order["arguments"][1:]))


if __name__ == "__main__":
    import flows.pipeline  # noqa: F401  it takes long, and no test need wait for it

    print("ready", flush=True)
    run(json.loads(sys.stdin.readline()))
