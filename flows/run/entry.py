"""The first moments of `python -m flows.…`: before anything that is not Python's own is imported.

Called by the package itself. A Python without the project's packages is told to the user in place of a traceback, and
Ctrl-C or SIGTERM in the seconds that imports take ends the process with one line. Once a run is at work,
`flows.run.interruption` takes the signals over.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

FLOW_RUN = "PREFECT__FLOW_RUN_ID"  # set by Prefect in a process that it starts for a flow run
SEARCH_AFTER = (20_000, 10, 50)
PROJECT = Path(__file__).resolve().parents[2]
NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


def begin_command() -> None:
    """Make the start of a command of ours one that tells what is wrong; nothing where the package is only imported.

    Raises:
        SystemExit: 2, this Python has not the packages that the project needs.
    """
    if is_command(sys.argv[:1]) or FLOW_RUN in os.environ:
        search_memory_seldom()
    if not is_command(sys.argv[:1]):
        return
    _find_ourselves_first()
    if find_spec("pydantic_settings") is None:
        sys.stderr.write(_describe_python())
        sys.exit(2)
    for signum in NAMES:
        if signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, _end)


def search_memory_seldom() -> None:
    """Search this process for cycles no longer after 700 new objects, but 20,000; and when it ends, not at all.

    What Prefect, dbt and plotnine make stays. To look through it took a tenth of a run, and at its end seconds for what
    the kernel takes back anyway, in which nothing could end a run that was told to stop: a thread does not outlive the
    interpreter. A command registers `gc.freeze` first, so it is called last (Python: "gc", "atexit").
    """
    gc.set_threshold(*SEARCH_AFTER)
    atexit.register(gc.freeze)


def is_command(program: list[str]) -> bool:
    """Whether Python was started for a module of ours, given the first of its arguments.

    It is `-m` while the packages around such a module are imported, and only then (Python: "sys.argv").
    """
    return program == ["-m"] or bool(program and Path(program[0]).resolve().is_relative_to(PROJECT / "flows"))


def _find_ourselves_first() -> None:
    """Look for modules in the project before anywhere else, and no more where the command was called.

    Python puts that folder, or that of a script, first: a `polars.py` in it, or a `reports` in a PYTHONPATH, would be
    taken. With PYTHONSAFEPATH it puts none there (Python: "sys.path", "-P").
    """
    sys.path[: 0 if sys.flags.safe_path else 1] = [str(PROJECT)]
    os.environ.pop("PYTHONSAFEPATH", None)  # the server that is started finds us by its folder


def _describe_python() -> str:
    return (
        f"{sys.executable} has not the packages that the pipeline needs. Those are in {PROJECT / '.venv'}, which "
        f"`make run` in {PROJECT} sets up; from then on: {PROJECT / '.venv' / 'bin' / 'python'} -m flows.pipeline\n"
    )


def _end(signum: int, _frame: FrameType | None) -> None:
    """Nothing has begun, so there is nothing to give back."""
    os.write(2, f"\nStopped by {NAMES[signal.Signals(signum)]}.\n".encode())
    os._exit(128 + signum)
