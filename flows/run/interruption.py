"""A run that is told to stop: a signal in, an exception in the main thread out, and an end within seconds.

Ctrl-C (SIGINT) and SIGTERM raise `Interrupted` and `Terminated` where the run is at work, so that everything it holds
is given back on the way out. Both are KeyboardInterrupts, the only request to stop that dbt understands: it cancels
the statements of its threads then. `Terminated` is Prefect's TerminationSignal too, by which Prefect knows a
cancellation. Code of others may swallow either (PrefectHQ/prefect #23161) or turn it into another error, as DuckDB
does; so `raise_if_stopped` asks again where such code returns.

A thread sees to it that the end comes. It hears the signals itself (`signal.set_wakeup_fd`), for Python calls a handler
only between two steps of the main thread: not while that is in a long call of a library, nor while it waits for a lock
and another thread took the signal. It frees what waits, wakes the main thread, and where the run has not let go in
`GRACE_SECONDS`, it ends the process.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from unittest.mock import patch

import prefect.utilities.engine as prefect_engine
from prefect.exceptions import TerminationSignal

from flows.run.json_lines import tell

GRACE_SECONDS = 7.0
LAST_WORDS_SECONDS = 2.0
WAKE_SECONDS = 0.5
TIMED_OUT = 124
SIGNALS = (signal.SIGINT, signal.SIGTERM)
RAISED, LET_GO = 255, 0  # what the thread hears beside the numbers of signals
NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Interrupted(KeyboardInterrupt):
    """Somebody pressed Ctrl-C."""


class Terminated(TerminationSignal, KeyboardInterrupt):
    """Somebody asked the process to end: a process manager, a Prefect worker, or this run itself."""


@dataclass
class _Watch:
    """What was asked of this process; `last_words` are said if it must be ended in the midst of its work.

    Without any, the run has let go, and only Prefect still takes its time, as with a server that is gone. The `helpers`
    are called as soon as it is told: they free whoever waits for what no signal reaches.
    """

    signal: int | None = None
    is_raised: bool = False
    cause: str | None = None
    is_timeout: bool = False
    last_words: list[Callable[[], None]] = field(default_factory=list)
    helpers: list[Callable[[], None]] = field(default_factory=list)
    handler: Callable[[int, FrameType | None], None] = field(init=False)
    ear: socket.socket = field(init=False)
    mouth: socket.socket = field(init=False)
    others: int = -1

    def __post_init__(self) -> None:
        self.handler = self.handle  # one object: Prefect compares by identity

    def begin(self) -> None:
        """Let the thread hear what signals the process gets, whatever the main thread is doing."""
        self.ear, self.mouth = socket.socketpair()
        self.mouth.setblocking(False)
        self.others = signal.set_wakeup_fd(self.mouth.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self.run, name="end-in-time", daemon=True).start()

    def handle(self, signum: int, _frame: FrameType | None) -> None:
        """The first signal stops the run; Ctrl-C after it ends the process at once.

        A second SIGTERM says nothing new: Prefect sends the first one again, to whoever heeded it before Prefect did.
        """
        if not self.is_raised:
            self.signal = self.signal or signum
            self._tell(RAISED)  # for where somebody else has taken over what signals wake
            raise self.pass_on()
        if signum == signal.SIGINT:
            os._exit(128 + signum)

    def pass_on(self) -> BaseException:
        """What the main thread is to raise now; no handler raises it once more."""
        self.is_raised = True
        return self.exception()

    def exception(self) -> BaseException:
        return Interrupted() if self.signal == signal.SIGINT else Terminated(signal.SIGTERM)

    def run(self) -> None:
        """Wait for a signal, then for the end; without an end, end the process."""
        with self.ear:
            if not self._is_told() or self.signal is None:
                return
            told = self.cause or f"{NAMES[signal.Signals(self.signal)]}: the run is being stopped"
            _say(f"{told}; Ctrl-C once more ends it at once.")
            for helper in list(self.helpers):
                _begin(helper)
            if self._has_ended():
                return
        if self.last_words:
            _say(f"The run did not let go within {GRACE_SECONDS:.0f} s and is ended; nothing is half done.")
        saying = [_begin(say) for say in reversed(self.last_words)]
        end = time.monotonic() + LAST_WORDS_SECONDS
        for each in saying:  # nothing may keep the process from its end
            each.join(max(end - time.monotonic(), 0))
        os._exit(exit_code())

    def _is_told(self) -> bool:
        """Wait until somebody asks the run to stop; False where it has let go unasked."""
        while (heard := self._hear(None)) != LET_GO:
            if heard == RAISED:
                return True
            if heard in SIGNALS and signal.getsignal(heard) == self.handler:
                self.signal = self.signal or heard
                return True
            if self.others != -1 and heard is not None:
                with suppress(OSError):
                    os.write(self.others, bytes([heard]))
        return False

    def _has_ended(self) -> bool:
        """Whether the run lets go in time. A second Ctrl-C ends the process; a main thread that stands is woken."""
        end = time.monotonic() + GRACE_SECONDS
        while (left := end - time.monotonic()) > 0:
            heard = self._hear(min(left, WAKE_SECONDS))
            if heard == LET_GO:
                return True
            if heard == signal.SIGINT:
                os._exit(128 + signal.SIGINT)
            if heard is None and not self.is_raised and signal.getsignal(signal.SIGTERM) == self.handler:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        return False

    def _hear(self, seconds: float | None) -> int | None:
        """The next thing that is heard; None if nothing is for so long."""
        self.ear.settimeout(seconds)
        try:
            return self.ear.recv(1)[0]
        except TimeoutError:
            return None

    def _tell(self, what: int) -> None:
        with suppress(OSError):
            self.mouth.send(bytes([what]))

    def end(self) -> None:
        """The run has let go of everything; others hear the signals again."""
        ours = self.mouth.fileno()
        try:
            heard_by = signal.set_wakeup_fd(self.others)
        except (OSError, ValueError):  # whoever heard them before is gone
            heard_by = signal.set_wakeup_fd(-1)
        if heard_by != ours:
            signal.set_wakeup_fd(heard_by)
        self._tell(LET_GO)
        self.mouth.close()


_watch: _Watch | None = None


@contextmanager
def heed_signals(last_words: Callable[[], None] | None = None, *, until_exit: bool = False) -> Iterator[None]:
    """Stop the run on a signal, for as long as this lasts; flows within flows call it anew, for so does Prefect.

    Signals that the process ignores (`nohup`, jobs in the background of a script) stay ignored. Not in the main
    thread, nothing can be heeded, and nothing is.

    Args:
        last_words: Called if the process must be ended while this lasts.
        until_exit: Once told to stop, the whole process ends in time, not only what is done in here.
    """
    global _watch  # noqa: PLW0603  signals belong to the process, too
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    outermost = _watch is None
    watch = _watch = _watch or _begin_watch()
    if last_words:
        watch.last_words.append(last_words)
    before = {each: signal.getsignal(each) for each in SIGNALS}
    heeded = {each: handler for each, handler in before.items() if handler not in {signal.SIG_IGN, None}}
    try:
        with _taken_for_prefects(watch.handler):
            for each in heeded:
                signal.signal(each, watch.handler)
            yield
    finally:
        if last_words:
            watch.last_words.remove(last_words)
        if watch.signal is None or not until_exit:
            for each, handler in heeded.items():
                signal.signal(each, handler)
            if outermost:
                watch.end()
                _watch = None


@contextmanager
def _taken_for_prefects(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let Prefect take this handler of SIGTERM for its own.

    Only while its own is installed does a run accept that Prefect cancels it, and end as Cancelled; any other one
    makes it Crashed (prefect.utilities.engine: `commit_control_intent_and_ack`). Ours raises what Prefect's raises.
    """
    with patch.object(prefect_engine, "_prefect_sigterm_handler", handler):
        yield


@contextmanager
def help_to_stop(helper: Callable[[], None], last_words: Callable[[], None] | None = None) -> Iterator[None]:
    """While this lasts, call `helper` in a thread as soon as the run is told to stop; only the main thread may ask so.

    `last_words` is called where the process must be ended in the midst of it.
    """
    watch = _watch
    if watch is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    watch.helpers.append(helper)
    if last_words:
        watch.last_words.append(last_words)
    try:
        yield
    finally:
        watch.helpers.remove(helper)
        if last_words:
            watch.last_words.remove(last_words)


def _begin(action: Callable[[], None]) -> threading.Thread:
    def act() -> None:
        with suppress(Exception):
            action()

    thread = threading.Thread(target=act, name="help-to-stop", daemon=True)
    thread.start()
    return thread


def _begin_watch() -> _Watch:
    watch = _Watch()
    watch.begin()
    return watch


def stop_run(cause: str, *, is_timeout: bool = False) -> None:
    """Stop this process's run from another thread, for a reason of our own that people are told."""
    watch = _watch
    if watch is not None and watch.signal is None and watch.cause is None:
        watch.cause, watch.is_timeout = cause, is_timeout
        os.kill(os.getpid(), signal.SIGTERM)


def is_stopped() -> bool:
    """Whether this process was told to stop; may be asked in any thread."""
    return _watch is not None and _watch.signal is not None


def raise_if_stopped() -> None:
    """Raise what the signal raised, if there was one and somebody swallowed it.

    Raises:
        Interrupted: after Ctrl-C.
        Terminated: after SIGTERM.
    """
    if _watch is None or _watch.signal is None:
        return
    raise _watch.pass_on() if threading.current_thread() is threading.main_thread() else _watch.exception()


def is_stop(error: BaseException) -> bool:
    """Whether the run ended because somebody stopped it, by a signal, by Prefect or by its user interface."""
    return isinstance(error, (KeyboardInterrupt, TerminationSignal)) and find_cause() is None


def find_cause() -> str | None:
    """Why this run stopped itself, if it did."""
    return _watch.cause if _watch is not None else None


def has_timed_out() -> bool:
    """Whether this run stopped itself because its time was over."""
    return _watch is not None and _watch.is_timeout


def exit_code() -> int:
    """128 and the number of the signal, as shells have it; where the run stopped itself 1, or 124 as timeout(1) has."""
    if has_timed_out():
        return TIMED_OUT
    if _watch is None or _watch.signal is None or _watch.cause:
        return 1
    return 128 + _watch.signal


def describe_stop(program: str) -> str:
    """How a run that was told to stop ended, in one sentence."""
    if cause := find_cause():
        return f"{program} failed: {cause}."
    name = NAMES[signal.Signals(_watch.signal)] if _watch is not None and _watch.signal is not None else "Ctrl-C"
    return f"{program} was stopped by {name}; nothing is half done, the next run goes on from the last good state."


def _say(text: str) -> None:
    with suppress(OSError, ValueError):
        tell(text, logging.WARNING)
        sys.stderr.flush()
