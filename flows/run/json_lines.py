"""RETAIL_LOG_FORMAT=json: what a process says on standard error, an object a line, for machines that collect it.

The same records as in text, in the same order, whoever logs them: the flows, Prefect, dbt, or a library that warns. The
handlers that would write text there are exchanged; what goes to Prefect's server stays as it is. Standard output, where
a command prints how it ended, stays text.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

# What a record may know beside its message: our own `extra`, and what Prefect's loggers of flow and task runs add
KNOWN = {"table": "table", "file": "file", "flow_run": "flow_run_name", "task": "task_run_name"}
LOGGER = "flows"

_open_run: str | None = None
_last_run: str | None = None


class JsonLines(logging.Formatter):
    """A record as one line: time (UTC), level, logger, message, and what else it knows; an exception is a field."""

    def format(self, record: logging.LogRecord) -> str:
        line = _begin(datetime.fromtimestamp(record.created, UTC), record.levelname, record.name, _read_message(record))
        run_id = _open_run or getattr(record, "flow_run_id", None)
        known = {name: getattr(record, attribute, None) for name, attribute in KNOWN.items()}
        line |= {name: str(value) for name, value in ({"run_id": run_id} | known).items() if value}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = {
                "type": record.exc_info[0].__name__,
                "message": str(record.exc_info[1]),
                "traceback": self.formatException(record.exc_info),
            }
        return json.dumps(line)


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment asks for JSON; looked at before the settings are read, for these may be wrong."""
    return environment.get("RETAIL_LOG_FORMAT") == "json"


def use_log_format() -> None:
    """From now on everything that this process logs to a terminal is JSON, if that is wanted; again changes nothing."""
    if not is_wanted():
        return
    from prefect.logging.configuration import ensure_logging_setup

    ensure_logging_setup()  # else Prefect would put its own handlers over these later
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    for logger in (logging.root, *loggers):
        for handler in list(logger.handlers):
            if isinstance(handler, logging.StreamHandler) and handler.stream in {sys.stderr, sys.stdout}:
                _exchange(logger, handler)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda end: _log_uncaught(end.exc_type, end.exc_value, end.exc_traceback)
    sys.unraisablehook = lambda end: _log_uncaught(end.exc_type, end.exc_value, end.exc_traceback, "ignored")


@contextmanager
def naming_run(run_id: str) -> Iterator[None]:
    """Meanwhile every line names this run, also those of loggers that know of none."""
    global _open_run, _last_run  # noqa: PLW0603  dbt and other libraries log in threads of their own
    _open_run = _last_run = run_id
    try:
        yield
    finally:
        _open_run = None


def tell(text: str, level: int = logging.ERROR) -> None:
    """Say on standard error how a command ended, after an empty line; or as JSON, with the last run of this process."""
    if not is_wanted():
        sys.stderr.write(f"\n{text}\n")
        return
    line = _begin(datetime.now(UTC), logging.getLevelName(level), LOGGER, text)
    sys.stderr.write(json.dumps(line | ({"run_id": _last_run} if _last_run else {})) + "\n")


def _begin(time: datetime, level: str, logger: str, message: str) -> dict[str, Any]:
    return {"time": time.isoformat(timespec="milliseconds"), "level": level, "logger": logger, "message": message}


def _read_message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # of a library that logs what does not fit its own text
        return f"{record.msg} {record.args}"


def _exchange(logger: logging.Logger, handler: logging.StreamHandler[Any]) -> None:
    """Put a plain handler in the place of one that may color, wrap or prefix what it writes."""
    if isinstance(handler.formatter, JsonLines):
        return
    plain = logging.StreamHandler(handler.stream)
    plain.setLevel(handler.level)
    plain.set_name(handler.get_name())  # by which Prefect finds it again, or would make all handlers anew
    plain.setFormatter(JsonLines())
    for condition in handler.filters:
        plain.addFilter(condition)
    logger.removeHandler(handler)
    logger.addHandler(plain)


def _log_uncaught(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None, how: str = "uncaught"
) -> None:
    if error is not None:
        logging.getLogger(LOGGER).error("%s: %s", how, error, exc_info=(kind, error, trace))
