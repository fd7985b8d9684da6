"""Whoever is there already: refuse at once, or wait for a bounded time and say for whom.

A way to enter in, which fails with `HeldError` while another run is there; what it returns out.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from flows.errors import LoadError

T = TypeVar("T")
TELL_SECONDS = 30.0
DEFAULT_PAUSE = 1.0


class HeldError(LoadError):
    """Another run holds what this one needs; `holder` says who, in words."""

    def __init__(self, message: str, holder: str) -> None:
        super().__init__(message)
        self.holder = holder


@dataclass(frozen=True)
class Patience:
    """How long to wait for another run, in seconds, and how to say so; 0: it is refused at once."""

    seconds: float = 0
    tell: Callable[[str], object] = lambda _text: None
    pause: float = DEFAULT_PAUSE

    def enter(self, what: str, attempt: Callable[[], T]) -> T:
        """Try until it succeeds or the time is over; say for whom at once, then every half minute.

        Raises:
            HeldError: another run was there all that time; the message says which, and how to wait longer.
        """
        start, told_at, told = time.monotonic(), 0.0, ""
        while True:
            try:
                return attempt()
            except HeldError as error:
                now = time.monotonic()
                if now - start >= self.seconds:
                    raise HeldError(f"{error} {self._cure()}", error.holder) from error
                if error.holder != told or now - told_at >= TELL_SECONDS:
                    left = self.seconds - (now - start)
                    self.tell(f"waiting for {what}, for at most {left:.0f} s: {error.holder} is at work there")
                    told_at, told = now, error.holder
            time.sleep(min(self.pause, max(start + self.seconds - time.monotonic(), 0)))

    def _cure(self) -> str:
        if self.seconds:
            return f"This run has waited for {self.seconds:.0f} s; --wait or RETAIL_WAIT_S lets it wait longer."
        return "With --wait SECONDS, or RETAIL_WAIT_S, a run waits for another one that long."


AT_ONCE = Patience()


def describe_holder(run_id: str, name: str = "") -> str:
    """A run as other runs, and people, are told of it: its id and name, where it is, and since when (UTC)."""
    named = f"run {run_id} ({name})" if name else f"run {run_id}"
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{named}, process {os.getpid()} on {socket.gethostname()}, since {since} UTC"
