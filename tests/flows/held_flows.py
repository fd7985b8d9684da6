"""Flows for deployments of tests: those of the product, which wait where HELD_AT says (`stop_child`)."""

from __future__ import annotations

import faulthandler
import os
import signal
from pathlib import Path

from flows.report import report
from flows.transform import transform
from tests.flows.stop_child import FOR_THIS_PROCESS, hold_at
from tests.kept_parses import parsing_once_in_flows

__all__ = ["report", "transform"]

if "HELD_AT" in os.environ:
    faulthandler.register(signal.SIGUSR1)  # where it hangs, if it does
    FOR_THIS_PROCESS.enter_context(parsing_once_in_flows())
    hold_at(os.environ["HELD_AT"], Path(os.environ["HELD_REACHED"]))
