"""How long a run may take in all: a limit in, the end of the run and its reason out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from flows.run.interruption import stop_run


@contextmanager
def limit_run(seconds: int, find_blockers: Callable[[], list[str]]) -> Iterator[None]:
    """Stop the run if this lasts longer; the reason names the limit, and who blocks the run if anybody does.

    0: there is no limit.
    """
    if not seconds:
        yield
        return

    def stop() -> None:
        blockers: list[str] = []
        with suppress(Exception):  # the run ends in any case
            blockers = find_blockers()
        limit = (
            f"the run took longer than {seconds} s and was ended. If it needs so long, set RETAIL_RUN_TIMEOUT_S higher"
        )
        stop_run("; ".join([limit, *(blocker.rstrip(".") for blocker in blockers)]), is_timeout=True)

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
