"""How a run ended is told once on a terminal: a failure that a user can act on, and the summary.

Prefect logs the exception of a flow or task with its traceback, and again in the state that it ends in. Here such
records keep the message alone in the run's log; on a terminal, where the command line tells it at the end, they fall.
A full disk is told by many: by dbt, by its log, by Prefect's server. All of that is one message at the end.
"""

from __future__ import annotations

import logging

from flows.errors import RetailError
from flows.run.full_disk import NO_ROOM, meets_no_room
from flows.run.json_lines import is_wanted

LOGGERS = ("prefect.flow_runs", "prefect.task_runs")
MAX_STATE = 160
_TRACEBACK = "Traceback (most recent call last)"
PRINTED = {"is_printed_at_the_end": True}  # `extra` of a record that the command line prints on standard output too

_left_to_the_end = False


def leave_endings_to_the_caller() -> None:
    """From now on runs of this process say nothing on the terminal of how they ended, for their caller prints it."""
    global _left_to_the_end  # noqa: PLW0603  Prefect makes its handlers later, when the run begins
    _left_to_the_end = True


def leave_out_tracebacks() -> None:
    """From now on the runs' logs say of a RetailError its message alone, and a log that finds no room says nothing.

    Python prints a traceback for each line that a handler cannot write, unless told not to ("logging.raiseExceptions").
    """
    logging.raiseExceptions = False
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_keep_message)
    if _left_to_the_end:
        for name in ("", "prefect", *LOGGERS):
            for handler in logging.getLogger(name).handlers:
                if isinstance(handler, logging.StreamHandler):  # not the one that sends to the server
                    handler.addFilter(_is_told_now)


def _keep_message(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, RetailError) or (error is not None and meets_no_room(error)):
        record.msg, record.args, record.exc_info, record.exc_text = "%s", (str(error),), None, None
        record.is_told_at_the_end = True
    elif type(error) is Exception:  # prefect-dbt's, by which alone a node's task run ends
        record.exc_info = record.exc_text = None
    elif _TRACEBACK in str(record.msg) and NO_ROOM.search(record.getMessage()):  # dbt's own
        record.is_told_at_the_end = True
    elif str(record.msg).startswith("Finished in state") and len(record.getMessage()) > MAX_STATE:
        record.msg, record.args = "%s…", (record.getMessage()[:MAX_STATE],)
    return True


def _is_told_now(record: logging.LogRecord) -> bool:
    is_doubled = getattr(record, "is_printed_at_the_end", False) and not is_wanted()  # JSON lines are read without it
    return not is_doubled and not getattr(record, "is_told_at_the_end", False)
