"""Which target and source a run takes, and who said so: its first line, for a deployment has three places to say it."""

from __future__ import annotations

from prefect import get_run_logger
from prefect.context import FlowRunContext
from prefect.logging import get_logger

from flows.run.settings import Settings
from reports.names import clean_text

TOLD = {"target": "target", "source": "source", "work_dir": "work folder"}


def describe_origins(settings: Settings) -> str:
    """Each value with its origin, on one line."""
    told = [
        (label, clean_text(str(getattr(settings, field)), 500), settings.origin(field)) for field, label in TOLD.items()
    ]
    return ", ".join(f"{label} {value} ({origin})" for label, value, origin in told)


def tell_origins(settings: Settings) -> None:
    """Log that line, in the run's own log where there is one."""
    log = get_run_logger() if FlowRunContext.get() else get_logger("retail")
    log.info("Run with %s", describe_origins(settings))
